"""Vectors of facts and episodes that have none yet."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from lightmem_integrations.engine.store import Store
from lightmem_integrations.storage.schema.knowledge import (
    episode_vectors,
    episodes,
    fact_vectors,
    facts,
)
from lightmem_integrations.storage.vectors import pack

_AT_ONCE = 64


def embed_missing(store: Store, user_row: int) -> int:
    """Give episodes and facts their vectors where they lack one; returns how many did.

    They do after another embedder replaced the store's, and where forgetting changed a statement.

    Raises:
        ModelError: The embedder failed.
    """
    done = 0
    for table, column, text, vector_table in (
        (episodes, "episode", episodes.c.summary, episode_vectors),
        (facts, "fact", facts.c.statement, fact_vectors),
    ):
        key = vector_table.c[column]
        query = (
            select(table.c.id, text)
            .outerjoin(vector_table, key == table.c.id)
            .where(table.c.user == user_row, key.is_(None), text != "")
            .limit(_AT_ONCE)
        )
        while True:
            with store.ledger.read() as connection:
                found = connection.execute(query).all()
            if not found:
                break
            made = store.embedder.documents([text for _, text in found])
            with store.ledger.write() as connection:
                store.embedder.remember(connection, made.shape[1])
                still = select(table.c.id, text).where(
                    table.c.user == user_row, table.c.id.in_([row for row, _ in found])
                )
                same = dict(connection.execute(still).all())
                connection.execute(delete(vector_table).where(key.in_(list(same))))
                rows = [
                    {column: row, "user": user_row, "vector": pack(vector)}
                    for (row, text_then), vector in zip(found, made, strict=True)
                    if same.get(row) == text_then
                ]
                if rows:
                    connection.execute(insert(vector_table), rows)
            done += len(rows)
    return done
