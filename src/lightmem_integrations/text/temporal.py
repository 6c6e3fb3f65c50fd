"""Temporal expressions: the dates that a text names, made absolute, in what is said and asked.

"Last Friday" and "next Friday" are the nearest ones before and after the text, be it yesterday or
tomorrow: some mean the one a week from it then. Weeks begin on Monday, and weekends go with them:
"last weekend" is that of last week, also on a Sunday, and "next weekend" that of next week; "this
weekend" is the nearer one. "The other day" stays unread: it may be any of some weeks.

Expressions are found by one regular expression and read by `recurring` or by dateparser, which is
loaded only once a text holds one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, zip_longest
from types import MappingProxyType
from typing import Any

from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.precision import Precision, date_words, first_moment
from lightmem_integrations.text.recurring import (
    AFTER_NEXT,
    BEFORE_LAST,
    KINDS,
    OWN,
    RECURRING,
    Direction,
    Read,
    recurring,
    steps,
)

_MONTH = "|".join((*MONTHS, *(name[:3] for name in MONTHS if name != "may"), "sept"))
_WEEKDAY = "|".join(WEEKDAYS)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_SOME = r"\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple(?: of)?"
_UNIT = "day|week|weekend|month|year"
_TO = r"(?: ?(?:to|until|through|and|or|/|-|\u2013) ?)"
_DATE = (
    rf"(?:the )?(?:{_DAY}{_TO})?{_DAY}(?: of)? (?:{_MONTH})\b\.?(?:,? {_YEAR})?"
    rf"|(?:{_MONTH})\.? {_DAY}\b(?:{_TO}{_DAY}\b)?(?:,? {_YEAR})?|{_YEAR}-\d\d-\d\d(?:/\d\d\b)?"
)
_SPAN = rf"(?:half a year|(?<!\bhalf )(?:{_SOME}) (?:{_UNIT})s?)"
_WITHIN = "(?:in|during|since|last|next)"
# "may" and "march" alone are words: they need a day, a year, or a preposition before them.
_PHRASE = re.compile(
    rf"\b(?:(?P<day>(?:on )?(?:{_DATE})"
    r"|the day before yesterday|yesterday|the day after tomorrow|tomorrow|last night"
    rf"|(?:on|last|next|this|this past|this coming) (?:{_WEEKDAY}){OWN}"
    rf"|(?:last|next) (?:mon|tues?|wed|thurs?|fri|sat|sun){OWN})"
    r"|(?P<today>today|tonight|this (?:morning|afternoon|evening))"
    rf"|{RECURRING}"
    rf"|(?P<week>(?:last|this|next) week{OWN}|the week (?:{BEFORE_LAST}|{AFTER_NEXT})"
    rf"|(?:(?:in|during) )?the week of (?:{_DATE}))"
    rf"|(?P<weekend>(?:(?:on|over) )?the weekend of (?:{_DATE})"
    rf"|(?:over the |this |this past |last |next )weekend{OWN}"
    rf"|the weekend (?:{BEFORE_LAST}|{AFTER_NEXT}))"
    rf"|(?P<month>(?:last|this|next) month{OWN}|the month {BEFORE_LAST}"
    rf"|(?:{_WITHIN} )?(?:{_MONTH}),? {_YEAR}"
    rf"|(?:{_MONTH})(?={_TO}(?:{_MONTH}),? {_YEAR}\b)|{_WITHIN} (?:{_MONTH})\b)"
    rf"|(?P<year>(?:last|this|next) year{OWN}|the year {BEFORE_LAST}"
    rf"|(?:back )?(?:in|during|since) {_YEAR})"
    rf"|(?P<ago>(?:(?:about|around|almost|over) )?{_SPAN} ago)|"
    rf"(?P<ahead>in {_SPAN})"
    rf"|(?P<lasting>for (?:the (?:last|past) )?(?:about |over |almost |nearly )?(?:{_SOME}) "
    r"(?:month|year)s?))\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"\ba few\b|\ba couple(?: of)?\b|\ban?\b")
_FEW = {"a few": "3", "a": "1", "an": "1"}
_LEADING = re.compile(
    r"^(?:(?:back|on|in|during|since|for|over|the|past|about|almost|nearly|this past|"
    r"this coming|week of) )+"
)
_RANGE = re.compile(
    rf"(?<!\d{{4}}-)\b(\d{{1,2}})(?:st|nd|rd|th)?{_TO}(\d{{1,2}})(?:st|nd|rd|th)?(?=[ ,]|$)"
)
_YEARLESS = re.compile(rf"(?:{_DAY}(?: of)? (?:{_MONTH})|(?:{_MONTH})\.?(?: {_DAY})?)$")
_CLOSED = re.compile(
    rf"{_TO}(?:the )?(?:{_DAY}|{_MONTH})\b[^.;?!]{{0,20}}\b({_YEAR})$", re.IGNORECASE
)
_BEFORE_LAST = re.compile(r"the (month|year) before last")
_ABOUT = re.compile(r"^(?:for )?(?:the (?:last|past) )?(?:(?:about|around|over|almost|nearly) )?")
SECONDS_A_DAY = 86_400.0
_ONE_DAY = dt.timedelta(days=1)
_THURSDAY, _SATURDAY = WEEKDAYS.index("thursday"), WEEKDAYS.index("saturday")
# A guess: a clause that names more dates than this is a calendar.
_MOST = 8
# Guesses: what lies beyond a long life is a slip of the pen, or history.
_EARLIEST = 1900
_FARTHEST = dt.timedelta(days=366 * 120)

_EXACT: Mapping[str, Precision] = MappingProxyType(
    {"day": "day", "week": "week", "weekend": "week", "month": "month", "year": "year"}
)
_OF_A_FEW: Mapping[str, Precision] = MappingProxyType({"day": "week", "week": "month"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A temporal expression in a text.

    Attributes:
        span: Its first character and the one behind its last.
        start: When the time begins that it means.
        end: When that ends (exclusive).
        words: The same, absolute: "on 6 June 2025", "in May 2025".
        precision: How exactly that is told: "a few weeks ago" means no week, but about a month.
        lasting: True where it says since when something has been so, not when it happened.
        season: True where it names one, which lies elsewhere in the other half of the world.
    """

    span: tuple[int, int]
    start: dt.datetime
    end: dt.datetime
    words: str
    precision: Precision
    lasting: bool
    season: bool


