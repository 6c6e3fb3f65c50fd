"""The ledger's full-text index: which turns of a user hold a word.

It changes in the transaction that writes the turn, and counts a word once a turn; how often it
occurs stands in the turn. All calls run inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows
from lightmem_integrations.storage.lexical import fts5, posting_table


def add(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Add turns: ``(row, terms separated by blanks)``."""
    _of(connection).add(connection, user, items)


def remove(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Remove turns that were added with exactly these terms."""
    _of(connection).remove(connection, user, items)


def frequencies(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, int]:
    """In how many turns of the user each term occurs; terms that do not are left out."""
    found: dict[str, int] = _of(connection).frequencies(connection, user, terms)
    return found


def postings(connection: Connection, user: int, term: str) -> Rows:
    """Rows of the user's turns that hold the term, ascending."""
    return all_postings(connection, user, [term])[term]


def all_postings(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, Rows]:
    """For each of the terms, the rows of the user's turns that hold it, ascending."""
    found = _of(connection).postings(connection, user, terms) if terms else {}
    return {term: found.get(term, np.zeros(0, np.int64)) for term in terms}


def occurring(connection: Connection, user: int, terms: Sequence[str]) -> set[str]:
    """Those of the terms that any of the user's turns holds."""
    found: set[str] = _of(connection).occurring(connection, user, terms)
    return found


def compact(connection: Connection) -> None:
    """Forget removed turns for good, where the index keeps a trace of them."""
    if connection.dialect.name == "sqlite":
        fts5.compact(connection)


def _of(connection: Connection) -> ModuleType:
    return fts5 if connection.dialect.name == "sqlite" else posting_table
