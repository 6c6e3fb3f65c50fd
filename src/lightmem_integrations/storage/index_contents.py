"""Contents of the vector index: the vectors of turns, and those of documents."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from lightmem_integrations.storage.document_vectors import document_batches, expected_of_documents
from lightmem_integrations.storage.index import Batch
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import expected_of_turns, turn_batches

PURGE = "index.purge"
"""Set in the ledger while the vector index holds something that it is not to hold."""


def expected(connection: Connection, *, indexed: bool = False) -> dict[str, int]:
    """Number of vectors that the index may hold by scope; ``indexed``: that it must hold."""
    return expected_of_turns(connection, indexed=indexed) | expected_of_documents(
        connection, indexed=indexed
    )


def batches(ledger: Ledger) -> Iterator[Batch]:
    """Everything that the index is rebuilt from, scope by scope."""
    yield from turn_batches(ledger)
    yield from document_batches(ledger)
