"""The indexer: embeds turns soon after they were added, outside of the call that added them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.embedder import EMBEDDER_DIMENSION, StoreEmbedder
from lightmem_integrations.errors import IndexUnavailableError, ModelOutputError
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import Batch, VectorIndex
from lightmem_integrations.storage.index_contents import (
    PURGE,
    batches,
    clear_purge,
    expected,
    leave_out_small,
    settle,
)
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import (
    UnindexedTurn,
    clear_pending,
    count_pending_turns,
    pending_turns,
    still_pending,
    store_vectors,
)

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
        exact_up_to: Turns of a user that recall compares one by one. The index holds the users
            that have more.

    Attributes:
        state: Of the index: ``unchecked``, ``rebuilding``, ``ready`` or ``unavailable``.
    """

    def __init__(
        self, ledger: Ledger, index: VectorIndex, embedder: StoreEmbedder, settings: Settings,
        *, exact_up_to: int,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._index = index
        self._embedder = embedder
        self._settings = settings
        self._exact_up_to = exact_up_to
        self._lock = threading.RLock()
        self._embedding = threading.Lock()  # not the lock above: a model may hang
        self._loop = Loop(
            self._index_waiting,
            "indexing",
            backoff=(_FIRST_PAUSE, _LONGEST_PAUSE),
            gather_seconds=_GATHER_SECONDS,
        )
        # Turns for which something unusable came out, and when; see _given_up.
        self._failed: dict[int, tuple[float, ModelOutputError]] = {}
        self.state = "unchecked"
        if not ledger.read_only:
            with ledger.write() as connection:  # fewer may be compared than at the last opening
                settle(connection, exact_up_to)

    @property
    def ready(self) -> bool:
        """True if the index is open and may be searched; until then the ledger's vectors are."""
        return self.state == "ready"

    def prepare(self) -> None:
        """Check the index, rebuild it from the ledger where it cannot be trusted, and open it.

        Raises:
            IndexUnavailableError: The index does not answer.
        """
        with self._lock:
            if self.ready:
                return
            with self._ledger.read() as connection:
                most = expected(connection)
                least = expected(connection, indexed=True)
            if self._ledger.get(PURGE) or not self._index.healthy(least, most):
                logger.warning("The vector index is rebuilt from the ledger.")
                self.rebuild()
            if least or not self._exact_up_to:  # else nobody searches it
                # Opening takes long the first time. No search of a user is to wait for that.
                anything = np.ones(int(self._ledger.get(EMBEDDER_DIMENSION) or 1), np.float32)
                self._index.search(_NOBODY, anything / np.linalg.norm(anything), 1, size=1)
            self.state = "ready"

    def rebuild(self) -> None:
        """Build the index anew from the ledger's vectors, those of large users.

        Raises:
            IndexUnavailableError: The index does not answer.
        """
        with self._lock:
            self.state = "rebuilding"
            mark = self._ledger.get(PURGE)  # documents are erased while this goes on
            if not self._ledger.read_only:
                with self._ledger.write() as connection:
                    leave_out_small(connection, self._exact_up_to)
            try:
                self._index.replace(self._interruptible())
            except BaseException:
                self.state = "unavailable"
                raise
            if mark and not self._ledger.read_only and self._ledger.compact():
                with self._ledger.write() as connection:
                    clear_purge(connection, mark)
            self.state = "ready"

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
        *,
        index: bool = True,
    ) -> int:
        """Embed and index what waits, of one user or of all; returns what is still waiting.

        Args:
            user_row: Whose turns; ``None`` for everybody's. Of one user only those without a
                vector are waited for: what the index lacks, recall compares one by one.
            seconds: When to give up; ``None`` for never.
            without: Rows of turns that need not be waited for.
            index: ``False`` makes vectors only.

        Raises:
            ModelError: The embedder failed or returned something unusable.
            IndexUnavailableError: The index does not answer.
        """
        embedded = None if index and user_row is None else False
        if self._ledger.read_only:
            return self.waiting(user_row, without, embedded=embedded)
        deadline = None if seconds is None else time.monotonic() + seconds
        if user_row is None:
            self._failed = {}  # who asks for everything wants it tried anew
        while left := self.waiting(user_row, [*without, *self._given_up()], embedded=embedded):
            pause = -1.0 if deadline is None else deadline - time.monotonic()
            if (deadline is not None and pause <= 0) or not self._embedding.acquire(timeout=pause):
                return left
            try:
                self._embed_batch(user_row)
            finally:
                self._embedding.release()
            if index:
                self._index_batch(user_row)
        failed = self._given_up()
        if failed and self.waiting(user_row, without, embedded=embedded):
            raise next(iter(failed.values()))
        return 0

    def waiting(
        self,
        user_row: int | None = None,
        without: Collection[int] = (),
        *,
        embedded: bool | None = None,
    ) -> int:
        """Count the turns that wait for the index, leaving out the rows ``without``.

        With ``embedded=False``, only those that wait for their vector, too.
        """
        with self._ledger.read() as connection:
            return count_pending_turns(connection, user_row, without, embedded=embedded)

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
        while not self._loop.stopping:
            try:
                with self._embedding:  # first, since recall needs the vectors and not the index
                    self._embed_batch(None)
            finally:
                self._index_batch(None)
            if not self.waiting(without=self._given_up()):
                return

    def _embed_batch(self, user_row: int | None) -> None:
        """Make vectors of some turns and keep them, but for those erased or archived meanwhile."""
        todo = self._pending(user_row, embedded=False)
        embedded, failed = self._embedder.embed(todo)
        for error in failed.values():
            logger.warning("A turn cannot be embedded and is found by its words only: %s", error)
        now = time.monotonic()
        self._failed = self._failed | {row: (now, error) for row, error in failed.items()}
        if not embedded:
            return
        with self._ledger.write() as connection:
            waiting = still_pending(connection, [turn.row for turn in embedded])
            made = [turn for turn in embedded if turn.row in waiting]
            vector = made[0].vector if made else None
            if vector is not None:
                self._embedder.record_dimension(connection, len(vector))
                store_vectors(connection, made)
                settle(connection, self._exact_up_to, [turn.row for turn in made])

    def _index_batch(self, user_row: int | None) -> None:
        """Index some turns that have their vectors; nothing is erased or archived meanwhile."""
        self.prepare()
        with self._lock:
            by_scope: dict[str, dict[int, Vectors]] = {}
            for turn in self._pending(user_row, embedded=True):
                if turn.vector is not None:
                    by_scope.setdefault(turn.scope, {})[turn.row] = turn.vector
            for scope, vectors in by_scope.items():
                self._index.upsert(Batch(scope, list(vectors), np.stack(list(vectors.values()))))
                with self._ledger.write() as connection:
                    clear_pending(connection, list(vectors))

    def _pending(self, user_row: int | None, *, embedded: bool) -> list[UnindexedTurn]:
        with self._ledger.read() as connection:
            return pending_turns(
                connection, self._settings.embed_batch, user_row, self._given_up(),
                embedded=embedded,
            )  # fmt: skip

    def _given_up(self) -> dict[int, ModelOutputError]:
        """Turns that are left alone for a while, since they failed, and would hold up others."""
        since = time.monotonic() - _LONGEST_PAUSE
        return {row: error for row, (when, error) in self._failed.items() if when > since}

    def _interruptible(self) -> Iterator[Batch]:
        for batch in batches(self._ledger):
            if self._loop.stopping:
                raise IndexUnavailableError("The index was being rebuilt when the store closed.")
            yield batch
