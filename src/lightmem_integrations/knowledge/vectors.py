"""Vectors of facts and episodes that have none yet."""

from __future__ import annotations

from lightmem_integrations.engine.store import Store
from lightmem_integrations.storage.knowledge_vectors import Kind, set_vectors, without_vector

_KINDS: tuple[Kind, ...] = ("episode", "fact")

_BATCH = 64
"""Texts embedded in one call of the model: a guess."""


def embed_missing(store: Store, user_row: int, *, tokens: bool = True) -> int:
    """Give episodes and facts their vectors where they lack one; returns how many did.

    They do after another embedder replaced the store's, and where forgetting changed a statement.
    Until then they are found by their words. So do facts of older stores, for their token vectors.

    Args:
        store: The store.
        user_row: Whose.
        tokens: Also those that lack nothing but token vectors; not where somebody waits, as all
            facts of a user may.

    Raises:
        ModelError: The embedder failed.
    """
    done = 0
    for kind in _KINDS:
        while True:
            with store.ledger.read() as connection:
                found = without_vector(connection, user_row, kind, _BATCH, tokens=tokens)
            if not found:
                break
            made = store.embedder.statements([text for _, text in found])
            with store.ledger.write() as connection:
                store.embedder.record_dimension(connection, len(made[0].vector))
                done += set_vectors(connection, user_row, kind, found, made)
    return done
