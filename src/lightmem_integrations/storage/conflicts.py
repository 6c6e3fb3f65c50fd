"""Conflicts in the ledger: pairs of facts that contradict each other."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from lightmem_integrations.errors import NotFoundError
from lightmem_integrations.safety import check_names, short_repr
from lightmem_integrations.storage.schema import conflicts
from lightmem_integrations.storage.sql import insert_rows
from lightmem_integrations.storage.transcripts import Part


def read_conflicts(
    connection: Connection,
    user_row: int,
    *,
    fact_rows: Collection[int] | None = None,
    only_open: bool = False,
    key: str | None = None,
) -> Sequence[Row[Any]]:
    """Rows of a user's conflicts, the oldest first.

    Args:
        connection: To read with.
        user_row: Whose.
        fact_rows: Only those with one of these facts.
        only_open: Leave out those that are decided.
        key: Only the one with this public id.
    """
    query = select(conflicts).where(conflicts.c.user == user_row)
    if only_open:
        query = query.where(conflicts.c.resolved_at.is_(None))
    if key is not None:
        query = query.where(conflicts.c.key == key)
    if fact_rows is not None:
        rows = list(fact_rows)
        query = query.where(conflicts.c.first.in_(rows) | conflicts.c.second.in_(rows))
    return connection.execute(query.order_by(conflicts.c.id)).all()


def last_of(rows: Sequence[Row[Any]], part: Part) -> Sequence[Row[Any]]:
    """The last conflicts of these rows, so many, ahead of the one with an id.

    Raises:
        NotFoundError: None of them has that id.
    """
    if part.before is not None:
        (before,) = check_names([part.before], "before")
        places = [place for place, row in enumerate(rows) if row.key == before]
        if not places:
            raise NotFoundError(
                f"There is no such conflict {short_repr(before)} of this user. Pass the id of one "
                "of conflicts()."
            )
        rows = rows[: places[0]]
    return rows if part.limit is None else rows[-part.limit :]


def decide_conflict(
    connection: Connection, user_row: int, key: str, resolution: str, now: float
) -> None:
    """Close the user's conflict of that public id."""
    connection.execute(
        update(conflicts)
        .where(conflicts.c.key == key, conflicts.c.user == user_row)
        .values(resolved_at=now, resolution=resolution)
    )


def settle_conflicts(
    connection: Connection, user_row: int, pairs: set[tuple[int, int]], among: set[int], now: float
) -> int:
    """Open conflicts between these pairs; close those of ``among`` that are none any more.

    Args:
        connection: Of a write transaction.
        user_row: Whose.
        pairs: Rows of two facts each, the smaller one first.
        among: Rows of all facts that were settled.
        now: The time, in seconds since 1970.

    Returns:
        How many are new.
    """
    query = select(conflicts).where(conflicts.c.user == user_row, conflicts.c.first.in_(among))
    known = {(row.first, row.second): row for row in connection.execute(query)}
    for pair, row in known.items():
        if (pair in pairs) == (row.resolved_at is None):
            continue
        decided = {"resolved_at": now, "resolution": "Decided by what was said since."}
        anew = {"resolved_at": None, "resolution": None}
        connection.execute(
            update(conflicts)
            .where(conflicts.c.id == row.id)
            .values(**(anew if pair in pairs else decided))
        )
    new = [
        {"key": uuid.uuid4().hex, "user": user_row, "first": first, "second": second,
         "opened_at": now}
        for first, second in sorted(pairs - set(known))
    ]  # fmt: skip
    insert_rows(connection, conflicts, new)
    return len(new)
