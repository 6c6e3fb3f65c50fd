"""A turn's text as sentences and as plain statements of its speaker, by rules about English."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r'"[^"\n]*(?:"|$)|“[^”\n]*(?:”|$)', re.MULTILINE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_BRACKETED = re.compile(r"\[[^\[\]]{0,400}\]")
_BLOCK_QUOTE = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)
_SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)(?<=[.!?…])\s+"
)
# Stand-ins from the private use area: marks inside a quotation end no sentence of the speaker's.
_HIDE = {mark: chr(0xE000 + place) for place, mark in enumerate(".!?…,;:-\u2013\u2014")}
_HIDDEN = str.maketrans(_HIDE)
_SHOWN = str.maketrans({hidden: mark for mark, hidden in _HIDE.items()})
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})

# The whole turn is not the speaker's own word: orders to the machine, texts to work on, jokes.
_NOT_OWN = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:rules?|instructions?|prompts?|"
    r"guidelines|polic(?:y|ies)|above|previous|everything)\b|\bsystem (?:prompt|message)\b|"
    r"\byou are now\b|\bfrom now on,? (?:you|act|respond)\b|\bact as\b|\brole-?play\b|"
    r"\bjust kidding\b|\bjoking\b|</?\s*(?:memory|system|instructions?)\b|"
    r"^[^\w\n]*(?:please |can you |could you )*(?:translate|rewrite|rephrase|proofread|"
    r"summari[sz]e|"
    r"paraphrase|correct|edit|fix|write|compose|draft|imagine|pretend|suppose|repeat)\b|"
    r"^[^\S\n]*(?:system|assistant|user)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
# The sentence supposes, reports or orders; nothing in it is taken for a fact.
_NOT_STATED = re.compile(
    r"\b(?:if|unless|whether|imagine|pretend|suppose|supposing|hypothetically|wish|dreamt?|dreamed|"
    r"said|says|saying|told|tells|wrote|claims?|claimed|asked|asks|quote|according|remember|"
    r"apparently|supposedly|as though)\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:might|may (?!\d)|could|would|should|maybe|perhaps|probably|possibly|hopefully|likely|"
    r"hope|hoping|not sure|guess|'d)\b"
)
_BETWEEN = re.compile(
    r"(?:,\s*|\s+)(?:and|but|so|plus|then|since|because)\s+(?=(?:I|we|my|our)\b)"
    r"|,\s+(?=(?:I|we)\b)|\s+[-\u2013\u2014]+\s+|;\s+|(?<=\w)\.\.+\s*"
)
_SELF = re.compile(r"\b(?:I|we|We)\b|^(?:[Mm]y|[Oo]ur) \w+ \w+")
_SMALL_I = re.compile(r"(?<![\w.'])i(?=['\s])")
_LONGEST_LEAD = 40
_EXPANSIONS = (
    (re.compile(r"\b(I)'m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"\b(we|they|you)'re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(I|we|they|you)'ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\b(I|we|they|you|she|he)'ll\b", re.IGNORECASE), r"\1 will"),
    (re.compile(r"\bcan(?:'t|not)\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(is|are|was|were|do|does|did|have|has|had)n't\b"), r"\1 not"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bwanna\b"), "want to"),
    (re.compile(r"\bgotta\b"), "have to"),
)


def is_own_word(text: str) -> bool:
    """Whether a turn as a whole can hold statements of its speaker."""
    return not _NOT_OWN.search(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without code, quoted lines and notes in brackets."""
    text = _BLOCK_QUOTE.sub("", _CODE.sub(" ", text)) if "`" in text or ">" in text else text
    text = _BRACKETED.sub(" ", text) if "[" in text else text
    text = _QUOTED.sub(lambda found: found.group().translate(_HIDDEN), text)
    return [
        " ".join(sentence.split()).translate(_SHOWN)
        for line in text.splitlines()
        for sentence in _SENTENCE_END.split(line)
        if sentence.strip()
    ]


def statements(sentence: str) -> Iterator[str]:
    """Clauses of a sentence that state something, contractions written out."""
    if sentence.endswith("?") or _NOT_STATED.search(sentence):
        return
    masked = _QUOTED.sub(lambda found: found.group().translate(_HIDDEN), sentence)
    pieces = _BETWEEN.split(_SMALL_I.sub("I", masked.translate(_CURLY)))
    lead = ""
    for place, piece in enumerate(pieces):
        clause = f"{lead}{piece.strip()}"
        # "Last Friday, I ..." belongs together.
        leads = place < len(pieces) - 1 and len(clause) <= _LONGEST_LEAD
        lead = f"{clause}, " if leads and not _SELF.search(clause) else ""
        if lead or not clause or _UNSURE.search(clause):
            continue
        for contracted, full in _EXPANSIONS:
            clause = contracted.sub(full, clause)
        yield clause.translate(_SHOWN)


def spoken(sentence: str) -> str:
    """The sentence without what stands in quotation marks."""
    return _QUOTED.sub(" ", sentence) if '"' in sentence or "“" in sentence else sentence


def is_supposed(sentence: str) -> bool:
    """Whether a sentence supposes, wishes, orders or reports, so that it states nothing itself."""
    return bool(_NOT_STATED.search(sentence))
