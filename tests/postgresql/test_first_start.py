"""Processes that open an empty database at once, users with few rights, old code beside new."""

import contextlib
import os
import subprocess
import sys
import threading

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LedgerError, LightMem, Settings, Turn
from lightmem_integrations.storage.migrations import runner
from lightmem_integrations.storage.postgresql import connections
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.testing import HashEmbedder
from postgresql import PostgresServer, make_database
from thorough import THOROUGH

pytestmark = pytest.mark.slow

# One process loads the library, and the others are forks of it that have opened nothing: so the
# machine starts dozens at once.
STARTS = """
import os, sys, time, traceback
from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder
patient = Settings(embed_seconds=200, work_seconds=200)  # so many share the processors
url, count = sys.argv[1], int(sys.argv[2])
at = time.monotonic() + 2
children = []
for number in range(count):
    child = os.fork()
    if child:
        children.append(child)
        continue
    try:
        time.sleep(max(at - time.monotonic(), 0))
        with LightMem(url, embedder=HashEmbedder(), settings=patient) as memory:
            memory.add(Turn(role="user", text=f"heron {number}"), user_id=f"u{number}")
            assert memory.recall(f"{number}", user_id=f"u{number}", strict=True).hits
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
failed = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)
sys.exit(failed)
"""


def plain(url):
    return (
        make_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    )


def rows(url, statement):
    with psycopg.connect(plain(url), autocommit=True) as database:
        return database.execute(statement).fetchall()


def opened(url, **options):
    return LightMem(
        url, embedder=HashEmbedder(), settings=Settings(background_indexing=False), **options
    )


def test_many_processes_that_start_at_once_migrate_once_and_get_to_work():
    many = 100 if THOROUGH else 20
    with PostgresServer(max_connections=many, log_statement="ddl") as server:
        url = make_database(server.url(), "first")
        patient = f"{url}?pool_timeout=200&connect_timeout=100"
        done = subprocess.run(  # each may have as many as the server: they wait for each other
            [sys.executable, "-c", STARTS, patient, str(many)],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        assert rows(url, "SELECT count(*) FROM lightmem.turns") == [(many,)]
        assert (server.data / "log").read_text().count("CREATE TABLE turns (") == 1


def test_who_opens_waits_as_long_as_others_make_the_tables_of_the_index(postgresql_database):
    opened(postgresql_database).close()
    alone = "SELECT pg_advisory_xact_lock(hashtextextended('lightmem index lightmem', 0))"
    with psycopg.connect(plain(postgresql_database)) as other:
        other.execute("DROP TABLE lightmem.nearest_turns, lightmem.nearest_documents")
        other.commit()
        other.execute(alone)
        done = threading.Timer(1, other.commit)
        done.start()
        hurried = make_url(postgresql_database).update_query_dict({"lock_timeout": "200"})
        with opened(hurried.render_as_string(hide_password=False)) as memory:
            assert memory.users() == ()
        done.join()


def test_who_waits_for_another_process_to_build_the_index_does_not_give_up(
    postgresql_database, monkeypatch
):
    monkeypatch.setattr(connections, "_LATE_SECONDS", 0.2)
    hurried = make_url(postgresql_database).update_query_dict({"statement_timeout": "200"})
    builder = PostgresLedger(postgresql_database)
    waiter = PostgresLedger(hurried.render_as_string(hide_password=False))
    with contextlib.closing(builder), contextlib.closing(waiter), contextlib.ExitStack() as built:
        built.enter_context(builder.alone("index"))
        ended = threading.Event()
        build = threading.Timer(2, lambda: (ended.set(), built.close()))
        build.start()
        with waiter.alone("index"):
            assert ended.is_set()
        build.join()


def test_a_user_who_may_make_no_schema_uses_the_one_made_for_him(postgresql_database):
    name = f"poor_{os.getpid()}"
    with psycopg.connect(plain(postgresql_database), autocommit=True) as database:
        database.execute(f"CREATE ROLE {name} LOGIN; CREATE SCHEMA mine AUTHORIZATION {name}")
        url = make_url(postgresql_database).set(username=name)
        try:
            with pytest.raises(LedgerError, match="Grant"):
                opened(url.render_as_string(hide_password=False))
            own = url.update_query_dict({"schema": "mine"}).render_as_string(hide_password=False)
            for _ in range(2):
                with opened(own) as memory:
                    memory.add(Turn(role="user", text="Heron."), user_id="ann")
                    assert memory.recall("heron", user_id="ann", strict=True).hits
        finally:
            database.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


@pytest.mark.parametrize("least", [None, runner.VERSION + 1])
def test_old_code_beside_new_while_machines_are_upgraded(postgresql_database, monkeypatch, least):
    """A step that adds leaves old code at work; one that does more says that it must be updated."""
    old = opened(postgresql_database)
    old.add(Turn(role="user", text="Before."), user_id="ann")
    step = "ALTER TABLE turns ADD COLUMN mood TEXT; CREATE TABLE moods (id BIGINT PRIMARY KEY);"
    if least:
        step += f"UPDATE meta SET value = '{least}' WHERE name = 'least_version';"
    new = {**runner.STEPS["postgresql"], runner.VERSION + 1: step}
    monkeypatch.setitem(runner.STEPS, "postgresql", new)
    monkeypatch.setattr(runner, "VERSION", runner.VERSION + 1)
    from lightmem_integrations.storage.postgresql import ledger

    monkeypatch.setattr(
        ledger, "migrate", lambda *args, **more: runner.migrate(*args, runner.VERSION, **more)
    )
    old.add(Turn(role="user", text="While."), user_id="ann")
    with LightMem(f"{postgresql_database}?application_name=new", embedder=HashEmbedder()) as other:
        other.add(Turn(role="user", text="New."), user_id="ann")
        old.add(Turn(role="user", text="Old."), user_id="ann")
        held = ["Before.", "While.", "New.", "Old."]
        assert [each.text for each in other.history(user_id="ann")] == held
        assert [each.text for each in old.history(user_id="ann")] == held
        old.forget(user_id="ann")
        assert other.users() == ()
    old.close()
    monkeypatch.undo()
    if least:
        with pytest.raises(LedgerError, match="Update lightmem-integrations"):
            opened(postgresql_database)
    else:
        opened(postgresql_database).close()
