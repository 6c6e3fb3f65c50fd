"""Lock of a store's folder: one process owns it; and the guard against use after a fork."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from filelock import FileLock, Timeout

from lightmem_integrations.errors import StorageError, StoreLockedError
from lightmem_integrations.storage.process_guard import ProcessGuard
from lightmem_integrations.storage.sqlite.folder import LEDGER, make_private_folder

logger = logging.getLogger(__name__)

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


class FolderLock(ProcessGuard):
    """Holds a folder for this process until ``release``.

    The operating system frees the lock when the process dies, however it dies. Who only reads, as
    all must whose folder cannot be written, takes none: SQLite lets readers in beside the owner.

    Args:
        folder: Of the store.
        read_only: Lock nothing, and make no folder.

    Attributes:
        read_only: True where nothing was locked: as asked, or since the folder cannot be written.

    Raises:
        StoreLockedError: Somebody else holds the folder.
        StorageError: The folder cannot be used.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        super().__init__()
        self.read_only = read_only
        self._file = folder / "owner.lock"
        # Not of one thread: whoever closes the store may be another than who opened it.
        self._lock = FileLock(self._file, timeout=0, mode=0o600, thread_local=False)
        try:
            if not read_only:
                make_private_folder(folder)
                self._lock.acquire()
        except Timeout:
            raise StoreLockedError(
                f"The store {str(folder)!r} is in use by another process, such as a server or "
                "another notebook, or is just being closed in this one. Close it there "
                "(memory.close(), or end that process): a store has one owner. Others may read "
                "what it writes: read_only=True, or --read-only."
            ) from None
        except OSError as error:
            self.read_only = error.errno in _NOT_WRITABLE and _is_readable(folder / LEDGER)
            if not self.read_only:
                raise StorageError(
                    f"The folder {str(folder)!r} cannot be used as a store: {error}"
                ) from error
            logger.warning("The folder %s cannot be written: its store is read only.", folder)
        self._held = self._state()

    def holds(self) -> bool:
        """True while the folder at this path is the one that was locked, not one made since."""
        return self._held == self._state()

    def release(self) -> None:
        """Let the folder go."""
        if self.is_this_process():
            self._lock.release()

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _is_readable(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return bool(opened.read(1))
    except OSError:
        return False
