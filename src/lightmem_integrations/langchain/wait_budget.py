"""The time for which memory may hold up one answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any


def wait_for(call: Future[Any], seconds: float) -> None:
    """Wait until the call is done, but no longer than this.

    Somebody who calls synchronously on an event loop, as in every notebook, has chosen to wait.
    A queue does that without a lock, which tools that guard event loops would forbid.
    """
    done: SimpleQueue[None] = SimpleQueue()
    call.add_done_callback(lambda _: done.put(None))
    with contextlib.suppress(Empty):
        done.get(timeout=seconds)


class WaitBudget:
    """Seconds that memory may still take before one answer. Every wait draws on it.

    Args:
        seconds: How long in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def wait(self, call: Future[Any], *, at_least: float = 0.0) -> None:
        """Wait until the call is done, as long as time is left, or ``at_least`` so many seconds."""
        if call.done():
            return
        started = time.monotonic()
        wait_for(call, max(self._left, at_least))
        self._spend(started)

    async def wait_async(self, call: Future[Any], *, at_least: float = 0.0) -> None:
        """The same without blocking the event loop."""
        if call.done():
            return
        started = time.monotonic()
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        # asyncio.wrap_future would cancel the call together with this task, and complain about
        # a call that ends after the loop was closed.
        def wake(_: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any more
                loop.call_soon_threadsafe(done.set)

        call.add_done_callback(wake)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(done.wait(), timeout=max(self._left, at_least))
        self._spend(started)

    def _spend(self, started: float) -> None:
        self._left = max(0.0, self._left - (time.monotonic() - started))
