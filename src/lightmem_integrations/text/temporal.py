"""Dates that a turn names, made absolute: "last Friday" is the Friday before the turn."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_SOME = r"\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple(?: of)?"
_UNIT = "day|week|weekend|month|year"
# What can be a date. "may" and "march" alone are words: they need a day, a year or "in".
_PHRASE = re.compile(
    rf"\b(?:(?P<day>(?:on )?(?:the )?(?:{_DAY} ?(?:to|-|\u2013|"
    rf"until) ?)?{_DAY}(?: of)? (?:{_MONTH})\b\.?(?:,? {_YEAR})?"
    rf"|(?:on )?(?:{_MONTH})\.? {_DAY}\b(?:,? {_YEAR})?|(?:on )?{_YEAR}-\d\d-\d\d"
    r"|the day before yesterday|yesterday|tomorrow|last night"
    rf"|(?:on|last|next|this|this past|this coming) (?:{_WEEKDAY})\b"
    rf"|(?:last|next) (?:mon|tues?|wed|thurs?|fri|sat|sun)\b)"
    r"|(?P<today>today|tonight|this (?:morning|afternoon|evening))"
    r"|(?P<weekend>(?:over the |this |this past |last |next )weekend)"
    r"|(?P<week>(?:last|this|next) week)"
    rf"|(?P<month>(?:last|this|next) month|(?:(?:in|since|last|next) )?(?:{_MONTH}),? {_YEAR}"
    rf"|(?:in|since|last|next) (?:{_MONTH})\b)"
    rf"|(?P<year>(?:last|this|next) year|(?:back )?(?:in|since) {_YEAR})"
    rf"|(?P<ago>(?:(?:about|around|almost|over) )?(?:{_SOME}) (?:{_UNIT})s? ago)|"
    rf"(?P<ahead>in (?:{_SOME}) (?:{_UNIT})s?)"
    rf"|(?P<lasting>for (?:the (?:last|past) )?(?:about |over |almost |nearly )?(?:{_SOME}) "
    r"(?:month|year)s?))\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"\ba few\b|\ba couple(?: of)?\b|\ban?\b")
_FEW = {"a few": "3", "a": "1", "an": "1"}
_LEADING = re.compile(
    r"^(?:(?:back|on|in|since|for|over|the|past|about|almost|nearly|this past|this coming) )+"
)
_RANGE = re.compile(
    r"(\b\d{1,2})(?:st|nd|rd|th)? ?(?:to|-|\u2013|until) ?\d{1,2}(?:st|nd|rd|th)?(?= )"
)
_YEARLESS = re.compile(rf"(?:{_DAY}(?: of)? (?:{_MONTH})|(?:{_MONTH})\.? {_DAY})$", re.IGNORECASE)
CALENDAR = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|jun|jul|"
    r"aug|"
    r"sep|oct|nov|dec)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^(?:for )?(?:the (?:last|past) )?(?:(?:about|around|over|almost|nearly) )?")
_ONE_DAY = dt.timedelta(days=1)
_WEEKS = {"last": -7 * _ONE_DAY, "this": 0 * _ONE_DAY, "next": 7 * _ONE_DAY}
# A clause that names more dates than this is a calendar.
_MOST = 8
_EARLIEST = 1900
_FARTHEST = dt.timedelta(days=366 * 120)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a text.

    Attributes:
        span: Where it stands.
        start: When it begins.
        end: When it ends (exclusive).
        words: The same, absolute: "on 6 June 2025", "in May 2025".
        lasting: Whether it says since when something has been so, rather than when it happened.
    """

    span: tuple[int, int]
    start: dt.datetime
    end: dt.datetime
    words: str
    lasting: bool


def mentions(text: str, time: dt.datetime, *, ahead: bool = False) -> list[Mention]:
    """The dates that a text names, the first eight of them, read by dateparser.

    Args:
        text: What was said.
        time: When it was said, with a time zone.
        ahead: Whether "in May" is the next one, as in a plan, and not the last one.
    """
    found = []
    for match in islice(_PHRASE.finditer(text), _MOST):
        kind = match.lastgroup or ""
        read = _resolved(match.group().lower(), kind, time, ahead=ahead)
        if read is None or read[0].year < _EARLIEST or abs(read[0] - time) > _FARTHEST:
            continue
        start, end, words = read
        lasting = kind == "lasting" or match.group().lower().startswith("since ")
        found.append(Mention(match.span(), start, end, words, lasting))
    return found


def _resolved(
    phrase: str, kind: str, time: dt.datetime, *, ahead: bool
) -> tuple[dt.datetime, dt.datetime, str] | None:
    if kind == "today":
        return time, _midnight(time) + _ONE_DAY, f"on {_day(time)}"
    if kind == "week":
        start = _midnight(time) - time.weekday() * _ONE_DAY + _WEEKS[phrase[:4]]
        return start, start + 7 * _ONE_DAY, f"in the week of {_day(start)}"
    if phrase.startswith(("next ", "last ", "this past ", "since ")):
        ahead = phrase.startswith("next ")
    start_or_none = _parsed(_plain(phrase, kind, ahead=ahead), time, ahead=ahead)
    if start_or_none is None:
        return None
    start = _midnight(start_or_none)
    if _YEARLESS.search(phrase) and not ahead:
        # "8 November", said in August: the next one is nearer than the last.
        other = _parsed(_plain(phrase, kind, ahead=True), time, ahead=True) or start
        start = min(start, _midnight(other), key=lambda each: abs(each - time))
    return _period(start, phrase, kind)


def _period(start: dt.datetime, phrase: str, kind: str) -> tuple[dt.datetime, dt.datetime, str]:
    """As long as the unit that was named, and said with the precision that was meant."""
    unit = kind
    if kind in {"ago", "ahead", "lasting"}:
        unit = next(each for each in ("day", "week", "month", "year") if each in phrase)
    since = "since" if kind == "lasting" or phrase.startswith("since") else "in"
    if unit == "month":
        start = start.replace(day=1)
        end, words = (start + 32 * _ONE_DAY).replace(day=1), f"{since} {start:%B %Y}"
    elif unit == "year":
        start = start.replace(month=1, day=1)
        end, words = start.replace(year=start.year + 1), f"{since} {start.year}"
    elif unit == "weekend":
        end, words = start + 2 * _ONE_DAY, f"on the weekend of {_day(start)}"
    elif unit == "week" or "few" in phrase:
        end, words = start + 7 * _ONE_DAY, f"around {_day(start)}"
    else:
        end, words = start + _ONE_DAY, f"on {_day(start)}"
    return start, end, words


def _plain(phrase: str, kind: str, *, ahead: bool) -> str:
    """The phrase as dateparser knows it."""
    if kind == "weekend":
        return f"{'next' if ahead else 'last'} saturday"
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


def _day(moment: dt.datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
