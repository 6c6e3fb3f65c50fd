"""Clauses in which a speaker states something of their own, by rules about English.

Stories, games, templates, quotations, orders and suppositions state nothing: where it is not plain
that a person speaks of themselves, nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightmem_integrations.text.sentences import masked, sentences, unmasked

_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
# Guesses: a longer turn is somebody's text, a longer sentence a list. They bound the time, too.
_LONGEST_TURN = 4_000
_LONGEST_SENTENCE = 400

_WORK = (
    r"translate|rewrite|rephrase|proofread|summari[sz]e|paraphrase|correct|edit|fix|write|compose|"
    r"draft|imagine|pretend|suppose|repeat|turn (?:that|this|it) into|make up|invent|complete the"
)
_TOLD = (
    r"games?|stor(?:y|ies)|novels?|dreams?|movies?|films?|books?|songs?|shows?|series|plays?|"
    r"scenes?|chapters?|episodes?|animes?|campaigns?|simulations?|scripts?|sketch|poems?|tales?|"
    r"legends?|sagas?|universe|roles?|lyrics|worlds?|quests?|comics?|fan ?fictions?|server"
)
# The whole turn is not the speaker's own word: orders to the machine, texts to work on, jokes.
_NOT_OWN = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:rules?|instructions?|prompts?|"
    r"guidelines|polic(?:y|ies)|above|previous|everything)\b|\bsystem (?:prompt|message)\b|"
    r"\byou are now\b|\bfrom now on,? (?:you|act|respond)\b|\bkidding\b|\bjoking\b|\bjoke\b|"
    r"</?[^\S\n]{0,9}(?:memory|system|instructions?)\b|"
    r"\b(?:fictional|hypothetical|imaginary|made-up)\b|\b(?:e\.g\.|for example),? (?:I|my|we)\b|"
    rf"^[^\w\n]{{0,9}}(?:(?:please|can you|could you|help me|let's|let us) ){{0,3}}(?:{_WORK})\b|"
    rf"[.!?;] (?:(?:please|now|can you|could you) ){{0,2}}(?:{_WORK})\b|"
    r"^[^\S\n]{0,9}(?:system|assistant|user|you are (?:an?|the|my)\b)|"
    r"^[^\w\n]{0,9}as an? [\w -]{1,40}, (?:i|we)\b|\bonce upon a time\b|"
    r"\b(?:novels?|fiction(?:al)?|protagonist|villain|npcs?|personas?|user stor(?:y|ies)|avatar|"
    r"placeholder|lorem ipsum|template|hypothetical(?:ly)?|imaginary|make-believe|alter ego|"
    r"(?:example|sample|test|dummy|fake|mock) (?:sentence|text|data|user|profile|message|bio|"
    r"answer|dialog|dialogue|conversation|interview)s?|(?:my|the|this|main|new) character|"
    r"character's|playing (?:as|the (?:role|part))|I play (?:as|an?|the (?:role|part) of)) "
    rf"|\b(?:in|from|inside) (?:my|the|this|that|an?|his|her|our|your) (?:[\w'-]{{1,20}} ){{0,2}}"
    rf"(?:{_TOLD})\b(?! (?:tournament|club|industry|night|store|shop|company|studio|convention))",
    re.IGNORECASE | re.MULTILINE,
)
# From here on, people speak as somebody else.
_PLAY = re.compile(
    r"\brole-?play|\blet's (?:play|pretend)\b|\btext adventure\b|\bdungeon master\b|\bact as\b|"
    r"\bin character\b|\bmock interview\b|\b(?:tell|write) (?:me |us )?a (?:\w{1,20} )?story\b|"
    r"\bpretend(?:ing)? (?:to be|that|you|I|we)\b",
    re.IGNORECASE,
)
# The sentence supposes, reports or orders; nothing in it is taken for a fact.
_NOT_STATED = re.compile(
    r"\b(?:if|unless|whether|imagine|pretend|suppose|supposing|hypothetically|wish|dreamt?|dreamed|"
    r"said|says|saying|told|tells|wrote|claims?|claimed|asked|asks|quote|according|remember|"
    r"apparently|supposedly|as though)\b|\b(?:lol|lmao|rofl|ha(?:ha){1,9})\W{0,9}$",
    re.IGNORECASE,
)
_COLON = re.compile(r":(?=\s|$)")
_UNSURE = re.compile(
    r"\b(?:might|may (?!\d)|could|would|should|maybe|perhaps|probably|possibly|hopefully|likely|"
    r"hope|hoping|not sure|guess|'d)\b"
)
_BETWEEN = re.compile(
    r"(?:, ?| )(?:and|but|so|plus|then|since|because) (?=(?:I|we|my|our)\b)"
    r"|, (?=(?:I|we)\b)| [-\u2013\u2014]{1,3} |; |(?<=\w)\.\.\.? ?"
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

_ENDED = re.compile(
    r"(?:but |and |though |sadly,? |actually,? |well,? ){0,3}(?:he|she|it|they|we|that|this|i)\b"
    r"[^.!?]{0,60}\b(?:died|passed away|broke up|divorced|split up|over|ended|gone|sold|quit|left|"
    r"lost|closed|stopped|no longer|any ?more|used to|ran away|put down|in the past)\b",
    re.IGNORECASE,
)


def is_own_word(text: str) -> bool:
    """True unless the whole turn is an order, a joke, a story, or a text to work on."""
    return not _NOT_OWN.search(text) and not starts_play(text)


def starts_play(text: str) -> bool:
    """True for a turn after which people may speak as somebody else."""
    return bool(_PLAY.search(text))


def is_pasted(text: str) -> bool:
    """True for a turn so long that it is hardly what somebody just said."""
    return len(text) > _LONGEST_TURN


def standing_sentences(text: str) -> Iterator[str]:
    """Sentences up to a colon, without those that the next one ends: "He died last year."."""
    said = sentences(text)
    for place, sentence in enumerate(said):
        if _COLON.search(sentence):  # what follows is a list, or somebody else's text
            return
        if not any(map(_ENDED.match, said[place + 1 : place + 2])):
            yield sentence


def statements(sentence: str) -> Iterator[str]:
    """Clauses of a sentence that state something, contractions written out."""
    if len(sentence) > _LONGEST_SENTENCE or sentence.endswith("?") or is_supposed(sentence):
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
