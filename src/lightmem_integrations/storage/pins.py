"""Pins and importance in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.archive import restore_turns
from lightmem_integrations.storage.episodes import VERBATIM
from lightmem_integrations.storage.facts import (
    StoredFact,
    next_revision,
    read_facts,
    update_fact,
)
from lightmem_integrations.storage.schema import (
    episode_turns,
    episodes,
    evidence,
    facts,
    turns,
)
from lightmem_integrations.storage.sql import in_batches, select_in


def pinnable_turns(
    connection: Connection,
    user_row: int,
    session_row: int | None,
    turn_ids: Collection[str] | None,
    episode_ids: Collection[str] | None,
) -> dict[int, Row[Any]]:
    """A user's turns that meet every condition given, by their rows."""
    query = select(turns.c.id, turns.c.name, turns.c.expires_at).where(turns.c.user == user_row)
    if session_row is not None:
        query = query.where(turns.c.session == session_row)
    if episode_ids is not None:
        query = (
            query.join(episode_turns, episode_turns.c.turn == turns.c.id)
            .join(episodes, episodes.c.id == episode_turns.c.episode)
            .where(episodes.c.key.in_(list(episode_ids)))
        )
    found: Iterable[Any] = (
        connection.execute(query)
        if turn_ids is None
        else select_in(connection, query, turns.c.key, [key_of(each) for each in turn_ids])
    )
    return {row.id: row for row in found}


def pinnable_facts(
    connection: Connection,
    user_row: int,
    session_row: int | None,
    turn_ids: Collection[str] | None,
    keys: Collection[str],
) -> list[StoredFact]:
    """A user's facts of these public ids that turns prove which meet every condition given."""
    query = select(facts.c.id).where(facts.c.user == user_row)
    if session_row is not None or turn_ids is not None:
        proof = pinnable_turns(connection, user_row, session_row, turn_ids, None)
        by = select(evidence.c.fact).where(evidence.c.turn.in_(list(proof)))
        query = query.where(facts.c.id.in_(by))
    rows = [row for (row,) in select_in(connection, query, facts.c.key, keys)]
    return read_facts(connection, user_row, rows)


def expiring_proof(connection: Connection, fact_rows: Collection[int]) -> list[Row[Any]]:
    """Turns with an end of their own that prove facts."""
    query = select(turns.c.name).join(evidence, evidence.c.turn == turns.c.id)
    query = query.where(turns.c.expires_at.is_not(None))
    return list(select_in(connection, query, evidence.c.fact, fact_rows))


def mark_turns(
    connection: Connection, user_row: int, rows: Collection[int], marks: Mapping[str, float]
) -> None:
    """Set columns of turns; what was archived of those that are pinned is searched again."""
    for batch in in_batches(rows):
        mine = turns.c.user == user_row, turns.c.id.in_(batch)
        connection.execute(update(turns).where(*mine).values(**marks))
    if marks.get("pinned"):
        archived = (
            select(episode_turns.c.turn)
            .join(episodes, episodes.c.id == episode_turns.c.episode)
            .where(episodes.c.user == user_row, episodes.c.state != VERBATIM)
        )
        found = [row for (row,) in select_in(connection, archived, episode_turns.c.turn, rows)]
        restore_turns(connection, user_row, found)


def mark_facts(
    connection: Connection, user_row: int, chosen: Sequence[StoredFact], marks: Mapping[str, float]
) -> None:
    """Set columns of facts."""
    if chosen:
        revision = next_revision(connection, user_row)
        for fact in chosen:
            update_fact(connection, fact, marks, revision)


def pinned_episodes(connection: Connection, user_row: int) -> set[int]:
    """Rows of the episodes of pinned turns, and of those that pinned facts rest on."""
    said = (
        select(episode_turns.c.episode)
        .join(turns, turns.c.id == episode_turns.c.turn)
        .where(turns.c.user == user_row, turns.c.pinned)
    )
    brought = (
        select(episode_turns.c.episode)
        .join(evidence, evidence.c.turn == episode_turns.c.turn)
        .join(facts, facts.c.id == evidence.c.fact)
        .where(facts.c.user == user_row, facts.c.pinned)
    )
    return {row for query in (said, brought) for row in connection.execute(query).scalars()}
