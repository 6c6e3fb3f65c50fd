"""A ledger in SQLite: opened, migrated and written here."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from lightmem_integrations.errors import LedgerError, ReadOnlyError
from lightmem_integrations.storage.ledger import TERMS_NAME, Ledger
from lightmem_integrations.storage.lexical import fts5
from lightmem_integrations.storage.migrations.runner import migrate
from lightmem_integrations.storage.sqlite.connection_pool import ConnectionPool
from lightmem_integrations.storage.sqlite.folder import make_private_file
from lightmem_integrations.storage.sqlite.ledger_url import file_of, file_url, parsed_url
from lightmem_integrations.storage.sqlite.write_lock import Hold, WriteLock
from lightmem_integrations.storage.term_refresh import refresh_terms
from lightmem_integrations.text.terms import VERSION as TERMS_VERSION

_BUSY_MILLISECONDS = 5_000  # a guess; writes of one process queue, so only others can hold it up
_CACHE_KIBIBYTES = (
    4_000  # of each connection; a guess: 16,000 made no recall faster, of 10,000 turns
)
_CLOSE_SECONDS = 5.0  # that closing waits for a write under way, before it aborts it; a guess
_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"


class SqliteLedger(Ledger):
    """A ledger in a file.

    Reads run side by side; writes of one process queue behind a lock, so that SQLite never
    reports a busy database to a user.

    Args:
        place: The file of the database; or its URL, such as ``sqlite:////data/ledger.sqlite``.
        read_only: Only read the file, which another process may be writing meanwhile.

    Attributes:
        name: Where it is.
        file: Its file.
        read_only: True where nothing can be written.

    Raises:
        LedgerError: The URL names another kind of database, it cannot be opened, or a newer
            version wrote it.
    """

    file: Path

    def __init__(self, place: str | Path, *, read_only: bool = False) -> None:
        self._write_lock = WriteLock()
        self._writer: Connection | None = None  # between two writes
        self._aborted = False
        self._opened: tuple[int, int] | None = None  # which file, once it is open
        self.read_only = read_only
        self.file = file_of(place)
        self.name = str(self.file)
        url = file_url(place, read_only=read_only) if isinstance(place, Path) else parsed_url(place)
        try:
            if isinstance(place, Path) and not read_only:
                make_private_file(place)
            self._engine = _engine(url, read_only=read_only)
            with contextlib.ExitStack() as refused:
                refused.callback(self.close)
                self._prepare()
                self._opened = self._lies_there()
                refused.pop_all()
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise self._explained(error, "cannot be opened") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a read transaction: everything seen is of one moment."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a write transaction; all of it is stored at its end, or nothing.

        An interrupt may strike anywhere: what was not committed is rolled back, at the latest by
        the next write. The function that calls this must be the one that runs the block.
        """
        self.check_writable()
        return self._write(Hold(sys._getframe(1)))

    def alone(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nobody to wait for: one process at a time writes the file."""
        return contextlib.nullcontext()

    def check_writable(self) -> None:
        """Refuse to change what is open for reading only, or what nobody would find again.

        Raises:
            ReadOnlyError: It is open for reading only.
            LedgerError: Its file was removed, or another one lies in its place.
        """
        if self.read_only:
            raise ReadOnlyError(
                f"The ledger {str(self.file)!r} is open for reading only, and nothing was written. "
                "Open the store without read_only=True, in the process that owns it and where its "
                "folder can be written."
            )
        if self._opened is not None and self._opened != self._lies_there():
            raise LedgerError(
                f"The ledger {str(self.file)!r} was removed or replaced while it was open, and "
                "nothing was written. Open the store again: LightMem(...) takes what lies there "
                "now, or makes a new one."
            )

    def _lies_there(self) -> tuple[int, int] | None:
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def now(self) -> float:
        """Seconds since 1970 by the machine's clock: one process writes the file."""
        return time.time()

    def compact(self) -> bool:
        """Rewrite the database so that nothing erased is left in its files.

        SQLite overwrites what it frees, but not the copies that a row leaves behind where it moved
        to another page (measured: some 6 of 1,000 erased rows). This takes as long as the
        database is large.

        Returns:
            False if somebody who reads kept the log from being emptied.
        """
        return self._outside_transactions(_EMPTY_LOG, "VACUUM", _EMPTY_LOG)

    def remains(self, *, purged: bool) -> tuple[str, ...]:
        """Where bytes of what was erased may still lie, for people."""
        return () if purged else ("files of the folder, until the next opening or purge",)

    def empty_log(self) -> bool:
        """Move the write-ahead log into the database, so that the log holds nothing erased.

        This takes milliseconds.

        Returns:
            False if somebody who reads kept the log from being emptied.
        """
        return self._outside_transactions(_EMPTY_LOG)

    def close(self) -> None:
        """Close every connection, and store nothing from here on. Closing twice is fine.

        A write under way has some seconds to end, then it is rolled back.
        """
        self._closed = True
        hold = Hold(sys._getframe(0))
        try:
            self._write_lock.acquire(hold, _CLOSE_SECONDS)
        except LedgerError:
            self._aborted = True
            self._write_lock.interrupt()
        try:
            self._let_go_of_writer()
            self._engine.dispose()
        finally:
            self._write_lock.release(hold)

    def _prepare(self) -> None:
        migrate(self._engine, may_write=not self.read_only)
        if not self.read_only:
            with self._engine.begin() as connection:
                fts5.create(connection)
            if self.get(TERMS_NAME) != TERMS_VERSION:
                refresh_terms(self._engine)
                self.put(TERMS_NAME, TERMS_VERSION)

    @contextmanager
    def _write(self, hold: Hold) -> Iterator[Connection]:
        with self._translated():
            try:
                self._write_lock.acquire(hold)
                self._check_open()  # it may have been closed while this waited
                connection, self._writer = self._writer or self._open_writer(), None
                hold.connection = connection.connection.dbapi_connection  # type: ignore[assignment]
                try:
                    with connection.begin():
                        yield connection
                        if self._aborted:
                            self._check_open()
                except BaseException as error:
                    hold.roll_back()
                    with contextlib.suppress(Exception):
                        connection.close()
                    tripped = isinstance(error, AssertionError | SAWarning)
                    if tripped and isinstance(cause := error.__context__, KeyboardInterrupt):
                        raise cause from None  # SQLAlchemy's cleanup trips over an interrupt
                    raise
                hold.committed()
                self._writer = connection
            finally:
                self._write_lock.release(hold)

    def _open_writer(self) -> Connection:
        connection = self._engine.connect().execution_options(writes=True)
        connection.detach()  # nobody who reads gets it, not even after an interrupt
        return connection

    def _let_go_of_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()

    def _outside_transactions(self, *statements: str) -> bool:
        hold = Hold(sys._getframe(0))
        with self._translated():
            try:
                self._write_lock.acquire(hold)
                raw = self._engine.raw_connection()
                try:
                    hold.connection = raw.dbapi_connection  # type: ignore[assignment]
                    answers = [raw.cursor().execute(each).fetchall() for each in statements]
                finally:
                    raw.close()
            finally:
                self._write_lock.release(hold)
        return all(not row[0] for rows in answers for row in rows)

    def _explained(self, error: Exception, what: str) -> LedgerError:
        reason = getattr(error, "orig", None) or error
        remedy = ""
        if type(reason) is sqlite3.DatabaseError:  # its subclasses are about the call, not the file
            remedy = (
                " The file is damaged: close the store, put it aside and restore it from a backup; "
                "what can be read of it, `sqlite3 FILE .recover` gives."
            )
        return LedgerError(f"The ledger {self.name!r} {what}: {reason}.{remedy}")


def _engine(url: URL, *, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        poolclass=ConnectionPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # what people said does not belong into a traceback
    )
    event.listen(engine, "connect", _prepare)
    if not read_only:
        event.listen(engine, "connect", _prepare_to_write)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin says, not earlier
    run: Callable[[str], object] = connection.execute
    run(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    run(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
    run("PRAGMA temp_store=MEMORY")


def _prepare_to_write(connection: Any, _record: object) -> None:
    run: Callable[[str], object] = connection.execute
    run("PRAGMA journal_mode=WAL")
    run("PRAGMA synchronous=FULL")  # what add() acknowledged survives a power cut
    run("PRAGMA foreign_keys=ON")
    run("PRAGMA secure_delete=ON")


def _begin(connection: Connection) -> None:
    # A write that starts as a read could find at its first statement that somebody else wrote.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
