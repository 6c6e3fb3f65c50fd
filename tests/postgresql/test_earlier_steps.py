"""Stores in PostgreSQL that earlier versions wrote open as they are and go on."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=sorted(DATA.glob("ledger_version_*_postgresql.sql")), ids=lambda p: p.stem)
def memory(request, postgresql_database):
    plain = make_url(postgresql_database).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as database:
        database.execute("CREATE EXTENSION vector")
        database.execute(request.param.read_text())
    settings = Settings(background_indexing=False)
    with LightMem(
        postgresql_database, embedder=HashEmbedder(16), writer=ScriptedWriter(), settings=settings
    ) as memory:
        yield memory


def test_a_store_of_an_earlier_step_holds_what_it_held_and_goes_on(memory):
    assert memory.users() == ("ann", "bob")
    assert memory.sessions(user_id="ann") == ("spring", "summer", "default")
    mine = memory.recall("heron", user_id="ann", strict=True)
    assert {"I feed the heron by the river.", "The heron came back."} <= {
        hit.text for hit in mine.hits
    }
    assert not any("stand" in hit.text for hit in mine.hits), "bob's turn"
    past = memory.facts(user_id="ann", include_past=True)
    assert {(fact.value, fact.superseded_by is None) for fact in past} == {
        ("Porto", False), ("Lisbon", True),
    }  # fmt: skip
    assert {(fact.valid_from_precision, fact.valid_to_precision) for fact in past} == {
        ("day", "day"),
    }  # fmt: skip
    assert (
        memory.recall("stork roof", user_id="ann", strict=True).hits[0].text.startswith("A stork")
    )

    memory.add(Turn(role="user", text="Ann.home = Ghent"), user_id="ann", session_id="autumn")
    race = Turn(role="user", text="event Ann.race + Berlin since 2021-03")
    memory.add(race, user_id="ann", session_id="winter")
    assert memory.consolidate(final=True).failed == 0
    ghent, berlin = memory.facts(user_id="ann")
    assert (ghent.value, ghent.valid_from_precision) == ("Ghent", "day")
    assert (berlin.value, berlin.valid_from_precision) == ("Berlin", "month")
    memory.forget(user_id="ann")
    assert memory.users() == ("bob",)
    assert [fact.value for fact in memory.facts(user_id="bob")] == ["Ghent"]
