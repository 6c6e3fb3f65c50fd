"""A day, a week, a month or a year, as its date in ISO 8601 says it; and parts of these."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from lightmem_integrations.text.precision import Precision, days_of, first_moment

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T.{0,20})?")
_WEEK = re.compile(r"(\d{4})-W(\d\d)")


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a week, a month or a year; or a part of one that words name.

    Attributes:
        start: When it begins.
        end: When the next one does.
        precision: How exactly it says when.
    """

    start: dt.datetime
    end: dt.datetime
    precision: Precision

    @property
    def last(self) -> dt.datetime:
        """Its last second."""
        return self.end - dt.timedelta(seconds=1)

    @property
    def whole(self) -> Period:
        """All of the week, the month or the year in which it begins; of a day, what is left.

        A season stays one: by its year alone, what happened in it would come before what was so
        in spring.

        Raises:
            OverflowError: That lasts beyond the end of the calendar.
        """
        if self.precision == "year" and self.start < self.end:
            return self
        first = first_moment(self.start, self.precision)
        days = dt.timedelta(days=days_of(first, self.precision))
        start = self.start if self.precision == "day" else first
        return Period(start, first + days, self.precision)


def period(written: str, zone: dt.tzinfo | None) -> Period | None:
    """The period of an ISO date (2025, 2025-06, 2025-W24 or 2025-06-11); ``None`` for other text.

    Args:
        written: The date.
        zone: Where it is meant.
    """
    written = written.strip()
    week, found = _WEEK.fullmatch(written), _ISO.fullmatch(written)
    precision: Precision
    try:
        if week is not None:
            start = dt.datetime.fromisocalendar(int(week[1]), int(week[2]), 1).replace(tzinfo=zone)
            precision = "week"
        elif found is not None:
            year, month, day = (int(part) if part else None for part in found.groups())
            start = dt.datetime(year or 0, month or 1, day or 1, tzinfo=zone)
            precision = "day" if day else "month" if month else "year"
        else:
            return None
        return Period(start, start, precision).whole
    except (ValueError, OverflowError):
        return None
