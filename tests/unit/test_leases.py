"""Leases: one worker at a time writes a user's memory, for as long as it lives."""

import logging
import threading
import time

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.consolidation import leases as held
from lightmem_integrations.storage.schema import leases
from lightmem_integrations.storage.work_queue import renew_lease, take_lease
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

SHORT = {"lease_seconds": 0.9}  # is renewed after 0.3 s


class Slow(ScriptedWriter):
    """Takes so many seconds for an episode."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.reading = seconds, threading.Event()

    def write(self, turns):
        self.reading.set()
        time.sleep(self.seconds)
        return super().write(turns)


def say(memory, *texts, **scope):
    memory.add([Turn(role="user", text=text) for text in texts], user_id="ann", **scope)


def in_thread(run, *given, **options):
    results = []
    thread = threading.Thread(target=lambda: results.append(run(*given, **options)))
    thread.start()
    return thread, results


def test_a_writer_that_takes_longer_than_the_lease_keeps_it(open_memory, consolidated):
    memory, writer = open_memory(), Slow(2.5)
    say(memory, "Ann.home = Lisbon")
    thread, results = in_thread(consolidated, memory, writer=writer, settings=SHORT)
    assert writer.reading.wait(30)
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        assert consolidated(memory, settings=SHORT).busy == 1
        time.sleep(0.1)
    thread.join(30)
    assert (results[0].written, results[0].facts) == (1, 1)
    assert len(memory.episodes(user_id="ann")) == len(memory.facts(user_id="ann")) == 1


def test_two_workers_write_no_session_twice(open_memory, consolidated):
    memory, writers = open_memory(), [Slow(0.05), Slow(0.05)]
    for number in range(6):
        say(memory, f"Ann.likes + thing{number}", session_id=f"s{number}")
    runs = [in_thread(consolidated, memory, writer=writer, settings=SHORT) for writer in writers]
    for thread, _ in runs:
        thread.join(30)
    consolidated(memory)
    assert sum(len(writer.calls) for writer in writers) == 6
    assert sorted(fact.value for fact in memory.facts(user_id="ann")) == [
        f"thing{number}" for number in range(6)
    ]


def test_a_renewal_that_fails_is_said_and_tried_again(
    open_memory, consolidated, monkeypatch, caplog
):
    memory, writer, failed = open_memory(), Slow(2.5), []
    say(memory, "Ann.home = Lisbon")

    def failing(*given, **options):
        if not failed:
            failed.append(True)
            raise OSError("the disk is away")
        return renew_lease(*given, **options)

    monkeypatch.setattr(held, "renew_lease", failing)
    thread, results = in_thread(consolidated, memory, writer=writer, settings=SHORT)
    with caplog.at_level(logging.WARNING):
        assert writer.reading.wait(30)
        time.sleep(1.5)
        assert consolidated(memory, settings=SHORT).busy == 1
        thread.join(30)
    assert results[0].written == 1
    assert failed
    assert "the disk is away" in caplog.text


def test_nothing_is_stored_of_a_worker_whose_user_another_one_took(
    open_memory, open_ledger, consolidated, tmp_path
):
    memory, writer = open_memory(tmp_path), Slow(1.0)
    say(memory, "Ann.home = Lisbon")
    thread, results = in_thread(consolidated, memory, writer=writer, settings=SHORT)
    assert writer.reading.wait(30)
    with open_ledger(tmp_path).write() as connection:  # as after a pause of the whole machine
        connection.execute(leases.update().values(worker="another", until=time.time() + 60))
    thread.join(30)
    assert (results[0].written, results[0].busy) == (0, 1)
    assert memory.episodes(user_id="ann") == ()


def test_no_thread_is_left_of_a_run(open_memory, consolidated):
    memory = open_memory()
    say(memory, "Ann.home = Lisbon")
    assert consolidated(memory).written == 1
    until = time.monotonic() + 10
    while any(each.name.endswith("lease") for each in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_of_many_who_want_a_lease_at_once_one_gets_it(open_memory, open_ledger, tmp_path):
    memory = open_memory(tmp_path)
    say(memory, "Ann.home = Lisbon")
    ledgers = [open_ledger(tmp_path) for _ in range(4)]
    for _ in range(20):
        taken, begin = [], threading.Barrier(len(ledgers))

        def take(name, ledger, taken=taken, begin=begin):
            begin.wait(30)
            with ledger.write() as connection:
                if take_lease(connection, 1, name, seconds=60):
                    taken.append(name)

        threads = [
            threading.Thread(target=take, args=(str(number), ledger))
            for number, ledger in enumerate(ledgers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(taken) == 1
        with ledgers[0].write() as connection:
            assert renew_lease(connection, 1, taken[0], seconds=60)
            assert not renew_lease(connection, 1, "another", seconds=60)
            connection.execute(leases.update().values(until=0.0))
    with ledgers[0].write() as connection:
        assert not take_lease(connection, 99, "somebody", seconds=60)  # there is no such user


@pytest.mark.parametrize("ahead", [3_600.0, -3_600.0])
def test_a_clock_that_is_set_while_a_writer_works_takes_nobody_the_lease(
    open_memory, consolidated, monkeypatch, ahead
):
    memory, writer, real = open_memory(), Slow(1.0), time.time
    say(memory, "Ann.home = Lisbon")
    settings = {"lease_seconds": 1.2}  # is renewed after 0.4 s
    thread, results = in_thread(consolidated, memory, writer=writer, settings=settings)
    assert writer.reading.wait(30)
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    time.sleep(0.6)
    assert consolidated(memory, settings=settings).busy == 1
    thread.join(30)
    assert results[0].written == 1
    assert len(memory.facts(user_id="ann", include_past=True)) == 1
