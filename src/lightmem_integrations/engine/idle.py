"""Whether somebody uses the memory right now, so that work behind the scenes can keep out of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class IdleDetector:
    """Counts the calls under way, and knows when the last one ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0
        self._ended = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call of a user's, for as long as the block lasts."""
        with self._changed:
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._ended = time.monotonic()
                self._changed.notify_all()

    def quiet_seconds(self) -> float:
        """For how long there was no call; 0 while there is one."""
        with self._changed:
            return 0.0 if self._under_way else time.monotonic() - self._ended

    def give_way(self, seconds: float) -> None:
        """Wait until no call is under way.

        Args:
            seconds: How long at most: under calls without end, work goes on slowly, not never.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, timeout=seconds)
