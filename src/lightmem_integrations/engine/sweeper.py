"""The sweeper: erases what has expired, at opening and in a thread that waits for the next end."""

from __future__ import annotations

import logging
from dataclasses import replace

from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.erasure import sweep
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import StorageError
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.storage.expiry import next_expiry

logger = logging.getLogger(__name__)

_LOOK_AGAIN = 3_600.0
"""Seconds until the thread looks again at the latest, as clocks are set and lifetimes of the
settings end at any time: a guess. Nothing shows what is over until then."""

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0
"""Seconds of rest after a failure, doubled each time: a guess."""


class Sweeper:
    """The sweeper of one store.

    Args:
        store: An open store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._at_opening: Receipt | None = None
        self._loop = Loop(self._sweep, "sweeping", backoff=(_FIRST_PAUSE, _LONGEST_PAUSE))

    def start(self) -> None:
        """Sweep what is over now; in the background, and from now on, where the settings allow it.

        A store that cannot be written is left as it is.
        """
        if self._store.ledger.read_only:
            return
        if self._store.settings.background_indexing:
            self._loop.start()
            return
        try:
            self._at_opening = sweep(self._store, purge=False)
        except StorageError as error:  # nobody is shown it anyway
            logger.warning("What has expired was not erased yet: %s", error)

    def sweep(self, user_id: str | None, *, purge: bool) -> Receipt:
        """Erase what is over of everybody's memory, or of one user's, now.

        Counts what the opening erased with what the first call for everybody does.

        Raises:
            StorageError: The store cannot be written.
        """
        done = sweep(self._store, user_id, purge=purge)
        if user_id is None and self._at_opening is not None:
            done = replace(self._at_opening + done, purged=done.purged, remains=done.remains)
            self._at_opening = None
        return done

    def wake(self) -> None:
        """Say that something may end earlier than was known."""
        self._loop.wake()

    def stop(self, seconds: float) -> None:
        """End the thread, and wait so long for the sweep at hand."""
        self._loop.stop(seconds)

    def _sweep(self) -> float | None:
        """One sweep; returns the seconds until the next one, ``None`` if nothing is known to end.

        Raises:
            StorageError: The store cannot be written.
        """
        store, settings = self._store, self._store.settings
        sweep(store, purge=False)
        with store.ledger.read() as connection:
            ends = next_expiry(connection)
        if ends is not None:
            return min(max(ends - store.ledger.now(), 0.0), _LOOK_AGAIN)
        by_default = settings.lifetime_days, settings.session_lifetime_days
        return None if by_default == (None, None) else _LOOK_AGAIN
