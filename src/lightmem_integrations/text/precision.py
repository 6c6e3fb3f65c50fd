"""Precision of a date: its day, or only the month or the year; in words, and what it may mean."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Literal

Precision = Literal["day", "month", "year"]
"""How exactly a date is known. An exact moment is known to the day, as is what was told without a
date: that is dated by when it was told."""

FINEST_FIRST: tuple[Precision, ...] = ("day", "month", "year")

Dated = tuple[dt.datetime, Precision]
"""A date and how exactly it is known."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_DAY = 86_400.0
# A month begins up to 14 hours before it does in UTC, and up to 12 after.
_EAST, _WEST = 14 * 3_600.0, 12 * 3_600.0


def date_words(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date as people write it, such as "3 May 2025", "May 2025" or "2025"."""
    if precision == "day":
        return f"{moment.day} {moment:%B %Y}"
    return f"{moment:%B %Y}" if precision == "month" else f"{moment:%Y}"


def short_date(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date as tables show it, such as "2025-05-03", "May 2025" or "2025"."""
    return f"{moment:%Y-%m-%d}" if precision == "day" else date_words(moment, precision)


def iso_date(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date in ISO 8601, such as "2025-05-03", "2025-05" or "2025"."""
    return "-".join(moment.date().isoformat().split("-")[: 3 - FINEST_FIRST.index(precision)])


def is_finer(first: Precision, second: Precision) -> bool:
    """True if the first one is more exact than the second."""
    return FINEST_FIRST.index(first) < FINEST_FIRST.index(second)


def finer_or_earlier(first: Dated, second: Dated) -> Dated:
    """Of two dates the more exact one, if it lies in the other; else the earlier one."""
    finer, vaguer = sorted((first, second), key=lambda each: FINEST_FIRST.index(each[1]))
    same = iso_date(finer[0], vaguer[1]) == iso_date(vaguer[0], vaguer[1])
    return finer if same and finer[1] != vaguer[1] else min(first, second)


def period_from(begin: float, precision: Precision) -> tuple[float, float]:
    """First and last second of what may be meant by a beginning; times in seconds since 1970.

    Args:
        begin: The day's time, or the first moment of the month or year, in any time zone.
        precision: How exactly it is known.
    """
    if precision == "day":
        return begin, begin
    first, length = _period(begin + _EAST, precision)
    # In between only where something else moved it there.
    first = begin if -_EAST <= begin - first <= _WEST else first
    return first, first + length - 1.0


def period_to(end: float, precision: Precision) -> tuple[float, float]:
    """First and last second of what may be meant by an end; times in seconds since 1970.

    Args:
        end: The day's time, or the last second of the month or year, in any time zone.
        precision: How exactly it is known.
    """
    if precision == "day":
        return end, end
    first, length = _period(end - _EAST, precision)
    last = first + length - 1.0
    last = end if -_EAST <= end - last <= _WEST else last
    return last + 1.0 - length, last


def _period(seconds: float, precision: Precision) -> tuple[float, float]:
    """When the month or year of a time begins in UTC, and how many seconds it has."""
    at = _EPOCH + dt.timedelta(seconds=seconds)
    midnight = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = midnight if precision == "month" else midnight.replace(month=1)
    month = calendar.monthrange(at.year, at.month)[1]
    days = month if precision == "month" else 365 + calendar.isleap(at.year)
    return (first - _EPOCH).total_seconds(), days * _DAY
