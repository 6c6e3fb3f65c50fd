"""The command that embeds and consolidates for all users of a store, as many of it as wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.cli.options import EmbedderOption, StoreArgument, WriterOption, existing
from lightmem_integrations.cli.output import JsonOption, print_json, table_console
from lightmem_integrations.cli.process import ended_by_sigterm, log_shown
from lightmem_integrations.display import counted, printable
from lightmem_integrations.errors import LightMemError, StorageError, StoreClosedError
from lightmem_integrations.records.report import ConsolidationReport

if TYPE_CHECKING:
    from lightmem_integrations import LightMem

logger = logging.getLogger("lightmem_integrations.worker")

_SHORTEST_REST, _LONGEST_REST = 0.3, 30.0
"""Seconds between two runs that find nothing to do, doubled each time, and after a failure. While
another worker has a user, the shortest: should that one die, its lease is noticed to have run out
within a second. Guesses."""

_SHARE_OF_TIME = 0.1
"""Share of the time that looking in vain for work may take of a database: a guess."""

_TELL_SECONDS, _SHARE_TO_TELL = 5.0, 0.01
"""Seconds between two lines on the progress, at least; and the share of the time that counting for
them may take, as it grows with the store. Guesses."""

_KEPT = 20
"""Reasons of failures that are shown at the end, the latest: a guess."""


def run(
    *,
    store: StoreArgument,
    writer: WriterOption = None,
    embedder: EmbedderOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Work off what waits and end, as cron wants it.")
    ] = False,
    final: Annotated[
        bool, typer.Option("--final/--not-final", help="Close also sessions that may still go on.")
    ] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Users consolidated at once, while models answer.")
    ] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Tell failures only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Embed and consolidate for all users, until told to end.

    Of a database, start as many as you like, beside the processes that add and recall: they share
    the work. A folder has one owner, and the worker is it then. SIGTERM and Ctrl-C end it after the
    step at hand, the second one at once. With --once the exit code is 1 if something failed; it is
    tried again at a later run.
    """
    from lightmem_integrations import ConsolidationSettings, LightMem, Settings
    from lightmem_integrations.cli.language_model import language_model

    place = existing(store)
    model = None if writer is None else language_model(writer)
    # Whoever ends it waits for a model at work; as long as one call may take.
    patient = ConsolidationSettings().writer_seconds
    settings = Settings(background_indexing=not once, close_seconds=patient)
    with log_shown(quiet=quiet), ended_by_sigterm():
        try:
            with LightMem(place, embedder=embedder, writer=model, settings=settings) as memory:
                work = Work(memory, final=final)
                try:
                    work.once(concurrency) if once else work.on_and_on(concurrency)
                finally:
                    work.stop()
        except KeyboardInterrupt:
            logger.info("Ended.")
    if as_json:
        print_json({"indexed": work.indexed, "consolidated": work.report})
    elif not quiet:
        table_console().print(work.report)
    if once and work.failed:
        raise typer.Exit(1)


class Work:
    """What one worker does on an open memory, in threads of its own.

    Args:
        memory: The memory.
        final: Whether sessions are closed that may still go on.

    Attributes:
        report: What was consolidated.
        indexed: Turns that were embedded on request.
        failed: Whether anything failed.
    """

    def __init__(self, memory: LightMem, *, final: bool = False) -> None:
        self.report = ConsolidationReport()
        self.indexed = 0
        self.failed = False
        self._memory = memory
        self._final = final
        self._stop = threading.Event()
        self._counting = threading.Lock()

    def once(self, concurrency: int = 1) -> None:
        """Work off what waits."""
        try:
            self.indexed = self._memory.index_pending()
        except LightMemError as error:  # what was said can be consolidated all the same
            self._say("Not everything could be embedded", error)
        for thread in self._started(self._one_run, concurrency):
            thread.join()

    def on_and_on(self, concurrency: int = 1) -> None:
        """Work until it is interrupted, and tell how far it is."""
        self._started(self._runs, concurrency)
        told = ""
        while True:
            began = time.monotonic()
            line = self._line()
            if line and line != told:
                logger.info(line)
                told = line
            time.sleep(max(_TELL_SECONDS, (time.monotonic() - began) / _SHARE_TO_TELL))

    def stop(self) -> None:
        """Begin no further run; the memory's close waits for what is at hand."""
        self._stop.set()

    def _started(self, target: Callable[[], object], concurrency: int) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=target, name=f"lightmem-worker-{number}", daemon=True)
            for number in range(concurrency)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _runs(self) -> None:
        rest = 0.0
        while not self._stop.wait(rest):
            began = time.monotonic()
            done = self._one_run()
            shortest = max(_SHORTEST_REST, (time.monotonic() - began) / _SHARE_OF_TIME)
            longest = min(_LONGEST_REST, self._memory.settings.consolidation.lease_seconds)
            if done is not None and done.written:
                rest = 0.0
            elif done is not None and done.busy:
                rest = _SHORTEST_REST
            else:
                rest = min(max(2 * rest, shortest), longest)
                if done is None:
                    logger.warning("The next try is in %.1f s.", rest)

    def _one_run(self) -> ConsolidationReport | None:
        """One run of consolidation; ``None`` if the store does not answer."""
        try:
            done = self._memory.consolidate(final=self._final)
        except StoreClosedError:
            return ConsolidationReport()
        except Exception as error:  # noqa: BLE001 - a worker outlives any failure
            self._say("The store does not answer", error)
            return None
        with self._counting:
            both = self.report + done
            self.report = replace(
                both, busy=done.busy, waiting=done.waiting,  # as it is now, not over all runs
                problems=both.problems[-_KEPT:], refused=both.refused[-_KEPT:],
            )  # fmt: skip
            self.failed |= bool(done.failed)
        return done

    def _say(self, what: str, error: Exception) -> None:
        self.failed = True
        if not self._stop.is_set():
            logger.warning("%s: %s", what, printable(str(error)))

    def _line(self) -> str:
        try:
            held = self._memory.stats()
        except StorageError:  # the runs say so
            return ""
        done = self.report
        return (
            f"{counted(held.pending, 'turn')} of {counted(held.users, 'user')} wait to be "
            f"embedded; {counted(done.written, 'episode')} and {counted(done.facts, 'fact')} "
            f"written, {counted(done.failed, 'failure')}."
        )
