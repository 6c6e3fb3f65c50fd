"""Update cues: what the text of a turn tells of something having changed, by patterns for English.

Words of change ("now", "moved to"), slots with their values ("29 dollars"), other people ("my
sister"). Only the sentences count that share the most words with the question.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import terms

_READ = 1500  # characters of a turn that are read; a guess

_LONG = 120  # characters of a sentence that is read by clauses; a guess
_CLAUSE_END = re.compile(r"(?<=[,;:]) ")

# Words of a question that ask when, and tell nothing of what.
WHEN: frozenset[str] = frozenset(
    terms(
        "before first originally original previous previously initially initial used use past old"
        " current currently now far so beginning start latest much many change changed over time"
        " history ever still"
    )
)

# "I'm now a manager", "it has reached 165", "no longer": it was otherwise before.
_CHANGED = re.compile(
    r"\b(?:now|nowadays|these days|recently|meanwhile|so far|no longer|any ?more|currently"
    r"|update[ds]?|reached|became|adjust(?:ed)?|stopped|quit|left|joined|retired"
    r"|migrated|any longer|gave up|since (?:then|this|last)"
    r"|(?:increas|decreas|rais|reduc|improv)(?:e|ed|ing)\b.{1,40}\bto"
    r"|(?:lowered|extended|dropped|risen|grew|grown|went (?:up|down))\b.{1,40}\bto)\b"
    r"|(?:^|[.!?;:,] )actually\b",
    re.IGNORECASE,
)
# "Correction: ...", "moved to June 28", "instead": what was said before is replaced.
_REPLACED = re.compile(
    r"(?:^|[.!?;:,] )(?:correction|sorry)\b"
    r"|\b(?:instead|rather than|switch(?:ed|ing)|swapped|replaced|chang(?:ed|ing)|mov(?:ed|ing)"
    r"|pushed back|postponed|delayed|brought forward|rescheduled|upgraded|cancel(?:l?ed)?)\b",
    re.IGNORECASE,
)
# "My sister lives in Toronto" is no version of "I live in Halifax".
_OTHERS = re.compile(
    r"\bmy (?:\w+ )?(sister|brother|mother|father|mom|mum|dad|parents?|wife|husband|partner"
    r"|girlfriend|boyfriend|son|daughter|child|kids?|cousin|uncle|aunt|grandm\w+|grandf\w+"
    r"|friend|neighbou?r|colleague|co-?worker|flatmate|roommate|boss)\b",
    re.IGNORECASE,
)
_NUMBER = (
    r"(?:\d[\d.,:]*\d|\d"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice)\b)"
)
_HAS_NUMBER = re.compile(_NUMBER, re.IGNORECASE)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|often|long|old|tall)\b"
    r"|\b(?:percentage|average|price|cost|size|rate|number|count|deadline)\b",
    re.IGNORECASE,
)
_ASKS_WHEN = re.compile(
    r"\b(?:when|dates?|days?|deadline|due|time|month|schedul\w*|changed?)\b", re.IGNORECASE
)
_SLOT = re.compile(
    r"(?:(?P<before>\b\w{1,30})\W{1,2})?"
    rf"(?<![\w.])(?P<value>{_NUMBER})\s?"
    r"(?:(?:an?|per|each) )?(?P<after>%|\w{1,30})?",
    re.IGNORECASE,
)
_DAYS = {"weekday": frozenset(WEEKDAYS), "month": frozenset(MONTHS)}
# Longer numbers, and names inside a sentence.
_VALUE = re.compile(r"\d[\d.,:]+\d|(?<=[a-z,] )[A-Z]\w\w+")


@dataclass(frozen=True, slots=True)
class Said:
    """What a turn says in the sentences that are nearest to a question.

    Attributes:
        text: These sentences.
        words: Their terms.
        asked: The question's terms.
        slots: Numbers by the word before or behind them, days by kind.
        values: Numbers and names by which somebody else's turn may repeat this one.
        others: People whom it is about and the question is not.
        counts: Whether it has a number, where the question asks for one.
        changed: Whether words say that it was otherwise before.
        replaces: Whether words say that something said before is replaced.
    """

    text: str
    words: frozenset[str]
    asked: frozenset[str]
    slots: Mapping[str, frozenset[str]]
    values: frozenset[str]
    others: frozenset[str]
    counts: bool
    changed: bool
    replaces: bool


def read_said(text: str, question: str) -> Said:
    """Read a turn in view of a question."""
    asked = frozenset(terms(question)) - WHEN
    units = _units(text[:_READ])
    shared = [len(asked & words) for _, words in units]
    most = max(shared, default=0)
    near = [unit for unit, count in zip(units, shared, strict=True) if count == most]
    said = " ".join(unit for unit, _ in near)
    slots = _slots(said) | (_days(said) if _ASKS_WHEN.search(question) else {})
    return Said(
        text=said,
        words=frozenset().union(*(words for _, words in near)),
        asked=asked,
        slots=slots,
        values=frozenset(_VALUE.findall(said)),
        others=frozenset(
            found
            for each in _OTHERS.findall(said)
            if (found := each.lower()) not in question.lower()
        ),
        counts=_ASKS_NUMBER.search(question) is not None and bool(_HAS_NUMBER.search(said)),
        changed=_CHANGED.search(said) is not None,
        replaces=_REPLACED.search(said) is not None,
    )


def told_apart(one: Said, other: Said) -> bool:
    """Whether a word of the question tells them apart: the "search API" from the "payment API"."""
    if one.asked.isdisjoint(one.words - other.words):
        return False
    before, others = _modifiers(one.text), _modifiers(other.text)
    return any(
        bool(before[word] & one.asked - other.words) and bool(others[word] - one.words)
        for word in one.asked.intersection(before, others)
    )


def differing_slots(one: Said, other: Said) -> bool:
    """Whether both fill a slot, and with different values: "29 dollars", "39 dollars"."""
    common = one.slots.keys() & other.slots.keys()
    return any(one.slots[slot].isdisjoint(other.slots[slot]) for slot in common)


def _modifiers(said: str) -> dict[str, frozenset[str]]:
    """What stands just before each word, by the word."""
    found: dict[str, set[str]] = {}
    words = [terms(word) for word in said.split()]
    for before, word in itertools.pairwise(words):
        if before and word and not before[0].isdigit():
            found.setdefault(word[0], set()).add(before[0])
    return {word: frozenset(before) for word, before in found.items()}


def _units(text: str) -> list[tuple[str, frozenset[str]]]:
    """Sentences with their terms; of a long one, each clause with its neighbours."""
    units = []
    for sentence in sentences(text):
        clauses = _CLAUSE_END.split(sentence) if len(sentence) > _LONG else [sentence]
        words = [frozenset(terms(clause)) for clause in clauses]
        for n in range(len(clauses)):
            near = slice(max(n - 1, 0), n + 2)
            units.append((" ".join(clauses[near]), frozenset().union(*words[near])))
    return units


def _slots(said: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for match in _SLOT.finditer(said):
        for context in (match["before"], match["after"]):
            slot = next(iter(terms(context or "")), context)
            if slot and (slot == "%" or terms(slot)):
                found.setdefault(slot, set()).add(match["value"].lower())
    return {slot: frozenset(values) for slot, values in found.items()}


def _days(said: str) -> dict[str, frozenset[str]]:
    held = {word.removesuffix("s") for word in re.findall(r"\w+", said.lower())}
    return {kind: names & held for kind, names in _DAYS.items() if held & names}
