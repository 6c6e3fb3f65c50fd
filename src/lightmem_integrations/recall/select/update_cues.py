"""Update cues: what the text of a turn tells of something having changed, by patterns for English.

Words of change ("now", "moved to"), slots with their values ("29 dollars"), other people ("my
sister"). Only the sentences count that share the most words with the question.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import terms

_READ = 1500  # characters of a turn that are read; a guess

_LONG = 120  # characters of a sentence that is read by clauses; a guess
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\S)[^.!?\n]+)*[.!?]*")
_CLAUSE_END = re.compile(r"[,;:] ")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")

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
    r"|migrated|any longer|gave up|since (?:then|this|last)|(?:my|our|his|her|their) new"
    r"|(?:increas|decreas|rais|reduc|improv)(?:e|ed|ing)\b.{1,40}\bto"
    r"|(?:lowered|extended|dropped|risen|grew|grown|went (?:up|down))\b.{1,40}\bto)\b"
    r"|(?:^|[.!?;:,] )actually\b",
)
# "Correction: ...", "moved to June 28", "instead": what was said before is replaced.
_REPLACED = re.compile(
    r"(?:^|[.!?;:,] )(?:correction|sorry)\b"
    r"|\b(?:instead|rather than|switch(?:ed|ing)|swapped|replaced|chang(?:ed|ing)|mov(?:ed|ing)"
    r"|pushed back|postponed|delayed|brought forward|rescheduled|upgraded|cancel(?:l?ed)?)\b",
)
# "My sister lives in Toronto" is no version of "I live in Halifax".
_OTHERS = re.compile(
    r"\bmy (?:\w+ )?(sister|brother|mother|father|mom|mum|dad|parents?|wife|husband|partner"
    r"|girlfriend|boyfriend|son|daughter|child|kids?|cousin|uncle|aunt|grandm\w+|grandf\w+"
    r"|friend|neighbou?r|colleague|co-?worker|flatmate|roommate|boss)\b",
)
_NUMBER = re.compile(
    r"(?<![\w.])(?:\d[\d.,:]*\d|\d"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice)\b)"
)
_NEAR = 32  # characters before a number, in which the word before it stands; a guess
_BEFORE = re.compile(r"\b(\w{1,30})\W{1,2}\Z")
_AFTER = re.compile(r"\s?(?:(?:an?|per|each) )?(%|\w{1,30})")
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|often|long|old|tall)\b"
    r"|\b(?:percentage|average|price|cost|size|rate|number|count|deadline)\b",
    re.IGNORECASE,
)
_ASKS_WHEN = re.compile(
    r"\b(?:when|dates?|days?|deadline|due|time|month|schedul\w*|changed?)\b", re.IGNORECASE
)
# "Which flavors does Nate like?": what is said later adds to what was said before.
_ASKS_SEVERAL = re.compile(
    r"\b(?:what|which) (?:[\w-]+ ){0,2}?(?!series|species|news|gas)\w+[^\Wsu]s"
    r" (?:am|are|do|does|did|has|have|is|was|were)\b",
    re.IGNORECASE,
)
_DAYS = {"weekday": frozenset(WEEKDAYS), "month": frozenset(MONTHS)}
# Longer numbers, and names inside a sentence.
_VALUE = re.compile(r"\d[\d.,:]+\d|(?<=[a-z,] )[A-Z]\w\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a question is looked for in turns.

    Attributes:
        text: The question, in lower case.
        terms: Its terms, without those that ask when.
        number: Whether it asks for a number.
        when: Whether it asks for a day.
        several: Whether it asks for several things, by a plural.
        person: Whether it asks about somebody by a word like "my sister".
        numbered: The numbers of what it asks about, by the word before each: "locker 3".
    """

    text: str
    terms: frozenset[str]
    number: bool
    when: bool
    several: bool
    person: bool
    numbered: Mapping[str, frozenset[str]]


