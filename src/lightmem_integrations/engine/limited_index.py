"""A vector index of the user's own, none of whose calls is waited for without end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import TypeVar

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.engine.deadline import CALLS, DaemonPool, Deadline
from lightmem_integrations.errors import IndexUnavailableError, ModelError
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import Batch, Neighbour, VectorIndex

logger = logging.getLogger(__name__)

T = TypeVar("T")


class LimitedIndex:
    """Calls an index in threads of its own, and goes on without one that is late.

    Args:
        index: What to call.
        settings: How long a call may take: ``embed_seconds`` for a search, ``close_seconds`` for
            closing, ``work_seconds`` for anything else.
    """

    def __init__(self, index: VectorIndex, settings: Settings) -> None:
        self._index = index
        self._settings = settings
        self._pool = DaemonPool(CALLS)

    def upsert(self, batch: Batch) -> None:
        """Add vectors, or replace those of the same ids."""
        self._in_time(lambda: self._index.upsert(batch), "work_seconds")

    def search(self, scope: str, vector: Vectors, limit: int, *, size: int) -> list[Neighbour]:
        """The nearest items of a scope that holds ``size`` of them, nearest first."""
        return self._in_time(
            lambda: self._index.search(scope, vector, limit, size=size), "embed_seconds"
        )

    def delete(self, scope: str, ids: Sequence[int]) -> None:
        """Make items unfindable. Their bytes may stay on disk until ``replace``."""
        self._in_time(lambda: self._index.delete(scope, ids), "work_seconds")

    def replace(self, batches: Iterable[Batch]) -> None:
        """Build a new index from these batches; each of them may take as long as a call."""
        asked = [time.monotonic()]  # when the index last took a batch
        seconds = min(self._settings.work_seconds, threading.TIMEOUT_MAX)
        late = False

        def handed_over() -> Iterator[Batch]:
            for batch in batches:
                if late:
                    raise self._late("work_seconds")
                asked[0] = time.monotonic()
                yield batch
                asked[0] = time.monotonic()

        done: Future[None] = self._pool.submit(lambda: self._index.replace(handed_over()))
        while True:
            try:
                return done.result(max(asked[0] + seconds - time.monotonic(), 0.0))
            except Late:
                if done.done():  # in the last moment, or with a timeout of its own
                    return done.result()
                if time.monotonic() < asked[0] + seconds:
                    continue
                late = True
                raise self._late("work_seconds") from None

    def healthy(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:
        """Check that the index can be trusted to hold between ``least`` and ``most`` of each scope.

        One that does not answer cannot.
        """
        try:
            return self._in_time(lambda: self._index.healthy(least, most), "work_seconds")
        except IndexUnavailableError as error:
            logger.warning("%s", error)
            return False

    def close(self) -> None:
        """Let go of the index, which is left behind if it does not answer."""
        try:
            closing = self._pool.submit(self._index.close)
        except ModelError:  # at the end of the interpreter no thread can be started any more
            return self._index.close()
        try:
            closing.result(min(self._settings.close_seconds, threading.TIMEOUT_MAX))
        except Late:
            if closing.done():
                return closing.result()
            logger.warning(
                "The store is closed without its index: %s.", self._late("close_seconds")
            )

    def _in_time(self, call: Callable[[], T], setting: str) -> T:
        seconds = getattr(self._settings, setting)
        try:
            return Deadline(seconds, self._pool, f"Settings.{setting}").run(call)
        except ModelError as error:
            raise self._late(setting) from error

    def _late(self, setting: str) -> IndexUnavailableError:
        seconds = getattr(self._settings, setting)
        return IndexUnavailableError(
            f"the index did not answer within the {seconds:g} s of Settings.{setting}"
        )
