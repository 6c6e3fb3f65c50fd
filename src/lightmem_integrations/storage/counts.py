"""How much is stored: numbers read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from lightmem_integrations.storage.schema.turns import sessions, turns, users
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.vectors import count_pending
from lightmem_integrations.storage.work_queue import count_set_aside


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the ledger, of one user or of all."""

    users: int
    sessions: int
    turns: int
    searchable: int
    pending: int
    set_aside: int


def count_everything(connection: Connection) -> Counts:
    """How much all users have stored."""
    return Counts(
        users=_one(connection, select(func.count()).select_from(users)),
        sessions=_one(connection, select(func.count()).select_from(sessions)),
        turns=_one(connection, select(func.count()).select_from(turns)),
        searchable=_one(connection, select(func.coalesce(func.sum(users.c.searchable), 0))),
        pending=count_pending(connection),
        set_aside=count_set_aside(connection),
    )


def count_of(connection: Connection, user: User | None) -> Counts:
    """How much one user has stored; ``None`` stands for a user without anything."""
    if user is None:
        return Counts(0, 0, 0, 0, 0, 0)
    return Counts(
        users=1,
        sessions=_one(
            connection,
            select(func.count()).select_from(sessions).where(sessions.c.user == user.row),
        ),
        turns=_one(
            connection, select(func.count()).select_from(turns).where(turns.c.user == user.row)
        ),
        searchable=user.searchable,
        pending=count_pending(connection, user.row),
        set_aside=count_set_aside(connection, user.row),
    )


def _one(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())
