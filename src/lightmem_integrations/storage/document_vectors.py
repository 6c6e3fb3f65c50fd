"""Vectors of documents in the ledger, and which of them the vector index holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, delete, func, select, update

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.index import Batch, cosines
from lightmem_integrations.storage.namespaces import Path, key_of_path, under
from lightmem_integrations.storage.schema import document_vectors, documents, namespaces
from lightmem_integrations.storage.sql import in_batches, insert_rows, select_in
from lightmem_integrations.storage.vector_bytes import half_vector, unpack_rows, unpack_vectors

_BATCH = 1_000  # vectors compared or indexed at a time; a guess
_LEAST = 1e-6  # of a length that is divided by: a vector of zeros is like nothing
# Whether the index holds a vector. It never holds one that is ABSENT: what is to be written is
# marked first, so that what is erased meanwhile, or after a crash, is erased there too.
ABSENT, WRITING, HELD = 0, 1, 2
FIRST_ID = 1 << 60
"""First id of a document's vector in the index, which turns and documents share; no ledger ever
counts that far."""


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace that holds vectors: its row, its scope in the index, and how many lie where."""

    row: int
    scope: str
    indexed: int
    waiting: int


def insert_vectors(connection: Connection, document: int, new: Vectors) -> None:
    """Keep the vectors of a document's parts, ``(parts, dimension)``."""
    space = select(documents.c.namespace).where(documents.c.id == document)
    namespace = connection.execute(space).scalar_one()
    part = {"document": document, "namespace": namespace, "indexed": ABSENT}
    rows = [part | {"vector": half_vector(vector)} for vector in new]
    insert_rows(connection, document_vectors, rows)


def delete_vectors(connection: Connection, rows: Collection[int]) -> dict[str, list[int]]:
    """Erase the vectors of documents; returns, by scope, the ids that the index may hold."""
    wanted = document_vectors.c.document.in_(list(rows))
    query = (
        select(namespaces.c.key, document_vectors.c.id)
        .join(namespaces, namespaces.c.id == document_vectors.c.namespace)
        .where(wanted, document_vectors.c.indexed != ABSENT)
    )
    left: dict[str, list[int]] = {}
    for scope, row in connection.execute(query):
        left.setdefault(scope, []).append(FIRST_ID + row)
    connection.execute(delete(document_vectors).where(wanted))
    return left


def spaces_under(connection: Connection, prefix: Path) -> list[Space]:
    """The namespaces under a prefix that hold vectors."""
    query = (
        select(
            document_vectors.c.namespace, namespaces.c.key, document_vectors.c.indexed, func.count()
        )
        .join(namespaces, namespaces.c.id == document_vectors.c.namespace)
        .group_by(document_vectors.c.namespace, namespaces.c.key, document_vectors.c.indexed)
    )
    query = under(query, document_vectors.c.namespace, prefix)
    found: dict[tuple[int, str], list[int]] = {}
    for row, scope, indexed, count in connection.execute(query):
        found.setdefault((row, scope), [0, 0])[0 if indexed == HELD else 1] += count
    return [Space(row, scope, *counts) for (row, scope), counts in found.items()]


def similarities(
    connection: Connection, prefix: Path, vector: Vectors, *, indexed_too: bool
) -> dict[int, float]:
    """Cosine similarity of every document under a prefix, that of its best part.

    Without ``indexed_too``, only what the vector index does not hold is compared.
    """
    query = select(document_vectors.c.document, document_vectors.c.vector)
    query = under(query, document_vectors.c.namespace, prefix)
    if not indexed_too:
        query = query.where(document_vectors.c.indexed != HELD)
    best: dict[int, float] = {}
    result = connection.execute(query, execution_options={"yield_per": _BATCH})
    for part in result.partitions():
        parts = unpack_vectors([row.vector for row in part])
        # Half precision costs a vector its length of 1, and a distance more than a cosine.
        scores = cosines(parts, vector) / np.linalg.norm(parts, axis=1).clip(min=_LEAST)
        for row, score in zip(part, scores.tolist(), strict=True):
            best[row.document] = max(score, best.get(row.document, -2.0))
    return best


def documents_by_id(connection: Connection, namespace: int, ids: Sequence[int]) -> dict[int, int]:
    """Rows of a namespace's documents by the index's ids of their vectors."""
    query = select(document_vectors.c.id, document_vectors.c.document)
    query = query.where(document_vectors.c.namespace == namespace)
    rows = [index_id - FIRST_ID for index_id in ids]
    found = select_in(connection, query, document_vectors.c.id, rows)
    return {FIRST_ID + row: document for row, document in found}


def count_waiting(connection: Connection, namespace: Path) -> int:
    """Count the vectors of a namespace that the index does not hold."""
    query = (
        select(func.count())
        .select_from(document_vectors)
        .join(namespaces, namespaces.c.id == document_vectors.c.namespace)
        .where(namespaces.c.key == key_of_path(namespace), document_vectors.c.indexed != HELD)
    )
    return int(connection.execute(query).scalar_one())


def begin_batch(connection: Connection, namespace: Path) -> Batch | None:
    """Vectors that the index does not hold, at most 1,000, marked as being written there."""
    scope = key_of_path(namespace)
    query = (
        select(document_vectors.c.id, document_vectors.c.vector)
        .join(namespaces, namespaces.c.id == document_vectors.c.namespace)
        .where(namespaces.c.key == scope, document_vectors.c.indexed != HELD)
        .order_by(document_vectors.c.id)
        .limit(_BATCH)
    )
    rows, vectors = unpack_rows(connection.execute(query))
    if not rows:
        return None
    batch = Batch(scope, [FIRST_ID + row for row in rows], vectors)
    _mark(connection, batch, WRITING)
    return batch


def finish_batch(connection: Connection, batch: Batch) -> None:
    """Note that the index holds these."""
    _mark(connection, batch, HELD)


def drop_document_vectors(connection: Connection) -> None:
    """Throw every vector away; they are made anew before the next search."""
    connection.execute(delete(document_vectors))
    connection.execute(
        update(documents).where(documents.c.fields.is_not(None)).values(embedded=False)
    )


def _mark(connection: Connection, batch: Batch, state: int) -> None:
    rows = [index_id - FIRST_ID for index_id in batch.ids]
    for part in in_batches(rows):
        among = document_vectors.c.id.in_(part)
        connection.execute(update(document_vectors).where(among).values(indexed=state))
