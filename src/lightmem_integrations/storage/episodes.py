"""Episodes in the ledger: a summary over turns that stay as they were said."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Update, func, select, update

from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.facts import STANDING
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    episode_vectors,
    episodes,
    facts,
    sessions,
    turns,
)
from lightmem_integrations.storage.sql import (
    count_rows,
    delete_in,
    in_batches,
    insert_row,
    insert_rows,
    select_in,
)
from lightmem_integrations.storage.unread_turns import WriterTurn
from lightmem_integrations.text.terms import terms

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
    user_row: int,
    read: Sequence[WriterTurn],
    *,
    summary: str,
    keywords: Sequence[str],
    entities: Sequence[str],
    speakers: Sequence[str],
    writer: str,
    now: float,
) -> int:
    """Write an episode over turns of one session that are in none yet; returns its row."""
    times = [turn.time.timestamp() for turn in read]
    row = insert_row(
        connection, episodes, key=uuid.uuid4().hex, user=user_row, session=read[0].session,
        begins=min(times), ends=max(times), summary=summary,
        terms=" ".join(terms(" ".join([summary, *keywords, *entities]))),
        keywords=json.dumps(keywords), entities=json.dumps(entities),
        speakers=json.dumps(speakers), state=VERBATIM, accesses=0,
        writer=writer, version=1, recorded_at=now,
    )  # fmt: skip
    members = [{"turn": turn.row, "episode": row, "user": user_row} for turn in read]
    insert_rows(connection, episode_turns, members)
    return row


def read_episodes(
    connection: Connection, user_row: int, rows: Collection[int] | None = None
) -> list[StoredEpisode]:
    """A user's episodes that were not dropped, oldest first; with ``rows`` only these."""
    query = select(episodes).where(episodes.c.state != DROPPED)
    if rows is None:
        found = list(map(_stored, connection.execute(query.where(episodes.c.user == user_row))))
    else:
        query = query.where(unindexed(episodes.c.user) == user_row)
        found = list(map(_stored, select_in(connection, query, episodes.c.id, rows)))
    return sorted(found, key=lambda episode: (episode.begins, episode.row))


def turns_of_episodes(
    connection: Connection, user_row: int, rows: Collection[int]
) -> dict[int, list[int]]:
    """Rows of the turns of episodes, by episode."""
    found = {row: list[int]() for row in rows}
    query = select(episode_turns.c.episode, episode_turns.c.turn).order_by(episode_turns.c.turn)
    query = query.where(episode_turns.c.user == user_row)
    for episode, turn in select_in(connection, query, episode_turns.c.episode, rows):
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


def count_episodes(connection: Connection, user_row: int, state: str | None = None) -> int:
    """Number of a user's episodes that were not dropped, or that are in one state."""
    wanted = episodes.c.state != DROPPED if state is None else episodes.c.state == state
    return count_rows(connection, episodes, wanted, user=user_row)


def read_turns_of(
    connection: Connection, user_row: int, rows: Collection[int]
) -> dict[int, list[Row[Any]]]:
    """Rows of the turns of episodes, each with its ``session_name``, by episode, in order."""
    found = {row: list[Row[Any]]() for row in rows}
    query = (
        select(turns, sessions.c.name.label("session_name"), episode_turns.c.episode)
        .join(episode_turns, episode_turns.c.turn == turns.c.id)
        .join(sessions, sessions.c.id == turns.c.session)
        .where(episode_turns.c.user == user_row)
        .order_by(turns.c.position)
    )
    for turn in select_in(connection, query, episode_turns.c.episode, rows):
        found[turn.episode].append(turn)
    return found


def facts_resting_on(connection: Connection, user_row: int) -> dict[int, int]:
    """Number of facts that stand on each of a user's episodes, for those with any."""
    query = (
        select(assertions.c.episode, func.count(assertions.c.fact.distinct()))
        .join(facts, facts.c.id == assertions.c.fact)
        .where(assertions.c.user == user_row, STANDING)
        .group_by(assertions.c.episode)
    )
    return dict(connection.execute(query).all())


def compress_episodes(connection: Connection, rows: Collection[int]) -> None:
    """Keep only the summary of episodes for search, by their rows."""
    for batch in in_batches(rows):
        connection.execute(_changed(batch).values(state=COMPRESSED))


def drop_episodes(connection: Connection, rows: Collection[int]) -> None:
    """Empty episodes, by their rows.

    The rows stay: their turns must not be consolidated again, and facts point to them.
    """
    lists = dict.fromkeys(("keywords", "entities", "speakers"), json.dumps([]))
    for batch in in_batches(rows):
        connection.execute(_changed(batch).values(state=DROPPED, summary="", terms="", **lists))
    delete_in(connection, episode_vectors, episode_vectors.c.episode, rows)


def _changed(rows: list[int]) -> Update:
    return update(episodes).where(episodes.c.id.in_(rows)).values(version=episodes.c.version + 1)


def _stored(row: Row[Any]) -> StoredEpisode:
    values = dict(row._mapping)
    values["row"] = values.pop("id")
    for name in ("keywords", "entities", "speakers"):
        values[name] = tuple(json.loads(values[name]))
    return StoredEpisode(**values)
