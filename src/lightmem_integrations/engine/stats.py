"""Counts of what a store holds."""

from __future__ import annotations

from lightmem_integrations.engine.embedder import EMBEDDER_DIMENSION
from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.conversation import Stats
from lightmem_integrations.storage.counts import count_everything, count_of
from lightmem_integrations.storage.ledger import get_meta
from lightmem_integrations.storage.users import find_user


def stats(store: Store, user_id: str | None) -> Stats:
    """Counts of one user's memory or, with ``None``, of the whole store.

    Raises:
        StorageError: The ledger does not answer.
    """
    with store.ledger.read() as connection:
        if user_id is None:
            counts = count_everything(connection)
        else:
            counts = count_of(connection, find_user(connection, user_id))
        dimension = get_meta(connection, EMBEDDER_DIMENSION)
    return Stats(
        users=counts.users,
        sessions=counts.sessions,
        turns=counts.turns,
        searchable=counts.searchable,
        pending=counts.pending,
        set_aside=counts.set_aside,
        embedder=store.embedder.name,
        dimension=int(dimension) if dimension else None,
        index=store.indexer.state,
        bytes=store.size_in_bytes() if user_id is None else None,
    )
