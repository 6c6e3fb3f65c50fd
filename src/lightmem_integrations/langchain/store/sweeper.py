"""A thread that erases what is over, at intervals, until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from weakref import WeakMethod

from lightmem_integrations.errors import StoreClosedError

logger = logging.getLogger(__name__)

_MINUTE = 60.0


class Sweeper:
    """Calls a method at intervals, as long as its owner lives.

    Args:
        sweep: A bound method that returns how much it erased; its owner is held weakly.
    """

    def __init__(self, sweep: Callable[[], int]) -> None:
        self._sweep = WeakMethod(sweep)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, minutes: float) -> Future[None]:
        """Begin; returns what is done once the thread ended, and ends it when cancelled."""
        future: Future[None] = Future()
        future.add_done_callback(lambda done: self._stop.set() if done.cancelled() else None)
        if self._thread is not None and self._thread.is_alive():
            return future
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run,
            args=(minutes * _MINUTE, future, self._stop),
            name="lightmem-sweeping",
            daemon=True,
        )
        self._thread.start()
        return future

    def stop(self, timeout: float | None = None) -> bool:
        """End the thread; returns whether it ended within ``timeout`` seconds."""
        self._stop.set()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, seconds: float, future: Future[None], stop: threading.Event) -> None:
        while not stop.wait(seconds):
            sweep = self._sweep()
            if sweep is None:
                break
            try:
                erased = sweep()
                if erased:
                    logger.info("%d documents were over and are erased.", erased)
            except StoreClosedError:
                break
            except Exception as error:  # noqa: BLE001 - the next time may go well
                logger.warning("Sweeping failed: %s: %s", type(error).__name__, error)
            del sweep
        if not future.cancelled():
            future.set_result(None)
