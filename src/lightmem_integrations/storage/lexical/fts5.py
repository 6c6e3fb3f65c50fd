"""Which turns of a user hold a word, in SQLite: FTS5 without a copy of the text or positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows
from lightmem_integrations.storage.lexical.tokens import token_of


def create(connection: Connection) -> None:
    """Create the index where it does not exist."""
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS lexical "
        "USING fts5(tokens, content='', detail=none, columnsize=0, tokenize='ascii')"
    )
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS lexical_vocabulary USING fts5vocab('lexical', 'row')"
    )


def add(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Add turns: ``(row, terms separated by blanks)``."""
    rows = [(row, _tokens(user, terms)) for row, terms in items]
    if rows:
        connection.exec_driver_sql("INSERT INTO lexical(rowid, tokens) VALUES (?, ?)", rows)


def remove(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Remove turns that were added with exactly these terms."""
    rows = [(row, _tokens(user, terms)) for row, terms in items]
    if rows:
        connection.exec_driver_sql(
            "INSERT INTO lexical(lexical, rowid, tokens) VALUES ('delete', ?, ?)", rows
        )


def frequencies(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, int]:
    """In how many turns of the user each term occurs; terms that do not are left out."""
    term_of = {token_of(user, term): term for term in terms}
    if not term_of:
        return {}
    marks = ",".join("?" * len(term_of))
    rows = connection.exec_driver_sql(
        f"SELECT term, doc FROM lexical_vocabulary WHERE term IN ({marks})",  # noqa: S608
        tuple(term_of),
    )
    return {term_of[token]: count for token, count in rows}


def postings(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, Rows]:
    """Rows of the user's turns that hold each of the terms, ascending."""
    query = "SELECT rowid FROM lexical WHERE lexical MATCH ?"
    found = {
        term: connection.exec_driver_sql(query, (f'"{token_of(user, term)}"',)) for term in terms
    }
    return {term: np.array(rows.scalars().all(), np.int64) for term, rows in found.items()}


def occurring(connection: Connection, user: int, terms: Sequence[str]) -> set[str]:
    """Those of the terms that any of the user's turns holds."""
    query = "SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT 1"
    return {
        term
        for term in terms
        if connection.exec_driver_sql(query, (f'"{token_of(user, term)}"',)).first() is not None
    }


def compact(connection: Connection) -> None:
    """Forget removed turns for good."""
    connection.exec_driver_sql("INSERT INTO lexical(lexical) VALUES ('optimize')")


def _tokens(user: int, terms: str) -> str:
    # FTS5 counts a word once a turn here (detail=none); how often it occurs stands in the turn.
    return " ".join(token_of(user, term) for term in sorted(set(terms.split())))
