"""An open store: its folder or database, and the thread that keeps ledger and index in step."""

from __future__ import annotations

import functools
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightmem_integrations.engine.embedder import EMBEDDER_NAME, StoreEmbedder
from lightmem_integrations.engine.indexer import Indexer
from lightmem_integrations.engine.limited_index import LimitedIndex
from lightmem_integrations.engine.open_stores import OpenStore, options_of, shared
from lightmem_integrations.engine.pseudonyms import secret_of
from lightmem_integrations.errors import SettingsError, StoreClosedError
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.models.unneeded import UnneededEmbedder
from lightmem_integrations.safety import check_flags
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.chroma.index import ChromaIndex
from lightmem_integrations.storage.column_cache import ColumnCache
from lightmem_integrations.storage.filter_cache import FilterCache
from lightmem_integrations.storage.index import ExactIndex, VectorIndex
from lightmem_integrations.storage.index_contents import check_kind
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.postgresql.index import PgVectorIndex
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.postgresql.size import size_of_tables
from lightmem_integrations.storage.postgresql.url import is_postgres_url
from lightmem_integrations.storage.process_guard import ProcessGuard
from lightmem_integrations.storage.sqlite.folder import (
    INDEX,
    LEDGER,
    check_ledger_is_there,
    check_readable,
    folder_of,
    note_ledger_created,
    size_in_bytes,
)
from lightmem_integrations.storage.sqlite.folder_lock import FolderLock
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.storage.sqlite.ledger_url import file_of
from lightmem_integrations.storage.statement_cache import SHARE, StatementCache
from lightmem_integrations.storage.transfer.whole import check_whole
from lightmem_integrations.storage.transfer.write import drop_expired_stages
from lightmem_integrations.storage.turn_columns import BYTES_A_TURN, EXACT_UP_TO
from lightmem_integrations.storage.work_queue import drop_all_leases
from lightmem_integrations.telemetry.observed import Observer

_reopening = threading.RLock()


class Store:
    """The parts of a store, opened in the right order and closed in the reverse.

    Those who open one place in one process share them; each closes for itself.

    Args:
        path: Folder of the store, or the URL of a PostgreSQL database; ``None`` for a temporary
            folder, gone at close.
        ledger: URL of an SQLite database elsewhere than in the folder.
        index: Another index than Chroma embedded in the folder.
        embedder: Makes the vectors.
        settings: Sizes and switches.
        replace_embedder: Embed everything anew if the store was built with another embedder.
        replace_index: Build the index anew if a database was used with another kind.
        read_only: Only read what is there, beside who owns it.

    Attributes:
        observer: Counts and times what is done with it in this process.
        reopened: Refers to what is to be called after it was opened anew, in a forked child.

    Raises:
        SettingsError: The path cannot be a folder, or nothing is read only there.
        InvalidRequestError: A switch is neither true nor false.
        StorageError: There is no store to read.
        StoreLockedError: The folder is in use by another process, or in this one with other
            settings.
        EmbeddingMismatchError: The store was built with another embedder.
        LedgerError: The database cannot be opened, or was lost.
    """

    reopened: Callable[[], Callable[[], None] | None] = staticmethod(lambda: None)

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        ledger: str | None,
        index: VectorIndex | None,
        embedder: Embedder,
        settings: Settings,
        replace_embedder: bool,
        replace_index: bool = False,
        read_only: bool = False,
    ) -> None:
        check_flags(
            replace_embedder=replace_embedder, replace_index=replace_index, read_only=read_only
        )
        self._given: dict[str, Any] = {
            "path": path, "ledger": ledger, "index": index, "embedder": embedder,
            "settings": settings, "replace_embedder": False, "replace_index": False,
            "read_only": read_only,
        }  # fmt: skip
        self.url = str(path) if is_postgres_url(path) else None
        self.path = None if path is None or self.url is not None else folder_of(path)
        options = options_of(ledger, index, embedder.name, settings)
        place = self.url or self.path
        asked = _Opening(
            ledger, index, embedder, settings, options, replace=replace_embedder,
            replace_index=replace_index, read_only=read_only,
        )  # fmt: skip
        opened = functools.partial(_opened, place, asked)
        user = object()
        parts = opened() if place is None or read_only else shared(place, options, opened, user)
        self.ledger, self.index, self.indexer = parts.ledger, parts.index, parts.indexer
        self.columns, self.statements = parts.columns, parts.statements
        self.settings, self.tombstones = settings, parts.tombstones
        self.filters = FilterCache()
        self.exact_up_to = _exact_up_to(index, settings)
        self.observer = Observer(functools.partial(secret_of, self.ledger), self.indexer.waiting)
        self.embedder = parts.embedder.serving(embedder)
        self._guard = parts.guard
        self._release = functools.partial(parts.release, user)
        # Also called when the last reference is dropped, and at the end of the interpreter.
        self._let_go = weakref.finalize(self, self._release)

    def check_usable(self) -> None:
        """Refuse a store that was closed, or a folder that another process opened.

        What was opened in a database before a fork is opened anew in the child.

        Raises:
            StoreClosedError: It was closed.
            ForkedProcessError: It was opened before a fork, in a folder.
            LedgerError: The database does not answer.
        """
        if self.inherited and self.url is not None and not self.closed:
            with _reopening:
                if self.inherited:
                    Store.__init__(self, **self._given)  # whoever holds this store goes on with it
                    if (reopened := self.reopened()) is not None:
                        reopened()
        self._guard.check_process()
        if self.closed:
            raise StoreClosedError

    @property
    def inherited(self) -> bool:
        """True in a forked child, for what its parent opened."""
        return not self._guard.is_this_process()

    @property
    def closed(self) -> bool:
        """True once the store was closed."""
        return not self._let_go.alive

    def size_in_bytes(self) -> int | None:
        """Size on disk of the folder, or of the tables; ``None`` for a temporary folder."""
        if self.url is not None:
            with self.ledger.read() as connection:
                return size_of_tables(connection)
        return None if self.path is None else size_in_bytes(self.path)

    def close(self, seconds: float | None = None) -> None:
        """Let everything go. Closing twice is fine, and finishes what was interrupted.

        Args:
            seconds: To wait for what is under way; by default ``Settings.close_seconds``.
        """
        if self._let_go.alive:
            if self.url is None:
                self._guard.check_process()
            self._release(seconds)
            self._let_go.detach()


