"""The indexer: embeds turns soon after they were added, outside of the call that added them."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.embedder import EMBEDDER_DIMENSION, StoreEmbedder
from lightmem_integrations.engine.turn_embedder import TurnEmbedder
from lightmem_integrations.errors import IndexUnavailableError
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.embedding_queue import seconds_until_free
from lightmem_integrations.storage.index import Batch, LedgerIndex, VectorIndex
from lightmem_integrations.storage.index_contents import (
    PURGE,
    batches,
    check_used,
    checked,
    clear_purge,
    leave_out_small,
    settle_all,
)
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_vectors import (
    clear_pending,
    count_pending_turns,
    unindexed_turns,
    with_vector,
)
from lightmem_integrations.storage.users import lock_users

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds of rest after a failure, doubled each time: a guess."""

_GATHER_SECONDS = 0.05
"""Turns added within this time are embedded together: a guess, well below a person's pause."""

_SHORTEST_REST, _LONGEST_REST = 0.2, 5.0
"""Seconds between two looks for turns that other processes added: guesses."""

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
        exact_up_to: Turns of a user that recall compares one by one; who has more is in the index.
        kind: Of the index, where other processes use the ledger; `check_used` looks at it.

    Attributes:
        state: Of the index: ``unchecked``, ``rebuilding``, ``ready`` or ``unavailable``.
    """

    def __init__(
        self, ledger: Ledger, index: VectorIndex, embedder: StoreEmbedder, settings: Settings,
        *, exact_up_to: int, kind: str | None = None,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._index = index
        self._embed_batch = settings.embed_batch
        self._exact_up_to = exact_up_to
        self.kind = kind
        self._lock = threading.RLock()
        self._turns = TurnEmbedder(ledger, embedder, settings, exact_up_to)
        self._loop = Loop(
            self._index_waiting, "indexing", backoff=(_FIRST_PAUSE, _LONGEST_PAUSE),
            gather_seconds=_GATHER_SECONDS,
        )  # fmt: skip
        self._rest = _SHORTEST_REST
        self._longest_rest = min(_LONGEST_REST, settings.claim_seconds)  # lest one ends unnoticed
        self.state = "unchecked"
        self._in_ledger = isinstance(index, LedgerIndex)
        if not ledger.read_only:
            with ledger.write() as connection:  # fewer may be compared than at the last opening
                settle_all(connection, exact_up_to)

    @property
    def ready(self) -> bool:
        """True if the index is open and may be searched; until then the ledger's vectors are."""
        return self.state == "ready"

    def prepare(self) -> None:
        """Check the index, rebuild it from the ledger where it cannot be trusted, and open it.

        Of a ledger that is only read, the vectors in it are compared: its owner changes them.

        Raises:
            IndexUnavailableError: The index does not answer.
        """
        with self._lock:
            if self.ready or self._ledger.read_only:
                return
            with self._ledger.read() as connection:
                check_used(connection, self.kind)
            whole, searched = checked(self._ledger, self._index)
            if not whole:
                with self._ledger.alone("index"):
                    if not checked(self._ledger, self._index)[0]:  # nobody did it meanwhile
                        if next(batches(self._ledger), None):  # not of a new store
                            logger.warning("The vector index is rebuilt from the ledger.")
                        self.rebuild()
            if searched or not self._exact_up_to:
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
            with self._ledger.write() as connection:
                leave_out_small(connection, self._exact_up_to)
            try:
                self._index.replace(self._interruptible())
            except BaseException:
                self.state = "unavailable"
                raise
            self._compact(mark)
            self.state = "ready"

    def purge(self) -> bool:
        """Complete every erasure: rewrite the files of index and ledger, if anything was erased.

        Returns:
            False if a reader keeps the log from being emptied; the next purge completes it.

        Raises:
            StorageError: The index or the ledger does not answer.
        """
        with self._lock:
            mark = self._ledger.get(PURGE)
            if mark and self._in_ledger:  # what was erased is in no index either
                self._compact(mark)
            elif mark:
                self.rebuild()
            return not self._ledger.get(PURGE)

    def _compact(self, mark: str | None) -> None:
        if mark and self._ledger.compact():
            with self._ledger.write() as connection:
                clear_purge(connection, mark)

    def catch_up(
        self, user_row: int | None = None, seconds: float | None = None,
        without: Collection[int] = (), *, index: bool = True,
    ) -> int:  # fmt: skip
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
            ReadOnlyError: All are asked for of a ledger that is only read.
        """
        embedded = None if index and user_row is None else False
        if self._ledger.read_only and user_row is not None:
            return self.waiting(user_row, without, embedded=embedded)
        self._ledger.check_writable()
        deadline = None if seconds is None else time.monotonic() + seconds
        if user_row is None:
            self._turns.try_anew()  # who asks for everything wants that
        given_up = self._turns.given_up
        while left := self.waiting(user_row, [*without, *given_up()], embedded=embedded):
            pause = -1.0 if deadline is None else deadline - time.monotonic()
            if deadline is not None and pause <= 0:
                return left
            done = self._turns.embed_some(user_row, pause)
            if done is None:
                return left
            if index:
                done = self._index_batch(user_row) or done
            if not done and user_row is None:  # others are at it, or died
                time.sleep(_SHORTEST_REST)
        failed = given_up()
        if failed and self.waiting(user_row, without, embedded=embedded):
            raise next(iter(failed.values()))
        return 0

    def waiting(
        self, user_row: int | None = None, without: Collection[int] = (), *,
        embedded: bool | None = None,
    ) -> int:  # fmt: skip
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
        if not self._in_ledger:  # else they went with their vectors
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

    def _index_waiting(self) -> float | None:
        """Work off what waits; returns the seconds until the next look, where others add turns."""
        worked = False
        while not self._loop.stopping:
            try:
                embedded = self._turns.embed_some()  # first: recall needs vectors, no index
            finally:
                indexed = self._index_batch(None)
            if not embedded and not indexed:
                break
            worked = True
        if self._ledger.file is not None:
            return None
        self._rest = _SHORTEST_REST if worked else min(2 * self._rest, self._longest_rest)
        rest = self._rest * random.uniform(0.5, 1)  # noqa: S311 - not all processes at once
        with self._ledger.read() as connection:
            free = seconds_until_free(connection)
        return rest if free is None else min(rest, max(free, _SHORTEST_REST))

    def _index_batch(self, user_row: int | None) -> bool:
        """Index some turns that have their vectors; returns whether any waited.

        Nothing is erased or archived by this process meanwhile; what another one erased is taken
        out again.
        """
        self.prepare()
        with self._lock:
            with self._ledger.read() as connection:
                todo = unindexed_turns(connection, self._embed_batch, user_row)
            by_scope: dict[str, dict[int, Vectors]] = {}
            for turn in todo:
                if turn.vector is not None:
                    by_scope.setdefault(turn.scope, {})[turn.row] = turn.vector
            for scope, vectors in by_scope.items():
                self._index.upsert(Batch(scope, list(vectors), np.stack(list(vectors.values()))))
                with self._ledger.write() as connection:
                    check_used(connection, self.kind, alone=True)
                    lock_users(connection, {turn.user for turn in todo if turn.scope == scope})
                    clear_pending(connection, list(vectors))
                    erased = set(vectors) - with_vector(connection, list(vectors))
                if erased:
                    self._index.delete(scope, sorted(erased))
            return bool(todo)

    def _interruptible(self) -> Iterator[Batch]:
        for batch in batches(self._ledger):
            if self._loop.stopping:
                raise IndexUnavailableError("The index was being rebuilt when the store closed.")
            yield batch
