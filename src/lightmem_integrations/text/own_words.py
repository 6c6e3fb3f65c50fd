"""Whether words are the speaker's own, and no order, joke, story, or text to work on.

By rules about English; what they find speaks against a fact that a model wrote of such words.
"""

from __future__ import annotations

import re

WORK = (
    r"translate|rewrite|rephrase|proofread|summari[sz]e|paraphrase|correct(?!,)|edit|fix|write|compose|"
    r"draft|imagine|pretend|suppose|repeat|turn (?:that|this|it) into|make up|invent|complete the"
)
"""Verbs that ask for work on a text, as a part of a regular expression."""
_TOLD = (
    r"games?|stor(?:y|ies)|novels?|dreams?|movies?|films?|books?|songs?|shows?|series|plays?|"
    r"scenes?|chapters?|episodes?|animes?|campaigns?|simulations?|scripts?|sketch|poems?|tales?|"
    r"legends?|sagas?|universe|roles?|lyrics|worlds?|quests?|comics?|fan ?fictions?|server|"
    r"musicals?|operas?|rounds?"
)
# The whole turn is not the speaker's own word: orders to the machine, texts to work on, jokes.
_NOT_OWN = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:rules?|instructions?|prompts?|"
    r"guidelines|polic(?:y|ies)|above|previous|everything)\b|\bsystem (?:prompt|message)\b|"
    r"\byou are now\b|\bfrom now on,? (?:you|act|respond)\b|\bkidding\b|\bjoking\b|\bjoke\b|"
    r"</?[^\S\n]{0,9}(?:memory|system|instructions?)\b|"
    r"^[^\S\n]{0,9}(?:def \w+\(|class \w+[(:]|const \w+ ?=|function \w*\(|#include)|"
    r"\b(?:fictional|hypothetical|imaginary|made-up)\b|\b(?:e\.g\.|for example),? (?:I|my|we)\b|"
    rf"^[^\w\n]{{0,9}}(?:(?:please|can you|could you|help me|let's|let us) ){{0,3}}(?:{WORK})\b|"
    rf"[.!?;] (?:(?:please|now|can you|could you) ){{0,2}}(?:{WORK})\b|"
    r"^[^\S\n]{0,9}(?:system|assistant|user|you are (?:an?|the|my)\b)|"
    r"^[^\w\n]{0,9}as an? [\w -]{1,40}, (?:i|we)\b|\bonce upon a time\b|"
    r"\b(?:novels?|fiction(?:al)?|protagonist|villain|npcs?|personas?|user stor(?:y|ies)|avatar|"
    r"placeholder|lorem ipsum|template|hypothetical(?:ly)?|imaginary|make-believe|alter ego|"
    r"(?:example|sample|test|dummy|fake|mock) (?:sentence|text|data|user|profile|message|bio|"
    r"answer|dialog|dialogue|conversation|interview)s?|(?:my|the|this|main|new) character|"
    r"character's|playing (?:as|the (?:role|part))|I play (?:as|an?|the (?:role|part) of)) "
    rf"|\b(?:in|from|inside) (?:my|the|this|that|an?|his|her|our|your) "
    rf"(?:(?!with|and)[\w'-]{{1,20}} ){{0,2}}(?:{_TOLD})\b(?! (?:tournament|tourney|contest|match|"
    r"league|party|club|industry|night|store|shop|company|studio|convention))",
    re.IGNORECASE | re.MULTILINE,
)
# A play begins, in which people speak as somebody else.
_PLAY = re.compile(
    r"\brole[- ]?play|\blet's (?:play|pretend)\b|\btext adventure\b|\bdungeon master\b|\bact as\b|"
    r"\bin character\b|\bmock interview\b|\b(?:tell|write) (?:me |us )?a (?:\w{1,20} )?story\b|"
    r"\bpretend(?:ing)? (?:to be|that|you|I|we)\b",
    re.IGNORECASE,
)
# The same, where it goes on over turns for sure.
_LONG_PLAY = re.compile(
    r"\brole[- ]?play|\blet's pretend\b|\btext adventure\b|\bdungeon master\b|\bmock interview\b|"
    r"\bpretend(?:ing)? (?:to be|that|you)\b|\bact as\b|"
    r"\byou(?:'re| are) (?:an?|my|the) [^.!?]{2,40} and i(?:'m| am)\b",
    re.IGNORECASE,
)

# Orders to a model to leave its own: never what somebody is like.
_OVERRIDE = re.compile(
    r"(?:^|[.!?:;,\"'>-]\s{0,3}|\b(?:please|now|and|then|must|should|to|you|shall) )"
    r"(?:ignore|disregard|forget|override|bypass) (?:(?:all|any|of|the|your|these|those|previous|"
    r"prior|above|earlier|other|safety|system|given) ){1,4}"
    r"(?:rules?|instructions?|prompts?|guidelines|polic(?:y|ies)|directions)\b|"
    r"\b(?:ignore|disregard|forget) (?:everything|all|what(?:ever)?)(?: that)? "
    r"(?:was |is |you were )?(?:above|before|told|said before)\b|\bignore your rules\b|"
    r"\b(?:reveal|print|show|repeat|leak|new|your) (?:\w{1,10} ){0,2}system (?:prompt|message)\b|"
    r"\byou are now (?:an?|in|the|free|unrestricted|dan)\b|\b(?:jailbreak|dan) mode\b|"
    r"<\|?[^\S\n]{0,9}/?(?:im_start|im_end|system|instructions?|memory|inst)\b|\[/?INST\]",
    re.IGNORECASE | re.MULTILINE,
)


def is_own_word(text: str) -> bool:
    """True unless the whole turn is an order, a joke, a story, or a text to work on."""
    return not _NOT_OWN.search(text) and not _PLAY.search(text)


def begins_play(text: str) -> bool:
    """True if people speak as somebody else from here on."""
    return bool(_LONG_PLAY.search(text))


def overrides_instructions(text: str) -> bool:
    """True if it orders a model to leave its instructions, or poses as the frame of a prompt."""
    return bool(_OVERRIDE.search(text))
