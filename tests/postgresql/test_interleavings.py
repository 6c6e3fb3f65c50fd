"""Two processes that write one user's memory: whatever one does between two statements of the
other, what comes out is what one after the other would have given.

A call is stopped before one of its statements, its transaction open; then another one runs, in a
store of its own, until it ends or waits for a lock. Then the first goes on.
"""

import datetime as dt
import functools
import itertools
import os
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import Engine, event, func, select, text

from lightmem_integrations import LightMem, LightMemError, Settings, Turn
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.schema import episode_turns, sessions, turns, users, work
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
CUTS = 3
"""Statements before which a call is stopped, of each pair: more find more, and take longer."""

WAITS = 0.15
"""Seconds in one statement after which a call is taken to wait for a lock."""

ASKS = 2.0
"""Seconds after which a call is taken to ask again and again for what the other has claimed."""


class Stopped:
    """Stops the calls of one thread before their nth statement; sees where another one waits."""

    def __init__(self):
        self.here = threading.local()
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.within = None  # since when the second call is in one statement

    def before(self, *_):
        if (left := getattr(self.here, "left", None)) is not None:
            self.here.left = left - 1
            self.here.count += 1
            if left == 0:
                self.reached.set()
                assert self.go_on.wait(60)
        if getattr(self.here, "second", False):
            self.within = time.monotonic()

    def after(self, *_):
        if getattr(self.here, "second", False):
            self.within = None

    def first(self, call, nth):
        self.here.left, self.here.count = nth, 0
        try:
            return call(), self.here.count
        finally:
            self.here.left = None
            self.reached.set()

    def second_waits(self):
        return self.within is not None and time.monotonic() - self.within > WAITS


@pytest.fixture
def stopped():
    stopped = Stopped()
    event.listen(Engine, "before_cursor_execute", stopped.before)
    event.listen(Engine, "after_cursor_execute", stopped.after)
    yield stopped
    event.remove(Engine, "before_cursor_execute", stopped.before)
    event.remove(Engine, "after_cursor_execute", stopped.after)


@pytest.fixture
def stores(postgresql_database):
    """Two stores on one database, as in two processes."""
    settings = Settings(
        background_indexing=False,
        consolidation=ConsolidationSettings(first_backoff_seconds=0.0, lease_seconds=60.0),
    )
    opened = [
        LightMem(
            f"{postgresql_database}?application_name=lightmem{number}",
            embedder=HashEmbedder(16), writer=ScriptedWriter(), settings=settings,
        )
        for number in range(2)
    ]  # fmt: skip
    yield opened
    for memory in opened:
        memory.close()


def said(line, name, hours=0):
    return Turn(role="user", text=line, id=name, time=MAY + dt.timedelta(hours=hours))


def prepare(memory, user):
    memory.add(
        [said("Ann.home = Lisbon", "t1"), said("Ann.likes + tea", "t2", 1)],
        user_id=user, session_id="one",
    )  # fmt: skip
    memory.consolidate(user_id=user, final=True)
    memory.add(said("Ann.likes + rain", "t3", 2), user_id=user, session_id="one")
    memory.add(said("Ann.work = nurse", "t4", 3), user_id=user, session_id="two")


def fact(memory, user, value):
    """The id of a fact, looked up before the call whose statements are counted."""
    return next(
        (each.id for each in memory.facts(user_id=user, include_past=True) if each.value == value),
        "gone",
    )


VERBS = {
    "add": lambda memory, user: lambda: memory.add(
        said("Ann.likes + snow", "new", 4), user_id=user, session_id="one"
    ),
    "add to a new session": lambda memory, user: lambda: memory.add(
        said("Ann.home = Porto", "newer", 5), user_id=user, session_id="three"
    ),
    "index": lambda memory, user: memory.index_pending,
    "consolidate": lambda memory, user: lambda: memory.consolidate(user_id=user, final=True),
    "forget a turn": lambda memory, user: lambda: memory.forget(
        user_id=user, turn_ids=["t1"], purge=False
    ),
    "forget a session": lambda memory, user: lambda: memory.forget(
        user_id=user, session_id="one", purge=False
    ),
    "forget all": lambda memory, user: lambda: memory.forget(user_id=user, purge=False),
    "pin": lambda memory, user: lambda: memory.pin(user_id=user, turn_ids=["t1", "t3"]),
    "weigh": lambda memory, user: lambda: memory.set_importance(
        0.5, user_id=user, turn_ids=["t2", "t3"]
    ),
    "edit": lambda memory, user: functools.partial(
        memory.edit, fact(memory, user, "Lisbon"), user_id=user, value="Faro"
    ),
    "retract": lambda memory, user: functools.partial(
        memory.retract, fact(memory, user, "tea"), user_id=user
    ),
}  # fmt: skip


def outcome(call):
    try:
        call()
    except LightMemError as error:
        return type(error).__name__
    return "done"


