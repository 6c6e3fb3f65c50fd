"""The embedder of turns: takes what waits for a vector batch by batch, claimed where others do so.

A ledger in a file has one process, which claims nothing. Nor does who asks for one user's turns: a
question waits for them, whoever else may be at it, and doing a turn twice changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.errors import ModelOutputError, StorageError
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.embedding_queue import (
    give_back,
    renew_claims,
    still_waiting,
    turns_of_all,
    turns_of_user,
)
from lightmem_integrations.storage.index_contents import settle
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import UnindexedTurn, store_vectors
from lightmem_integrations.storage.users import lock_users

logger = logging.getLogger(__name__)

_RENEWALS = 3
"""Times that claims are renewed before they would run out: a guess, as for leases."""

_GIVEN_UP_SECONDS = 60.0
"""Seconds for which a turn is left alone that could not be embedded: a guess."""


class TurnEmbedder:
    """Embeds the turns of a ledger that wait for it, one batch at a time.

    Args:
        ledger: Holds the turns and their vectors.
        embedder: Makes the vectors.
        settings: Sizes.
        exact_up_to: Turns of a user that need no index.
    """

    def __init__(
        self, ledger: Ledger, embedder: StoreEmbedder, settings: Settings, exact_up_to: int
    ) -> None:
        self._ledger = ledger
        self._embedder = embedder
        self._settings = settings
        self._exact_up_to = exact_up_to
        self._working = threading.Lock()
        self._worker = uuid.uuid4().hex if ledger.file is None else None
        self._claimed: list[int] = []
        self._after = 0  # the row of the user whose turns came last
        # Turns for which something unusable came out, and when.
        self._failed: dict[int, tuple[float, ModelOutputError]] = {}

    def given_up(self) -> dict[int, ModelOutputError]:
        """Turns that are left alone for a while, since they failed, and would hold up others."""
        since = time.monotonic() - _GIVEN_UP_SECONDS
        return {row: error for row, (when, error) in self._failed.items() if when > since}

    def try_anew(self) -> None:
        """Leave no turn alone any more."""
        self._failed = {}

    def embed_some(self, user_row: int | None = None, seconds: float = -1.0) -> bool | None:
        """Make vectors of some turns and keep them, but for those erased or archived meanwhile.

        Args:
            user_row: Whose turns; ``None`` for those of all, who take turns.
            seconds: To wait for another thread that embeds; negative for as long as it takes.

        Returns:
            Whether any waited; ``None`` if the other thread took longer.

        Raises:
            ModelError: The embedder failed altogether.
        """
        if not self._working.acquire(timeout=seconds):
            return None
        try:
            with self._batch(user_row) as todo:
                embedded, failed = self._embedder.embed(todo)
                for error in failed.values():
                    logger.warning(
                        "A turn cannot be embedded and is found by its words only: %s", error
                    )
                now = time.monotonic()
                self._failed = self._failed | {row: (now, error) for row, error in failed.items()}
                if embedded:
                    self._keep(embedded)
            return bool(todo)
        finally:
            self._working.release()

    def _keep(self, embedded: list[UnindexedTurn]) -> None:
        with self._ledger.write() as connection:
            lock_users(connection, [turn.user for turn in embedded])
            worker = self._worker if self._claimed else None
            waiting = still_waiting(connection, [turn.row for turn in embedded], worker)
            made = [turn for turn in embedded if turn.row in waiting]
            vector = made[0].vector if made else None
            if vector is not None:
                self._embedder.record_dimension(connection, len(vector))
                store_vectors(connection, made)
                settle(connection, self._exact_up_to, [turn.row for turn in made])
            if worker is not None:
                give_back(connection, self._claimed, worker)
        self._claimed = []

    @contextlib.contextmanager
    def _batch(self, user_row: int | None) -> Iterator[list[UnindexedTurn]]:
        """Some turns to embed; no connection is held meanwhile, and no claim afterwards."""
        todo = self._of_all() if user_row is None else self._of_user(user_row)
        if not self._claimed:
            yield todo
            return
        pause = self._settings.claim_seconds / _RENEWALS
        renewal = Loop(self._renew, "renewal of claims", backoff=(pause, pause))
        renewal.start(after=pause)
        try:
            yield todo
        finally:
            renewal.stop(timeout=0)
            given, self._claimed = self._claimed, []
            if given and self._worker:  # something failed
                with contextlib.suppress(StorageError), self._ledger.write() as connection:
                    give_back(connection, given, self._worker)

    def _of_user(self, user_row: int) -> list[UnindexedTurn]:
        limit, without = self._settings.embed_batch, self.given_up()
        with self._ledger.read() as connection:
            return turns_of_user(connection, user_row, limit, without)

    def _of_all(self) -> list[UnindexedTurn]:
        claim: dict[str, Any] = {"worker": self._worker, "seconds": self._settings.claim_seconds}
        opened = self._ledger.read if self._worker is None else self._ledger.write
        with opened() as connection:
            todo = turns_of_all(
                connection, self._settings.embed_batch, self.given_up(), after=self._after, **claim
            )
        self._after = todo[-1].user if todo else 0
        self._claimed = [] if self._worker is None else [turn.row for turn in todo]
        return todo

    def _renew(self) -> float:
        claimed, seconds = self._claimed, self._settings.claim_seconds
        if claimed and self._worker:
            with self._ledger.write() as connection:
                renew_claims(connection, claimed, self._worker, seconds)
        return seconds / _RENEWALS
