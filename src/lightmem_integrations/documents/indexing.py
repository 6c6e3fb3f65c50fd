"""Indexing of documents' vectors, namespace by namespace, as these grow large."""

from __future__ import annotations

import logging
from collections.abc import Collection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import StorageError
from lightmem_integrations.storage.document_vectors import begin_batch, count_waiting, finish_batch
from lightmem_integrations.storage.namespaces import Path

logger = logging.getLogger(__name__)

_INDEX_FROM = 1_000
"""Vectors of a namespace that are compared one by one before the index gets them: a guess."""


def index_large(store: Store, namespaces: Collection[Path]) -> None:
    """Index those of the namespaces in which many vectors wait for it.

    What is not indexed is compared one by one, so nothing is missed if this fails or is put off.
    A database compares for itself: what one process indexes, others would not find.
    """
    if store.ledger.file is None:
        return
    for namespace in namespaces:
        with store.ledger.read() as connection:
            waiting = count_waiting(connection, namespace)
        lock = store.indexer.exclusively()
        # Whoever holds the lock may take seconds; the next write finds the same work.
        if waiting < _INDEX_FROM or not lock.acquire(blocking=False):
            continue
        try:
            _index(store, namespace)
        except StorageError as error:
            logger.warning("Documents are compared one by one meanwhile: %s", error)
        finally:
            lock.release()


def _index(store: Store, namespace: Path) -> None:
    store.indexer.prepare()
    while True:
        with store.ledger.write() as connection:
            batch = begin_batch(connection, namespace)
        if batch is None:
            return
        store.index.upsert(batch)
        with store.ledger.write() as connection:
            finish_batch(connection, batch)
