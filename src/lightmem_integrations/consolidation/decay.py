"""Eviction of episodes: where there is no room, the least useful are compressed or dropped."""

from __future__ import annotations

import math
from itertools import chain

from lightmem_integrations.engine.store import Store
from lightmem_integrations.safety import key_of
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.archive import archive_turns
from lightmem_integrations.storage.episodes import (
    VERBATIM,
    StoredEpisode,
    compress_episodes,
    count_episodes,
    drop_episodes,
    facts_resting_on,
    read_episodes,
    turns_of_episodes,
)
from lightmem_integrations.storage.pins import pinned_episodes
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.storage.work_queue import user_named
from lightmem_integrations.text.temporal import SECONDS_A_DAY

_SPARE = 0.98
"""Room is made a little beyond need, so that not every episode costs a look at all of them.

By how much is a guess."""


def utility(episode: StoredEpisode, supports: int, now: float, half_life_days: float) -> float:
    """Utility of an episode: the sum of three parts, each at least 0. Their weights are a guess.

    - age: ``2 ** (-age / half_life)``, between 0 and 1;
    - access: ``log2(1 + accesses)``, fading with the time since the last one likewise;
    - evidence: ``log2(1 + supports)``, where ``supports`` facts that stand rest on it.
    """

    def fresh(moment: float) -> float:
        return math.pow(2.0, -max(now - moment, 0.0) / SECONDS_A_DAY / half_life_days)

    accessed = episode.accessed_at if episode.accessed_at is not None else episode.ends
    return (
        fresh(episode.ends)
        + math.log2(1 + episode.accesses) * fresh(accessed)
        + math.log2(1 + supports)
    )


def make_room(
    store: Store, user_row: int, settings: ConsolidationSettings, now: float
) -> tuple[int, int]:
    """Compress and drop a user's least useful episodes until they fit; returns how many of each.

    What is pinned stays. Compressed: the summary stays, its turns are no longer searched. Dropped:
    the summary goes too. Either way the turns stay in the history, and the facts with their
    evidence.

    Raises:
        StorageError: The store does not answer.
    """
    with store.ledger.read() as connection:
        there = count_episodes(connection, user_row)
        searched = count_episodes(connection, user_row, VERBATIM)
    if there <= settings.capacity and searched <= settings.verbatim:
        return 0, 0
    # Nobody may index a turn between the ledger's and the index's forgetting it.
    with store.indexer.exclusively():
        with store.ledger.write() as connection:
            lock_users(connection, [user_row])
            supports, half_life = facts_resting_on(connection, user_row), settings.half_life_days
            pinned = pinned_episodes(connection, user_row)
            every = read_episodes(connection, user_row)
            ranked = sorted(
                (episode for episode in every if episode.row not in pinned),
                key=lambda episode: (
                    utility(episode, supports.get(episode.row, 0), now, half_life), episode.row,
                ),
            )  # fmt: skip
            excess = _over(len(every), settings.capacity)
            drop = [episode.row for episode in ranked[:excess]]
            searched_now = [episode.row for episode in ranked[excess:] if episode.state == VERBATIM]
            kept = sum(episode.state == VERBATIM for episode in every if episode.row in pinned)
            compress = searched_now[: _over(len(searched_now) + kept, settings.verbatim)]
            drop_episodes(connection, drop)
            compress_episodes(connection, compress)
            turns = turns_of_episodes(connection, user_row, [*drop, *compress])
            members = list(chain.from_iterable(turns.values()))
            archived = archive_turns(connection, user_row, members)
            name = user_named(connection, user_row)
        if archived and name is not None:
            store.indexer.forget(key_of(name), archived)
    return len(compress), len(drop)


def _over(count: int, limit: int) -> int:
    return 0 if count <= limit else count - max(int(limit * _SPARE), 1)
