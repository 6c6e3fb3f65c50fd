"""An open store: its folder, ledger and index, and the thread that keeps them in step."""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import weakref
from pathlib import Path

from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.engine.indexer import Indexer
from lightmem_integrations.engine.limited_index import LimitedIndex
from lightmem_integrations.engine.open_stores import OpenStore, options_of, shared
from lightmem_integrations.errors import StoreClosedError
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.chroma.index import ChromaIndex
from lightmem_integrations.storage.column_cache import ColumnCache
from lightmem_integrations.storage.folder import (
    INDEX,
    LEDGER,
    check_ledger_is_there,
    folder_of,
    note_ledger_created,
    size_in_bytes,
)
from lightmem_integrations.storage.folder_lock import FolderLock
from lightmem_integrations.storage.index import ExactIndex, VectorIndex
from lightmem_integrations.storage.ledger import Ledger, file_of
from lightmem_integrations.storage.turn_columns import BYTES_A_TURN, EXACT_UP_TO

logger = logging.getLogger(__name__)


class Store:
    """The parts of a store, opened in the right order and closed in the reverse.

    Those who open one folder in one process share them; each closes for itself.

    Args:
        path: Folder of the store; ``None`` for a temporary one, gone at close.
        ledger: URL of an SQLite database elsewhere than in the folder.
        index: Another index than Chroma embedded in the folder.
        embedder: Makes the vectors.
        settings: Sizes and switches.
        replace_embedder: Embed everything anew if the store was built with another embedder.

    Raises:
        SettingsError: The path cannot be a folder.
        StoreLockedError: The folder is in use by another process, or in this one with other
            settings.
        EmbeddingMismatchError: The store was built with another embedder.
        LedgerError: The database cannot be opened, or was lost.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        ledger: str | None,
        index: VectorIndex | None,
        embedder: Embedder,
        settings: Settings,
        replace_embedder: bool,
    ) -> None:
        self.path = None if path is None else folder_of(path)
        options = options_of(ledger, index, embedder.name, settings)

        opened = functools.partial(
            _opened, self.path, ledger, index, embedder, settings, options, replace=replace_embedder
        )
        user = object()
        parts = opened() if self.path is None else shared(self.path, options, opened, user)
        self.ledger, self.index, self.indexer = parts.ledger, parts.index, parts.indexer
        self.settings, self.tombstones, self.columns = settings, parts.tombstones, parts.columns
        self.exact_up_to = _exact_up_to(index, settings)
        self.embedder = parts.embedder.serving(embedder)
        self._folder_lock = parts.folder_lock
        self._release = functools.partial(parts.release, user)
        # Also called when the last reference is dropped, and at the end of the interpreter.
        self._let_go = weakref.finalize(self, self._release)

    def check_usable(self) -> None:
        """Refuse a store that was closed, or that another process opened.

        Raises:
            StoreClosedError: It was closed.
            ForkedProcessError: It was opened before a fork.
        """
        self._folder_lock.check_process()
        if self.closed:
            raise StoreClosedError("The store was closed; open it again with LightMem(...).")

    @property
    def closed(self) -> bool:
        """True once the store was closed."""
        return not self._let_go.alive

    def size_in_bytes(self) -> int | None:
        """Size of the folder on disk; ``None`` where there is none of its own."""
        return None if self.path is None else size_in_bytes(self.path)

    def close(self, seconds: float | None = None) -> None:
        """Let everything go. Closing twice is fine, and finishes what was interrupted.

        Args:
            seconds: To wait for what is under way; by default ``Settings.close_seconds``.
        """
        if self._let_go.alive:
            self._folder_lock.check_process()
            self._release(seconds)
            self._let_go.detach()


def _opened(
    path: Path | None,
    ledger_url: str | None,
    index: VectorIndex | None,
    embedder: Embedder,
    settings: Settings,
    options: dict[str, object],
    *,
    replace: bool,
) -> OpenStore:
    if ledger_url is not None:
        file_of(ledger_url)  # before the folder: what is no ledger makes none
    exact_up_to = _exact_up_to(index, settings)
    folder = path or Path(tempfile.mkdtemp(prefix="lightmem-"))
    folder_lock = FolderLock(folder)
    try:
        ledger = _ledger(folder, ledger_url, read_only=folder_lock.read_only)
        try:
            if index is None and (path is None or ledger.read_only):
                index = ExactIndex()  # filled from the ledger
            elif index is None:
                index = ChromaIndex.embedded(
                    folder / INDEX,
                    shards=settings.shards,
                    check_seconds=settings.check_timeout_seconds,
                )
            else:
                index = LimitedIndex(index, settings)
            identity = StoreEmbedder(ledger, embedder, settings)
            identity.check_identity(replace=replace)
            indexer = Indexer(ledger, index, identity, settings, exact_up_to=exact_up_to)
        except BaseException:
            ledger.close()
            raise
    except BaseException:
        folder_lock.release()
        raise
    if settings.background_indexing and not ledger.read_only:
        indexer.start()
    return OpenStore(
        folder, path is None, folder_lock, ledger, index, identity, indexer, options,
        settings.close_seconds, ColumnCache(settings.column_mebibytes * 2**20),
    )  # fmt: skip


def _exact_up_to(index: VectorIndex | None, settings: Settings) -> int:
    """Turns of a user that are compared one by one: as many as columns in memory have room for.

    Who brings an index wants it asked; the folder's own is for memories that are larger.
    """
    if index is not None:
        return 0
    return min(EXACT_UP_TO, settings.column_mebibytes * 2**20 // BYTES_A_TURN)


def _ledger(folder: Path, url: str | None, *, read_only: bool) -> Ledger:
    if read_only and url is None:
        logger.warning("The folder %s cannot be written: its store is open to read only.", folder)
        return Ledger(folder / LEDGER, read_only=True)
    place = url if url is not None else folder / LEDGER
    check_ledger_is_there(folder, file_of(place))
    ledger = Ledger(place)
    if not read_only:
        note_ledger_created(folder)
    return ledger
