"""An open store: its folder, ledger and index, and the thread that keeps them in step."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.engine.indexer import Indexer
from lightmem_integrations.errors import SettingsError, StoreClosedError
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.chroma.index import ChromaIndex
from lightmem_integrations.storage.folder_lock import FolderLock
from lightmem_integrations.storage.index import ExactIndex, VectorIndex
from lightmem_integrations.storage.ledger import Ledger


class Store:
    """The parts of a store, opened in the right order and closed in the reverse.

    Args:
        path: Folder of the store; ``None`` for a temporary one, gone at close.
        ledger: URL of an SQLite database elsewhere than in the folder.
        index: Another index than Chroma embedded in the folder.
        embedder: Makes the vectors.
        settings: Sizes and switches.
        replace_embedder: Embed everything anew if the store was built with another embedder.

    Raises:
        StoreLockedError: The folder is in use.
        EmbeddingMismatchError: The store was built with another embedder.
        LedgerError: The database cannot be opened.
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
        self.path = None if path is None else Path(path).expanduser().absolute()
        if self.path is not None and self.path.exists() and not self.path.is_dir():
            raise SettingsError(f"The store's path {str(self.path)!r} is a file; pass a folder.")
        folder = self.path or Path(tempfile.mkdtemp(prefix="lightmem-"))
        self._folder_lock = FolderLock(folder)
        try:
            self.ledger = Ledger(ledger or f"sqlite:///{folder / 'ledger.sqlite'}")
            try:
                self.index = index or self._own_index(folder, settings)
                self.embedder = StoreEmbedder(self.ledger, embedder)
                self.embedder.check_identity(replace=replace_embedder)
                self.indexer = Indexer(self.ledger, self.index, self.embedder, settings)
            except BaseException:
                self.ledger.close()
                raise
        except BaseException:
            self._folder_lock.release()
            raise
        # Also called when the last reference is dropped, and at the end of the interpreter.
        self._let_go = weakref.finalize(
            self,
            _let_go,
            self.indexer,
            self.index,
            self.ledger,
            self._folder_lock,
            folder if self.path is None else None,
        )
        if settings.background_indexing:
            self.indexer.start()

    def _own_index(self, folder: Path, settings: Settings) -> VectorIndex:
        if self.path is None:
            return ExactIndex()
        return ChromaIndex.embedded(
            folder / "index",
            shards=settings.shards,
            check_seconds=settings.check_timeout_seconds,
        )

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
        if self.path is None:
            return None
        files = [each for each in self.path.rglob("*") if each.is_file()]
        return sum(each.stat().st_size for each in files if each.exists())

    def close(self) -> None:
        """Finish what is under way and let everything go. Closing twice is fine."""
        if self._let_go.alive:
            self._folder_lock.check_process()
            self._let_go()


def _let_go(
    indexer: Indexer,
    index: VectorIndex,
    ledger: Ledger,
    folder_lock: FolderLock,
    temporary: Path | None,
) -> None:
    if not folder_lock.is_this_process():
        return  # a forked child inherits this call; the store is still its parent's
    indexer.stop()
    try:
        index.close()
    finally:
        ledger.close()
        folder_lock.release()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
