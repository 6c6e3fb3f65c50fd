"""Precision of a date: its day, or only its week, month or year; in words; what it may mean."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Literal

Precision = Literal["day", "week", "month", "year"]
"""How exactly a date is known. An exact moment is known to the day, as is what was told without a
date: that is dated by when it was told. A week begins on Monday, and is of the month and the year
in which it begins."""

FINEST_FIRST: tuple[Precision, ...] = ("day", "week", "month", "year")

Dated = tuple[dt.datetime, Precision]
"""A date and how exactly it is known."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_DAY = 86_400.0
# A week, a month or a year begins up to 14 hours before it does in UTC, and up to 12 after.
_EAST, _WEST = 14 * 3_600.0, 12 * 3_600.0
# Of two zones a day apart, that in which more people live: New Zealand's and not Niue's, Hawaii's
# and not Kiritimati's.
_EAST_OF_DAYS = 13 * 3_600.0
_QUARTER = 900.0  # of an hour: zones lie apart by these


def date_words(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date as people write it, such as "3 May 2025", "the week of 28 April 2025", "May 2025"."""
    if precision == "day":
        return f"{moment.day} {moment:%B %Y}"
    if precision == "week":
        return f"the week of {date_words(first_moment(moment, precision))}"
    return f"{moment:%B %Y}" if precision == "month" else f"{moment:%Y}"


def short_date(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date as tables show it, such as "2025-05-03" or "May 2025"; a week by its first day."""
    return f"{moment:%Y-%m-%d}" if precision == "day" else date_words(moment, precision)


def iso_date(moment: dt.datetime, precision: Precision = "day") -> str:
    """A date in ISO 8601, such as "2025-05-03", "2025-W18", "2025-05" or "2025"."""
    if precision == "week":
        year, week, _ = moment.isocalendar()
        return f"{year:04}-W{week:02}"
    return moment.date().isoformat()[: {"day": 10, "month": 7, "year": 4}[precision]]


def first_moment(moment: dt.datetime, precision: Precision) -> dt.datetime:
    """When the day, the week, the month or the year of a moment begins."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if precision == "week":
        return midnight - dt.timedelta(days=moment.weekday())
    if precision == "month":
        return midnight.replace(day=1)
    return midnight if precision == "day" else midnight.replace(month=1, day=1)


def days_of(first: dt.datetime, precision: Precision) -> int:
    """How many days the day, the week, the month or the year has that begins at a moment."""
    if precision == "month":
        return calendar.monthrange(first.year, first.month)[1]
    return {"day": 1, "week": 7, "year": 365 + calendar.isleap(first.year)}[precision]


def is_finer(first: Precision, second: Precision) -> bool:
    """True if the first one is more exact than the second."""
    return FINEST_FIRST.index(first) < FINEST_FIRST.index(second)


def finer_or_earlier(first: Dated, second: Dated) -> Dated:
    """Of two dates the more exact one, if it begins in the other; else the earlier one."""
    finer, vaguer = sorted((first, second), key=lambda each: FINEST_FIRST.index(each[1]))
    same = iso_date(finer[0], vaguer[1]) == iso_date(vaguer[0], vaguer[1])
    return finer if same and finer[1] != vaguer[1] else min(first, second)


def by_calendar(
    seconds: float, precision: Precision, zone: dt.tzinfo, *others: dt.tzinfo
) -> dt.datetime:
    """A stored date as the calendar of a zone has it.

    It may have been told elsewhere, or in summer and read in winter: the first moment of a month
    there is another month here. So a week, a month or a year is the same one everywhere, and has
    the first moment or the last second that it has in this zone. A day is one of a zone in which
    it begins or ends then.

    Args:
        seconds: The day's time; or the first moment or the last second of the week, month or year,
            in any time zone; since 1970.
        precision: How exactly it is known.
        zone: Whose calendar.
        others: Zones in which it may have been told, too.
    """
    plain = dt.datetime.fromtimestamp(seconds, zone)
    if not _is_edge(seconds):
        return plain
    ends = seconds % _QUARTER != 0.0
    if precision == "day":
        told = (plain.astimezone(each) for each in (zone, *others))
        hour = dt.time(23, 59, 59) if ends else dt.time()
        return next((each for each in told if each.time() == hour), plain)
    first, length = _period(seconds - _EAST if ends else seconds + _EAST, precision)
    edge = first + length - 1.0 if ends else first
    if not -_EAST <= seconds - edge <= _WEST:
        return plain  # something else moved it there
    return (_EPOCH + dt.timedelta(seconds=edge)).replace(tzinfo=zone)


def by_one_calendar(*dates: tuple[float, Precision]) -> list[tuple[float, Precision]]:
    """Dates as they can be compared: weeks, months and years, and days beside these, as in UTC.

    A month that was told in summer begins before the one before it ends, told in winter; and its
    first day may begin before it. Where one of them is a moment within a day, all stay as they are.
    """
    days = [seconds for seconds, precision in dates if precision == "day"]
    if len(days) == len(dates) or not all(_is_edge(seconds) for seconds in days):
        return list(dates)
    return [
        (_day(seconds) if precision == "day"
         else by_calendar(seconds, precision, dt.timezone.utc).timestamp(), precision)
        for seconds, precision in dates
    ]  # fmt: skip


def _is_edge(seconds: float) -> bool:
    """True if a day may begin or end then in some time zone."""
    return seconds % _QUARTER in {0.0, _QUARTER - 1.0}


def _day(seconds: float) -> float:
    """First moment or last second, in UTC, of a day that begins or ends then somewhere."""
    last = seconds % _QUARTER != 0.0
    first = seconds + 1.0 - _DAY if last else seconds
    return (first + _EAST_OF_DAYS) // _DAY * _DAY + (_DAY - 1.0 if last else 0.0)


def period_from(begin: float, precision: Precision) -> tuple[float, float]:
    """First and last second of what may be meant by a beginning; times in seconds since 1970.

    Args:
        begin: The day's time, or the first moment of the week, month or year, in any time zone.
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
        end: The day's time, or the last second of the week, month or year, in any time zone.
        precision: How exactly it is known.
    """
    if precision == "day":
        return end, end
    first, length = _period(end - _EAST, precision)
    last = first + length - 1.0
    last = end if -_EAST <= end - last <= _WEST else last
    return last + 1.0 - length, last


def _period(seconds: float, precision: Precision) -> tuple[float, float]:
    """When the week, month or year of a time begins in UTC, and how many seconds it has."""
    first = first_moment(_EPOCH + dt.timedelta(seconds=seconds), precision)
    return (first - _EPOCH).total_seconds(), days_of(first, precision) * _DAY
