"""The time window that a question asks for, read by dateparser."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_DAY = r"(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
# What can be a date. "may" and "march" alone are words; with "in", a day or a year they are months.
_DATES = re.compile(
    rf"\b(?:{_DAY}(?: of)? (?:{_MONTHS})(?:,? {_YEAR})?"
    rf"|(?:{_MONTHS})\.? {_DAY}(?:,? {_YEAR})?"
    rf"|(?:(?:in|during|of|since|last) )?(?:{_MONTHS}),? {_YEAR}"
    rf"|{_YEAR}-\d\d-\d\d"
    rf"|(?:in|during|of|since|last) (?:{_MONTHS})\b"
    rf"|(?:in|during|since) {_YEAR}"
    r"|yesterday|today|last (?:week|month|year|night)|this (?:week|month|year)"
    r"|(?:\d+|two|three|four|five|six) (?:days?|weeks?|months?|years?) ago)\b",
    re.IGNORECASE,
)

Window = tuple[dt.datetime, dt.datetime]


def time_window(query: str, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Start and end (exclusive) of the days, month or year that a question names.

    With two mentions ("between May and June 2025") the window spans both.

    Args:
        query: The question.
        now: What "last week" is relative to, with a time zone.

    Returns:
        ``(None, None)`` where no date is named.
    """
    mentions = [match.group().lower() for match in _DATES.finditer(query)]
    windows = [window for each in mentions if (window := _window(each, now))]
    if not windows:
        return None, None
    return min(start for start, _ in windows), max(end for _, end in windows)


def _window(mention: str, now: dt.datetime) -> Window | None:
    named = _calendar_periods(now).get(mention)
    if named:
        return named
    bare = re.sub(r"^(?:in|during|of|since|last) ", "", mention)
    parsed = _parser(now.replace(tzinfo=None)).get_date_data(bare)
    if parsed.date_obj is None:
        return None
    start = parsed.date_obj.replace(tzinfo=now.tzinfo)
    if bare.endswith("ago"):
        # "Three weeks ago" is a week or two, not a day: the coarser the unit, the wider.
        days = next(days for unit, days in _AGO_SLACK.items() if unit in bare)
        return start - dt.timedelta(days=days), start + dt.timedelta(days=days)
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + dt.timedelta(days=1)
    if parsed.period == "year":
        start = start.replace(month=1, day=1)
        end = start.replace(year=start.year + 1)
    elif parsed.period == "month":
        start = start.replace(day=1)
        end = (start + dt.timedelta(days=32)).replace(day=1)
    return start, max(end, now) if mention.startswith("since ") else end


_AGO_SLACK = {"day": 1, "week": 4, "month": 16, "year": 190}


def _calendar_periods(now: dt.datetime) -> dict[str, Window]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day, week = dt.timedelta(days=1), dt.timedelta(days=7)
    monday = today - today.weekday() * day
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    return {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "last night": (today - day, today + day),
        "this week": (monday, today + day),
        "last week": (monday - week, monday),
        "this month": (month, today + day),
        "last month": ((month - day).replace(day=1), month),
        "this year": (year, today + day),
        "last year": (year.replace(year=year.year - 1), year),
    }


@lru_cache(maxsize=8)
def _parser(now: dt.datetime) -> Any:
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=["en"], settings={"RELATIVE_BASE": now, "PREFER_DATES_FROM": "past"}
    )
