"""The write lock of a ledger: one writer at a time, and free again however a writer was stopped.

Ctrl-C raises between any two instructions, also between those that enter a ``with`` block and
those that leave it, where no ``finally`` runs. A traceback that somebody keeps, as every notebook
does, then keeps the lock and the open transaction too. So this lock is held by a frame of the
call stack: once that frame no longer runs, whoever comes next rolls back and takes over.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import FrameType

from lightmem_integrations.errors import LedgerError

_LOOK_SECONDS = 0.05
"""Seconds between two looks at whether the holder still runs; a guess. A release wakes at once."""

_LONGEST_SECONDS = 300.0
"""Seconds that a writer waits for the others: a guess, far above a rewrite of a large database."""


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class Hold:
    """One writer's place in the queue for the lock.

    Attributes:
        frame: Of the function that writes.
        connection: In which it writes, once it has one.
        thread: In which it runs.
        turn: Locked until whoever was before it is done.
    """

    frame: FrameType | None
    connection: sqlite3.Connection | None = None
    thread: int = field(default_factory=threading.get_ident)
    turn: threading.Lock = field(default_factory=_locked)

    def runs(self) -> bool:
        """True while the function that writes has not returned or raised.

        The interpreter refuses to clear a frame that executes, and tells so in one step. Walking
        the other thread's stack instead would lose its way, since that goes on meanwhile.
        """
        if self.frame is None:
            return False
        try:
            self.frame.clear()
        except RuntimeError:
            return True
        return False

    def roll_back(self) -> None:
        """Undo what it has not committed."""
        connection = self.connection
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # closed: then it was rolled back
                connection.rollback()

    def committed(self) -> None:
        """Nothing is left to undo: its connection may serve the next writer."""
        self.connection = None


class WriteLock:
    """A lock for which holds queue; the first one has it. Not reentrant.

    It is a deque, whose operations are atomic: a lock around them could be left locked.
    """

    def __init__(self) -> None:
        self._queue: deque[Hold] = deque()

    def acquire(self, hold: Hold, seconds: float = _LONGEST_SECONDS) -> None:
        """Wait for the lock, and hold it.

        Raises:
            LedgerError: It was not free in time, or this thread holds it already.
        """
        until = time.monotonic() + seconds
        self._queue.append(hold)
        while (first := self._queue[0]) is not hold:
            if not first.runs():
                first.roll_back()
                self._leave(first)
                continue
            if first.thread == hold.thread:
                raise LedgerError(
                    "The ledger is written to in the middle of another write of this thread, as "
                    "a signal handler would; do that afterwards."
                )
            if time.monotonic() > until:
                raise LedgerError(f"The ledger was busy with another write for {seconds:g} s.")
            hold.turn.acquire(timeout=_LOOK_SECONDS)

    def release(self, hold: Hold) -> None:
        """Let the next one write; a hold that was given up changes nothing."""
        hold.committed()  # first: nobody may roll back what the next one does in that connection
        self._leave(hold)
        hold.frame = None
        with contextlib.suppress(IndexError, RuntimeError):  # nobody waits, or it knows already
            self._queue[0].turn.release()

    def interrupt(self) -> None:
        """Abort the statement that the holder is running: it fails, and its transaction with it."""
        with contextlib.suppress(IndexError, AttributeError, sqlite3.Error):  # it has just ended
            self._queue[0].connection.interrupt()  # type: ignore[union-attr]

    def _leave(self, hold: Hold) -> None:
        with contextlib.suppress(ValueError):  # somebody else took it out
            self._queue.remove(hold)
