"""Clauses in which a speaker states something, by rules about English."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightmem_integrations.text.sentences import masked, unmasked

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
# Characters of "Last Friday, ..."; a guess.
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
    """True unless the whole turn is an order, a joke, or somebody else's text to work on."""
    return not _NOT_OWN.search(text)


def statements(sentence: str) -> Iterator[str]:
    """Clauses of a sentence that state something, contractions written out."""
    if sentence.endswith("?") or _NOT_STATED.search(sentence):
        return
    pieces = _BETWEEN.split(_SMALL_I.sub("I", masked(sentence).translate(_CURLY)))
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
        yield unmasked(clause)


def is_supposed(sentence: str) -> bool:
    """True for a sentence that supposes, wishes, orders or reports: it states nothing itself."""
    return bool(_NOT_STATED.search(sentence))
