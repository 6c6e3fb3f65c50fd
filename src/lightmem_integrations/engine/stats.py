"""Counts of what a store holds."""

from __future__ import annotations

from lightmem_integrations.engine.embedder import EMBEDDER_DIMENSION
from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.report import Stats
from lightmem_integrations.storage.counts import count_stored
from lightmem_integrations.storage.ledger import get_meta
from lightmem_integrations.storage.users import row_of


def stats(store: Store, user_id: str | None) -> Stats:
    """Counts of one user's memory or, with ``None``, of the whole store.

    Raises:
        StorageError: The ledger does not answer.
    """
    with store.ledger.read() as connection:
        user = None if user_id is None else row_of(connection, user_id)
        counts = count_stored(connection, user)
        dimension = get_meta(connection, EMBEDDER_DIMENSION)
    return Stats(
        **counts,
        embedder=store.embedder.name,
        dimension=int(dimension) if dimension else None,
        index=store.indexer.state,
        bytes=store.size_in_bytes() if user_id is None else None,
        user_id=user_id,
    )