def names_dates(text: str) -> bool:
    """Whether a text may name dates: to read them may load the date parser, which takes long."""
    return _PHRASE.search(text) is not None


def readings(text: str, time: dt.datetime, *, direction: Direction = "nearest") -> list[Mention]:
    """The dates that a text names, and its seasons as those of both halves of the world."""
    found = mentions(text, time, direction=direction)
    if any(mention.season for mention in found):
        others = mentions(text, time, direction=direction, south=True)
        found += [mention for mention in others if mention.season]
    return found


def mentions(
    text: str, time: dt.datetime, *, direction: Direction = "nearest", south: bool = False
) -> list[Mention]:
    """The dates that a text names, the first eight of them.

    Args:
        text: A sentence, a clause, or a question.
        time: When it was said, with a time zone.
        direction: Where an open year is looked for. The ``nearest`` day, and of months and
            weekdays the last one, is what people mean who tell something; ``future`` suits plans,
            ``past`` questions.
        south: Whether seasons are those of the southern hemisphere.
    """
    found = []
    matches = list(islice(_PHRASE.finditer(text), _MOST))
    for match, following in zip_longest(matches, matches[1:]):
        kind, phrase = match.lastgroup or "", match.group().lower()
        if following and _YEARLESS.search(phrase):
            # "28 May to 3 June 2023" has one year.
            closed = _CLOSED.fullmatch(text, match.end(), following.end())
            phrase = f"{phrase} {closed[1]}" if closed else phrase
        try:
            if kind in KINDS:
                read = recurring(phrase, kind, time, direction, south=south)
            else:
                read = _resolved(phrase, kind, time, direction)
        except (ValueError, OverflowError):  # before the first day of the calendar, or past its end
            continue
        if read is None or read[0].year < _EARLIEST or abs(read[0] - time) > _FARTHEST:
            continue
        start, end, words, precision = read
        lasting = kind == "lasting" or phrase.startswith("since ")
        span, season = match.span(), kind == "season"
        found.append(Mention(span, start, end, words, precision, lasting, season))
    return found


