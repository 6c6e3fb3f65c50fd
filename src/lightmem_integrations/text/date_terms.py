"""Words of which dates are made: numbers, and names of months and of days of the week."""

from __future__ import annotations

import calendar

from lightmem_integrations.text.terms import terms

_NAMES = frozenset(name.lower() for name in (*calendar.month_name, *calendar.day_name) if name)
_TERMS = frozenset(term for name in _NAMES for term in terms(name))


def is_of_date(word: str) -> bool:
    """True for a number, and for the English name of a month or a day, or its index term."""
    return word.isdigit() or word in _NAMES or word in _TERMS
