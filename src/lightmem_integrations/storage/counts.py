"""Counts of what is stored, read from the ledger."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, true

from lightmem_integrations.storage.episodes import DROPPED
from lightmem_integrations.storage.schema import episodes, facts, quarantine, sessions, turns, users
from lightmem_integrations.storage.sql import count_rows
from lightmem_integrations.storage.turn_vectors import count_pending_turns


def count_stored(connection: Connection, user: int | None) -> dict[str, int]:
    """Counts of one user's memory, by row id, or of all for ``None``; named as in ``Stats``."""
    people = select(func.count(), func.coalesce(func.sum(users.c.searchable), 0))
    whose = true() if user is None else users.c.id == user
    number, searchable = connection.execute(people.where(whose)).one()
    standing = facts.c.retracted_at.is_(None), facts.c.superseded_by.is_(None)
    return {
        "users": number,
        "sessions": count_rows(connection, sessions, user=user),
        "turns": count_rows(connection, turns, user=user),
        "searchable": searchable,
        "pending": count_pending_turns(connection, user, embedded=False),
        "episodes": count_rows(connection, episodes, episodes.c.state != DROPPED, user=user),
        "facts": count_rows(connection, facts, *standing, user=user),
        "set_aside": count_rows(connection, quarantine, user=user),
    }
