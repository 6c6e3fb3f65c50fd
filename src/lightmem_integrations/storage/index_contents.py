"""Contents of the vector index: the vectors of turns, and those of documents."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from lightmem_integrations.storage.document_vectors import expected_of_documents, indexed_documents
from lightmem_integrations.storage.index import Batch
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import expected_of_turns, indexed_turns
from lightmem_integrations.storage.vector_bytes import unpack_rows

_BATCH = 1_000  # vectors read at a time; a guess

PURGE = "index.purge"
"""Set in the ledger while the vector index holds something that it is not to hold."""


def expected(connection: Connection, *, indexed: bool = False) -> dict[str, int]:
    """Number of vectors that the index may hold by scope; ``indexed``: that it must hold."""
    return expected_of_turns(connection, indexed=indexed) | expected_of_documents(
        connection, indexed=indexed
    )


def batches(ledger: Ledger) -> Iterator[Batch]:
    """Everything that the index is rebuilt from, scope by scope.

    Each batch is read in a transaction of its own.
    """
    with ledger.read() as connection:
        sources = indexed_turns(connection) + indexed_documents(connection)
    for source in sources:
        row = source.query.selected_columns[0]
        query = source.query.order_by(row).limit(_BATCH)
        rows = [0]
        while rows:
            with ledger.read() as connection:
                rows, vectors = unpack_rows(connection.execute(query.where(row > rows[-1])))
            if rows:
                yield Batch(source.scope, [source.first_id + each for each in rows], vectors)
