"""Protocol of a ledger, the database that holds the truth, and the values it keeps about itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, select

from lightmem_integrations.storage.schema import meta
from lightmem_integrations.storage.sql import put_row, upsert

TERMS_NAME = "terms"
"""Under this name a ledger keeps the rules that its texts were cut by."""


class Ledger(Protocol):
    """A database of turns and of the work still to do on them.

    Every method raises ``StoreClosedError`` once it is closed, and ``LedgerError`` where the
    database does not answer.
    """

    @property
    def name(self) -> str:
        """Where it is, for people; holds no password."""

    @property
    def file(self) -> Path | None:
        """Its file, where it is one."""

    @property
    def read_only(self) -> bool:
        """True where nothing can be written."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection in a read transaction: everything seen is of one moment."""

    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a write transaction; all of it is stored at its end, or nothing.

        Raises:
            ReadOnlyError: It is open for reading only.
        """

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Wait until no other process is at work under this name, and keep others from it."""

    def check_writable(self) -> None:
        """Refuse to change what is open for reading only.

        Raises:
            ReadOnlyError: It is.
        """

    def now(self) -> float:
        """Seconds since 1970 by the clock of the database, which all who use it share."""

    def get(self, name: str) -> str | None:
        """A value kept about the store itself, or ``None``."""

    def put(self, name: str, value: str) -> None:
        """Keep a value about the store itself."""

    def compact(self) -> bool:
        """Rewrite the database so that nothing erased is left in its files, as far as it can.

        Returns:
            False if somebody keeps it from being complete.
        """

    def remains(self, *, purged: bool) -> tuple[str, ...]:
        """Where bytes of what was erased may still lie, for people; backups are not known here.

        Args:
            purged: Whether `compact` has run since, and was complete.
        """

    def empty_log(self) -> bool:
        """See that the log of what was written soon holds nothing erased, in milliseconds.

        Returns:
            False if somebody who reads kept it from that.
        """

    def close(self) -> None:
        """Close every connection, and store nothing from here on. Closing twice is fine."""


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
