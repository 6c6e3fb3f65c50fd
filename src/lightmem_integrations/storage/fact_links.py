"""Facts that belong together: those that replaced each other, and those that share something."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.schema import episode_turns, evidence, facts, mentions

_MOST_ASKED = 500
"""Links of more facts than this are not looked for: a guess."""

_COMMON = 50
"""An entity in more facts than this links nothing, as the memory is about it: a guess."""

_PER_LINK = 10  # candidates for each link wanted, as some are retracted; a guess
_MOST = 20  # links shown: a guess, as many as a person reads


def chain_of(connection: Connection, fact: StoredFact) -> list[StoredFact]:
    """All facts that took each other's place with this one, oldest first."""
    found, wanted = {fact.row: fact}, [fact]
    while wanted:
        rows = [one.row for one in wanted]
        after = [one.superseded_by for one in wanted if one.superseded_by is not None]
        before = select(facts.c.id).where(
            facts.c.user == fact.user, facts.c.superseded_by.in_(rows)
        )
        near = {*after, *connection.execute(before).scalars()} - found.keys()
        wanted = read_facts(connection, fact.user, near, retracted=True)
        found |= {one.row: one for one in wanted}
    return sorted(found.values(), key=lambda one: (one.valid_from, one.row))


def linked_facts(connection: Connection, user_row: int, rows: Collection[int]) -> list[int]:
    """Facts one hop away: they mention an entity of these, or come from one of their episodes.

    Facts that share more come first, 20 at most. Retracted facts, and those asked for, do not come
    back.
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
    order = sorted(shared, key=lambda row: (-shared[row], -row))[: _PER_LINK * _MOST]
    alive = select(facts.c.id).where(
        facts.c.user == user_row, facts.c.id.in_(order), facts.c.retracted_at.is_(None)
    )
    there = set(connection.execute(alive).scalars())
    return [row for row in order if row in there][:_MOST]
