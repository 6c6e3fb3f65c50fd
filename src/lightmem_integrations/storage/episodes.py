"""Episodes in the ledger: a summary over turns that stay as they were said."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.schema.knowledge import episode_turns, episode_vectors, episodes
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.vectors import pack

VERBATIM, COMPRESSED, DROPPED = "verbatim", "compressed", "dropped"
"""States of an episode: its turns are searched; only its summary is; neither, its row remains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpisode:
    """An episode as the ledger holds it. Times are in seconds since 1970."""

    row: int
    key: str
    user: int
    session: int
    begins: float
    ends: float
    summary: str
    terms: str
    keywords: tuple[str, ...]
    entities: tuple[str, ...]
    speakers: tuple[str, ...]
    state: str
    accesses: int
    accessed_at: float | None
    writer: str
    version: int
    recorded_at: float


def insert_episode(
    connection: Connection,
    values: Mapping[str, Any],
    turn_rows: Sequence[int],
    vector: Vectors | None,
) -> int:
    """Write an episode over turns that are in none yet; returns its row."""
    done = connection.execute(insert(episodes).values(**values).returning(episodes.c.id))
    row = int(done.scalar_one())
    user = values["user"]
    connection.execute(
        insert(episode_turns),
        [{"turn": turn, "episode": row, "user": user} for turn in turn_rows],
    )
    if vector is not None:
        connection.execute(
            insert(episode_vectors).values(episode=row, user=user, vector=pack(vector))
        )
    return row


def read_episodes(
    connection: Connection, user_row: int, rows: Collection[int] | None = None
) -> list[StoredEpisode]:
    """A user's episodes that were not dropped, oldest first; of these ``rows`` if given."""
    query = select(episodes).where(episodes.c.user == user_row, episodes.c.state != DROPPED)
    if rows is None:
        found = list(connection.execute(query))
    else:
        found = [
            row
            for batch in in_batches(rows)
            for row in connection.execute(query.where(episodes.c.id.in_(batch)))
        ]
    return [_stored(row) for row in sorted(found, key=lambda row: (row.begins, row.id))]


def find_episode(connection: Connection, user_row: int, key: str) -> StoredEpisode | None:
    """The user's episode of that public id, unless it was dropped."""
    row = connection.execute(
        select(episodes).where(
            episodes.c.user == user_row, episodes.c.key == key, episodes.c.state != DROPPED
        )
    ).first()
    return None if row is None else _stored(row)


def turns_of_episodes(
    connection: Connection, user_row: int, rows: Collection[int]
) -> dict[int, list[int]]:
    """Rows of the turns of episodes, by episode."""
    found = {row: list[int]() for row in rows}
    for batch in in_batches(rows):
        query = select(episode_turns.c.episode, episode_turns.c.turn).where(
            episode_turns.c.user == user_row,
            episode_turns.c.episode.in_(batch),
        )
        for episode, turn in connection.execute(query.order_by(episode_turns.c.turn)):
            found[episode].append(turn)
    return found


def note_access(
    connection: Connection, user_row: int, counts: Mapping[str, int], now: float
) -> None:
    """Count that episodes, by their public ids, came back from so many recalls."""
    for key, count in counts.items():
        connection.execute(
            update(episodes)
            .where(episodes.c.user == user_row, episodes.c.key == key)
            .values(accesses=episodes.c.accesses + count, accessed_at=now)
        )


def count_episodes(
    connection: Connection, user_row: int | None = None, state: str | None = None
) -> int:
    """How many episodes there are that were not dropped; of one user, or in one state."""
    query = select(func.count()).select_from(episodes)
    query = query.where(episodes.c.state != DROPPED if state is None else episodes.c.state == state)
    if user_row is not None:
        query = query.where(episodes.c.user == user_row)
    return int(connection.execute(query).scalar_one())


def _stored(row: Row[Any]) -> StoredEpisode:
    values = dict(row._mapping)
    values["row"] = values.pop("id")
    for name in ("keywords", "entities", "speakers"):
        values[name] = tuple(json.loads(values[name]))
    return StoredEpisode(**values)
