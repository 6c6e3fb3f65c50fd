"""Writers that wait for each other: the server undoes one, which begins anew by itself."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LedgerError, Settings, TransactionConflictError, Turn
from lightmem_integrations.testing import ScriptedWriter

QUIET = Settings(background_indexing=False)
HANGS = 60  # seconds: only something else than a deadlock takes that long


class Other:
    """A writer of other habits: it takes a table first, and then the row of the user."""

    def __init__(self, url, table):
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.database = psycopg.connect(plain)
        self.database.execute("SET deadlock_timeout TO '60s'")  # so that ours is the one undone
        self.database.commit()
        self.table = table
        self.met = 0

    def take(self):
        self.database.execute(f"LOCK TABLE lightmem.{self.table} IN EXCLUSIVE MODE")

    def cross(self):
        """Waits for who waits for the table, and for a row of theirs, which it then lets go."""
        waiting = f"SELECT FROM pg_locks WHERE relation = 'lightmem.{self.table}'::regclass"
        until = time.monotonic() + HANGS
        while not self.database.execute(f"{waiting} AND NOT granted").rowcount:
            if time.monotonic() > until:
                return
            time.sleep(0.01)
        self.database.execute("SAVEPOINT before")
        self.database.execute("SELECT FROM lightmem.users FOR UPDATE")
        self.database.execute("ROLLBACK TO SAVEPOINT before")
        self.met += 1


@pytest.fixture
def memory(open_memory, postgresql_database):
    memory = open_memory(postgresql_database, settings=QUIET, writer=ScriptedWriter())
    turns = [Turn(role="user", text=f"Ann.{what} = Lisbon", id=what) for what in ("home", "work")]
    memory.add(turns, user_id="ann")
    memory.consolidate(final=True)
    return memory


@pytest.fixture
def crossing(postgresql_database):
    """Does something in the way of which another writer is, so that both wait for each other."""

    def crossing(table, call, times=1):
        other = Other(postgresql_database, table)
        with other.database:
            other.take()

            def again():
                for _ in range(times):
                    other.cross()
                other.database.commit()  # lets the table go

            thread = threading.Thread(target=again)
            thread.start()
            try:
                done = call()
            finally:
                thread.join()
        assert other.met == times
        return done

    return crossing


def test_an_add_that_was_undone_is_done_again_and_stored_once(memory, crossing):
    said = Turn(role="user", text="A heron.")
    (stored,) = crossing("turns", lambda: memory.add(said, user_id="ann", session_id="new"))
    assert [each.id for each in memory.history(user_id="ann", session_id="new")] == [stored.id]


@pytest.mark.parametrize("verb", ["edit", "retract", "pin", "forget"])
def test_what_changes_memory_is_done_again_and_once(memory, crossing, verb):
    home = next(each for each in memory.facts(user_id="ann") if "home" in each.attribute)
    calls = {
        "edit": lambda: memory.edit(home.id, user_id="ann", value="Porto").value,
        "retract": lambda: memory.retract(home.id, user_id="ann").id,
        "pin": lambda: memory.pin(user_id="ann", memory_ids=[home.id]),
        "forget": lambda: memory.forget(user_id="ann", turn_ids=["home"], purge=False).turns,
    }
    table = "turns" if verb == "forget" else "facts"
    done = crossing(table, calls[verb])
    assert done == {"edit": "Porto", "retract": home.id, "pin": 1, "forget": 1}[verb]
    standing = {each.attribute: each for each in memory.facts(user_id="ann")}
    past = memory.facts(user_id="ann", include_past=True)
    if verb == "edit":
        assert (standing[home.attribute].value, len(past)) == ("Porto", 3)
    elif verb == "pin":
        assert standing[home.attribute].pinned
    elif verb == "retract":
        assert list(standing) == ["work"]
        assert len(past) == 2
    else:
        assert [each.id for each in memory.history(user_id="ann")] == ["work"]


def test_who_is_undone_again_and_again_is_told_and_nothing_is_stored(memory, crossing):
    said = Turn(role="user", text="A heron.")

    def refused():
        with pytest.raises(TransactionConflictError, match="try again") as error:
            memory.add(said, user_id="ann", session_id="new")
        assert isinstance(error.value, LedgerError)

    crossing("turns", refused, times=4)
    assert memory.history(user_id="ann", session_id="new") == ()
    memory.add(said, user_id="ann", session_id="new")
    assert len(memory.history(user_id="ann", session_id="new")) == 1
