"""English clauses: subject, verb and polarity, made a sentence that names its speaker."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lightmem_integrations.consolidation.write.fact_patterns import PRESENT, RELATIONS

Polarity = Literal["so", "not", "ended", "once"]
"""Of a statement: it is so, is not so, is no longer so, or used to be so."""

NAMELESS = frozenset({"", "user", "assistant", "system", "tool", "ai", "bot", "human"})
"""Speakers of whom only the role is known."""

_GREETING = re.compile(
    r"^(?:(?:hey|hi|hello|wow|woah|yeah|yes|yep|yup|well|so|oh|also|btw|by the way|actually|and|"
    r"but|plus|anyway|lately|recently|currently|now|nowadays|these days|honestly|luckily|sadly|"
    r"unfortunately|fortunately|finally|then|ok|okay|haha|great news|good news|"
    r"guess what)\b[,.!: ]*)+",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:[^,!:]{1,40}[,!] ?){1,3}(?=(?:I|We|we|My|my|Our|our)\b)")
# "In Middle-earth, I", "as a customer, I", "like Bob, I": of these, the speaker may be another.
_ELSEWHERE = re.compile(
    r"(?:^|[,!] ?)(?!as for me\b)(?:in|as|according|for|like|unlike|by|with|under|inside|within|"
    r"per|through|via|from|at|on|when|while|once|where|to|instead|quote)\b",
    re.IGNORECASE,
)
_SELF = re.compile(r"^(?:I|[Ww]e) (?=\w)")
_KIN = re.compile(
    rf"^(?:[Mm]y|[Oo]ur) (?P<relation>{RELATIONS}),?(?: (?P<name>[A-Z][a-z]+)\b,?)? (?P<rest>.+)"
)
_ADVERB = (
    r"(?:just|also|really|finally|recently|actually|currently|already|now|still|even|always|"
    r"usually|"
    r"totally|absolutely|definitely|truly|both|all|super|so|completely|officially|often|myself)"
)
_ADVERBS = re.compile(
    rf"^((?:am|are|is|was|were|have|has|had|will|do not|does not|have been)? ?)(?:{_ADVERB} )+"
)
_POLARITIES: tuple[tuple[Polarity, re.Pattern[str], str], ...] = (
    (
        "ended",
        re.compile(r"^(am|are|is) (?:no longer|not) (.+?) (?:anymore|any more)\b.*"),
        r"\1 \2",
    ),
    ("ended", re.compile(r"^(am|are|is) no longer (.+)"), r"\1 \2"),
    ("ended", re.compile(r"^no longer (.+)"), r"\1"),
    ("ended", re.compile(r"^(?:do|does) not (.+?) (?:anymore|any more|any longer)\b.*"), r"\1"),
    ("once", re.compile(r"^used to (.+)"), r"\1"),
    ("not", re.compile(r"^(?:do|does) not (.+)"), r"\1"),
    ("not", re.compile(r"^cannot ((?:eat|drink) .+)"), r"\1"),
    ("not", re.compile(r"^(am|are|is) (?:not|never) (.+)"), r"\1 \2"),
    ("not", re.compile(r"^never (.+)"), r"\1"),
    ("not", re.compile(r"^have no (.+)"), r"have a \1"),
)
_BE = re.compile(r"^(?:am|are|is)\b ?")
_BE_SAID = {"not": "is not", "ended": "is no longer", "once": "used to be"}
# "I don't only live in Lisbon" denies nothing.
_HEDGED = re.compile(
    r"^(?:\w+ )?(?:not|never) (?:only|just|merely|simply|always|necessarily|yet)\b"
)
_ANY = re.compile(r"(?<=^have )any |(?<=^own )any ")
_PRONOUNS = {
    "my": "their",
    "our": "their",
    "mine": "theirs",
    "ours": "theirs",
    "me": "them",
    "us": "them",
    "myself": "themself",
    "ourselves": "themselves",
    "i": "they",
    "we": "they",
    "am": "are",
}
# "Book I" is a number.
_PRONOUN = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b(?<! I)|\bI(?= [a-z])", re.IGNORECASE)
_IRREGULAR = {"am": "is", "are": "is", "were": "was", "have": "has", "do": "does", "go": "goes"}


@dataclass(frozen=True, slots=True)
class Stated:
    """Subject and predicate of a clause."""

    subject: str
    predicate: str
    polarity: Polarity


def without_lead(clause: str) -> str:
    """The clause without greetings, interjections and names called out before it."""
    clause = _GREETING.sub("", clause.lstrip(", "))
    lead = _LEAD.match(clause)
    return clause[lead.end() :] if lead and not _ELSEWHERE.search(lead.group()) else clause


def parse(clause: str, speaker: str) -> Stated | None:
    """The subject, if it is the speaker or kin of theirs.

    Of anybody else, also of pronouns of the third person, who they are would be a guess.
    """
    own, kin = _SELF.match(clause), _KIN.match(clause)
    if own:
        subject, predicate = speaker, clause[own.end() :]
    elif kin:
        subject = kin["name"] or f"{called(speaker)}'s {kin['relation'].lower()}"
        predicate = _base_form(kin["rest"])
    else:
        return None
    if _HEDGED.match(predicate):
        return None
    predicate = _ADVERBS.sub(r"\1", predicate)
    for polarity, expression, rest in _POLARITIES:
        if expression.match(predicate):
            inner = _ADVERBS.sub(r"\1", expression.sub(rest, predicate))
            return Stated(subject, _ANY.sub("a ", inner), polarity)
    return Stated(subject, predicate, "so")


def sentence(stated: Stated, when: str | None) -> str:
    """A sentence that can be understood alone, with the absolute date to name in it."""
    be = _BE.match(stated.predicate)
    told = others_words(stated.predicate[be.end() :] if be else stated.predicate)
    verb, _, rest = told.partition(" ")
    if stated.polarity == "so":
        verb, _, rest = stated.predicate.partition(" ")
        told = f"{_third(verb)} {others_words(rest)}".strip()
    elif be:
        told = f"{_BE_SAID[stated.polarity]} {told}"
    elif stated.polarity == "ended":
        told = f"no longer {_third(verb)} {rest}"
    else:
        told = f"{'does not' if stated.polarity == 'not' else 'used to'} {told}"
    subject = called(stated.subject)
    return f"{subject[0].upper()}{subject[1:]} {told}{f' {when}' if when else ''}."


def called(subject: str) -> str:
    """The subject as a sentence names it."""
    return "the user" if subject == "user" else subject


def others_words(text: str) -> str:
    """The speaker's words as another would say them of the speaker: "my" becomes "their"."""

    def other(found: re.Match[str]) -> str:
        word = found.group()
        # "US", the country, is not "us".
        return word if word.isupper() and len(word) > 1 else _PRONOUNS[word.lower()]

    return _PRONOUN.sub(other, text)


def _base_form(predicate: str) -> str:
    """A predicate of the third person with the verb as the vocabulary knows it."""
    verb, _, rest = predicate.partition(" ")
    base = next((each for each in PRESENT if _third(each) == verb), verb)
    return f"{base} {rest}"


def _third(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb not in PRESENT:
        return verb
    if verb.endswith(("ch", "s", "sh", "x")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in "aeo":
        return f"{verb[:-1]}ies"
    return f"{verb}s"
