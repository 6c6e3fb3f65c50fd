"""Lock of a store's folder: one process owns it; and the guard against use after a fork."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from filelock import FileLock, Timeout

from lightmem_integrations.errors import ForkedProcessError, StorageError, StoreLockedError
from lightmem_integrations.storage.folder import LEDGER, make_private_folder

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


class FolderLock:
    """Holds a folder for this process until ``release``.

    The operating system frees the lock when the process dies, however it dies. A store whose
    folder cannot be written is read without one: SQLite lets readers in beside its owner.

    Attributes:
        read_only: True where the folder cannot be written, and nothing was locked.

    Raises:
        StoreLockedError: Somebody else holds the folder.
        StorageError: The folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._process = os.getpid()
        self.read_only = False
        self._file = folder / "owner.lock"
        # Not of one thread: whoever closes the store may be another than who opened it.
        self._lock = FileLock(self._file, timeout=0, mode=0o600, thread_local=False)
        try:
            make_private_folder(folder)
            self._lock.acquire()
        except Timeout:
            raise StoreLockedError(
                f"The store {str(folder)!r} is in use by another process, such as a server or "
                "another notebook, or is just being closed in this one. Close it there "
                "(memory.close(), or end that process): a store has one owner, and others ask it."
            ) from None
        except OSError as error:
            self.read_only = error.errno in _NOT_WRITABLE and _is_readable(folder / LEDGER)
            if not self.read_only:
                raise StorageError(
                    f"The folder {str(folder)!r} cannot be used as a store: {error}"
                ) from error
        self._held = self._state()

    def holds(self) -> bool:
        """True while the folder at this path is the one that was locked, not one made since."""
        return self._held == self._state()

    def is_this_process(self) -> bool:
        """Check that this is the process that opened the store, not a fork of it."""
        return os.getpid() == self._process

    def check_process(self) -> None:
        """Refuse a child process that inherited the store by a fork.

        Raises:
            ForkedProcessError: This is not the process that opened the store.
        """
        if not self.is_this_process():
            raise ForkedProcessError(
                f"This store was opened in process {self._process} and is used in its child "
                f"{os.getpid()}. Open it after the fork, in one process."
            )

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
