"""Counts of what a store holds."""

from __future__ import annotations

from collections.abc import Sequence

from lightmem_integrations.engine.embedder import EMBEDDER_DIMENSION
from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.report import Stats
from lightmem_integrations.storage.counts import count_by_user, count_stored, last_episodes
from lightmem_integrations.storage.ledger import get_meta
from lightmem_integrations.storage.turns import moment


def stats(store: Store, user_ids: Sequence[str] | None) -> tuple[Stats, ...]:
    """Counts of each of these users' memories or, with ``None``, once of the whole store.

    Raises:
        StorageError: The ledger does not answer.
    """
    counted: list[tuple[str | None, dict[str, int]]]
    with store.ledger.read() as connection:
        if user_ids is None:
            counted = [(None, count_stored(connection))]
        else:
            counted = list(zip(user_ids, count_by_user(connection, user_ids), strict=True))
        written = last_episodes(connection, user_ids)
        dimension = get_meta(connection, EMBEDDER_DIMENSION)
    return tuple(
        Stats(
            **counts,
            embedder=store.embedder.name,
            dimension=int(dimension) if dimension else None,
            index=store.indexer.state,
            bytes=store.size_in_bytes() if user_id is None else None,
            user_id=user_id,
            space=None,
            consolidated_at=None if at is None else moment(at),
        )
        for (user_id, counts), at in zip(counted, written, strict=True)
    )
