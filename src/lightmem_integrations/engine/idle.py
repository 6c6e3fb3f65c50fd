"""The idle detector: work in the background keeps out of the way of users' calls."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from lightmem_integrations.storage.sqlite.write_lock import Hold

_LOOK_SECONDS = 0.005
"""Seconds between two looks at whether a call is under way: a guess."""


class IdleDetector:
    """Calls of users under way, and the time since the last one ended.

    Without a lock, so that no interrupt can leave one locked.
    """

    def __init__(self) -> None:
        self._under_way: set[Hold] = set()
        self._ended = time.monotonic()

    def call(self) -> AbstractContextManager[None]:
        """Mark a call as under way for as long as the block of the calling function lasts."""
        return self._call(Hold(sys._getframe(1)))

    def quiet_seconds(self) -> float:
        """Seconds since the last call ended; 0 while one is under way."""
        return 0.0 if self._busy() else time.monotonic() - self._ended

    def give_way(self, seconds: float) -> None:
        """Wait until no call is under way.

        Args:
            seconds: Of waiting at most: under calls without end, work goes on slowly, not never.
        """
        until = time.monotonic() + seconds
        while self._busy() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def _call(self, hold: Hold) -> Iterator[None]:
        self._under_way.add(hold)
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._under_way.discard(hold)
            hold.frame = None

    def _busy(self) -> bool:
        for hold in tuple(self._under_way):
            if hold.runs():
                return True
            self._under_way.discard(hold)  # it was interrupted
        return False
