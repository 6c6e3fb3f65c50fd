"""A deadline that the models of one recall share, and the pool of threads in which they run.

Python cannot stop a call from outside. A call that is late is left behind in its thread; since
the threads are few and counted, a model that hangs can neither fill the process with them nor
delay more recalls than there are threads.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any, TypeVar

from lightmem_integrations.errors import ModelError, ModelTimeoutError, StoreClosedError
from lightmem_integrations.telemetry.spans import carried

T = TypeVar("T")

THREADS = 4
"""Model calls at a time in one process, those that hang included: a guess."""

CALLS = 16
"""Calls at a time of an embedder or an index, which are short; those that hang included: a guess.
"""


class DaemonPool:
    """A bounded pool of daemon threads, for calls that may hang.

    A call that never returns does not keep the process alive. Calls wait for a free thread in the
    order in which they came; a thread for which nothing waits ends.

    Args:
        size: Threads at a time, at most.
    """

    def __init__(self, size: int = THREADS) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], object]]] = deque()
        self._running: set[threading.Thread] = set()
        self._late: set[Future[Any]] = set()
        self._closed = False

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run a call as soon as a thread is free; returns its future, which may be cancelled.

        Raises:
            ModelError: No thread could be started.
            StoreClosedError: The pool was closed.
        """
        answer: Future[T] = Future()
        waiting = (answer, carried(call))
        with self._lock:  # whoever closes meanwhile meets started threads only
            if self._closed:
                raise StoreClosedError
            self._waiting.append(waiting)
            if len(self._running) < self._size:
                thread = threading.Thread(target=self._work, daemon=True, name="lightmem-model")
                try:
                    thread.start()
                except RuntimeError as error:  # the system gives no more threads
                    self._waiting.remove(waiting)
                    raise ModelError(f"no thread could be started: {error}") from error
                self._running.add(thread)
        return answer

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """Run a call in a thread of the pool; return its result if it comes in time.

        Args:
            call: What to run.
            seconds: Time for it, with the wait for a free thread.

        Raises:
            TimeoutError: It was late, or no thread became free.
            ModelError: Every thread is held by a call that is late already.
            StoreClosedError: The pool was closed.
        """
        if len(self._late) >= self._size and not self._closed:
            raise ModelError(f"all {self._size} threads for models wait for calls that hang")
        answer = self.submit(call)
        try:
            return answer.result(timeout=seconds)
        except Late:
            if answer.done():  # in the last moment, or with a timeout of its own
                return answer.result()
            if not answer.cancel():
                with self._lock:
                    self._late.add(answer)
                # Either it ends after this line and takes itself out, or it has ended before.
                answer.add_done_callback(self._not_late)
            raise TimeoutError from None
        finally:
            answer.cancel()  # who is interrupted wants no call that has not begun

    def close(self, seconds: float) -> None:
        """Take no more calls, and wait up to ``seconds`` for those that run."""
        self._closed = True
        seconds = min(max(seconds, 0.0), threading.TIMEOUT_MAX)
        until = time.monotonic() + seconds
        # In a forked child a thread of the parent may have it, which never lets it go there.
        if not self._lock.acquire(timeout=seconds):
            return
        try:
            running = list(self._running)
        finally:
            self._lock.release()
        for thread in running:
            thread.join(max(until - time.monotonic(), 0.0))

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running.discard(threading.current_thread())
                    return
                answer, call = self._waiting.popleft()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                answer.set_exception(error)
            else:
                answer.set_result(result)
                del result
            del answer, call  # or what they hold would live as long as the next call

    def _not_late(self, answer: Future[Any]) -> None:
        with self._lock:
            self._late.discard(answer)


class Deadline:
    """The time that models may take in one recall, all of them together.

    Args:
        seconds: For all calls.
        pool: Threads in which they run.
        setting: Name of the setting or argument that gave the seconds, for messages.
        until: The ``time.monotonic()`` after which none is left, whatever was used.
    """

    def __init__(
        self,
        seconds: float,
        pool: DaemonPool,
        setting: str = "Settings.model_seconds",
        until: float = math.inf,
    ) -> None:
        self._whole = seconds
        self._left = min(seconds, threading.TIMEOUT_MAX)
        self._pool = pool
        self._setting = setting
        self._until = until

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return min(self._left, self._until - time.monotonic())

    def run(self, call: Callable[[], T]) -> T:
        """Run a call; return its result if it comes in the seconds that are left.

        Raises:
            ModelTimeoutError: It was late.
            ModelError: No time was left, or the model failed.
        """
        left, start = self.left, time.monotonic()
        if left <= 0:
            raise ModelError(f"no time was left of {self._setting}")
        try:
            return self._pool.run(call, left)
        except TimeoutError as error:
            raise ModelTimeoutError(f"the model did not answer within {self}") from error
        finally:
            self._left -= time.monotonic() - start

    def __str__(self) -> str:
        left = "" if self._until == math.inf else "left "  # more than these models draws on it
        return f"the {self._whole:.3g} s {left}of {self._setting}"
