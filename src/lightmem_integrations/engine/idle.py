"""The idle detector: work in the background keeps out of the way of users' calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class IdleDetector:
    """Calls of users under way, and the time since the last one ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0
        self._ended = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Mark a call as under way for as long as the block lasts."""
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
        """Seconds since the last call ended; 0 while one is under way."""
        with self._changed:
            return 0.0 if self._under_way else time.monotonic() - self._ended

    def give_way(self, seconds: float) -> None:
        """Wait until no call is under way.

        Args:
            seconds: Of waiting at most: under calls without end, work goes on slowly, not never.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, timeout=seconds)
