"""`lightmem worker`, several as real processes: killed, ended, with wrong clocks."""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import func, select

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.schema import episodes, leases, vectors, work
from lightmem_integrations.storage.sql import database_clock
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from postgresql import PostgresServer
from slow_worker import COMMAND
from thorough import cases

pytestmark = pytest.mark.slow

LEASE, KILLS, HOUR = 2.0, cases(200), 3_600

# Of a worker that hangs there: what the other one does, and the kind of work that is left.
OTHER = {"embedder": "indexes", "writer": "nowhere"}
KIND = {"embedder": "embed", "writer": "consolidate"}

# Hangs where it is told to, in its embedder or its writer, but for what concerns nobody's turns.
WORKER = f"""
import signal, sys, time
url, hangs, ahead = sys.argv[1], sys.argv[2], float(sys.argv[3])
if ahead:
    real = time.time
    time.time = lambda: real() + ahead
from lightmem_integrations import ConsolidationSettings, LightMem, Settings
from lightmem_integrations.cli.worker import Work
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

def hang():
    print("working", flush=True)
    time.sleep(600)

class Embeds(HashEmbedder):
    def embed_documents(self, texts):
        if hangs == "embedder" and any("likes" in text for text in texts):
            hang()
        if hangs == "indexes" and any("likes" in text for text in texts):
            print("goes on", flush=True)
        return super().embed_documents(texts)

class Writes(ScriptedWriter):
    def write(self, turns):
        if hangs == "writer":
            hang()
        print("goes on", flush=True)
        return super().write(turns)

settings = Settings(
    claim_seconds={LEASE}, consolidation=ConsolidationSettings(lease_seconds={LEASE})
)
memory = LightMem(
    url + "?application_name=" + hangs, embedder=Embeds(16), writer=Writes(), settings=settings
)
memory.warm_up()  # lest it asks for this user, whose turns a question embeds without a claim
print("open", flush=True)
if hangs in ("indexes", "embedder"):  # else consolidation would embed, which asks for no claim
    time.sleep(600)
Work(memory, final=True).on_and_on()
"""


@pytest.fixture
def memory(postgresql_database):
    settings = Settings(background_indexing=False)
    with LightMem(postgresql_database, embedder=HashEmbedder(16), settings=settings) as memory:
        yield memory


@pytest.fixture
def ledger(postgresql_database):
    ledger = PostgresLedger(postgresql_database)
    yield ledger
    ledger.close()


@pytest.fixture
def started(postgresql_database):
    """Starts a worker; it is gone at the end of the test."""
    processes = []

    def started(hangs="nowhere", ahead=0, program=WORKER, arguments=None):
        given = arguments or [postgresql_database, hangs, str(ahead)]
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", program, *given], stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        if program is WORKER:
            assert processes[-1].stdout.readline() == "open\n"
        return processes[-1]

    yield started
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stdout.close()


def say(memory, number, user="Ann"):
    turn = Turn(role="user", text=f"{user}.likes + thing{number}")
    memory.add(turn, user_id=user, session_id=f"s{number}")


def count(ledger, table, *where):
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*where))


def hold(ledger, hangs):
    """The database's time, who holds what a worker hangs at, and until when."""
    held = (leases.c.worker, leases.c.until)
    if hangs == "embedder":
        held = (work.c.claimed_by, work.c.claimed_until)
    with ledger.read() as connection:
        found = connection.execute(select(*held).where(held[0].is_not(None))).first()
        return connection.scalar(select(database_clock(connection))), *(found or (None, None))


def wait_until(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.02)


