"""Whether two dates may be of one time, however exactly and in whichever time zone they were told.

Each is given with its precision, in seconds since 1970.
"""

from __future__ import annotations

from lightmem_integrations.text.precision import (
    Precision,
    by_one_calendar,
    period_from,
    period_to,
)
from lightmem_integrations.text.temporal import SECONDS_A_DAY

Date = tuple[float, Precision]


def began_apart(first: Date, second: Date, days: int) -> bool:
    """True if two beginnings are so many days apart, or in weeks, months or years that are."""
    one, other = (period_from(*each) for each in by_one_calendar(first, second))
    return _apart(one, other, days)


def ended_apart(first: Date, second: Date) -> bool:
    """True if two ends are a day apart, or in weeks, months or years that are."""
    one, other = (period_to(*each) for each in by_one_calendar(first, second))
    return _apart(one, other, 1)  # a day may be told by its first moment or by its last second


def _apart(first: tuple[float, float], second: tuple[float, float], days: int) -> bool:
    """True if two exact times are so many days apart, or two periods have no second in common.

    No week, month or year is widened by days: else it would be the same as what lies beside it on
    both sides, and the order of the claims would show in what is believed.
    """
    exact = first[0] == first[1] and second[0] == second[1]
    gap = max(first[0], second[0]) - min(first[1], second[1])
    return gap >= (days * SECONDS_A_DAY if exact else 1.0)