def _resolved(phrase: str, kind: str, time: dt.datetime, direction: Direction) -> Read | None:
    """What an expression means; None where it means no time there is."""
    if kind == "today":
        return Read(time, _midnight(time) + _ONE_DAY, f"on {date_words(time)}", "day")
    ahead = direction == "future"
    if kind in {"week", "weekend"} and " of " not in phrase:
        weeks = steps(phrase)
        if phrase.startswith(("this weekend", "over")):
            at_hand = _THURSDAY if phrase.startswith("this") else _SATURDAY
            weeks = 0 if ahead or time.weekday() >= at_hand else -1
        return _period(time + 7 * weeks * _ONE_DAY, phrase, kind)
    phrase = _BEFORE_LAST.sub(r"2 \1s ago", phrase.replace("half a year", "6 months"))
    if phrase.startswith(("next ", "last ", "this ", "since ")):
        ahead = phrase.startswith(("next ", "this coming "))
    plain = _plain(phrase, kind)
    start_or_none = _parsed(plain, time, ahead=ahead)
    if start_or_none is None:
        return None
    start = _midnight(start_or_none)
    if kind != "month" and direction == "nearest" and _YEARLESS.search(plain):
        # "8 November", said in August: the next one is nearer than the last.
        other = _parsed(plain, time, ahead=True) or start
        start = min(start, _midnight(other), key=lambda moment: abs(moment - time))
    start, end, words, precision = _period(start, phrase, kind)
    several = _RANGE.search(phrase) if kind == "day" else None
    if several and int(several[2]) > start.day:
        end = start.replace(day=int(several[2])) + _ONE_DAY
    return Read(start, end, words, precision)


def _period(start: dt.datetime, phrase: str, kind: str) -> Read:
    """As long as the unit that was named, and said with the precision that was meant."""
    unit = kind
    if kind in {"ago", "ahead", "lasting"}:
        unit = next(each for each in ("day", "week", "month", "year") if each in phrase)
    precision = _OF_A_FEW.get(unit, _EXACT[unit]) if "few" in phrase else _EXACT[unit]
    since = "since" if kind == "lasting" or phrase.startswith("since") else "in"
    if unit == "month":
        start = start.replace(day=1)
        end, words = (start + 32 * _ONE_DAY).replace(day=1), f"{since} {date_words(start, 'month')}"
    elif unit == "year":
        start = start.replace(month=1, day=1)
        end, words = start.replace(year=start.year + 1), f"{since} {start.year}"
    elif kind == "week":
        start = first_moment(start, "week")
        end, words = start + 7 * _ONE_DAY, f"in {date_words(start, 'week')}"
    elif unit == "weekend":
        start = first_moment(start, "week") + 5 * _ONE_DAY
        end, words = start + 2 * _ONE_DAY, f"on the weekend of {date_words(start)}"
    elif unit == "week" or "few" in phrase:
        end, words = start + 7 * _ONE_DAY, f"around {date_words(start)}"
    else:
        end, words = start + _ONE_DAY, f"on {date_words(start)}"
    return Read(start, end, words, precision)


def _plain(phrase: str, kind: str) -> str:
    """The phrase as dateparser knows it."""
    phrase = _RANGE.sub(r"\1", phrase.replace("weekend", "week"))
    if kind in {"ago", "ahead", "lasting"}:
        counted = _NUMBERS.sub(lambda found: _FEW.get(found.group(), "2"), phrase)
        if kind == "ahead":
            return counted
        counted = _ABOUT.sub("", counted)
        return counted if kind == "ago" else f"{counted} ago"
    bare = _LEADING.sub("", phrase)
    if kind == "month" and not bare.endswith(" month"):
        return re.sub(r"^(?:last|next) ", "", bare)
    return bare


def _parsed(phrase: str, time: dt.datetime, *, ahead: bool) -> dt.datetime | None:
    try:
        parsed = _parser(time.replace(tzinfo=None), ahead).get_date_data(phrase).date_obj
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=time.tzinfo) if parsed else None


@lru_cache(maxsize=64)
def _parser(now: dt.datetime, ahead: bool) -> Any:  # noqa: FBT001 - the key of a cache
    from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future" if ahead else "past"}
    return DateDataParser(languages=["en"], settings=settings)


def _midnight(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
