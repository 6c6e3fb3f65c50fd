"""Backup of a store that may be in use: a copy of its ledger, from which all else is rebuilt."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lightmem_integrations.errors import LedgerError
from lightmem_integrations.storage.index_contents import PURGE
from lightmem_integrations.storage.sqlite.folder import (
    LEDGER,
    make_private_file,
    make_private_folder,
    note_ledger_created,
)

_NOTE = (
    "INSERT INTO meta (name, value) VALUES (?, '1')"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def back_up(ledger: Path | None, folder: Path) -> None:
    """Copy a ledger, as it is at one moment, into a folder that can be opened as a store.

    SQLite copies it beside those who write: whatever was acknowledged before is in the copy. The
    copy notes that no vector index is to be trusted, so that one is built when it is opened.

    Args:
        ledger: The ledger's file, which another process may have open; ``None`` for a database.
        folder: Where to; made if need be.

    Raises:
        LedgerError: The folder holds a ledger already, or one of the two cannot be read or written.
    """
    if ledger is None:
        raise LedgerError(
            "A store in PostgreSQL is backed up with its database, such as by `pg_dump --schema`. "
            "`lightmem export` writes what it holds into a file, and `lightmem copy URL FOLDER` "
            "copies it into a folder."
        )
    target = folder / LEDGER
    if target.exists():
        raise LedgerError(
            f"{str(target)!r} exists already, and a backup overwrites nothing. Name another folder."
        )
    part = target.with_name(f"{LEDGER}.part")
    try:
        make_private_folder(folder)
        part.unlink(missing_ok=True)
        make_private_file(part)
        with (
            closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(part.absolute().as_uri(), uri=True)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file; opened as a store it is WAL anew
            with copy:
                copy.execute(_NOTE, (PURGE,))
        part.replace(target)
        note_ledger_created(folder)
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(
            f"The ledger {str(ledger)!r} could not be copied to {str(folder)!r}: {error}."
        ) from error
