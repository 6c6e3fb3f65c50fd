"""A ledger whose tables PostgreSQL partitions by user: everything works as it does without."""

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from lightmem_integrations import Settings, Turn
from random_words import RandomWords

SCRIPT = Path(__file__).parents[2] / "scripts" / "partitioned_schema.py"


@pytest.fixture
def database(postgresql_database):
    """A connection to a database in which the partitioned tables were made."""
    made = subprocess.run(
        [sys.executable, SCRIPT, "--partitions", "4"], check=True, capture_output=True, text=True
    )
    plain = postgresql_database.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(made.stdout)
        connection.execute("SET search_path TO lightmem")
        yield connection


def test_users_are_spread_and_remembered_asked_consolidated_and_forgotten(
    database, postgresql_database, open_memory, consolidated
):
    settings = Settings(background_indexing=False, column_mebibytes=0)  # all by the index
    memory = open_memory(postgresql_database, settings=settings, embedder=RandomWords())
    users = [f"user{n}" for n in range(12)]
    for user in users:
        turns = [f"{user}.home = Lisbon{user}", "heron number1", "heron number2", "Goodbye."]
        memory.add(
            [
                Turn(role="user", text=text, speaker="Ann", id=f"{user}-{n}", metadata={"n": n})
                for n, text in enumerate(turns)
            ],
            user_id=user,
        )
    memory.index_pending()
    used = database.execute("SELECT count(DISTINCT tableoid) FROM turns").fetchone()[0]
    assert used == 4
    for user in users:
        hits = memory.recall("number2", user_id=user, strict=True).hits
        assert hits[0].turns[0].id == f"{user}-2"
        filtered = memory.recall("heron", user_id=user, filter={"n": 1}, strict=True).hits
        assert [turn.id for hit in filtered for turn in hit.turns] == [f"{user}-1"]
    report = consolidated(memory)
    assert report.facts == len(users)
    assert [fact.value for fact in memory.facts(user_id="user3")] == ["Lisbonuser3"]
    memory.retract(memory.facts(user_id="user4")[0].id, user_id="user4")
    assert memory.forget(user_id="user3", turn_ids=["user3-0"]).facts == 1
    assert memory.forget(user_id="user5").turns == 4
    assert set(memory.users()) == set(users) - {"user5"}
    left = "SELECT count(*) FROM nearest_turns WHERE turn NOT IN (SELECT id FROM turns)"
    assert database.execute(left).fetchone()[0] == 0


def test_a_question_looks_at_the_partition_of_its_user_alone(
    database, postgresql_database, open_memory, consolidated
):
    memory = open_memory(postgresql_database)
    homes = [f"Eva.home = {place}" for place in ("Porto", "Lisbon", "Faro")]
    for user in ("ann", "bob", "cid"):
        texts = [*(f"heron {n}" for n in range(30)), *homes]
        memory.add([Turn(role="user", text=text) for text in texts], user_id=user)
    memory.index_pending()
    consolidated(memory)
    (lisbon,) = (fact for fact in memory.facts(user_id="ann") if fact.value == "Lisbon")
    memory.retract(lisbon.id, user_id="ann")
    memory.recall("heron 7", user_id="ann")
    memory.add(Turn(role="user", text="heron 30"), user_id="ann")
    memory.index_pending()
    tables = {"turns", "vectors", "lexical", "facts", "evidence"}
    looked_at: list[list[str]] = []

    def explain(connection, _cursor, statement, given, *_) -> None:
        if statement.startswith("SELECT"):
            lines = connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars()
            parts = re.findall(rf" on ({'|'.join(tables)}|work)_(\d)", "\n".join(lines))
            looked_at.append(sorted(set(parts)))

    event.listen(Engine, "after_cursor_execute", explain)
    try:
        memory.recall("heron 8", user_id="ann", strict=True)
        told = memory.recall("Where is Eva's home?", user_id="ann", strict=True)
    finally:
        event.remove(Engine, "after_cursor_execute", explain)
    assert "(retracted: " in told.text
    assert {name for parts in looked_at for name, _ in parts} >= tables
    for parts in looked_at:
        assert len(parts) == len(dict(parts)), "one partition of each table"
