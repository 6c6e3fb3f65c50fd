"""Transcripts of sessions in the ledger: whole, in parts, and the part in short-term memory."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from lightmem_integrations.errors import NotFoundError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.safety import check_names, key_of, short_repr
from lightmem_integrations.storage.filtered_turns import rows_meeting
from lightmem_integrations.storage.schema import sessions, turns
from lightmem_integrations.storage.sql import MOST_ROWS, select_in
from lightmem_integrations.storage.turns import stands, turn_of_row
from lightmem_integrations.storage.users import User


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a session or of facts: so many, between those with these ids, or from the end."""

    limit: int | None = None
    after: str | None = None
    before: str | None = None
    latest: bool = False


def read_turns(
    connection: Connection,
    user: User,
    session_row: int,
    filter: Filter | None = None,  # noqa: A002
    part: Part | None = None,
    *,
    without: Set[int],
) -> list[Turn]:
    """The turns of a user's session that meet a filter, but for some rows, oldest first.

    Raises:
        NotFoundError: The part begins or ends with a turn that the session does not have.
    """
    part = part or Part()
    query = select(turns).where(turns.c.session == session_row)
    if part.after is not None:
        query = query.where(turns.c.position > _place(connection, session_row, part.after))
    if part.before is not None:
        query = query.where(turns.c.position < _place(connection, session_row, part.before))
    query = query.order_by(turns.c.position.desc() if part.latest else turns.c.position)
    if filter is not None:
        met = set(rows_meeting(connection, user.row, filter).tolist()) - without
        every = connection.execute(query.with_only_columns(turns.c.id)).scalars()
        chosen = [row for row in every if row in met][: part.limit]
        read = {row.id: row for row in select_in(connection, select(turns), turns.c.id, chosen)}
        found = [turn_of_row(read[row]) for row in chosen]
    else:
        if part.limit is not None:
            query = query.limit(min(part.limit + len(without), MOST_ROWS))
        kept = [row for row in connection.execute(query) if row.id not in without]
        found = [turn_of_row(row) for row in kept[: part.limit]]
    return found[::-1] if part.latest else found


def _place(connection: Connection, session_row: int, turn_id: str) -> int:
    (turn_id,) = check_names([turn_id], "after or before")
    held = select(turns.c.position).where(turns.c.session == session_row)
    place: int | None = connection.execute(held.where(turns.c.key == key_of(turn_id))).scalar()
    if place is None:
        raise NotFoundError(
            f"The session has no turn {short_repr(turn_id)}. Pass the id of a turn of history()."
        )
    return place


def read_window(connection: Connection, session_row: int, without: Set[int]) -> list[Turn]:
    """The turns but for some rows that stand in a session's short-term window, oldest first."""
    start = select(sessions.c.window_from).where(sessions.c.id == session_row).scalar_subquery()
    query = select(turns).where(turns.c.session == session_row, turns.c.position > start, stands())
    ordered = connection.execute(query.order_by(turns.c.position))
    return [turn_of_row(row) for row in ordered if row.id not in without]


def restart_window(connection: Connection, session_row: int) -> None:
    """Begin the session's short-term window after its last turn."""
    connection.execute(
        update(sessions).where(sessions.c.id == session_row).values(window_from=sessions.c.length)
    )
