"""Guard against the use of a store after a fork: what was opened before belongs to the parent."""

from __future__ import annotations

import os

from lightmem_integrations.errors import ForkedProcessError


class ProcessGuard:
    """Knows which process opened a store."""

    def __init__(self) -> None:
        self._process = os.getpid()

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

    def holds(self) -> bool:
        """True while what was opened is what lies there now: a database always is."""
        return True

    def release(self) -> None:
        """Nothing to let go of: a database has no owner."""
