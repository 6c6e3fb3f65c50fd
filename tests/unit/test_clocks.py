"""Clocks that were wrong, and moments at the ends of the calendar."""

import datetime as dt
import sqlite3
import time

import pytest

from lightmem_integrations import ModelUnavailableError, Turn
from lightmem_integrations.testing import ScriptedWriter

YEARS = 10 * 365 * 86_400.0
EAST, WEST = dt.timezone(dt.timedelta(hours=14)), dt.timezone(dt.timedelta(hours=-12))
FIRST = [dt.datetime(1, 1, 1, tzinfo=zone) for zone in (EAST, dt.timezone.utc, WEST)]
LAST = [dt.datetime.max.replace(tzinfo=zone) for zone in (EAST, dt.timezone.utc, WEST)]
QUESTIONS = ["Lisbon?", "Where did I move last week?", "What about next year, or in May 2023?"]


class Down(ScriptedWriter):
    def write(self, turns):
        raise ModelUnavailableError("down")


def change(folder, statement, *values):
    database = sqlite3.connect(folder / "ledger.sqlite")
    with database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


@pytest.fixture
def put_off(open_memory, tmp_path):
    """A store whose only session failed once, and is tried again later."""
    with open_memory(tmp_path, writer=Down()) as memory:
        memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
        assert memory.consolidate(final=True).failed == 1
    return tmp_path


@pytest.mark.sqlite("writes into the file")
def test_a_retry_written_with_the_clock_ahead_is_made_now(open_memory, put_off):
    change(put_off, "UPDATE failures SET again_at = ?", time.time() + YEARS)
    memory = open_memory(put_off, writer=ScriptedWriter())
    report = memory.consolidate(final=True)
    assert report.written == 1
    assert "clock was ahead" in report.problems[0]
    assert memory.consolidate(final=True).problems == ()


@pytest.mark.sqlite("writes into the file")
def test_a_retry_in_its_time_is_waited_for(open_memory, put_off):
    change(put_off, "UPDATE failures SET again_at = ?", time.time() + 3_000)
    report = open_memory(put_off, writer=ScriptedWriter()).consolidate(final=True)
    assert (report.written, report.problems) == (0, ())


@pytest.mark.sqlite("writes into the file")
@pytest.mark.parametrize(
    ("ahead", "written", "busy"), [(YEARS, 1, 0), (300.0, 0, 1), (3_605.0, 0, 1)]
)
def test_a_lease_holds_no_longer_than_leases_do(open_memory, tmp_path, ahead, written, busy):
    memory = open_memory(tmp_path, writer=ScriptedWriter())
    memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
    change(tmp_path, 'INSERT INTO leases VALUES (1, "another", ?)', time.time() + ahead)
    report = memory.consolidate(final=True)
    assert (report.written, report.busy) == (written, busy)
    assert bool(report.problems) == bool(written)


@pytest.mark.sqlite("writes into the file")
def test_a_session_said_with_the_clock_ahead_ends_all_the_same(open_memory, tmp_path):
    with open_memory(tmp_path) as memory:
        memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
    change(tmp_path, "UPDATE turns SET said_at = ?", time.time() + YEARS)
    memory = open_memory(tmp_path, writer=ScriptedWriter())
    assert memory.consolidate().written == 1
    assert memory.recall("home", user_id="ann", strict=True).hits


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_ends_of_the_calendar_are_moments_too(open_memory, question):
    memory = open_memory(writer=ScriptedWriter())
    said = [
        Turn(role="user", text="I moved to Lisbon last week."),
        Turn(role="user", text="I was born in Lisbon.", time=dt.datetime(1, 1, 2, tzinfo=WEST)),
    ]
    memory.add(said, user_id="ann")
    memory.consolidate(final=True)

    def hits(**limits):
        return len(memory.recall(question, user_id="ann", strict=True, **limits).hits)

    every = hits()
    for moment in FIRST:
        assert hits(as_of=moment) == hits(until=moment) == 0
        assert hits(since=moment) == every
    for moment in LAST:
        assert hits(as_of=moment) == hits(until=moment) == every
        assert hits(since=moment) == 0
    assert hits(as_of=dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) == min(every, 1)
    for moment in FIRST:
        assert memory.forget(user_id="ann", until=moment).turns == 0
