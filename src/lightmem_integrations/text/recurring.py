"""Recurring dates: which Friday, which 5th and which summer is meant when one is told.

They are counted in the calendar: dateparser, which `temporal` asks for most other dates, reads
none of them.

Seasons are whole months, as meteorologists count them, and those of the north, where about nine of
ten people live: a guess. In the south the same word means a time half a year away. So a season
says no more of a fact than its year, and a question is asked of both halves of the world.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from lightmem_integrations.text.calendar_names import MONTHS, SEASONS, WEEKDAYS
from lightmem_integrations.text.precision import Precision, date_words, first_moment

Direction = Literal["past", "nearest", "future"]
"""Direction in which an open year is looked for: "in May", "on 8 November"."""

_WEEKDAY, _SEASON = "|".join(WEEKDAYS), "|".join(SEASONS)
_COUNT = r"[1-9]\d?|one|two|three|four|five|six|seven|eight|nine|ten|a couple of"
# "The 5th floor" and "the 5th of last month" are no days of this month: what may follow one.
_NO_NOUN = (
    r"(?=\s*(?:$|[.,;:!?)\u2013]|(?:i|we|you|he|she|it|they|at|in|with|for|to|when|while|because|"
    r"but|so|and (?!the \d|\d)|my|our|his|her|their|there|if|as)\b))"
)
OWN = r"\b(?! of\b(?! course\b))"
"""Behind "last week": "the last week of April" is told from April, and not from when it is said."""

_UNITS = "|".join(("night", "day", "week", "weekend", "month", "year", "time", *MONTHS))
BEFORE_LAST, AFTER_NEXT = (
    rf"{word}\b(?! (?:{_UNITS}|{_WEEKDAY}|{_SEASON})\b)" for word in ("before last", "after next")
)
"""Ends of "the week before last", which is not the Friday before last week."""

RECURRING = (
    rf"(?P<weekday>(?:{_COUNT}) (?:{_WEEKDAY})s ago"
    rf"|the (?:{_WEEKDAY}) (?:{BEFORE_LAST}|{AFTER_NEXT}))"
    rf"|(?P<season>(?:last|next|this|this past|this coming) (?:{_SEASON}){OWN}"
    rf"|(?:{_COUNT}) (?:{_SEASON})s ago|the (?:{_SEASON}) {BEFORE_LAST}"
    rf"|(?:(?:in|during|over|since) (?:the )?|the )(?:(?:early|late|mid) )?(?:{_SEASON})"
    r"(?: of|,)? (?:19|20)\d\d)"
    rf"|(?P<monthday>(?:on|since) the (?:3[01]|[12]\d|[1-9])(?:st|nd|rd|th){_NO_NOUN})"
)
"""Regular expression of these dates; the name of the group tells their kind."""

KINDS = frozenset({"weekday", "season", "monthday"})

_NAMED = re.compile(rf"\b({_WEEKDAY}|{_SEASON})s?\b")
_NUMBER = re.compile(rf"{_COUNT}")
_NUMBERS: Mapping[str, int] = MappingProxyType({
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "a couple of": 2,
})  # fmt: skip
_FIRST_MONTHS: Mapping[str, int] = MappingProxyType(
    {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
)
_MONTHS, _HALF_A_YEAR = 3, 6  # of a season; between those of the north and of the south
_ONE_DAY = dt.timedelta(days=1)


class Read(NamedTuple):
    """What an expression means: its start, its end, that in words, and how exactly it is told."""

    start: dt.datetime
    end: dt.datetime
    words: str
    precision: Precision


def recurring(
    phrase: str, kind: str, time: dt.datetime, direction: Direction, *, south: bool
) -> Read | None:
    """What a recurring date means; ``None`` where it means no time there is.

    Args:
        phrase: What `RECURRING` matched, in lower case.
        kind: Its group there.
        time: When it was said.
        direction: Where it is looked for, if the phrase does not say that.
        south: Whether seasons are those of the southern hemisphere.
    """
    if kind == "season":
        return _season(phrase, time, direction, south=south)
    start = _weekday(phrase, time) if kind == "weekday" else _monthday(phrase, time, direction)
    if start is None:
        return None
    since = "since" if phrase.startswith("since") else "on"
    return Read(start, start + _ONE_DAY, f"{since} {date_words(start)}", "day")


def steps(phrase: str) -> int:
    """How many of its kind on from now: last week is -1, this week 0, the week after next 2."""
    if phrase.endswith((" before last", " after next")):
        return -2 if phrase.endswith(" last") else 2
    if phrase.endswith(" ago"):
        count = _NUMBER.match(phrase)
        word = count[0] if count else "one"
        return -(_NUMBERS.get(word) or int(word))
    if phrase.startswith(("last ", "this past ")):
        return -1
    return 1 if phrase.startswith(("next ", "this coming ")) else 0


def _weekday(phrase: str, time: dt.datetime) -> dt.datetime:
    """Two Fridays ago is a week before last Friday, which is the nearest one before today."""
    named, count = _NAMED.findall(phrase)[-1], steps(phrase)
    away = (WEEKDAYS.index(named) - time.weekday()) % 7
    first = away or 7 if count > 0 else away - 7
    others = count - 1 if count > 0 else count + 1
    return first_moment(time, "day") + (first + 7 * others) * _ONE_DAY


def _monthday(phrase: str, time: dt.datetime, direction: Direction) -> dt.datetime | None:
    """Today, the last or, looking ahead, the next day of that number; not every month has one."""
    number = int(re.findall(r"\d+", phrase)[0])
    step = 1 if direction == "future" else -1
    for months in range(3):  # of two months in a row one has 31 days; this one's may lie behind
        first = _month(time, step * months)
        day = first + (number - 1) * _ONE_DAY
        gone = (day - first_moment(time, "day")) * step < 0 * _ONE_DAY
        if day.month == first.month and not gone:
            return day
    return None


def _season(phrase: str, time: dt.datetime, direction: Direction, *, south: bool) -> Read | None:
    name = _NAMED.findall(phrase)[-1]
    year = re.search(r"\d{4}$", phrase)
    since = "since" if phrase.startswith("since") else "in"
    if year:
        start, end = _span(name, time.replace(year=int(year[0]), month=1, day=1), south=south)
        if end.year > start.year:  # also that which began the year before
            start = start.replace(month=1)
        return Read(start, end, f"{since} the {name} of {year[0]}", "year")
    years = (time.replace(year=time.year + more, day=1) for more in range(-12, 3))
    found = _which([_span(name, each, south=south) for each in years], phrase, time, direction)
    if found is None:
        return None
    start, end = found
    ends = f"/{end.year % 100:02}" if end.year > start.year else ""
    return Read(start, end, f"{since} the {name} of {start.year}{ends}", "year")


_Span = tuple[dt.datetime, dt.datetime]


def _which(
    spans: list[_Span], phrase: str, time: dt.datetime, direction: Direction
) -> _Span | None:
    """Of the same seasons of some years the one that is meant."""
    begun = [span for span in spans if span[0] <= time]
    over = [span for span in spans if span[1] <= time]
    back = steps(phrase)
    if back > 0:
        return spans[len(begun)]
    if back < 0:
        return over[back] if len(over) >= -back else None
    if direction == "nearest":
        return min(spans, key=lambda span: abs(span[0] + (span[1] - span[0]) / 2 - time))
    return begun[-1] if direction == "past" else spans[len(over)]


def _span(name: str, year: dt.datetime, *, south: bool) -> _Span:
    """The season that begins in a year."""
    month = (_FIRST_MONTHS[name] - 1 + (_HALF_A_YEAR if south else 0)) % 12
    start = _month(year.replace(month=1, day=1), month)
    return start, _month(start, _MONTHS)


def _month(moment: dt.datetime, more: int) -> dt.datetime:
    """The first moment of the month so many months on."""
    years, month = divmod(moment.month - 1 + more, 12)
    return first_moment(moment, "day").replace(year=moment.year + years, month=month + 1, day=1)
