"""Contents of the vector index: the vectors of turns, and those of documents."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from lightmem_integrations.storage.document_vectors import FIRST_ID, HELD
from lightmem_integrations.storage.index import Batch
from lightmem_integrations.storage.ledger import Ledger, get_meta, put_meta
from lightmem_integrations.storage.schema import document_vectors, namespaces, users, vectors, work
from lightmem_integrations.storage.turns import EMBED
from lightmem_integrations.storage.vector_bytes import unpack_rows

_BATCH = 1_000  # vectors read at a time; a guess

PURGE = "index.purge"
"""Set in the ledger while the vector index holds something that it is not to hold.

Each erasure sets another value: whoever rewrites the index clears only the one from before that.
"""

# Of each kind of vector: whose they are, by which column; their rows; the id in the index of row 0;
# and which of them the index must hold.
_WAITS = select(work.c.item).where(work.c.kind == EMBED)
_KINDS = (
    (users, vectors.c.user, vectors.c.turn, 0, vectors.c.turn.not_in(_WAITS)),
    (
        namespaces,
        document_vectors.c.namespace,
        document_vectors.c.id,
        FIRST_ID,
        document_vectors.c.indexed == HELD,
    ),
)


def expected(connection: Connection, *, indexed: bool = False) -> dict[str, int]:
    """Number of vectors that the index may hold by scope; ``indexed``: that it must hold."""
    counts: dict[str, int] = {}
    for owners, owner, _, _, held in _KINDS:
        query = select(owners.c.key, func.count()).join(owner.table, owner == owners.c.id)
        query = query.where(held) if indexed else query
        counts |= dict(connection.execute(query.group_by(owners.c.key)).all())
    return counts


def batches(ledger: Ledger) -> Iterator[Batch]:
    """Everything that the index is rebuilt from, scope by scope.

    Each batch is read in a transaction of its own.
    """
    for owners, owner, row, first_id, held in _KINDS:
        with ledger.read() as connection:
            holding = owners.c.id.in_(select(owner).where(held))
            scopes = connection.execute(select(owners.c.id, owners.c.key).where(holding)).all()
        for owner_row, scope in scopes:
            query = select(row, owner.table.c.vector).where(owner == owner_row, held)
            query = query.order_by(row).limit(_BATCH)
            rows = [0]
            while rows:
                with ledger.read() as connection:
                    rows, found = unpack_rows(connection.execute(query.where(row > rows[-1])))
                if rows:
                    yield Batch(scope, [first_id + each for each in rows], found)


def mark_purge(connection: Connection) -> None:
    """Note, with an erasure, that the files of index and ledger must be rewritten."""
    put_meta(connection, PURGE, uuid.uuid4().hex)


def clear_purge(connection: Connection, mark: str) -> None:
    """Note that they were, unless something was erased after that mark was read."""
    if get_meta(connection, PURGE) == mark:
        put_meta(connection, PURGE, "")
