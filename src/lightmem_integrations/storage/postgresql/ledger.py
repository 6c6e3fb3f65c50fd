"""A ledger in PostgreSQL, which many processes share."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lightmem_integrations.errors import (
    LedgerError,
    MissingExtraError,
    ReadOnlyError,
    TransactionConflictError,
)
from lightmem_integrations.storage.ledger import TERMS_NAME, Ledger
from lightmem_integrations.storage.migrations.runner import migrate
from lightmem_integrations.storage.postgresql.url import postgres_url
from lightmem_integrations.storage.term_refresh import refresh_terms
from lightmem_integrations.text.terms import VERSION as TERMS_VERSION

_TO_PRIMARY = "The server takes no writes, such as a replica; give the URL of the primary."

_TOO_MANY = (
    "Raise max_connections there, or the CONNECTION LIMIT of the role or database; or use fewer or "
    "smaller pools (pool_size in the URL), or put PgBouncer before it."
)

_NOT_PURGED = (
    "deleted rows of the tables, until they are vacuumed and written over",
    "the server's write-ahead log, until the server writes over it",
)

_CLOCK_SECONDS = 300.0
"""After which the database is asked for the time anew; until then a clock that nobody sets carries
it on: a guess, in which such a clock goes wrong by milliseconds."""

# What to do about an SQLSTATE or, of a connection that was refused and has none, about the words
# in which the server says why.
_REMEDIES = {
    "55P03": "Another write of the same memory took longer than lock_timeout in the database's "
    "URL; try again.",
    "57014": "statement_timeout in the database's URL says how many milliseconds a statement may "
    "take.",
    "42P01": "The store's tables are gone from this schema, or the database's user may not use it "
    "(GRANT USAGE ON SCHEMA). Where they are gone, opening the store anew makes them.",
    "40P01": "Two writes waited for each other, and this one was undone; try again.",
    "40001": "The server undid this for the sake of what was done beside it; try again.",
    "53300": _TOO_MANY,
    "42501": "Grant the database's user what it lacks, or open the store once as one who has it.",
    "53100": "The disk of the server is full, and nothing of this was stored: make room there, and "
    "call again.",
    "53200": "The server has no memory left, and nothing of this was stored: give it more, or "
    "lower work_mem or max_connections there, and call again.",
    "25006": _TO_PRIMARY,
    "during recovery": _TO_PRIMARY,
    "25P03": "The transaction said nothing for longer than idle_timeout in the database's URL.",
    "too many c": _TOO_MANY,
    "connection slots": _TOO_MANY,
    "password": "Look at the user and the password in the URL; @ and / are written %40 and %2F.",
    'database "': "Make the database first: CREATE DATABASE.",
    'role "': "Look at the user in the URL.",
    "Connection refused": "Is the server running, and is it at that host and port?",
    "on socket": "Is the server running? Where it is on no socket, give the host in the URL.",
    "resolve host": "Look at the host in the URL.",
    "timeout expired": "Nothing answers at that host and port; connect_timeout in the URL says how "
    "long is waited.",
    "startup parameter": "The pooler refuses a parameter of the URL: leave it out, or name it in "
    "ignore_startup_parameters there.",
    "prepared statement": "A pooler that does not know prepared statements stands between: leave "
    "prepare_threshold out of the URL, or set it to 0.",
}
_UNDONE = ("40P01", "40001")
_LOST = (
    "The connection was lost. What was being written is stored wholly or not at all; turns with "
    "ids of their own can be added again and are stored once."
)


class PostgresLedger(Ledger):
    """A ledger in a schema of a PostgreSQL database.

    Reads see one moment each. Writes of one user's memory queue behind the lock on the user's row,
    those of different users run side by side. Nothing depends on a connection's state between two
    transactions, so that a pooler such as PgBouncer may stand between.

    Args:
        url: Of the database.

    Attributes:
        name: The database and the schema, without a password.
        file: ``None``; a ledger in a file has one.
        read_only: False.

    Raises:
        LedgerError: The URL is none, the database does not answer, or a newer version wrote it.
        MissingExtraError: psycopg is not installed.
    """

    file: Path | None = None
    read_only = False

    def __init__(self, url: str) -> None:
        self._place = postgres_url(url)
        self.name = self._place.name
        self._left: tuple[str, ...] = ()  # by the last time that the tables were rewritten
        self._clock_lock = threading.Lock()
        self._clock = (0.0, 0.0)  # the database's time, and the monotonic time at which it was
        try:
            from lightmem_integrations.storage.postgresql import connections
        except ImportError as error:
            raise MissingExtraError("A ledger in PostgreSQL", "postgres", "psycopg") from error
        self._begun = functools.partial(connections.begun, seconds=self._place.pool_timeout)
        self._engine = connections.engine_of(self._place)
        try:
            connections.waiting(self._place.pool_timeout)(self._prepare)
        except BaseException as error:
            self._engine.dispose()
            if isinstance(error, SQLAlchemyError):
                raise self._explained(error, "cannot be opened") from error
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a read transaction: everything seen is of one moment."""
        with self._translated(), self._begun(self._engine) as connection:
            yield connection

    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a write transaction; all of it is stored at its end, or nothing."""
        return self._write()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Wait until no other process is at work under this name, and keep others from it.

        Whoever dies meanwhile has the lock no more: it is the transaction's.
        """
        wait = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
        with self.read() as connection:
            without_limits(connection)
            connection.execute(wait, {"name": f"lightmem {self._place.schema} {name}"})
            yield

    def check_writable(self) -> None:
        """It can be written: nothing to refuse."""
        if self.read_only:
            raise ReadOnlyError(f"The ledger {self.name} is open for reading only.")

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        with self._clock_lock:
            told, at = self._clock
        elapsed = time.monotonic() - at
        if at and elapsed < _CLOCK_SECONDS:
            return told + elapsed
        with self.read() as connection:
            sent = time.time()
            told = _time(connection)
            received, at = time.time(), time.monotonic()
        # Clocks that agree within the way there and back are taken for one: what this process
        # says happened before it forgot something did so, and not in the millisecond of the way.
        told = received if sent <= told <= received else told
        with self._clock_lock:
            self._clock = (told, at)
        return told + time.monotonic() - at

    def compact(self) -> bool:
        """Write the tables, and the log, anew as far as the database lets us.

        Returns:
            False if somebody who reads or writes kept a table from it.
        """
        from lightmem_integrations.storage.postgresql import rewrite

        with self._translated():
            busy, large = rewrite.rewrite_tables(self._engine, self._place)
            left = []
            if busy:
                left.append(f"the tables {', '.join(busy)}, which others use: purge again")
            if large:
                left.append(
                    f"free space of the tables {', '.join(large)}, until it is written over or "
                    "VACUUM FULL is run: they are larger than rewrite_mebibytes in the URL"
                )
            if busy or large or not rewrite.rewrite_log(self._engine):
                left.append("the server's write-ahead log, until the server writes over it")
            if rewrite.copied_elsewhere(self._engine):
                left.append("replicas, or the archive of the server's log")
        self._left = tuple(left)
        return not busy

    def remains(self, *, purged: bool) -> tuple[str, ...]:
        """Where bytes of what was erased may still lie, for people; backups are not known here.

        Args:
            purged: Whether `compact` has run since, and was complete.
        """
        return self._left if purged or self._left else _NOT_PURGED

    def empty_log(self) -> bool:
        """The server writes its log by rules of its own; see the receipt of an erasure."""
        return True

    def close(self) -> None:
        """Close every connection, and store nothing from here on. Closing twice is fine."""
        self._closed = True
        self._engine.dispose()

    def _prepare(self) -> None:
        migrate(self._engine, schema=self._place.schema)
        self.now()
        if self.get(TERMS_NAME) != TERMS_VERSION:
            refresh_terms(self._engine.execution_options(patient=True))
            self.put(TERMS_NAME, TERMS_VERSION)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        lasting = self._engine.execution_options(writes=True)
        with self._translated(), self._begun(lasting) as connection:
            yield connection
            self._check_open()

    def _explained(self, error: Exception, what: str) -> LedgerError:
        reason = str(getattr(error, "orig", None) or error).strip()
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        remedies = (remedy for each, remedy in _REMEDIES.items() if state == each or each in reason)
        remedy = next(remedies, "")
        if isinstance(error, PoolTimeoutError):
            remedy = "All connections of this process are in use: raise pool_size in the URL."
        elif isinstance(error, DBAPIError) and error.connection_invalidated:
            remedy = _LOST
        kind = LedgerError
        if remedy == _TO_PRIMARY:
            kind = ReadOnlyError
        elif state in _UNDONE:
            kind = TransactionConflictError
        said = reason.partition("\n")[0]  # the rest may quote what people said
        return kind(f"The ledger {self.name} {what}: {said}. {remedy}".strip())


def without_limits(connection: Connection) -> None:
    """Let a transaction take, and wait, as long as what it does needs."""
    connection.exec_driver_sql(
        "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;"
        "SET LOCAL idle_in_transaction_session_timeout TO 0"
    )
    raw: Any = connection.connection.dbapi_connection
    raw.seconds = None


def _time(connection: Connection) -> float:
    told = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())"))
    return float(told.scalar_one())
