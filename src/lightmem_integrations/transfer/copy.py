"""Copy of a whole store: from a folder to PostgreSQL, back, or between two alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection

from lightmem_integrations.errors import CopyMismatchError, InvalidRequestError, StorageError
from lightmem_integrations.records.transfer import Copied, CopiedTable
from lightmem_integrations.safety import digest
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.postgresql.url import is_postgres_url, postgres_url
from lightmem_integrations.storage.sqlite.folder import (
    LEDGER,
    check_ledger_is_there,
    folder_of,
    note_ledger_created,
)
from lightmem_integrations.storage.sqlite.folder_lock import FolderLock
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.storage.transfer.whole import (
    COMPARED,
    COPIED,
    Contents,
    begin_copy,
    check_whole,
    contents,
    copy_table,
    count_all,
    end_copy,
    last_recorded,
    lasting_read,
    note_whole,
)
from lightmem_integrations.storage.turns import moment

OnCopy = Callable[[str, int, int], object]
"""Hears what is being done, with how many rows it is done, and of how many."""


def copy_store(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    verify_only: bool = False,
    on_progress: OnCopy | None = None,
) -> Copied:
    """Copy a whole store, with vectors and all that was made of turns: no model is asked.

    Stopped at any point, the same call goes on there; if the source has changed since, it begins
    anew. At the end both are compared, and until they are the same the target cannot be opened.

    Args:
        source: Folder of a store, which nobody may have open meanwhile; or the URL of one in
            PostgreSQL, of which one moment is copied: stop who writes to it first.
        target: Folder or URL that holds no memory, or the beginning of this copy.
        verify_only: Copy nothing, only compare the two.
        on_progress: Called with what is being done, with how many rows it is done, and of how many.

    Returns:
        What both hold, table by table, and when the last turn that was copied came in.

    Raises:
        InvalidRequestError: Both are the same store.
        StorageError: There is nothing to copy, or to compare with.
        StoreLockedError: Somebody has one of the folders open.
        LedgerError: The target holds a memory of its own, or one of the two does not answer.
        CopyMismatchError: The target does not hold what the source does.
    """
    tell = on_progress or (lambda *_: None)
    with _opened(source, exists=True) as here:
        if _place(source) == _place(target):
            raise InvalidRequestError(f"{_place(source)!r} is both source and target.")
        with _opened(target, exists=verify_only) as there:
            check_whole(here)
            with lasting_read(here) as read:
                held, last = _contents(read, "reading", tell), last_recorded(read)
                if not any(each.rows for name, each in held.items() if name != "meta"):
                    raise StorageError(f"There is nothing to copy in {_place(source)!r}.")
                if not verify_only:
                    _copy(read, there, _place(source), held, tell)
            with lasting_read(there) as read:
                copy = _contents(read, "comparing", tell)
            copied = Copied(
                tables=tuple(
                    CopiedTable(name, of.rows, of.checksum, copy[name].rows, copy[name].checksum)
                    for name, of in held.items()
                ),
                last_turn=None if last is None else moment(last),
            )
            _check_same(copied, _place(target))
            if not verify_only:
                with there.write() as connection:
                    note_whole(connection)
    return copied


@contextmanager
def _opened(place: str | os.PathLike[str], *, exists: bool) -> Iterator[Ledger]:
    if is_postgres_url(place):
        with closing(PostgresLedger(str(place))) as ledger:
            yield ledger
        return
    folder = folder_of(place)
    if exists and not (folder / LEDGER).is_file():
        raise StorageError(f"There is no store in {str(folder)!r}: it has no {LEDGER}.")
    lock = FolderLock(folder)
    try:
        check_ledger_is_there(folder, folder / LEDGER)
        with closing(SqliteLedger(folder / LEDGER, read_only=lock.read_only)) as ledger:
            if not lock.read_only:
                note_ledger_created(folder)
            yield ledger
    finally:
        lock.release()


def _place(given: str | os.PathLike[str]) -> str:
    """Where a store lies, without a password."""
    if is_postgres_url(given):
        return postgres_url(str(given)).name
    return str(folder_of(given).resolve())


def _contents(read: Connection, label: str, tell: OnCopy) -> dict[str, Contents]:
    total, before = count_all(read, COMPARED), 0
    found: dict[str, Contents] = {}
    for table in COMPARED:
        for so_far in contents(read, table):
            found[table.name] = so_far
            tell(label, before + so_far.rows, total)
        before += found[table.name].rows
    return found


def _copy(
    read: Connection, target: Ledger, source: str, held: dict[str, Contents], tell: OnCopy
) -> None:
    begin_copy(target, source, digest(repr(sorted(held.items())), 16))
    total, before = count_all(read, COPIED), 0
    for table in COPIED:
        for done in copy_table(read, target, table):
            tell("copying", before + done, total)
        before += done
    with target.write() as connection:
        end_copy(read, connection)


def _check_same(copied: Copied, target: str) -> None:
    """Refuse a copy that does not hold what its source does.

    Raises:
        CopyMismatchError: It does not.
    """
    wrong = ", ".join(
        f"{each.name} ({each.rows:,} rows, {each.copied_rows:,} in the copy)"
        for each in copied.tables
        if not each.same
    )
    if wrong:
        raise CopyMismatchError(
            f"The store {target!r} does not hold what its source does: {wrong}. Somebody wrote to "
            "one of the two meanwhile or since. To copy anew, stop who writes, remove the target's "
            "folder or schema and copy again.",
            copied,
        )
