"""The ledger's tables of users, sessions, turns, and the work still to do on them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Text, UniqueConstraint

from lightmem_integrations.storage.schema import columns as column
from lightmem_integrations.storage.schema.columns import table

meta = table("meta", Column("name", String(64), primary_key=True), *column.texts("value"))

users = table(
    "users",
    column.row_id(),
    column.public_key(),
    *column.texts("name"),
    # Kept here, since BM25 needs both at every recall and counting grows with the memory.
    *column.counts("searchable"),
    Column("terms", BigInteger, nullable=False, default=0),
)

sessions = table(
    "sessions",
    column.row_id(),
    column.user(),
    *column.keys("key"),
    *column.texts("name"),
    *column.counts("length", "window_from"),
    UniqueConstraint("user", "key"),
)

turns = table(
    "turns",
    column.row_id(),
    column.user(),
    column.reference("session", "sessions"),
    *column.numbers("position", "offset"),
    *column.keys("key", "digest"),
    *column.texts("name", "text", "terms"),
    column.words("role", 16),
    *column.reals("said_at", "recorded_at"),
    column.flag("searchable"),
    *column.texts("speaker", "agent", "message", optional=True),
    *column.counts("version", start=1),
    UniqueConstraint("session", "key"),
    Index("turns_by_position", "session", "position"),
    Index("turns_by_key", "user", "key"),
    Index("turns_by_user", "user", "searchable", "said_at"),
)

speakers = table(
    "speakers",
    column.reference("user", "users", primary=True),
    Column("name", Text, primary_key=True),
    *column.numbers("turns"),
)

vectors = table(
    "vectors",
    column.reference("turn", "turns", primary=True),
    Column("user", Integer, nullable=False, index=True),
    column.blob("vector"),
    column.blob("tokens", optional=True),
)

work = table(
    "work",
    column.row_id(),
    column.words("kind", 16),
    *column.numbers("user", "item"),
    UniqueConstraint("kind", "item"),
    Index("work_by_user", "kind", "user"),
)
