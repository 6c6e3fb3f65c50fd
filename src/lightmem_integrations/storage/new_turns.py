"""What follows from new turns: their words, the work on them, and the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.column_types import WORDS
from lightmem_integrations.storage.lexical.posting_table import tokens_of
from lightmem_integrations.storage.schema import sessions, speakers, users, work
from lightmem_integrations.storage.sql import insert_rows, upsert
from lightmem_integrations.storage.work_queue import CONSOLIDATE, make_due

EMBED = "embed"
"""The kind of work that gives a turn its vector and its place in the vector index."""

_NEW_SPEAKER = upsert(speakers)
_COUNT_SPEAKERS = _NEW_SPEAKER.on_conflict_do_update(
    index_elements=[speakers.c.user, speakers.c.name],
    set_={"turns": speakers.c.turns + _NEW_SPEAKER.excluded.turns},
)
# The same for PostgreSQL, where each statement is a way there and back: the six of them take both
# ends about twice the time of this one (`benchmarks/postgres.py`). Its parts run in no order and
# see one moment: none reads or writes what another one writes.
_IN_ONE = text("""
    WITH words AS (
        INSERT INTO lexical ("user", token, turn)
        SELECT :user, token, turn
        FROM unnest(CAST(:tokens AS bigint[]), CAST(:holders AS bigint[])) AS held (token, turn)
        ON CONFLICT DO NOTHING
    ), waiting AS (
        INSERT INTO work (kind, "user", item)
        SELECT :embed, :user, turn FROM unnest(CAST(:found AS bigint[])) AS found (turn)
    ), due AS (
        INSERT INTO work (kind, "user", item)
        SELECT :consolidate, :user, :session WHERE :searchable > 0 AND NOT EXISTS (
            SELECT FROM work WHERE kind = :consolidate AND item = :session AND "user" = :user
        )
    ), said AS (
        INSERT INTO speakers ("user", name, turns)
        SELECT :user, name, turns
        FROM unnest(:names, CAST(:said AS bigint[])) AS said (name, turns)
        ON CONFLICT ("user", name) DO UPDATE SET turns = speakers.turns + excluded.turns
    ), counted AS (
        UPDATE users SET searchable = searchable + :searchable, terms = terms + :terms
        WHERE id = :user
    )
    UPDATE sessions SET length = :length WHERE id = :session AND "user" = :user
""").bindparams(bindparam("names", type_=ARRAY(WORDS)))


def follow(
    connection: Connection,
    user_row: int,
    session_row: int,
    *,
    length: int,
    found: Sequence[tuple[int, str]],
    said: Mapping[str, int],
) -> None:
    """Write what follows from new turns of a session.

    Args:
        connection: Of a write transaction.
        user_row: Whose they are.
        session_row: In which session.
        length: Of the session, with them.
        found: Rows of those that can be found, each with its terms separated by blanks.
        said: How many of them each speaker said.
    """
    if connection.dialect.name == "postgresql":
        tokens = tokens_of(user_row, found)
        values = {
            "user": user_row, "session": session_row, "length": length, "embed": EMBED,
            "consolidate": CONSOLIDATE, "searchable": len(found),
            "terms": sum(len(terms.split()) for _, terms in found),
            "found": [row for row, _ in found], "tokens": [token for token, _ in tokens],
            "holders": [row for _, row in tokens], "names": list(said), "said": list(said.values()),
        }  # fmt: skip
        connection.execute(_IN_ONE, values)
        return
    lexical.add(connection, user_row, found)
    if found:
        queue_embedding(connection, user_row, [row for row, _ in found])
        make_due(connection, user_row, [session_row])
    connection.execute(update(sessions).where(sessions.c.id == session_row).values(length=length))
    count_searchable(connection, user_row, [terms for _, terms in found])
    if said:
        counted = [{"user": user_row, "name": name, "turns": n} for name, n in said.items()]
        connection.execute(_COUNT_SPEAKERS, counted)


def queue_embedding(connection: Connection, user_row: int, rows: Sequence[int]) -> None:
    """Put a user's turns on the work list of those that wait for their vectors."""
    insert_rows(connection, work, [{"kind": EMBED, "user": user_row, "item": row} for row in rows])


def count_searchable(
    connection: Connection, user_row: int, terms_of: Sequence[str], sign: int = 1
) -> None:
    """Count turns, given their terms, as searchable (``sign`` 1) or no longer so (-1)."""
    connection.execute(
        update(users)
        .where(users.c.id == user_row)
        .values(
            searchable=users.c.searchable + sign * len(terms_of),
            terms=users.c.terms + sign * sum(len(terms.split()) for terms in terms_of),
        )
    )