@pytest.mark.parametrize(("hangs", "table"), [("embedder", vectors), ("writer", episodes)])
def test_what_a_killed_worker_was_at_goes_on_within_its_lease(
    started, memory, ledger, hangs, table
):
    healthy = started(OTHER[hangs])
    for number in range(KILLS // 2):
        victim = started(hangs)
        healthy.send_signal(signal.SIGSTOP)
        say(memory, number)
        assert victim.stdout.readline() == "working\n"
        time.sleep(LEASE / 3)  # renewed once more or less
        victim.kill()
        victim.wait()
        killed = time.monotonic()
        healthy.send_signal(signal.SIGCONT)
        assert healthy.stdout.readline() == "goes on\n"
        assert time.monotonic() - killed <= LEASE + 1
        wait_until(lambda: count(ledger, table) == number + 1)  # noqa: B023 - called at once
        wait_until(lambda: count(ledger, work, work.c.kind == KIND[hangs]) == 0)
    memory.index_pending()
    memory.consolidate(writer=ScriptedWriter(), final=True)
    facts = memory.facts(user_id="Ann", include_past=True)
    assert sorted(each.value for each in facts) == sorted(f"thing{n}" for n in range(KILLS // 2))
    assert count(ledger, vectors) == count(ledger, episodes) == KILLS // 2


@pytest.mark.parametrize("hangs", ["embedder", "writer"])
@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_clock_that_is_an_hour_off_ends_no_claim_and_no_lease(
    started, memory, ledger, hangs, ahead
):
    """Of two workers' clocks one is wrong: neither takes what the other is at, nor keeps it."""
    other = started(OTHER[hangs], ahead)
    victim = started(hangs, ahead=-ahead)
    other.send_signal(signal.SIGSTOP)
    say(memory, 1)
    assert victim.stdout.readline() == "working\n"
    other.send_signal(signal.SIGCONT)
    _, holder, until = hold(ledger, hangs)
    for _ in range(int(2 * LEASE / 0.1)):
        now, holds, its_until = hold(ledger, hangs)
        if holds != holder:  # a machine so busy that nothing was renewed
            assert now > until
            return
        until = its_until
        time.sleep(0.1)
    victim.kill()
    table = vectors if hangs == "embedder" else episodes
    wait_until(lambda: count(ledger, table) == 1)  # not in an hour
    wait_until(lambda: count(ledger, work, work.c.kind == KIND[hangs]) == 0)


def test_sigterm_ends_a_worker_after_the_step_at_hand(started, ledger, postgresql_database):
    with LightMem(postgresql_database) as memory:
        for number in range(5):
            say(memory, number)
    began = ["worker", postgresql_database, "--writer", "any", "--final", "--json"]
    slow = COMMAND.replace("time.sleep(2)", "time.sleep(8)")  # a busy machine signals late
    process = started(program=slow, arguments=began)
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(60) == 0
    assert rest.startswith("{")  # no second one was begun
    assert count(ledger, episodes) == 1
    assert count(ledger, leases) == 0
    assert count(ledger, work, work.c.claimed_by.is_not(None)) == 0


def test_two_workers_share_the_work_and_once_ends(started, ledger, postgresql_database):
    with LightMem(postgresql_database, settings=Settings(background_indexing=False)) as memory:
        for user in ("Ann", "Bob", "Cid", "Dan"):
            for number in range(2):
                say(memory, number, user)
    once = ["worker", postgresql_database, "--writer", "any", "--final", "--once"]
    processes = [started(program=COMMAND, arguments=once) for _ in range(2)]
    written = []
    for process in processes:
        written.append(process.communicate(timeout=120)[0].count("writing"))
        assert process.returncode == 0
    assert sum(written) == 8
    assert min(written) > 0
    assert count(ledger, vectors) == 8
    assert (count(ledger, work), count(ledger, leases)) == (0, 0)


def test_consolidation_in_the_background_of_several_processes(postgresql_database, ledger):
    settings = Settings(background_consolidation=True)
    opened = [
        LightMem(
            f"{postgresql_database}?application_name=p{number}",
            embedder=HashEmbedder(16), writer=ScriptedWriter(), settings=settings,
        )
        for number in range(3)
    ]  # fmt: skip
    try:
        threads = [
            threading.Thread(
                target=lambda memory=memory, user=user: [say(memory, n, user) for n in range(10)]
            )
            for memory in opened
            for user in ("Ann", "Bob")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for memory in opened:
            memory.consolidate(final=True)
        wait_until(lambda: not opened[0].consolidate(final=True).busy)
        for user in ("Ann", "Bob"):
            facts = opened[0].facts(user_id=user, include_past=True)
            assert sorted(each.value for each in facts) == sorted(f"thing{n}" for n in range(10))
        assert not count(ledger, work)
    finally:
        for memory in opened:
            memory.close()


def test_a_worker_outlives_a_restart_of_the_server(started):
    settings = Settings(background_indexing=False)
    with (
        PostgresServer() as server,
        LightMem(server.url(), embedder=HashEmbedder(16), settings=settings) as memory,
    ):
        worker = started(arguments=[server.url(), "nowhere", "0"])
        say(memory, 1)
        wait_until(lambda: memory.facts(user_id="Ann"))
        server.stop("immediate")
        time.sleep(3)
        assert worker.poll() is None
        server.start()
        say(memory, 2)
        wait_until(lambda: len(memory.facts(user_id="Ann")) == 2)
        wait_until(lambda: memory.stats().pending == 0)
        worker.kill()