@dataclass(frozen=True, slots=True)
class _Opening:
    """What a store is opened with, but for where; see `Store`."""

    ledger: str | None
    index: VectorIndex | None
    embedder: Embedder
    settings: Settings
    options: Mapping[str, object]
    replace: bool
    replace_index: bool
    read_only: bool


def _opened(place: str | Path | None, asked: _Opening) -> OpenStore:
    return _in_database(place, asked) if isinstance(place, str) else _in_folder(place, asked)


def _in_database(url: str, asked: _Opening) -> OpenStore:
    if asked.ledger is not None or asked.read_only:
        raise SettingsError(
            "ledger= and read_only= are of stores in a folder: a database is its own ledger, and "
            "any number of processes read and write it."
        )
    ledger = PostgresLedger(url)
    try:
        index: VectorIndex = PgVectorIndex(ledger) if asked.index is None else asked.index
        kind = check_kind(ledger, index, replace=asked.replace_index)
        if asked.index is not None:
            index = LimitedIndex(asked.index, asked.settings)
        return _put_together(ledger.name, ProcessGuard(), ledger, index, asked, kind=kind)
    except BaseException:
        ledger.close()
        raise


def _in_folder(path: Path | None, asked: _Opening) -> OpenStore:
    if asked.ledger is not None:
        file_of(asked.ledger)  # before the folder: what is no ledger makes none
    if asked.read_only:
        check_readable(path, asked.ledger, asked.index)
    folder = path or Path(tempfile.mkdtemp(prefix="lightmem-"))
    folder_lock = FolderLock(folder, read_only=asked.read_only)
    try:
        ledger = _ledger(folder, asked.ledger, folder_lock, read_only=asked.read_only)
        try:
            index: VectorIndex
            if asked.index is not None:
                index = LimitedIndex(asked.index, asked.settings)
            elif path is None or ledger.read_only:
                index = ExactIndex()  # filled from the ledger; unused where that is read only
            else:
                index = ChromaIndex.embedded(
                    folder / INDEX,
                    shards=asked.settings.shards,
                    check_seconds=asked.settings.check_timeout_seconds,
                )
            return _put_together(folder, folder_lock, ledger, index, asked, temporary=path is None)
        except BaseException:
            ledger.close()
            raise
    except BaseException:
        folder_lock.release()
        raise


def _put_together(
    place: str | Path,
    guard: ProcessGuard,
    ledger: Ledger,
    index: VectorIndex,
    asked: _Opening,
    *,
    kind: str | None = None,
    temporary: bool = False,
) -> OpenStore:
    """The parts of a store, in step with each other."""
    settings = asked.settings
    check_whole(ledger)
    if not ledger.read_only:
        with ledger.write() as connection:
            drop_expired_stages(connection, settings, ledger.now())
            if ledger.file is not None:  # one process at a time has it: others are dead
                drop_all_leases(connection)
    if isinstance(asked.embedder, UnneededEmbedder):
        asked.embedder.name = ledger.get(EMBEDDER_NAME) or asked.embedder.name
    identity = StoreEmbedder(ledger, asked.embedder, settings)
    identity.check_identity(replace=asked.replace)
    exact_up_to = _exact_up_to(asked.index, settings)
    indexer = Indexer(ledger, index, identity, settings, exact_up_to=exact_up_to, kind=kind)
    if settings.background_indexing and not ledger.read_only:
        indexer.start()
    cached = settings.column_mebibytes * 2**20
    return OpenStore(
        place, guard, ledger, index, identity, indexer, asked.options, settings.close_seconds,
        ColumnCache(cached), StatementCache(cached // SHARE), temporary=temporary,
    )  # fmt: skip


def _exact_up_to(index: VectorIndex | None, settings: Settings) -> int:
    """Turns of a user that are compared one by one: as many as columns in memory have room for.

    Who brings an index wants it asked; the folder's own is for memories that are larger.
    """
    room = settings.column_mebibytes * 2**20 // BYTES_A_TURN
    return 0 if index is not None else min(EXACT_UP_TO, room)


def _ledger(folder: Path, url: str | None, lock: FolderLock, *, read_only: bool) -> Ledger:
    if read_only or (lock.read_only and url is None):
        return SqliteLedger(folder / LEDGER if url is None else file_of(url), read_only=True)
    place = url if url is not None else folder / LEDGER
    check_ledger_is_there(folder, file_of(place))
    ledger = SqliteLedger(place)
    if not lock.read_only:
        note_ledger_created(folder)
    return ledger
