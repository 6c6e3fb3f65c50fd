"""Vectors of turns in the ledger: the index is rebuilt from them, without asking a model again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    literal,
    select,
)

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.new_turns import EMBED
from lightmem_integrations.storage.schema import (
    episode_vectors,
    fact_vectors,
    turns,
    users,
    vectors,
    work,
)
from lightmem_integrations.storage.sql import count_rows, delete_in, insert_rows, upsert
from lightmem_integrations.storage.vector_bytes import pack_vector, unpack_rows, unpack_vector


@dataclass(frozen=True, slots=True)
class UnindexedTurn:
    """A turn that waits for its vector, or for its place in the index.

    Attributes:
        row: Its row.
        user: The row of its user.
        scope: The user's scope in the index.
        speaker: Who spoke, where there is a name.
        text: What was said.
        vector: Its vector, once it is made; only the index lacks it then.
        tokens: Its compacted token vectors, once they are made.
    """

    row: int
    user: int
    scope: str
    speaker: str | None
    text: str
    vector: Vectors | None
    tokens: bytes | None = None


def select_pending(
    column: ColumnElement[int], without: Collection[int], *, embedded: bool
) -> Select[Any]:
    """A query for a column of what waits for the index, the newest first; see `waits`."""
    return select(column).where(*waits(without, embedded=embedded)).order_by(work.c.id.desc())


def unindexed_turns(
    connection: Connection, limit: int, user_row: int | None = None
) -> list[UnindexedTurn]:
    """Turns that have their vector and wait for the index, the newest first."""
    query = select_pending(work.c.item, (), embedded=True).limit(limit)
    if user_row is not None:
        query = query.where(work.c.user == user_row)
    return turns_on_list(connection, connection.scalars(query).all())


def turns_on_list(connection: Connection, rows: Sequence[int]) -> list[UnindexedTurn]:
    """The turns of these rows with all that embedding and indexing needs, in this order."""
    query = (
        select(turns.c.id, turns.c.user, users.c.key, turns.c.speaker, turns.c.text)
        .add_columns(vectors.c.vector)
        .join(users, users.c.id == turns.c.user)
        .outerjoin(vectors, vectors.c.turn == turns.c.id)
        .where(turns.c.id.in_(rows))
    )
    found = {
        row: UnindexedTurn(
            row, user, scope, speaker, text, None if blob is None else unpack_vector(blob)
        )
        for row, user, scope, speaker, text, blob in (connection.execute(query) if rows else ())
    }
    return [found[row] for row in rows if row in found]


def count_pending_turns(
    connection: Connection,
    user_row: int | None = None,
    without: Collection[int] = (),
    *,
    embedded: bool | None = None,
) -> int:
    """Count the turns that wait for the index, leaving out those ``without``.

    Only those that have their vector already, or that have not, if ``embedded`` is given.
    """
    return count_rows(connection, work, *waits(without, embedded=embedded), user=user_row)


def any_pending(connection: Connection, user_row: int) -> bool:
    """Whether turns of a user wait for the index: in a third of the time that counting takes."""
    return connection.execute(_ANY_WAITS, {"user": user_row}).first() is not None


_ANY_WAITS = (
    select(work.c.id).where(work.c.kind == EMBED, work.c.user == bindparam("user")).limit(1)
)


def waits(without: Collection[int], *, embedded: bool | None) -> list[ColumnElement[bool]]:
    """Conditions of what waits for the index; see `count_pending_turns`."""
    waiting = [work.c.kind == EMBED]
    if without:
        waiting.append(work.c.item.not_in(list(without)))
    if embedded is not None:
        has_vector = exists().where(vectors.c.turn == work.c.item).correlate(work)
        waiting.append(has_vector if embedded else ~has_vector)
    return waiting


def store_vectors(connection: Connection, embedded: Sequence[UnindexedTurn]) -> None:
    """Keep vectors of turns that are still there; the others were forgotten meanwhile."""
    rows = [each.row for each in embedded]
    there = set(connection.execute(select(turns.c.id).where(turns.c.id.in_(rows))).scalars())
    connection.execute(delete(vectors).where(vectors.c.turn.in_(rows)))
    kept = [
        {
            "turn": each.row,
            "user": each.user,
            "vector": pack_vector(each.vector),
            "tokens": each.tokens,
        }
        for each in sorted(embedded, key=lambda each: each.row)  # or SQLite leaves pages half empty
        if each.row in there and each.vector is not None
    ]
    insert_rows(connection, vectors, kept)


def with_vector(connection: Connection, rows: Sequence[int]) -> set[int]:
    """Those of the turns that have a vector."""
    return set(connection.scalars(select(vectors.c.turn).where(vectors.c.turn.in_(rows))))


def clear_pending(connection: Connection, rows: Collection[int]) -> None:
    """Take turns off the work list: the index has them."""
    delete_in(connection, work, work.c.item, rows, work.c.kind == EMBED)


def forget_vectors(connection: Connection, rows: Collection[int]) -> int:
    """Delete the vectors of turns, or take them off the work list; returns how many had one."""
    clear_pending(connection, rows)
    return delete_in(connection, vectors, vectors.c.turn, rows)


def user_vectors(
    connection: Connection,
    user_row: int,
    rows: Collection[int] | None = None,
    *,
    unindexed: bool = False,
) -> tuple[list[int], Vectors]:
    """Row ids and vectors of a user's turns.

    Args:
        connection: A read transaction on the ledger.
        user_row: Whose turns.
        rows: Only those among these rows.
        unindexed: Only those that the index lacks still.
    """
    query = select(vectors.c.turn, vectors.c.vector).where(vectors.c.user == user_row)
    if rows is not None:
        query = query.where(vectors.c.turn.in_(list(rows)))
    if unindexed:
        waiting = select(work.c.item).where(work.c.kind == EMBED, work.c.user == user_row)
        query = query.where(vectors.c.turn.in_(waiting))
    return unpack_rows(connection.execute(query.order_by(vectors.c.turn)))


def drop_vectors(connection: Connection) -> None:
    """Throw every vector away, and put all searchable turns on the work list anew.

    Episodes and facts get theirs with the next consolidation.
    """
    for table in (vectors, episode_vectors, fact_vectors):
        connection.execute(delete(table))
    connection.execute(delete(work).where(work.c.kind == EMBED))
    waiting = select(literal(EMBED), turns.c.user, turns.c.id).where(turns.c.searchable)
    queue = upsert(work).from_select(["kind", "user", "item"], waiting)
    connection.execute(queue.on_conflict_do_nothing())
