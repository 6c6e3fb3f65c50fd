"""Just enough English to turn "I no longer work at a bank" into a sentence about its speaker."""

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
_LEAD = re.compile(r"^(?:[^,!:]{1,40}[,!]\s*){1,3}(?=(?:I|We|we|My|my|Our|our)\b)")
_FICTION = re.compile(
    r"\b(?:dream|story|novel|games?|script|movie|film|book|song|character|fiction)\b", re.IGNORECASE
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
    ("not", re.compile(r"^(am|are|is) not (.+)"), r"\1 \2"),
)
_BE = re.compile(r"^(?:am|are|is)\b ?")
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
_PRONOUN = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)}|you|your)\b", re.IGNORECASE)
_IRREGULAR = {"am": "is", "are": "is", "were": "was", "have": "has", "do": "does", "go": "goes"}


@dataclass(frozen=True, slots=True)
class Stated:
    """Whom or what a clause is about, and what it says of it."""

    subject: str
    predicate: str
    polarity: Polarity


def without_lead(clause: str) -> str:
    """The clause without greetings, interjections and names called out before it."""
    clause = _GREETING.sub("", clause.lstrip(", "))
    lead = _LEAD.match(clause)
    return clause[lead.end() :] if lead and not _FICTION.search(lead.group()) else clause


def parse(clause: str, speaker: str, known: tuple[str, ...]) -> Stated | None:
    """The subject, if it is the speaker, kin of theirs, or somebody known by name.

    Pronouns of the third person stay unresolved: what they stand for would be a guess.
    """
    own, kin = _SELF.match(clause), _KIN.match(clause)
    if own:
        subject, predicate = speaker, clause[own.end() :]
    elif kin:
        subject = kin["name"] or f"{called(speaker)}'s {kin['relation'].lower()}"
        predicate = _base_form(kin["rest"])
    else:
        name = next((each for each in known if clause.startswith(f"{each} ")), None)
        if name is None or name.lower() in NAMELESS:
            return None
        subject, predicate = name, _base_form(clause[len(name) + 1 :])
    predicate = _ADVERBS.sub(r"\1", predicate)
    for polarity, expression, rest in _POLARITIES:
        if expression.match(predicate):
            inner = _ADVERBS.sub(r"\1", expression.sub(rest, predicate))
            return Stated(subject, inner, polarity)
    return Stated(subject, predicate, "so")


def sentence(stated: Stated, addressee: str | None, when: str | None) -> str:
    """A sentence that can be understood alone.

    Args:
        stated: What is said of whom.
        addressee: Who "you" is, if that is clear.
        when: The absolute date to name in it.
    """
    predicate, be = stated.predicate, _BE.match(stated.predicate)
    told = others_words(predicate, addressee)
    if stated.polarity == "so":
        verb, _, rest = predicate.partition(" ")
        told = f"{_third(verb)} {others_words(rest, addressee)}".strip()
    elif be:
        rest = others_words(predicate[be.end() :], addressee)
        told = {"not": "is not", "ended": "is no longer", "once": "used to be"}[stated.polarity]
        told = f"{told} {rest}"
    elif stated.polarity == "ended":
        verb, _, rest = predicate.partition(" ")
        told = f"no longer {_third(verb)} {others_words(rest, addressee)}"
    else:
        told = f"{'does not' if stated.polarity == 'not' else 'used to'} {told}"
    subject = called(stated.subject)
    subject = subject[0].upper() + subject[1:]
    return f"{subject} {told}{f' {when}' if when else ''}."


def called(subject: str) -> str:
    """The subject as a sentence names it."""
    return "the user" if subject == "user" else subject


def others_words(text: str, addressee: str | None) -> str:
    """The speaker's words as another would say them of the speaker: "my" becomes "their"."""

    def other(found: re.Match[str]) -> str:
        word = found.group()
        # "US", the country, is not "us".
        if word.isupper() and len(word) > 1:
            return word
        word = word.lower()
        if word.startswith("you"):
            name = addressee or "the other"
            return f"{name}'s" if word == "your" else name
        return _PRONOUNS[word]

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
