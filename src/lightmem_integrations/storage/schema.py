"""The ledger's tables and the numbered steps that bring an older ledger up to date."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from lightmem_integrations.errors import LedgerError


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


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


def _documents(connection: Connection) -> None:
    from lightmem_integrations.storage import schema_documents

    metadata.create_all(connection, tables=list(schema_documents.TABLES))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _documents)
"""Step n brings a ledger from version n to n + 1. Steps are added at the end, never changed."""


def migrate(engine: Engine) -> None:
    """Bring the ledger to this version, each step in its own transaction.

    Raises:
        LedgerError: The ledger was written by a newer version of this library.
    """
    with engine.begin() as connection:
        meta.create(connection, checkfirst=True)
        row = connection.execute(select(meta.c.value).where(meta.c.name == "version")).first()
        version = int(row[0]) if row else 0
        if row is None:
            connection.execute(meta.insert().values(name="version", value="0"))
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"The ledger is of version {version}; this library knows versions up to "
            f"{len(MIGRATIONS)}. Update lightmem-integrations."
        )
    for number in range(version, len(MIGRATIONS)):
        with engine.begin() as connection:
            MIGRATIONS[number](connection)
            connection.execute(
                update(meta).where(meta.c.name == "version").values(value=str(number + 1))
            )
