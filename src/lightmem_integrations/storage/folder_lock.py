"""Lock of a store's folder: one process owns it; and the guard against use after a fork."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from lightmem_integrations.errors import ForkedProcessError, StorageError, StoreLockedError


class FolderLock:
    """Holds a folder for this process until ``release``.

    The operating system frees the lock when the process dies, however it dies.

    Raises:
        StoreLockedError: Somebody else holds the folder.
        StorageError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._process = os.getpid()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # vectors give away the text they were made of
            # Not of one thread: whoever closes the store may be another than who opened it.
            self._lock = FileLock(folder / "owner.lock", timeout=0, mode=0o600, thread_local=False)
            self._lock.acquire()
        except Timeout:
            raise StoreLockedError(
                f"The store {str(folder)!r} is in use by another LightMem object, of this process "
                "or another. Close that one first: a store has one owner, and others ask it."
            ) from None
        except OSError as error:
            raise StorageError(
                f"The folder {str(folder)!r} cannot be used as a store: {error}"
            ) from error

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
