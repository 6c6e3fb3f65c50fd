"""The offline path as a whole: what is due, episode by episode, until nothing is left to do."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from lightmem_integrations.consolidation.cost import Cost, tokens_expected
from lightmem_integrations.consolidation.decay import make_room
from lightmem_integrations.consolidation.episode import (
    LeaseLost,
    TurnsChanged,
    consolidate_episode,
)
from lightmem_integrations.consolidation.failures import put_back
from lightmem_integrations.consolidation.leases import Leases
from lightmem_integrations.consolidation.segment import Segments, segment
from lightmem_integrations.consolidation.write.model_writer import LONGEST_TURN
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import LightMemError, ModelTimeoutError, StorageError
from lightmem_integrations.knowledge.commit import FactsChanged
from lightmem_integrations.knowledge.drafts import Writer, WriterTurn
from lightmem_integrations.knowledge.fact_cache import FactCache
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.knowledge.vectors import embed_missing
from lightmem_integrations.records.report import ConsolidationReport, Progress
from lightmem_integrations.settings import LONGEST_LEASE, ConsolidationSettings
from lightmem_integrations.storage import work_queue
from lightmem_integrations.storage.unread_turns import is_over, unread
from lightmem_integrations.storage.users import find_user
from lightmem_integrations.storage.work_queue import Due
from lightmem_integrations.telemetry.observed import part

logger = logging.getLogger(__name__)

_READ_ANEW = 5
"""Times that a session is read anew after others changed it, until the next run: a guess."""

_EPISODES_A_TURN = 10
"""Episodes of a user after which others have their turn: a guess, in which what is done once for a
user at each turn, to embed and to read its facts, is little."""


class Segmenter(Protocol):
    """Cuts the turns of a session into episodes."""

    def __call__(self, turns: Sequence[WriterTurn], *, final: bool, gap_seconds: float) -> Segments:
        """Closed episodes and the open tail; with ``final`` there is no tail.

        A pause of more than ``gap_seconds`` ends an episode.
        """


class OnProgress(Protocol):
    """Callback that hears how far a run is."""

    def __call__(self, progress: Progress, /) -> None:
        """Called before the first session, and after each."""


def consolidate(
    store: Store,
    writer: Writer,
    *,
    settings: ConsolidationSettings | None = None,
    user_id: str | None = None,
    max_batches: int | None = None,
    final: bool = False,
    retry_set_aside: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
    cost: Cost | None = None,
    segment: Segmenter = segment,
    clock: Callable[[], float] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    pause: Callable[[], None] = lambda: None,
) -> ConsolidationReport:
    """Make episodes and facts of what was said since the last time.

    Works session by session, and stores episode by episode: stopped at any point, the next run
    goes on where this one was. With nothing new it changes nothing. Users take turns, and who is
    worked for by another run is left out.

    Args:
        store: Where.
        writer: Makes the episodes and facts.
        settings: Policies and sizes.
        user_id: Only this user's memory.
        max_batches: Sessions to look at, at most.
        final: Close also what may still go on.
        retry_set_aside: Try now what was set aside, or rests after a failure.
        dry_run: Only count the turns that wait, and what a model will take for them.
        on_progress: Hears how far it is.
        cost: Counts what models take, and knows the limits.
        segment: Cuts sessions into episodes.
        clock: The time, in seconds since 1970; by default the ledger's.
        should_stop: Asked between episodes whether to end early.
        pause: Called between the steps of an episode; may wait, to let others go first.

    Raises:
        StorageError: The ledger does not answer. A failing model does not raise: what it could
            not do is put back, and the report says so.
    """
    run = RunContext(
        store=store, writer=writer, settings=settings or ConsolidationSettings(),
        worker=uuid.uuid4().hex, clock=clock or store.ledger.now, pause=pause,
    )  # fmt: skip
    leases = Leases(store.ledger, run.worker, run.settings.lease_seconds, clock)
    going = _Run(run, leases, segment, should_stop, cost or Cost(), final=final)
    if dry_run:
        return going.waiting(user_id)
    if retry_set_aside:
        going.release(user_id)
    with leases:
        return going.over(user_id, max_batches, on_progress)


class _Run:
    """One run: its counts, and the failures in a row that end it."""

    def __init__(
        self, run: RunContext, leases: Leases, segment: Segmenter,
        should_stop: Callable[[], bool], cost: Cost, *, final: bool,
    ) -> None:  # fmt: skip
        self._run = run
        self._leases = leases
        self._segment = segment
        self._should_stop = should_stop
        self._cost = cost
        self._final = final
        self._report = ConsolidationReport()
        self._failures = 0
        self._left = _EPISODES_A_TURN  # of the user's turn
        self._cut = False  # whether it ended within a session

    def release(self, user_id: str | None) -> None:
        """Make what was set aside, or rests, due again."""
        with self._run.store.ledger.write() as connection:
            user = None if user_id is None else find_user(connection, user_id)
            if user_id is None or user is not None:
                row = None if user is None else user.row
                work_queue.release(connection, self._run.clock(), row)

    def waiting(self, user_id: str | None) -> ConsolidationReport:
        """What this run would have to read."""
        turns, characters = self._unread(self._users(user_id))
        left = tokens_expected(turns, characters)
        return self._report + ConsolidationReport(turns_left=turns, tokens_left=left)

    def over(
        self, user_id: str | None, max_batches: int | None, on_progress: OnProgress | None
    ) -> ConsolidationReport:
        users = self._users(user_id)
        ledger = self._run.store.ledger
        with ledger.read() as connection:
            total = sum(work_queue.count_due(connection, user) for user in users)
        self._cost.expect(*self._unread(users))
        tell = on_progress or (lambda _: None)
        done = 0
        if total:
            tell(self._cost.progress(done, total, self._report))
        queue: deque[tuple[int, list[Due] | None]] = deque((user, None) for user in users)
        cache = FactCache(users[0] if users else 0)
        while queue and not self._ends() and (max_batches is None or done < max_batches):
            user, dues = queue.popleft()
            with self._leases.on(user) as mine:
                if not mine:
                    self._report += ConsolidationReport(busy=1)
                    continue
                self._left, self._cut = _EPISODES_A_TURN, False
                # Whose turn it is again after nobody else's keeps what was read.
                if self._prepare(user) or user != cache.user_row:
                    cache = FactCache(user)
                if dues is None:
                    with ledger.read() as connection:
                        dues = work_queue.due_sessions(connection, user, self._run.clock())
                while dues and not self._ends() and (max_batches is None or done < max_batches):
                    self._session(dues[0], cache)
                    if self._cut:
                        break
                    dues.pop(0)
                    done += not self._cost.stopped
                    tell(self._cost.progress(done, max(total, done), self._report))
                if self._cut:
                    queue.append((user, dues))
                    continue
                compressed, evicted = make_room(
                    self._run.store, user, self._run.settings, self._run.clock()
                )
                self._report += ConsolidationReport(compressed=compressed, evicted=evicted)
        return self._cost.of(self._report, lambda: self._unread(users), early=self._fails())

    def _unread(self, users: Sequence[int]) -> tuple[int, int]:
        """Turns that a run would read now, and their characters."""
        with self._run.store.ledger.read() as connection:
            counts = [
                work_queue.count_unread(connection, user, self._run.clock(), LONGEST_TURN)
                for user in users
            ]
        return sum(turns for turns, _ in counts), sum(characters for _, characters in counts)

    def _users(self, user_id: str | None) -> list[int]:
        now, longest = self._run.clock(), self._run.settings.longest_backoff_seconds
        with self._run.store.ledger.write() as connection:
            ahead = work_queue.clear_ahead(connection, now, lease=LONGEST_LEASE, longest=longest)
            users = work_queue.due_users(connection, now)
            resting = work_queue.resting(connection, now)
            user = None if user_id is None else find_user(connection, user_id)
        undone = f"The clock was ahead: {ahead} leases or retries are undone."
        asked = {*users, *resting} if user_id is None else {user.row} if user else set()
        self._report += ConsolidationReport(
            resting=sum(row in asked for row in resting), problems=(undone,) * bool(ahead)
        )
        return [row for row in users if row in asked]

    def _prepare(self, user: int) -> bool:
        """Give turns and memories their vectors; returns whether a memory got one.

        Without them all works, only less well.
        """
        try:
            store = self._run.store
            store.indexer.catch_up(user)
            return bool(embed_missing(store, user))
        except LightMemError as error:
            logger.warning("Vectors are missing for consolidation (%s).", type(error).__name__)
            return False

    def _session(self, due: Due, cache: FactCache) -> None:
        for _ in range(_READ_ANEW):
            try:
                if not self._some_episodes(due, cache):
                    return
            except (TurnsChanged, FactsChanged):
                continue
            except LeaseLost:
                self._report += ConsolidationReport(busy=1)
                return

    def _some_episodes(self, due: Due, cache: FactCache) -> bool:
        """Consolidate what is closed; returns whether there may be more to read."""
        settings, ledger = self._run.settings, self._run.store.ledger
        while True:
            with ledger.read() as connection:
                read = unread(connection, due, settings.max_turns)
                over = self._final or is_over(
                    connection, due, self._run.clock(), settings.gap_seconds
                )
            if not read:
                with ledger.write() as connection:
                    work_queue.clear_if_done(connection, due)
                return False
            whole = len(read) < settings.max_turns
            found = self._segment(read, final=over and whole, gap_seconds=settings.gap_seconds)
            pieces = list(found.closed)
            if not pieces and not whole:
                pieces = [found.open]  # as much as fits, and nothing to tell where it ends
            for piece in pieces:
                if self._should_stop() or not self._cost.allows(piece):
                    return False
                if not self._left:
                    self._cut = True
                    return False
                if not self._leases.take(due.user):
                    raise LeaseLost("Another worker took this user's memory over.")
                if not self._episode(due, cache, piece):
                    return False
                self._left -= 1
            if whole:
                self._report += ConsolidationReport(waiting=int(bool(found.open)))
                return False

    def _episode(self, due: Due, cache: FactCache, turns: Sequence[WriterTurn]) -> bool:
        done = ConsolidationReport()
        try:
            with part("lightmem.consolidate.episode", "upsert_memory", self._run.store.observer):
                done = consolidate_episode(self._run, due, cache, turns)
        except (TurnsChanged, FactsChanged, LeaseLost, StorageError):
            raise
        except Exception as error:  # noqa: BLE001 - a writer is anybody's code
            # A model that does not answer at all would take as long for every session.
            late = isinstance(error, ModelTimeoutError)
            self._failures += self._run.settings.max_failures if late else 1
            self._report += put_back(self._run, due, turns, error)
            return False
        finally:
            self._cost.note(turns, done)
        self._failures = 0
        self._report += done
        return True

    def _fails(self) -> bool:
        return self._failures >= self._run.settings.max_failures

    def _ends(self) -> bool:
        return self._fails() or bool(self._cost.stopped) or self._should_stop()
