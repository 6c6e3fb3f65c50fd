"""Counts of what is stored, read from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, cast, func, select

from lightmem_integrations.storage.episodes import DROPPED
from lightmem_integrations.storage.facts import STANDING
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    episodes,
    facts,
    failures,
    quarantine,
    sessions,
    turns,
    users,
    vectors,
    work,
)
from lightmem_integrations.storage.sql import count_rows, select_in
from lightmem_integrations.storage.turn_vectors import waits
from lightmem_integrations.storage.users import find_users
from lightmem_integrations.storage.work_queue import CONSOLIDATE

_COUNTED: dict[str, tuple[Table, Sequence[ColumnElement[bool]]]] = {
    "sessions": (sessions, ()),
    "turns": (turns, ()),
    "pending": (work, waits((), embedded=False)),
    "episodes": (episodes, [episodes.c.state != DROPPED]),
    "facts": (facts, [STANDING]),
    "set_aside": (quarantine, ()),
    "due": (work, [work.c.kind == CONSOLIDATE]),
    "failing": (failures, ()),
}


def count_stored(connection: Connection) -> dict[str, int]:
    """Counts of all that is stored; named as in ``Stats``."""
    spaces = func.count().filter(users.c.space)
    searchable = cast(func.coalesce(func.sum(users.c.searchable), 0), BigInteger)
    people = select(func.count(), spaces, searchable).where(users.c.staged.is_(None))
    number, shared, found = connection.execute(people).one()
    counts = {
        name: count_rows(connection, table, *where) for name, (table, where) in _COUNTED.items()
    }
    return {"users": number - shared, "spaces": shared, "searchable": found, **counts}


def count_memory(connection: Connection, user_row: int) -> dict[str, int]:
    """Counts of all that is stored of a user or a space; named as in ``Receipt``."""
    told = select(func.count(assertions.c.fact.distinct())).where(assertions.c.user == user_row)
    made = select(func.count(episode_turns.c.episode.distinct())).where(
        episode_turns.c.user == user_row
    )
    counts = {
        table.name: count_rows(connection, table, user=user_row)
        for table in (turns, sessions, vectors)
    }
    derived = {"facts": told, "episodes": made}
    return counts | {
        name: connection.execute(query).scalar_one() for name, query in derived.items()
    }


def count_by_user(connection: Connection, user_ids: Sequence[str]) -> list[dict[str, int]]:
    """Counts of each of these users or spaces, in as many statements for many as for one."""
    known = find_users(connection, user_ids)
    counts: dict[int, dict[str, int]] = {
        user.row: {
            **dict.fromkeys(_COUNTED, 0),
            "users": 1 - user.space,
            "spaces": int(user.space),
            "searchable": user.searchable,
        }
        for user in known.values()
    }
    for name, (table, where) in _COUNTED.items():
        query = select(table.c.user, func.count()).where(*where).group_by(table.c.user)
        for row, count in select_in(connection, query, table.c.user, counts):
            counts[row][name] = count
    nothing = dict.fromkeys(("users", "spaces", "searchable", *_COUNTED), 0)
    return [counts[known[each].row] if each in known else nothing for each in user_ids]


def last_episodes(connection: Connection, user_ids: Sequence[str] | None) -> list[float | None]:
    """When the newest episode of each of these users was written; with ``None`` of anybody's."""
    if user_ids is None:
        newest = select(episodes.c.recorded_at).order_by(episodes.c.id.desc()).limit(1)
        return [connection.execute(newest).scalar()]
    known = find_users(connection, user_ids)
    last = select(func.max(episodes.c.id)).group_by(episodes.c.user)
    rows = [user.row for user in known.values()]
    found = [row for (row,) in select_in(connection, last, episodes.c.user, rows)]
    written = select(episodes.c.user, episodes.c.recorded_at)
    times: dict[int, float] = dict(select_in(connection, written, episodes.c.id, found))
    return [times.get(known[each].row) if each in known else None for each in user_ids]
