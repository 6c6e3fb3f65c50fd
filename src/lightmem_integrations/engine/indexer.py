"""The indexer: embeds turns soon after they were added, outside of the call that added them."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.errors import (
    IndexUnavailableError,
    ModelOutputError,
)
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import Batch, VectorIndex
from lightmem_integrations.storage.index_contents import PURGE, batches, expected
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import (
    UnindexedTurn,
    clear_pending,
    count_pending_turns,
    pending_turns,
    still_pending,
    store_vectors,
)
from lightmem_integrations.text.temporal import time_window

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds of rest after a failure, doubled each time: a guess."""

_GATHER_SECONDS = 0.05
"""Turns added within this time are embedded together: a guess, well below a person's pause."""

_NOBODY = "0" * 32  # a scope that no user has


class Indexer:
    """Works off the ledger's list of turns that wait for the vector index.

    A turn is taken off the list only once the index has it, so nothing is lost if the process
    dies in between; doing a turn twice changes nothing.

    Args:
        ledger: Holds the turns and their vectors.
        index: Is kept in step with it.
        embedder: Makes the vectors.
        settings: Sizes.

    Attributes:
        state: Of the index: ``unchecked``, ``rebuilding``, ``ready`` or ``unavailable``.
    """

    def __init__(
        self, ledger: Ledger, index: VectorIndex, embedder: StoreEmbedder, settings: Settings
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._embedder = embedder
        self._settings = settings
        self._lock = threading.RLock()
        self._embedding = threading.Lock()  # not the lock above: a model may hang
        self._loop = Loop(
            self._index_waiting,
            "indexing",
            backoff=(_FIRST_PAUSE, _LONGEST_PAUSE),
            gather_seconds=_GATHER_SECONDS,
        )
        self._warm = False
        # Turns for which something unusable came out, and when; see _given_up.
        self._failed: dict[int, tuple[float, ModelOutputError]] = {}
        self.state = "unchecked"

    @property
    def ready(self) -> bool:
        """True if the index may be searched; until then the ledger's vectors are."""
        return self.state == "ready"

    def prepare(self) -> None:
        """Check the index, and rebuild it from the ledger where it cannot be trusted."""
        with self._lock:
            if self.ready:
                return
            with self._ledger.read() as connection:
                most = expected(connection)
                least = expected(connection, indexed=True)
            if self._ledger.get(PURGE) or not self._index.healthy(least, most):
                logger.warning("The vector index is rebuilt from the ledger (%d users).", len(most))
                self.rebuild()
            self.state = "ready"

    def warm_up(self) -> None:
        """Load the embedder and open the index.

        Raises:
            ModelError: The embedder cannot be loaded.
            IndexUnavailableError: The index does not answer.
        """
        vector = self._embedder.warm_up()
        time_window("in May", dt.datetime.now(dt.timezone.utc))  # the date parser loads slowly
        self.prepare()
        self._index.search(_NOBODY, vector, 1, size=1)

    def rebuild(self) -> int:
        """Build the index anew from the ledger's vectors; returns how many there are.

        Raises:
            IndexUnavailableError: The index does not answer.
        """
        with self._lock:
            self.state = "rebuilding"
            try:
                self._index.replace(self._interruptible())
            except BaseException:
                self.state = "unavailable"
                raise
            if self._ledger.get(PURGE) and not self._ledger.read_only and self._ledger.compact():
                self._ledger.put(PURGE, "")
            self.state = "ready"
            with self._ledger.read() as connection:
                return sum(expected(connection).values())

    def purge(self) -> bool:
        """Complete every erasure: rewrite the files of index and ledger, if anything was erased.

        Returns:
            False if somebody who reads the ledger keeps its log from being emptied; the next
            purge or opening completes it.

        Raises:
            StorageError: The index or the ledger does not answer.
        """
        with self._lock:
            if self._ledger.get(PURGE):
                self.rebuild()
            return not self._ledger.get(PURGE)

    def catch_up(
        self,
        user_row: int | None = None,
        seconds: float | None = None,
        without: Collection[int] = (),
    ) -> int:
        """Embed what waits, of one user or of all; returns what is still waiting.

        Args:
            user_row: Whose turns; ``None`` for everybody's.
            seconds: When to give up; ``None`` for never.
            without: Rows of turns that need not be waited for.

        Raises:
            ModelError: The embedder failed or returned something unusable.
            IndexUnavailableError: The index does not answer.
        """
        if self._ledger.read_only:
            self.prepare()
            return self.waiting(user_row, without)
        deadline = None if seconds is None else time.monotonic() + seconds
        if user_row is None:
            self._failed = {}  # who asks for everything wants it tried anew
        while left := self.waiting(user_row, [*without, *self._given_up()]):
            pause = -1.0 if deadline is None else deadline - time.monotonic()
            if (deadline is not None and pause <= 0) or not self._embedding.acquire(timeout=pause):
                return left
            try:
                self._index_batch(user_row)
            finally:
                self._embedding.release()
        failed = self._given_up()
        if failed and self.waiting(user_row, without):
            raise next(iter(failed.values()))
        return 0

    def waiting(self, user_row: int | None = None, without: Collection[int] = ()) -> int:
        """Count the turns that wait for the index, leaving out the rows ``without``."""
        with self._ledger.read() as connection:
            return count_pending_turns(connection, user_row, without)

    def forget(self, scope: str, rows: Sequence[int]) -> None:
        """Take erased turns out of the index.

        Raises:
            IndexUnavailableError: The index does not answer.
        """
        with self._lock:
            self._index.delete(scope, rows)

    def exclusively(self) -> threading.RLock:
        """The lock under which the ledger and the index change together."""
        return self._lock

    def start(self) -> None:
        """Begin to work in the background."""
        self._loop.start()

    def wake(self) -> None:
        """Tell the thread that turns wait."""
        self._loop.wake()

    def stop(self, seconds: float) -> None:
        """End the thread after the batch at hand; wait ``seconds`` for that at most.

        A thread whose model or index takes longer finds a closed ledger and stores nothing.
        """
        if not self._loop.stop(min(seconds, threading.TIMEOUT_MAX)):
            logger.warning("The store is closed while turns are embedded; they still wait.")

    def _index_waiting(self) -> None:
        self.prepare()
        if not self._warm and self._holds_anything():
            self.warm_up()  # so that the first recall of this process need not
            self._warm = True
        while self.waiting(without=self._given_up()) and not self._loop.stopping:
            with self._embedding:
                self._index_batch(None)

    def _index_batch(self, user_row: int | None) -> None:
        self.prepare()
        with self._ledger.read() as connection:
            todo = pending_turns(connection, self._settings.embed_batch, user_row, self._given_up())
        embedded, failed = self._embedder.embed([turn for turn in todo if turn.vector is None])
        for error in failed.values():
            logger.warning("A turn cannot be embedded and is found by its words only: %s", error)
        now = time.monotonic()
        self._failed = self._failed | {row: (now, error) for row, error in failed.items()}
        if todo:
            with self._lock:
                self._index_embedded(todo, embedded)

    def _index_embedded(
        self, todo: Sequence[UnindexedTurn], embedded: Sequence[UnindexedTurn]
    ) -> None:
        """Store vectors and index turns, but for those erased or archived since they were read."""
        vectors = {turn.row: turn.vector for turn in (*embedded, *todo) if turn.vector is not None}
        with self._ledger.write() as connection:
            waiting = still_pending(connection, list(vectors))
            embedded = [turn for turn in embedded if turn.row in waiting]
            if embedded:
                self._embedder.record_dimension(connection, len(vectors[embedded[0].row]))
                store_vectors(connection, embedded)
        by_scope: dict[str, list[int]] = {}
        for turn in todo:
            if turn.row in waiting:
                by_scope.setdefault(turn.scope, []).append(turn.row)
        for scope, rows in by_scope.items():
            self._index.upsert(Batch(scope, rows, np.stack([vectors[row] for row in rows])))
        with self._ledger.write() as connection:
            clear_pending(connection, list(vectors))

    def _given_up(self) -> dict[int, ModelOutputError]:
        """Turns that are left alone for a while, since they failed, and would hold up others."""
        since = time.monotonic() - _LONGEST_PAUSE
        return {row: error for row, (when, error) in self._failed.items() if when > since}

    def _holds_anything(self) -> bool:
        with self._ledger.read() as connection:
            return bool(expected(connection)) or bool(count_pending_turns(connection))

    def _interruptible(self) -> Iterator[Batch]:
        for batch in batches(self._ledger):
            if self._loop.stopping:
                raise IndexUnavailableError("The index was being rebuilt when the store closed.")
            yield batch
