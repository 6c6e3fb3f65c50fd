"""A server without room on its disk, in its memory or for connections: an error that says so.

Nothing is half written, and what works again afterwards is the same store.
"""

import re
import uuid

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LedgerError, Settings, Turn

QUIET = Settings(background_indexing=False)
REASONS = {
    "53100": ("could not extend file: No space left on device", "make room there"),
    "53200": ("out of memory", "lower work_mem"),
}


@pytest.fixture
def asked(postgresql_database):
    """Asks the database itself, as its superuser."""
    plain = make_url(postgresql_database).set(drivername="postgresql")
    plain = plain.render_as_string(hide_password=False)

    def asked(query):
        with psycopg.connect(plain, autocommit=True) as database:
            rows = database.execute(query)
            return rows.fetchall() if rows.description else []

    return asked


@pytest.fixture
def memory(open_memory, postgresql_database):
    """With one connection, so that one that is not given back is missed at once."""
    url = f"{postgresql_database}?pool_size=1&max_overflow=0&pool_timeout=2"
    return open_memory(url, settings=QUIET)


@pytest.fixture
def raising(asked):
    """Makes a function that fails as a full server does."""

    def raising(state, kind):
        value = "NEW" if kind == "trigger" else "true"
        asked(f"""
            CREATE OR REPLACE FUNCTION public.full_{kind}() RETURNS {kind} LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '{REASONS[state][0]}' USING ERRCODE = '{state}';
            RETURN {value}; END $$
        """)
        return f"public.full_{kind}()"

    return raising


def turn(text, **more):
    return Turn(role="user", text=text, **more)


def counts(asked):
    tables = asked("SELECT tablename FROM pg_tables WHERE schemaname = 'lightmem' ORDER BY 1")
    return {name: asked(f'SELECT count(*) FROM lightmem."{name}"')[0][0] for (name,) in tables}


@pytest.mark.parametrize("state", REASONS)
@pytest.mark.parametrize("table", ["turns", "work"])
def test_a_write_without_room_stores_nothing_and_says_why(memory, asked, raising, state, table):
    memory.add(turn("Heron one.", id="one"), user_id="ann")
    before = counts(asked)
    asked(f"CREATE TRIGGER full_up AFTER INSERT ON lightmem.{table} FOR EACH ROW"
          f" EXECUTE FUNCTION {raising(state, 'trigger')}")  # fmt: skip
    said, remedy = REASONS[state]
    new = [turn("Heron two.", id="two"), turn("Heron three.", id="three")]
    for user in ("ann", "bob"):
        with pytest.raises(LedgerError, match=re.escape(said)) as error:
            memory.add(new, user_id=user, session_id="new")
        assert remedy in str(error.value)
        assert "nothing of this was stored" in str(error.value)
    assert counts(asked) == before
    assert memory.recall("heron", user_id="ann", strict=True).hits, "reading goes on"
    asked(f"DROP TRIGGER full_up ON lightmem.{table}")
    memory.add(new, user_id="ann", session_id="new")
    assert len(memory.history(user_id="ann", session_id="new")) == 2


@pytest.mark.parametrize("state", REASONS)
def test_a_read_without_room_leaves_the_agent_without_memory_and_says_why(
    memory, asked, raising, state
):
    memory.add(turn("Heron one."), user_id="ann")
    memory.index_pending()
    asked("ALTER TABLE lightmem.users RENAME TO real_users")
    asked(f"CREATE VIEW lightmem.users AS SELECT * FROM lightmem.real_users"
          f" WHERE {raising(state, 'boolean')}")  # fmt: skip
    said, remedy = REASONS[state]
    found = memory.recall("heron", user_id="ann")
    assert found.hits == ()
    assert any(said in each for each in found.degraded)
    with pytest.raises(LedgerError, match=remedy):
        memory.recall("heron", user_id="ann", strict=True)
    with pytest.raises(LedgerError, match=remedy):
        memory.history(user_id="ann")
    asked("DROP VIEW lightmem.users; ALTER TABLE lightmem.real_users RENAME TO users")
    assert memory.recall("heron", user_id="ann", strict=True).hits


def test_without_a_connection_an_agent_answers_without_memory_and_writes_later(
    asked, open_memory, postgresql_database
):
    role = f"few_{uuid.uuid4().hex}"
    asked(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
    asked(f"CREATE SCHEMA lightmem AUTHORIZATION {role}")
    url = make_url(postgresql_database).set(username=role)
    query = {"pool_size": "1", "max_overflow": "0", "pool_timeout": "1"}
    shown = url.update_query_dict(query).render_as_string(hide_password=False)
    other = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        memory = open_memory(shown, settings=QUIET)
        memory.add(turn("Heron one."), user_id="ann")
        asked(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
              f" WHERE usename = '{role}'")  # fmt: skip
        with psycopg.connect(other):  # the only one that the role may have
            with pytest.raises(LedgerError, match="too many connections") as error:
                memory.add(turn("Heron two."), user_id="ann")
            assert "CONNECTION LIMIT" in str(error.value)
            found = memory.recall("heron", user_id="ann")
            assert found.hits == ()
            assert any("too many connections" in each for each in found.degraded)
        memory.add(turn("Heron three."), user_id="ann")
        assert [each.text for each in memory.history(user_id="ann")] == [
            "Heron one.", "Heron three.",
        ]  # fmt: skip
        assert memory.recall("heron", user_id="ann", strict=True).hits
        memory.close()
    finally:
        asked(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
