"""A ledger, the database that holds the truth, and the values it keeps about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from lightmem_integrations.errors import LedgerError, StoreClosedError
from lightmem_integrations.storage.schema import meta
from lightmem_integrations.storage.sql import put_row, upsert

TERMS_NAME = "terms"
"""Under this name a ledger keeps the rules that its texts were cut by."""


class Ledger(ABC):
    """A database of turns and of the work still to do on them.

    Every method raises ``StoreClosedError`` once it is closed, and ``LedgerError`` where the
    database does not answer.

    Attributes:
        name: Where it is, for people; holds no password.
        file: Its file, where it is one.
        read_only: True where nothing can be written.
    """

    name: str
    file: Path | None
    read_only: bool
    _closed = False

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """A connection in a read transaction: everything seen is of one moment."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a write transaction; all of it is stored at its end, or nothing.

        Raises:
            ReadOnlyError: It is open for reading only.
        """

    @abstractmethod
    def alone(self, name: str) -> AbstractContextManager[None]:
        """Wait until no other process is at work under this name, and keep others from it."""

    @abstractmethod
    def check_writable(self) -> None:
        """Refuse to change what is open for reading only.

        Raises:
            ReadOnlyError: It is.
        """

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970 by the clock of the database, which all who use it share."""

    def get(self, name: str) -> str | None:
        """A value kept about the store itself, or ``None``."""
        with self.read() as connection:
            return get_meta(connection, name)

    def put(self, name: str, value: str) -> None:
        """Keep a value about the store itself."""
        with self.write() as connection:
            put_meta(connection, name, value)

    @abstractmethod
    def compact(self) -> bool:
        """Rewrite the database so that nothing erased is left in its files, as far as it can.

        Returns:
            False if somebody keeps it from being complete.
        """

    @abstractmethod
    def remains(self, *, purged: bool) -> tuple[str, ...]:
        """Where bytes of what was erased may still lie, for people; backups are not known here.

        Args:
            purged: Whether `compact` has run since, and was complete.
        """

    @abstractmethod
    def empty_log(self) -> bool:
        """See that the log of what was written soon holds nothing erased, in milliseconds.

        Returns:
            False if somebody who reads kept it from that.
        """

    @abstractmethod
    def close(self) -> None:
        """Close every connection, and store nothing from here on. Closing twice is fine."""

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError

    @contextmanager
    def _translated(self) -> Iterator[None]:
        self._check_open()
        try:
            yield
        except SQLAlchemyError as error:
            raise self._explained(error, "refused the operation") from error

    @abstractmethod
    def _explained(self, error: Exception, what: str) -> LedgerError:
        """A failure in words: which ledger, why, and what to do where that is known."""


def get_meta(connection: Connection, name: str) -> str | None:
    """A value kept about the store itself, within a transaction."""
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def all_meta(connection: Connection) -> dict[str, str]:
    """All values kept about the store itself, within a transaction."""
    return dict(connection.execute(select(meta.c.name, meta.c.value)).all())


def put_meta(connection: Connection, name: str, value: str) -> None:
    """Keep a value about the store itself, within a transaction."""
    put_row(connection, meta, name=name, value=value)


def claim_meta(connection: Connection, name: str, value: str) -> str:
    """Keep a value about the store itself unless there is one; returns the one that is kept.

    It stays as it is until the transaction ends, whatever other processes do.
    """
    kept = select(meta.c.value).where(meta.c.name == name, meta.c.value != "")
    while (found := connection.execute(kept.with_for_update(read=True)).scalar()) is None:
        new = upsert(meta).values(name=name, value=value)
        empty = meta.c.value == ""
        new = new.on_conflict_do_update(
            index_elements=[meta.c.name], set_={"value": new.excluded.value}, where=empty
        )
        connection.execute(new)
    return str(found)
