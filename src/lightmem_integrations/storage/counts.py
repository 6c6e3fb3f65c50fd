"""Counts of what is stored, read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select

from lightmem_integrations.storage.episodes import DROPPED
from lightmem_integrations.storage.schema.knowledge import episodes, facts
from lightmem_integrations.storage.schema.turns import sessions, turns, users
from lightmem_integrations.storage.turn_vectors import count_pending_turns
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.work_queue import count_set_aside


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the ledger, of one user or of all."""

    users: int
    sessions: int
    turns: int
    searchable: int
    pending: int
    episodes: int
    facts: int
    set_aside: int


NOTHING = Counts(0, 0, 0, 0, 0, 0, 0, 0)
"""The counts of a user who has stored nothing."""


def count_stored(connection: Connection, user: User | None) -> Counts:
    """Counts of one user, or of all for ``None``."""
    row = None if user is None else user.row

    def count(table: Table, *where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(*where)
        query = query if row is None else query.where(table.c.user == row)
        return int(connection.execute(query).scalar_one())

    if user is None:
        everybody = select(func.count(), func.coalesce(func.sum(users.c.searchable), 0))
        number, searchable = connection.execute(everybody).one()
    else:
        number, searchable = 1, user.searchable
    return Counts(
        users=number,
        sessions=count(sessions),
        turns=count(turns),
        searchable=searchable,
        pending=count_pending_turns(connection, row),
        episodes=count(episodes, episodes.c.state != DROPPED),
        facts=count(facts, facts.c.retracted_at.is_(None), facts.c.superseded_by.is_(None)),
        set_aside=count_set_aside(connection, row),
    )
