"""A day, a month or a year, as its date in ISO 8601 says it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from lightmem_integrations.text.precision import Precision

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T.{0,20})?")
_DAY = dt.timedelta(days=1)
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a month or a year.

    Attributes:
        start: When it begins.
        end: When the next one does.
    """

    start: dt.datetime
    end: dt.datetime

    @property
    def last(self) -> dt.datetime:
        """Its last second."""
        return self.end - dt.timedelta(seconds=1)

    @property
    def precision(self) -> Precision:
        """How exactly it says when; a week or a weekend passes for its first or last day."""
        days = (self.end - self.start).days
        return "day" if days < _SHORTEST_MONTH else "month" if days <= _LONGEST_MONTH else "year"


def period(written: str, zone: dt.tzinfo | None) -> Period | None:
    """The period of an ISO date (2025, 2025-06 or 2025-06-11); ``None`` for another text."""
    found = _ISO.fullmatch(written.strip())
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        start = dt.datetime(year or 0, month or 1, day or 1, tzinfo=zone)
        if day:
            return Period(start, start + _DAY)
        if month:
            return Period(start, (start + 32 * _DAY).replace(day=1))
        return Period(start, start.replace(year=start.year + 1))
    except (ValueError, OverflowError):
        return None
