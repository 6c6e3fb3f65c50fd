"""Leases of a run: it holds one user at a time, and a thread of its own renews that while it works.

A writer may take minutes for an episode, and a worker that dies says nothing. So a lease is short,
and stands for a worker that lives: whoever finds one that ran out goes on with that user.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from lightmem_integrations.engine.background import Loop
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.work_queue import drop_lease, renew_lease, take_lease

logger = logging.getLogger(__name__)

_RENEWALS = 3
"""Times that a lease is renewed before it would run out: a guess, by which a renewal may fail or be
late, and the next one still be in time."""


class Leases:
    """The leases of one run, renewed until its block ends.

    Args:
        ledger: The ledger.
        worker: A name that no other run has.
        seconds: How long a lease stands without being renewed.
        clock: The time, in seconds since 1970; ``None``: the database's own.
    """

    def __init__(
        self, ledger: Ledger, worker: str, seconds: float, clock: Callable[[], float] | None
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._seconds = seconds
        self._clock = clock
        self._user: int | None = None
        pause = seconds / _RENEWALS
        self._loop = Loop(self._renew, "renewal of a lease", backoff=(pause, pause))

    def __enter__(self) -> Leases:
        self._loop.start(self._seconds / _RENEWALS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.stop(timeout=0)

    @contextlib.contextmanager
    def on(self, user: int) -> Iterator[bool]:
        """Hold a user's memory, unless another worker does; says whether this one has it."""
        mine = self.take(user)
        try:
            yield mine
        finally:
            self._user = None
            if mine:
                with self._ledger.write() as connection:
                    drop_lease(connection, user, self._worker)

    def take(self, user: int) -> bool:
        """Take the lease on a user, or make sure that it is still held; ``False``: it is not."""
        now = None if self._clock is None else self._clock()
        with self._ledger.write() as connection:
            mine = take_lease(connection, user, self._worker, seconds=self._seconds, now=now)
        self._user = user if mine else None
        return mine

    def _renew(self) -> float:
        """One renewal; returns the seconds until the next one."""
        user, now = self._user, None if self._clock is None else self._clock()
        if user is not None:
            with self._ledger.write() as connection:
                mine = renew_lease(connection, user, self._worker, seconds=self._seconds, now=now)
            if not mine and self._user == user:  # what it writes is not stored
                logger.warning("Another worker took over a user whom this one still worked for.")
                self._user = None
        return self._seconds / _RENEWALS