def remains(memory, user):
    """What is in a user's memory once all work is done, whatever its random ids."""
    memory.index_pending()
    memory.consolidate(user_id=user, final=True)
    memory.index_pending()
    history = {
        session: sorted(
            (turn.id, turn.text, turn.pinned, turn.importance)
            for turn in memory.history(user_id=user, session_id=session)
        )
        for session in memory.sessions(user_id=user)
    }
    facts = Counter(
        (each.attribute, each.value, each.retracted_at is None, each.pinned)
        for each in memory.facts(user_id=user, include_past=True)
    )
    return history, facts


def sound(memory, url, user):
    """Fails if anything in the ledger does not fit together."""
    ledger = PostgresLedger(url)
    try:
        with ledger.read() as connection:

            def column(query):
                return connection.execute(query).scalars().all()

            rows = column(select(users.c.id).where(users.c.name == user))
            assert len(rows) <= 1
            for row in rows:
                mine = turns.c.user == row
                texts = column(select(turns.c.terms).where(mine, turns.c.searchable))
                counted = connection.execute(
                    select(users.c.searchable, users.c.terms).where(users.c.id == row)
                ).one()
                assert tuple(counted) == (len(texts), sum(len(each.split()) for each in texts))
                postings = connection.execute(
                    text('SELECT count(*) FROM lexical WHERE "user" = :row'), {"row": row}
                ).scalar()
                assert postings == sum(len(set(each.split())) for each in texts)
                for session in column(select(sessions.c.id).where(sessions.c.user == row)):
                    places = column(select(turns.c.position).where(turns.c.session == session))
                    assert places
                    assert len(places) == len(set(places))
                assert not column(select(work.c.item).where(work.c.user == row)), "work is left"
                done = column(select(episode_turns.c.turn).where(episode_turns.c.user == row))
                assert sorted(done) == sorted(
                    column(select(turns.c.id).where(mine, turns.c.searchable))
                )
            orphans = "SELECT count(*) FROM lexical WHERE turn NOT IN (SELECT id FROM turns)"
            assert connection.execute(text(orphans)).scalar() == 0
            alone = select(func.count()).where(work.c.user.not_in(select(users.c.id)))
            assert connection.execute(alone).scalar() == 0
    finally:
        ledger.close()


# All pairs take a quarter of an hour, with LIGHTMEM_TEST_EVERY_PAIR=1. These are what most can come
# between, or into.
CHOSEN = ("add", "consolidate", "forget all")
SECONDS = VERBS if os.environ.get("LIGHTMEM_TEST_EVERY_PAIR") else CHOSEN


@pytest.mark.parametrize("first", VERBS)
def test_what_two_processes_write_is_what_one_after_the_other_gives(
    stores, stopped, postgresql_database, first
):
    one, two = stores
    names = (f"{first} {number}" for number in itertools.count())

    def in_turn(*verbs):
        user = next(names)
        prepare(one, user)
        calls = [VERBS[verb](memory, user) for verb, memory in zip(verbs, stores, strict=True)]
        results = [outcome(call) for call in calls]
        return Counter(zip(verbs, results, strict=True)), remains(one, user)

    def swapped(*verbs):
        user = next(names)
        prepare(one, user)
        calls = [VERBS[verb](memory, user) for verb, memory in zip(verbs, stores, strict=True)]
        results = [outcome(call) for call in reversed(calls)]
        return Counter(zip(reversed(verbs), results, strict=True)), remains(one, user)

    wrong = []
    for second in {first: None, **dict.fromkeys(SECONDS)}:
        allowed = [in_turn(first, second), swapped(first, second)]
        user = next(names)
        prepare(one, user)
        _, count = stopped.first(lambda: outcome(VERBS[first](one, user)), -1)  # noqa: B023
        for nth in sorted({round(count * cut / CUTS) for cut in range(CUTS)}):
            user = next(names)
            prepare(one, user)
            calls = [VERBS[verb](of, user) for verb, of in ((first, one), (second, two))]
            results = {}
            stopped.reached.clear()
            stopped.go_on.clear()

            def run_first(calls=calls, results=results, nth=nth):
                results[0], _ = stopped.first(lambda: outcome(calls[0]), nth)

            def run_second(calls=calls, results=results):
                stopped.here.second = True
                results[1] = outcome(calls[1])

            threads = [threading.Thread(target=run) for run in (run_first, run_second)]
            threads[0].start()
            assert stopped.reached.wait(60)
            threads[1].start()
            until = time.monotonic() + ASKS
            while threads[1].is_alive() and not stopped.second_waits():
                threads[1].join(0.005)
                if time.monotonic() > until:
                    break
            stopped.go_on.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
            found = Counter([(first, results[0]), (second, results[1])]), remains(one, user)
            sound(one, postgresql_database, user)
            if found not in allowed:
                wrong.append(f"{second!r} before statement {nth} of {count}: {found}\n{allowed}")
    assert not wrong, "\n\n".join(wrong)
