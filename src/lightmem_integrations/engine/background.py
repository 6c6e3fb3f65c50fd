"""A background thread: repeats one step, rests, backs off after a failure, and ends with its owner.

Indexing, consolidation and the sweeping of expired documents each run on one.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from weakref import WeakMethod

from lightmem_integrations.errors import StoreClosedError
from lightmem_integrations.telemetry.spans import Links

logger = logging.getLogger(__name__)


class Flag:
    """An event with one waiter that an interrupt cannot leave locked.

    One of ``threading`` can: it locks in Python, and Ctrl-C may strike right after.
    """

    def __init__(self) -> None:
        self._set = False
        self._unset = threading.Lock()
        self._unset.acquire()

    def is_set(self) -> bool:
        """True from ``set`` until ``clear``."""
        return self._set

    def set(self) -> None:
        """Wake the waiter. Uses no global name: modules may be torn down when an owner goes."""
        self._set = True
        try:  # noqa: SIM105
            self._unset.release()
        except RuntimeError:  # it is set already
            pass

    def clear(self) -> None:
        """Wait again from here on."""
        self._set = False
        self._unset.acquire(blocking=False)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, ``seconds`` at most; returns whether it is."""
        if not self._set:
            self._unset.acquire(
                timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX)
            )
        return self._set


class Loop:
    """A daemon thread that repeats a step until it is stopped or the step's owner is gone.

    The step returns how many seconds to rest unless woken, ``None`` for until woken. One that
    raises is logged and repeated after a pause that no ``wake`` cuts short: what failed (a model,
    an index) needs time. ``StoreClosedError`` ends the thread.

    Args:
        step: A bound method. Its owner is held weakly, so that the thread keeps no store alive
            that was dropped without ``close``.
        name: Of the work, for the thread and for messages.
        backoff: Seconds of the pause after a failure, and of the longest one: each failure in a
            row doubles it.
        gather_seconds: Wait before each step, so that what comes at nearly the same time is done
            together.

    Attributes:
        ended: Done when the thread has ended; cancelling it ends the thread.
    """

    def __init__(
        self,
        step: Callable[[], float | None],
        name: str,
        *,
        backoff: tuple[float, float],
        gather_seconds: float = 0.0,
    ) -> None:
        self._step = WeakMethod(step, lambda _: self._end())
        self._name = name
        self._backoff = backoff
        self._gather_seconds = gather_seconds
        self._wake = Flag()
        self._stop = Flag()
        self._links = Links()
        self._thread: threading.Thread | None = None
        self.ended: Future[None] = Future()
        self.ended.add_done_callback(lambda ended: self._end() if ended.cancelled() else None)

    @property
    def stopping(self) -> bool:
        """True once the thread was told to end; a long step looks here."""
        return self._stop.is_set()

    def start(self, after: float = 0.0) -> None:
        """Begin, with the first step ``after`` so many seconds."""
        self._thread = threading.Thread(
            target=self._run, args=(after,), name=f"lightmem-{self._name}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """End the rest: there is something to do."""
        self._links.note()
        self._wake.set()

    def stop(self, timeout: float | None = None) -> bool:
        """End the thread after the step at hand.

        Args:
            timeout: Seconds to wait for that; ``None`` for as long as it takes.

        Returns:
            True if it has ended. Called from the thread itself, this does not wait.
        """
        self._end()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()

    def _run(self, after: float) -> None:
        pause = 0.0
        self._links.follow()
        self._stop.wait(after)
        while not self._stop.wait(self._gather_seconds):
            self._wake.clear()
            step = self._step()
            # The end may have been told just before the wake that told it was cleared.
            if step is None or self._stop.is_set():
                break
            try:
                rest = step()
                pause = 0.0
            except StoreClosedError:
                break
            except Exception as error:  # noqa: BLE001 - the thread must outlive any failure
                shortest, longest = self._backoff
                pause = min(max(shortest, 2 * pause), longest)
                if not (self.stopping or _ending()):
                    logger.warning(
                        "%s failed; again in %.0f s: %s", self._name.capitalize(), pause, error
                    )
            del step  # or it would keep its owner alive while this thread rests
            if pause:
                self._stop.wait(pause)
            else:
                self._wake.wait(rest)
        with contextlib.suppress(InvalidStateError):  # cancelled
            self.ended.set_result(None)


def _ending() -> bool:
    """True once only threads are left for which the interpreter's end does not wait.

    What a step imports or starts then fails, and means nothing: the next opening goes on there.
    """
    return all(thread.daemon or not thread.is_alive() for thread in threading.enumerate())