class Said:
    """What a turn says in the sentences that are nearest to a question, each read when needed.

    Args:
        text: The turn.
        asked: What the question asks.
    """

    def __init__(self, text: str, asked: Asked) -> None:
        self._text = _nearest(text[:_READ], asked.terms)
        self._lowered = self._text.lower()
        self._asked = asked

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Terms of these sentences."""
        return frozenset(terms(self._text))

    @functools.cached_property
    def slots(self) -> Mapping[str, frozenset[str]]:
        """Numbers by the word before or behind them, days by kind."""
        return _slots(self._lowered) | (_days(self._lowered) if self._asked.when else {})

    @functools.cached_property
    def values(self) -> frozenset[str]:
        """Numbers and names by which somebody else's turn may repeat this one."""
        return frozenset(_VALUE.findall(self._text))

    @functools.cached_property
    def others(self) -> frozenset[str]:
        """People whom it is about and the question is not."""
        found = _OTHERS.findall(self._lowered)
        return frozenset(each for each in found if each not in self._asked.text)

    @functools.cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers that it has."""
        return frozenset(_NUMBER.findall(self._lowered))

    @functools.cached_property
    def changed(self) -> bool:
        """Whether words say that it was otherwise before."""
        return _CHANGED.search(self._lowered) is not None

    @functools.cached_property
    def replaces(self) -> bool:
        """Whether words say that something said before is replaced."""
        return _REPLACED.search(self._lowered) is not None

    @functools.cached_property
    def modifiers(self) -> Mapping[str, frozenset[str]]:
        """What stands just before each word of the question, by the word."""
        found: dict[str, set[str]] = {}
        for at, word in _places(self._lowered, self._asked.terms):
            before = self._lowered[max(at - _NEAR, 0) : at]
            if before[-1:].isalnum():  # amid a script without blanks
                continue
            for stem in terms(" ".join(before.split()[-1:]))[:1]:
                if not stem.isdigit():
                    found.setdefault(word, set()).add(stem)
        return {word: frozenset(before) for word, before in found.items()}

    @functools.cached_property
    def of_another_number(self) -> bool:
        """Whether it is about what bears another number: locker 5, where 3 is asked about."""
        asked = self._asked.numbered
        own = _numbered(self._lowered) if asked else {}
        return any(own[word].isdisjoint(asked[word]) for word in asked.keys() & own.keys())

    def repeats(self, older: Said) -> bool:
        """Whether it fills slots, and with nothing but what was said before."""
        said = [set().union(*each.slots.values()) for each in (self, older)]
        return bool(said[0]) and said[0] <= said[1]

    def told_apart(self, other: Said) -> bool:
        """Whether a word of the question tells them apart: "search API" from "payment API"."""
        asked = self._asked.terms
        if asked.isdisjoint(self.words - other.words):
            return False
        before, others = self.modifiers, other.modifiers
        return any(
            bool(before[word] & asked - other.words) and bool(others[word] - self.words)
            for word in before.keys() & others.keys()
        )


def read_question(question: str) -> Asked:
    """Read a question, once for all turns."""
    return Asked(
        text=question.lower(),
        terms=frozenset(terms(question)) - WHEN,
        number=_ASKS_NUMBER.search(question) is not None,
        when=_ASKS_WHEN.search(question) is not None,
        several=_ASKS_SEVERAL.search(question) is not None,
        person=_OTHERS.search(question.lower()) is not None,
        numbered=_numbered(question.lower()),
    )


def differing_slots(one: Said, other: Said) -> bool:
    """Whether both fill a slot, and with different values: "29 dollars", "39 dollars"."""
    common = one.slots.keys() & other.slots.keys()
    return any(one.slots[slot].isdisjoint(other.slots[slot]) for slot in common)


def _nearest(text: str, asked: frozenset[str]) -> str:
    """The sentences that share the most words with a question; of a long one, nearby clauses."""
    found = _places(text.lower(), asked)
    if not found:
        return text
    near: list[tuple[int, int]] = []
    most = 0
    for sentence in _SENTENCE.finditer(text):
        start, end = sentence.span()
        inside = [place for place in found if start <= place[0] < end]
        if not inside or len(inside) < most:
            continue
        cuts = [start, end]
        if end - start > _LONG:
            cuts[1:1] = [cut.end() for cut in _CLAUSE_END.finditer(text, start, end)]
        last = len(cuts) - 1
        for n in range(last):
            first, behind = cuts[max(n - 1, 0)], cuts[min(n + 2, last)]
            count = len({term for at, term in inside if first <= at < behind})
            if count > most:
                near, most = [], count
            if count == most:
                # Neighbours overlap.
                near.append((max(first, near[-1][1]) if near else first, behind))
    return " ".join(text[first:behind].strip() for first, behind in near)


def _places(text: str, asked: frozenset[str]) -> list[tuple[int, str]]:
    """Where these terms occur; the stem is made only of words that begin as one of them does."""
    found = []
    for term in asked:
        # Stems may end in another letter than the word: "studi", "study".
        begin = term[:-1] or term if term.isascii() else term
        at = text.find(begin)
        while at >= 0:
            # Where a script has no blanks, a term may stand amid others.
            if not term.isascii():
                found.append((at, term))
            elif not text[at - 1 : at].isalnum():
                word = _WORD.match(text, at)
                if word and term in terms(word[0]):
                    found.append((at, term))
            at = text.find(begin, at + 1)
    return found


def _slots(said: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for match in _NUMBER.finditer(said):
        start, end = match.span()
        before = _BEFORE.search(said, max(start - _NEAR, 0), start)
        after = _AFTER.match(said, end)
        for context in (before and before[1], after and after[1]):
            slot = context if context == "%" else next(iter(terms(context or "")), None)
            if slot:
                found.setdefault(slot, set()).add(match[0])
    return {slot: frozenset(values) for slot, values in found.items()}


def _numbered(said: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for match in _NUMBER.finditer(said):
        before = _BEFORE.search(said, max(match.start() - _NEAR, 0), match.start())
        # A day is when, and not what.
        if before and before[1] not in MONTHS:
            for word in terms(before[1])[:1]:
                found.setdefault(word, set()).add(match[0])
    return {word: frozenset(numbers) for word, numbers in found.items()}


def _days(said: str) -> dict[str, frozenset[str]]:
    held = {word.removesuffix("s") for word in re.findall(r"\w+", said)}
    return {kind: names & held for kind, names in _DAYS.items() if held & names}
