"""What a recall needs of facts: their vectors and terms, what proves them, and what is near."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from sqlalchemy import Connection, func, select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.schema.knowledge import (
    episode_turns,
    evidence,
    fact_vectors,
    facts,
    mentions,
)
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.vectors import unpack_all

_MOST_ASKED = 500  # a guess: links of more facts than this are not looked for
_COMMON = 50
"""An entity in more facts than this links nothing: it is whom the memory is about."""


def vectors_of_facts(
    connection: Connection, user_row: int, rows: Collection[int] | None = None
) -> tuple[list[int], Vectors]:
    """Rows of a user's facts that were not retracted, and the vectors of their statements."""
    query = (
        select(fact_vectors.c.fact, fact_vectors.c.vector)
        .join(facts, facts.c.id == fact_vectors.c.fact)
        .where(facts.c.user == user_row, facts.c.retracted_at.is_(None))
        .order_by(fact_vectors.c.fact)
    )
    if rows is None:
        found = list(connection.execute(query))
    else:
        found = [
            row
            for batch in in_batches(sorted(rows))
            for row in connection.execute(query.where(fact_vectors.c.fact.in_(batch)))
        ]
    if not found:
        return [], np.zeros((0, 0), np.float32)
    return [row for row, _ in found], unpack_all([blob for _, blob in found])


def linked_facts(
    connection: Connection, user_row: int, rows: Collection[int], limit: int = 20
) -> list[int]:
    """Facts one hop away: they mention an entity of these, or come from one of their episodes.

    Facts that share more come first. Retracted facts, and those asked for, do not come back.
    """
    wanted = list(rows)[:_MOST_ASKED]
    shared: dict[int, int] = {}
    named = select(mentions.c.entity).where(
        mentions.c.user == user_row, mentions.c.fact.in_(wanted)
    )
    rare = (
        select(mentions.c.entity)
        .where(mentions.c.user == user_row, mentions.c.entity.in_(named))
        .group_by(mentions.c.entity)
        .having(func.count() <= _COMMON)
    )
    by_entity = select(mentions.c.fact).where(
        mentions.c.user == user_row, mentions.c.entity.in_(rare)
    )
    theirs = (
        select(episode_turns.c.episode)
        .join(evidence, evidence.c.turn == episode_turns.c.turn)
        .where(evidence.c.user == user_row, evidence.c.fact.in_(wanted))
    )
    by_episode = (
        select(evidence.c.fact)
        .join(episode_turns, episode_turns.c.turn == evidence.c.turn)
        .where(evidence.c.user == user_row, episode_turns.c.episode.in_(theirs))
        .distinct()
    )
    for query in (by_entity, by_episode):
        for row in connection.execute(query).scalars():
            shared[row] = shared.get(row, 0) + 1
    for row in wanted:
        shared.pop(row, None)
    order = sorted(shared, key=lambda row: (-shared[row], -row))[: 10 * limit]
    alive = select(facts.c.id).where(
        facts.c.user == user_row, facts.c.id.in_(order), facts.c.retracted_at.is_(None)
    )
    there = set(connection.execute(alive).scalars())
    return [row for row in order if row in there][:limit]
