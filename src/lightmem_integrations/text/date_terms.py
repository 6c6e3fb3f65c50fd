"""Words of which dates are made: numbers, and names of months and of days of the week."""

from __future__ import annotations

from lightmem_integrations.text.terms import terms

# Not by `calendar`, whose names are those of the process's locale.
_NAMES = frozenset(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    """.split()  # noqa: SIM905
)
_TERMS = frozenset(term for name in _NAMES for term in terms(name))


def is_of_date(word: str) -> bool:
    """True for a number, and for the English name of a month or a day, or its index term."""
    return word.isdigit() or word in _NAMES or word in _TERMS
