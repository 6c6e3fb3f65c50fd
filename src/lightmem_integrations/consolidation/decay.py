"""What fades: confidence without support, and episodes for which there is no room."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, update

from lightmem_integrations.engine.store import Store
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.archive import archive_turns
from lightmem_integrations.storage.episodes import (
    COMPRESSED,
    DROPPED,
    VERBATIM,
    StoredEpisode,
    count_episodes,
    read_episodes,
    turns_of_episodes,
)
from lightmem_integrations.storage.schema.knowledge import (
    assertions,
    episode_vectors,
    episodes,
    facts,
)
from lightmem_integrations.storage.schema.turns import users
from lightmem_integrations.storage.sql import in_batches

_DAY = 86_400.0
_AT_ONCE = 64
_SPARE = 0.98
"""Room is made a little beyond need, so that not every episode costs a look at all of them."""


def utility(episode: StoredEpisode, supports: int, now: float, half_life_days: float) -> float:
    """How useful an episode is: the sum of three parts, each at least 0.

    - age: ``2 ** (-age / half_life)``, between 0 and 1;
    - access: ``log2(1 + accesses)``, fading with the time since the last one likewise;
    - evidence: ``log2(1 + supports)``, where ``supports`` facts that stand rest on it.
    """

    def fresh(moment: float) -> float:
        return math.pow(2.0, -max(now - moment, 0.0) / _DAY / half_life_days)

    accessed = episode.accessed_at if episode.accessed_at is not None else episode.ends
    return (
        fresh(episode.ends)
        + math.log2(1 + episode.accesses) * fresh(accessed)
        + math.log2(1 + supports)
    )


def make_room(
    store: Store, user_row: int, settings: ConsolidationSettings, now: float | None = None
) -> tuple[int, int]:
    """Compress and drop a user's least useful episodes until they fit; returns how many of each.

    Compressed: the summary stays, its turns are no longer searched. Dropped: the summary goes
    too. Either way the turns stay in the history, and the facts with their evidence.

    Raises:
        StorageError: The store does not answer.
    """
    now = time.time() if now is None else now
    with store.ledger.read() as connection:
        there = count_episodes(connection, user_row)
        searched = count_episodes(connection, user_row, VERBATIM)
    if there <= settings.capacity and searched <= settings.verbatim:
        return 0, 0
    # Nobody may index a turn between the ledger's and the index's forgetting it.
    with store.indexer.exclusively():
        with store.ledger.write() as connection:
            ranked = _by_utility(connection, user_row, now, settings.half_life_days)
            drop = _over(len(ranked), settings.capacity)
            kept = ranked[drop:]
            searched_now = [each for each in kept if each.state == VERBATIM]
            compress = searched_now[: _over(len(searched_now), settings.verbatim)]
            gone = _shrink(connection, ranked[:drop], DROPPED)
            gone += _shrink(connection, compress, COMPRESSED)
            rows = turns_of_episodes(connection, user_row, gone)
            archived = archive_turns(
                connection,
                store.ledger.lexical,
                user_row,
                [turn for each in rows.values() for turn in each],
            )
            scope = _scope(connection, user_row)
        if archived:
            store.indexer.forget(scope, archived)
    return len(compress), drop


def _over(count: int, limit: int) -> int:
    return 0 if count <= limit else count - max(int(limit * _SPARE), 1)


def _by_utility(
    connection: Connection, user_row: int, now: float, half_life_days: float
) -> list[StoredEpisode]:
    """Every episode, the least useful first."""
    query = (
        select(assertions.c.episode, func.count(assertions.c.fact.distinct()))
        .join(facts, facts.c.id == assertions.c.fact)
        .where(
            assertions.c.user == user_row,
            facts.c.retracted_at.is_(None),
            facts.c.superseded_by.is_(None),
        )
        .group_by(assertions.c.episode)
    )
    supports: dict[int, int] = dict(connection.execute(query).all())
    return sorted(
        read_episodes(connection, user_row),
        key=lambda each: (
            utility(each, supports.get(each.row, 0), now, half_life_days), each.row,
        ),
    )  # fmt: skip


def _shrink(connection: Connection, which: Sequence[StoredEpisode], state: str) -> list[int]:
    rows = [each.row for each in which]
    values: dict[str, object] = {"state": state}
    if state == DROPPED:
        # The row stays: its turns must not be consolidated again, and facts point to it.
        nothing = json.dumps([])
        values |= {
            "summary": "", "terms": "", "keywords": nothing, "entities": nothing,
            "speakers": nothing,
        }  # fmt: skip
    for part in in_batches(rows):
        connection.execute(
            update(episodes)
            .where(episodes.c.id.in_(part))
            .values(**values, version=episodes.c.version + 1)
        )
        if state == DROPPED:
            connection.execute(delete(episode_vectors).where(episode_vectors.c.episode.in_(part)))
    return rows


def _scope(connection: Connection, user_row: int) -> str:
    return str(connection.execute(select(users.c.key).where(users.c.id == user_row)).scalar_one())
