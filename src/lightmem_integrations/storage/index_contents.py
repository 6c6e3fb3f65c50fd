"""What the vector index is to hold: the vectors of turns, and those of documents."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from lightmem_integrations.storage import document_vectors, vectors
from lightmem_integrations.storage.index import Batch
from lightmem_integrations.storage.ledger import Ledger


def expected(connection: Connection, *, indexed: bool = False) -> dict[str, int]:
    """How many vectors the index may hold of each scope; ``indexed``: how many it must."""
    return vectors.expected(connection, indexed=indexed) | document_vectors.expected_of_documents(
        connection, indexed=indexed
    )


def batches(ledger: Ledger) -> Iterator[Batch]:
    """Everything that the index is rebuilt from, scope by scope."""
    yield from vectors.batches(ledger)
    yield from document_vectors.document_batches(ledger)
