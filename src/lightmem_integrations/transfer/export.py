"""Export: memory as a file, as it is at one moment."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from lightmem_integrations.engine.erasure import sweep
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import ReadOnlyError, ScopeError, StorageError
from lightmem_integrations.records.transfer import Transfer
from lightmem_integrations.safety import short_repr
from lightmem_integrations.storage.expiry import memories_with_expired
from lightmem_integrations.storage.sqlite.folder import make_private_file
from lightmem_integrations.storage.transfer.read import (
    Record,
    count_records,
    memories,
    read_documents,
    read_memory,
)
from lightmem_integrations.storage.users import find_user
from lightmem_integrations.text.terms import VERSION as TERMS
from lightmem_integrations.transfer.lines import header, write_lines

OnTransfer = Callable[[int, int], object]
"""Hears how many records are done, and of how many."""

_TELL_EVERY = 500  # records between two calls of it; a guess

_COUNTED = {
    "session": "sessions", "turn": "turns", "episode": "episodes", "fact": "facts",
    "document": "documents",
}  # fmt: skip


def export(
    store: Store, file: Path, user_id: str | None, on_progress: OnTransfer | None = None
) -> Transfer:
    """Write a user's memory, or all of a store, into a file that only its owner can read.

    It takes its place once it is whole.

    Raises:
        ScopeError: Nothing is stored of the user.
        StorageError: The store cannot be read, or the file not be written.
        ReadOnlyError: Something has expired that only the owner of the store can erase.
    """
    _sweep(store, user_id)
    part = file.with_name(f"{file.name}.part")
    tally = Tally()
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        make_private_file(part)
        with part.open("wb") as stream, store.ledger.read() as connection:
            total = _total(connection, user_id)
            told = tally.told(_records(connection, user_id, store.ledger.now()), total, on_progress)
            begin = header(store.embedder.name, TERMS, user_id)
            write_lines(stream, _with_first(begin, told))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        raise StorageError(f"The file {str(file)!r} cannot be written: {error}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return tally.transfer()


class Tally:
    """Counts records as they pass, and tells how many are done."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def told(
        self, records: Iterator[Record], total: int, on_progress: OnTransfer | None
    ) -> Iterator[Record]:
        """The same records; those who listen hear of them."""
        done = 0
        for done, record in enumerate(records, 1):
            self.add(record)
            yield record
            if on_progress is not None and done % _TELL_EVERY == 0:
                on_progress(done, max(done, total))
        if on_progress is not None:
            on_progress(done, done)

    def add(self, record: Record) -> None:
        """Count a record."""
        kind = str(record["record"])
        if kind == "user":
            self._counts["spaces" if record.get("space") else "users"] += 1
        elif kind in _COUNTED:
            self._counts[_COUNTED[kind]] += 1

    def transfer(self, **more: int) -> Transfer:
        """What was counted."""
        return Transfer(**self._counts, **more)


def _sweep(store: Store, user_id: str | None) -> None:
    """Erase what has expired first: nothing shows it, and so no file does."""
    if not store.ledger.read_only:
        sweep(store, user_id, purge=False)
        return
    with store.ledger.read() as connection:
        over = memories_with_expired(connection, store.settings, store.ledger.now())
    if over and user_id in (None, *over):
        raise ReadOnlyError(
            "Something in this memory has expired and was not erased yet, and the store is open "
            "for reading only. Call sweep() in the process that owns it, or export there."
        )


def _with_first(first: Record, others: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from others


def _total(connection: Connection, user_id: str | None) -> int:
    return count_records(connection, None if user_id is None else _row(connection, user_id))


def _row(connection: Connection, user_id: str) -> int:
    user = find_user(connection, user_id)
    if user is None:
        raise ScopeError(
            f"Nothing is stored of the user {short_repr(user_id)}. memory.users() lists them."
        )
    return user.row


def _records(connection: Connection, user_id: str | None, now: float) -> Iterator[Record]:
    if user_id is not None:
        yield from read_memory(connection, _row(connection, user_id))
        return
    for row, _ in memories(connection):
        yield from read_memory(connection, row)
    yield from read_documents(connection, now)
