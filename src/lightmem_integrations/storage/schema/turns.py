"""The ledger's tables of users, sessions, turns, and the work still to do on them.

A new column needs two things: its line in the table here, and a step in ``storage/migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # Kept here, since BM25 needs both at every recall and counting grows with the memory.
    Column("searchable", Integer, nullable=False, default=0),
    Column("terms", BigInteger, nullable=False, default=0),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user", Integer, ForeignKey("users.id"), nullable=False),
    Column("key", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("length", Integer, nullable=False, default=0),
    Column("window_from", Integer, nullable=False, default=0),
    UniqueConstraint("user", "key"),
    sqlite_autoincrement=True,
)

# AUTOINCREMENT: an id is never given out twice, so an index entry that outlived its turn can
# never be taken for somebody else's.
turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user", Integer, ForeignKey("users.id"), nullable=False),
    Column("session", Integer, ForeignKey("sessions.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("key", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("speaker", Text),
    Column("text", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("said_at", Double, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("agent", Text),
    Column("message", Text),
    Column("searchable", Boolean, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    UniqueConstraint("session", "key"),
    Index("turns_by_position", "session", "position"),
    Index("turns_by_key", "user", "key"),
    Index("turns_by_user", "user", "searchable", "said_at"),
    sqlite_autoincrement=True,
)

speakers = Table(
    "speakers",
    metadata,
    Column("user", Integer, ForeignKey("users.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("turns", Integer, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("turn", Integer, ForeignKey("turns.id"), primary_key=True, autoincrement=False),
    Column("user", Integer, nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False),
    Column("tokens", LargeBinary),
)

work = Table(
    "work",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("user", Integer, nullable=False),
    Column("item", Integer, nullable=False),
    UniqueConstraint("kind", "item"),
    Index("work_by_user", "kind", "user"),
    sqlite_autoincrement=True,
)
