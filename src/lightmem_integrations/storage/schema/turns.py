"""The ledger's tables of users, sessions, turns, and the work still to do on them."""

from __future__ import annotations

from typing import Any

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
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Identifier(TypeDecorator[str]):
    """An identifier, which may hold NUL, which PostgreSQL refuses: escaped on the way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Escape the two characters that the escape itself needs."""
        return (
            None if value is None else value.replace("\x01", "\x01\x01").replace("\0", "\x01\x02")
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Undo the escape."""
        if value is None or "\x01" not in value:
            return value
        return "\x01".join(part.replace("\x01\x02", "\0") for part in value.split("\x01\x01"))


# SQLite gives row ids out by itself only for a plain INTEGER primary key.
Row = BigInteger().with_variant(Integer, "sqlite")

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
    Column("id", Row, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("name", Identifier, nullable=False),
    # Kept here, since BM25 needs both at every recall and counting grows with the memory.
    Column("searchable", Integer, nullable=False, default=0),
    Column("terms", BigInteger, nullable=False, default=0),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Row, primary_key=True, autoincrement=True),
    Column("user", Row, ForeignKey("users.id"), nullable=False),
    Column("key", String(32), nullable=False),
    Column("name", Identifier, nullable=False),
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
    Column("id", Row, primary_key=True, autoincrement=True),
    Column("user", Row, ForeignKey("users.id"), nullable=False),
    Column("session", Row, ForeignKey("sessions.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("key", String(32), nullable=False),
    Column("name", Identifier, nullable=False),
    Column("role", String(16), nullable=False),
    Column("speaker", Text),
    Column("text", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("said_at", Double, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("agent", Identifier),
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
    Column("user", Row, ForeignKey("users.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("turns", Integer, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("turn", Row, ForeignKey("turns.id"), primary_key=True, autoincrement=False),
    Column("user", Row, nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False),
    Column("tokens", LargeBinary),
)

work = Table(
    "work",
    metadata,
    Column("id", Row, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("user", Row, nullable=False),
    Column("item", Row, nullable=False),
    UniqueConstraint("kind", "item"),
    Index("work_by_user", "kind", "user"),
    sqlite_autoincrement=True,
)
