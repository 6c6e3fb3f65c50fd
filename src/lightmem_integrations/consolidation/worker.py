"""Consolidation runs of one process: those asked for, and those of a thread that waits for quiet.

Every run gives way to calls of users before each of its steps. The thread in the background also
begins only when nobody has used the memory for a while, and ends its run when somebody asks for
one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lightmem_integrations.consolidation.cost import Cost
from lightmem_integrations.consolidation.pipeline import consolidate
from lightmem_integrations.engine.access_log import AccessLog
from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.deadline import DaemonPool, Deadline
from lightmem_integrations.engine.erasure import sweep
from lightmem_integrations.engine.idle import IdleDetector
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import (
    InvalidRequestError,
    LightMemError,
    ModelError,
    StorageError,
)
from lightmem_integrations.knowledge.drafts import (
    EpisodeDraft,
    KnownFact,
    Writer,
    WriterTurn,
    written,
)
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.safety import check_flags, typed_repr
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.work_queue import seconds_until_lease_ends

logger = logging.getLogger(__name__)

LOOK_AGAIN = 300.0
"""Seconds until the thread looks again, as sessions may be over without a new turn: a guess."""

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
"""Seconds that the thread rests after a failure; twice as long each time. Guesses."""

_GIVE_WAY_SECONDS = 0.1
"""Seconds that each step waits for calls under way: under calls without end it is slow, not stuck.
A guess."""

_SWITCHES = ("dry_run", "final", "retry_set_aside")

_HELD_UP = (
    "The writer in the background is still at an episode, after the time of Settings.work_seconds; "
    "the user whom it holds was left out."
)

_SHORTEST_WAIT = 0.05
"""Seconds between two looks at whether the store is quiet, at least: a guess."""


class Consolidator:
    """All consolidation of one store.

    Args:
        store: The store.
        settings: Policies and sizes.
        activity: The calls to which consolidation gives way.
        accesses: What came back from recalls, written down before each run.
        writer: Makes the episodes, in the background and wherever a run names no other.
        share: Brings shared knowledge up to date after a run, and says how much is new; ``None``
            where nothing is shared.
    """

    def __init__(
        self,
        store: Store,
        settings: ConsolidationSettings,
        activity: IdleDetector,
        accesses: AccessLog,
        writer: Writer,
        share: Callable[[Callable[[], bool]], int] | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._activity = activity
        self._accesses = accesses
        self._writer = writer
        self._share = share
        self._stop = threading.Event()
        self._loop = Loop(self._when_quiet, "consolidation", backoff=(FIRST_PAUSE, LONGEST_PAUSE))
        self._changed = threading.Condition()
        self._running = 0
        self._asked = 0
        self._background = threading.Lock()
        self._pool = DaemonPool()

    def run(
        self,
        writer: Writer | None = None,
        cost: Cost | None = None,
        **asked: Any,
    ) -> ConsolidationReport:
        """Consolidate now.

        Args:
            writer: Who writes this time; by default the store's writer.
            cost: The run's limits.
            asked: What else `consolidate` takes, of whom and how far.

        Raises:
            InvalidRequestError: A switch is neither true nor false, or no function hears it.
            StorageError: The ledger does not answer.
        """
        check_flags(**{name: asked[name] for name in _SWITCHES if name in asked})
        hears = asked.get("on_progress")
        if hears is not None and not callable(hears):
            raise InvalidRequestError(
                f"on_progress is {typed_repr(hears)}. Pass a function that takes a Progress."
            )
        try:
            with self._counted(asked=1):
                free = self._wait_for_background()
                writer = writer or self._writer
                done = self._consolidate(writer, self._stop.is_set, cost or Cost(), **asked)
                return done if free else replace(done, problems=(*done.problems, _HELD_UP))
        finally:
            self.wake()  # the thread goes on where it was interrupted

    def _wait_for_background(self) -> bool:
        """Wait until the thread is done with its episode; returns whether it is in time."""
        seconds = min(self._store.settings.work_seconds, threading.TIMEOUT_MAX)
        free = self._background.acquire(timeout=seconds)
        if free:
            self._background.release()
        return free

    def run_in_background(self) -> ConsolidationReport:
        """Consolidate until done, or until somebody asks for a run.

        Raises:
            StorageError: The ledger does not answer.
        """

        def should_stop() -> bool:
            return self._stop.is_set() or self._asked > 0

        with self._counted(asked=0), self._background:
            return self._consolidate(self._writer, should_stop, Cost())

    def start(self) -> None:
        """Consolidate in the background from now on."""
        self._loop.start()

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._loop.wake()

    def close(self, seconds: float) -> None:
        """End every run after the episode at hand.

        A run whose model takes longer than ``seconds`` is left behind: what it makes is not
        stored, and is made anew after the next opening.
        """
        self._stop.set()
        self._loop.stop(timeout=0)
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._running, timeout=seconds)
        if not ended:
            logger.warning("The store is closed while a writer works; its episode is put off.")
        try:
            self._accesses.write(self._store.ledger)
        except StorageError as error:  # a count is no reason not to close
            logger.warning("It was not written which episodes were recalled: %s", error)

    def _when_quiet(self) -> float:
        """One run, if the store is quiet; returns the seconds until the next look.

        Raises:
            ModelError: The writer failed.
        """
        left = self._settings.quiet_seconds - self._activity.quiet_seconds()
        if left > 0 or self._asked:
            return max(left, _SHORTEST_WAIT)
        report = self.run_in_background()
        if report.written or report.failed:
            logger.info(
                "Consolidated in the background: %d episodes, %d facts, %d failures, %.1f s.",
                report.written, report.facts, report.failed, report.seconds,
            )  # fmt: skip
        if report.failed:
            raise ModelError(f"{report.failed} episodes could not be written")
        return self._until_a_user_is_free() if report.busy else LOOK_AGAIN

    def _until_a_user_is_free(self) -> float:
        """Seconds until a worker that had a user may turn out to be dead."""
        with self._store.ledger.read() as connection:
            left = seconds_until_lease_ends(connection)
        return LOOK_AGAIN if left is None else min(max(left, _SHORTEST_WAIT), LOOK_AGAIN)

    def _pause(self) -> None:
        self._activity.give_way(_GIVE_WAY_SECONDS)

    def _consolidate(
        self, writer: Writer, should_stop: Callable[[], bool], cost: Cost, **asked: Any
    ) -> ConsolidationReport:
        self._accesses.write(self._store.ledger)
        if not asked.get("dry_run"):  # no writer is to read what has expired
            sweep(self._store, purge=False)
        writer = cost.metered(writer)
        done = consolidate(
            self._store, _LimitedWriter(writer, self._pause, self._deadline),
            settings=self._settings, should_stop=should_stop, pause=self._pause, cost=cost,
            **asked,
        )  # fmt: skip
        if self._share is None or should_stop() or asked.get("dry_run"):
            return done
        try:
            return replace(done, shared=self._share(should_stop))
        except LightMemError as error:
            # What users said is stored all the same; it is shared by the next run.
            logger.warning("Shared knowledge is not up to date (%s).", type(error).__name__)
            return replace(done, problems=(*done.problems, f"Not shared: {error}"))

    def _deadline(self) -> Deadline:
        """The time for one call of a writer."""
        seconds, setting = self._settings.writer_seconds, "ConsolidationSettings.writer_seconds"
        return Deadline(seconds, self._pool, setting)

    @contextmanager
    def _counted(self, *, asked: int) -> Iterator[None]:
        with self._changed:
            self._running += 1
            self._asked += asked
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._asked -= asked
                self._changed.notify_all()


class _LimitedWriter:
    """A Writer that is left behind when it is late, and gives way to users before each turn.

    One without a model would otherwise hold the interpreter for a whole episode.
    """

    def __init__(
        self, writer: Writer, pause: Callable[[], None], deadline: Callable[[], Deadline]
    ) -> None:
        self._writer = writer
        self._pause = pause
        self._deadline = deadline

    @property
    def name(self) -> str:
        return self._writer.name

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),
        known: Sequence[KnownFact] = (),
    ) -> EpisodeDraft:
        paced = _PacedTurns(turns, self._pause)
        return self._deadline().run(lambda: written(self._writer, paced, before, known))


class _PacedTurns(list[WriterTurn]):
    """A list of turns that pauses before each one when it is iterated."""

    def __init__(self, turns: Sequence[WriterTurn], pause: Callable[[], None]) -> None:
        super().__init__(turns)
        self._pause = pause

    def __iter__(self) -> Iterator[WriterTurn]:
        for turn in super().__iter__():
            self._pause()
            yield turn
