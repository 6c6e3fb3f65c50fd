"""Whether words are the speaker's own, and no order, joke, story, or text to work on.

By rules about English; what they find speaks against a fact that a model wrote of such words.
"""

from __future__ import annotations

import re

_WORK = (
    r"translate|rewrite|rephrase|proofread|summari[sz]e|paraphrase|correct(?!,)|edit|fix|write|compose|"
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
    r"^[^\S\n]{0,9}(?:def \w+\(|class \w+[(:]|const \w+ ?=|function \w*\(|#include)|"
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
# A play begins, in which people speak as somebody else.
_PLAY = re.compile(
    r"\brole-?play|\blet's (?:play|pretend)\b|\btext adventure\b|\bdungeon master\b|\bact as\b|"
    r"\bin character\b|\bmock interview\b|\b(?:tell|write) (?:me |us )?a (?:\w{1,20} )?story\b|"
    r"\bpretend(?:ing)? (?:to be|that|you|I|we)\b",
    re.IGNORECASE,
)
# The same, where it goes on over turns for sure.
_LONG_PLAY = re.compile(
    r"\brole-?play|\blet's pretend\b|\btext adventure\b|\bdungeon master\b|\bmock interview\b|"
    r"\bpretend(?:ing)? (?:to be|that you)\b",
    re.IGNORECASE,
)


def is_own_word(text: str) -> bool:
    """True unless the whole turn is an order, a joke, a story, or a text to work on."""
    return not _NOT_OWN.search(text) and not _PLAY.search(text)


def begins_play(text: str) -> bool:
    """True if people speak as somebody else from here on."""
    return bool(_LONG_PLAY.search(text))
