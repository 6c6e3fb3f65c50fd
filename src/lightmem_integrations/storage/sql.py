"""Batches of bound values: a list of any length as statements that SQLite accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

# A statement may bind 32,766 values (SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32). Far fewer, as
# one may bind a batch several times; that 500 is enough to make a batch's overhead vanish is a
# guess.
_SIZE = 500

T = TypeVar("T")


def in_batches(values: Collection[T], size: int = _SIZE) -> Iterator[list[T]]:
    """Split values into lists of at most ``size``, in order; none at all for no values."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]
