"""Vectors of facts and of episodes' summaries in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.schema import episode_vectors, episodes, fact_vectors, facts
from lightmem_integrations.storage.sql import insert_rows, select_in
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.storage.vector_bytes import pack_vector, unpack_rows

Kind = Literal["episode", "fact"]

_TABLES = {
    "episode": (episodes, episodes.c.summary, episode_vectors, episode_vectors.c.episode),
    "fact": (facts, facts.c.statement, fact_vectors, fact_vectors.c.fact),
}


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedText:
    """What the embedder makes of a statement or a summary.

    Attributes:
        vector: Its normalised sentence vector.
        tokens: Its compact token vectors; empty where the embedder gives none.
    """

    vector: Vectors
    tokens: bytes = b""

    def columns(self, kind: Kind) -> dict[str, Any]:
        """What is kept of it; no words of a question are compared with those of a summary."""
        kept: dict[str, Any] = {"vector": pack_vector(self.vector)}
        return kept | {"tokens": self.tokens} if kind == "fact" else kept


def vectors_of_facts(
    connection: Connection, user_row: int, rows: Collection[int]
) -> tuple[list[int], Vectors]:
    """Of these rows those of facts that were not retracted, and the vectors of their statements.

    Returns:
        The rows, and ``(rows, dimension)``.
    """
    query = (
        select(fact_vectors.c.fact, fact_vectors.c.vector)
        .join(facts, facts.c.id == fact_vectors.c.fact)
        .where(facts.c.user == user_row, facts.c.retracted_at.is_(None))
        .order_by(fact_vectors.c.fact)
    )
    return unpack_rows(select_in(connection, query, fact_vectors.c.fact, sorted(rows)))


def without_vector(
    connection: Connection, user_row: int, kind: Kind, limit: int, *, tokens: bool
) -> list[tuple[int, str]]:
    """Rows and texts of a user's facts or episodes that have a text and lack a vector.

    Args:
        connection: A read transaction on the ledger.
        user_row: Whose.
        kind: Of what.
        limit: How many at most.
        tokens: Also those that lack nothing but token vectors.
    """
    table, text, _, key = _TABLES[kind]
    lacks: ColumnElement[bool] = key.is_(None)
    if tokens and kind == "fact":
        lacks = or_(lacks, fact_vectors.c.tokens.is_(None))
    query = (
        select(table.c.id, text)
        .outerjoin(key.table, key == table.c.id)
        .where(table.c.user == user_row, lacks, text != "")
        .limit(limit)
    )
    return [(row, words) for row, words in connection.execute(query)]


def set_vectors(
    connection: Connection,
    user_row: int,
    kind: Kind,
    embedded: Sequence[tuple[int, str]],
    made: Sequence[EmbeddedText],
) -> int:
    """Keep vectors of facts or episodes whose text is still the embedded one; returns how many.

    Args:
        connection: Of a write transaction.
        user_row: Whose.
        kind: Of what.
        embedded: Rows and the texts that were embedded.
        made: What the embedder made of each.
    """
    table, text, vector_table, key = _TABLES[kind]
    lock_users(connection, [user_row])
    rows = [row for row, _ in embedded]
    still = select(table.c.id, text).where(table.c.user == user_row, table.c.id.in_(rows))
    now: dict[int, str] = dict(connection.execute(still).all())
    connection.execute(delete(vector_table).where(key.in_(list(now))))
    values = [
        {kind: row, "user": user_row, **each.columns(kind)}
        for (row, words), each in zip(embedded, made, strict=True)
        if now.get(row) == words
    ]
    insert_rows(connection, vector_table, values)
    return len(values)


def insert_vector(
    connection: Connection, user_row: int, kind: Kind, row: int, made: EmbeddedText
) -> None:
    """Keep the vector of a new fact or episode."""
    _, _, table, _ = _TABLES[kind]
    connection.execute(insert(table).values({kind: row, "user": user_row, **made.columns(kind)}))
