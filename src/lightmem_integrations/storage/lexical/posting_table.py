"""Which turns of a user hold a word, in PostgreSQL: a table that is read by its key alone.

Every token is a digest of the word and its user, as in SQLite, and a word's frequency is the number
of its rows: no extension of the server, and the same ranking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, delete, func, select, text
from sqlalchemy.sql import bindparam

from lightmem_integrations.arrays import Rows
from lightmem_integrations.storage.lexical.tokens import token_of

_lexical = Table(
    "lexical",
    MetaData(),
    Column("user", BigInteger, primary_key=True),
    Column("token", BigInteger, primary_key=True),
    Column("turn", BigInteger, primary_key=True),
)
_COUNTS = (
    select(_lexical.c.token, func.count())
    .where(_lexical.c.user == bindparam("user"))
    .where(_lexical.c.token.in_(bindparam("tokens", expanding=True)))
    .group_by(_lexical.c.token)
)
# As one value: thousands of rows take the driver several times as long.
_POSTINGS = text(
    "SELECT token, string_agg(int8send(turn), ''::bytea ORDER BY turn) FROM lexical"
    ' WHERE "user" = :user AND token = ANY(:tokens) GROUP BY token'
)
_OCCURRING = text(
    "SELECT token FROM unnest(CAST(:tokens AS bigint[])) AS asked (token) WHERE EXISTS"
    ' (SELECT 1 FROM lexical WHERE lexical."user" = :user AND lexical.token = asked.token)'
)
# One statement however many words: a row each would be as many messages.
_ADD = text(
    'INSERT INTO lexical ("user", token, turn) SELECT :user, token, turn'
    " FROM unnest(CAST(:tokens AS bigint[]), CAST(:turns AS bigint[])) AS words (token, turn)"
    " ON CONFLICT DO NOTHING"
)
_REMOVE = delete(_lexical).where(
    _lexical.c.user == bindparam("of"),
    _lexical.c.token == bindparam("word"),
    _lexical.c.turn == bindparam("held_by"),
)


def add(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Add turns: ``(row, terms separated by blanks)``."""
    words = tokens_of(user, items)
    if words:
        tokens, turns = zip(*words, strict=True)
        connection.execute(_ADD, {"user": user, "tokens": list(tokens), "turns": list(turns)})


def remove(connection: Connection, user: int, items: Iterable[tuple[int, str]]) -> None:
    """Remove turns that were added with exactly these terms."""
    words = tokens_of(user, items)
    rows = [{"of": user, "word": token, "held_by": row} for token, row in words]
    if rows:
        connection.execute(_REMOVE, rows)


def frequencies(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, int]:
    """In how many turns of the user each term occurs; terms that do not are left out."""
    term_of = {_token(user, term): term for term in terms}
    if not term_of:
        return {}
    rows = connection.execute(_COUNTS, {"user": user, "tokens": list(term_of)})
    return {term_of[token]: count for token, count in rows}


def postings(connection: Connection, user: int, terms: Sequence[str]) -> dict[str, Rows]:
    """Rows of the user's turns that hold each of the terms, ascending."""
    term_of = {_token(user, term): term for term in terms}
    found = connection.execute(_POSTINGS, {"user": user, "tokens": list(term_of)})
    return {term_of[token]: np.frombuffer(rows, ">i8").astype(np.int64) for token, rows in found}


def occurring(connection: Connection, user: int, terms: Sequence[str]) -> set[str]:
    """Those of the terms that any of the user's turns holds."""
    term_of = {_token(user, term): term for term in terms}
    found = connection.execute(_OCCURRING, {"user": user, "tokens": list(term_of)})
    return {term_of[token] for token in found.scalars()}


def tokens_of(user: int, items: Iterable[tuple[int, str]]) -> list[tuple[int, int]]:
    """The tokens of turns, each once a turn, with the turns' rows."""
    return [
        (_token(user, term), row) for row, terms in items for term in sorted(set(terms.split()))
    ]


def _token(user: int, term: str) -> int:
    return int.from_bytes(bytes.fromhex(token_of(user, term)), "big", signed=True)
