"""Commands that embed nothing work on a store, whichever embedder filled it."""

import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.cli import app
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = pytest.mark.slow

QUIET = Settings(background_indexing=False)


def opened(store) -> LightMem:
    return LightMem(store, embedder=HashEmbedder(), writer=ScriptedWriter(), settings=QUIET)


@pytest.fixture(params=["folder", "database"])
def store(request, tmp_path):
    """A store that is not the built-in embedder's: its folder, or the URL of its database."""
    if request.param == "database":
        place = request.getfixturevalue("postgresql_database")
    elif request.config.getoption("database") == "sqlite":
        place = str(tmp_path / "store")
    else:
        pytest.skip("a command is given a folder")
    now = dt.datetime.now(dt.timezone.utc)
    long_ago = now - dt.timedelta(days=40)
    with opened(place) as memory:
        memory.add(Turn(role="user", text="An old heron.", time=long_ago), user_id="ann")
        memory.add(Turn(role="user", text="Ann.home = Lisbon", time=now), user_id="ann")
        memory.add(Turn(role="user", text="Bob.home = Porto", time=now), user_id="bob")
        memory.consolidate(final=True)
        memory.index_pending()
        memory.spaces.grant("family", user_id="ann", write=True)
    return place


def run(*arguments):
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def test_what_is_over_is_swept_and_the_rest_is_found_by_its_meaning_as_before(store):
    assert run("sweep", store, "--lifetime-days", 30, "--json")["turns"] == 1
    assert run("sweep", store, "--json")["turns"] == 0
    with opened(store) as memory:
        found = memory.recall("heron home?", user_id="ann", strict=True)
        assert [hit.turns[0].text for hit in found.hits if hit.turns] == ["Ann.home = Lisbon"]
        assert found.degraded == ()
        assert memory.stats().pending == 0, "no vector is lost"


def test_a_user_is_looked_at_marked_exported_and_forgotten(store, tmp_path):
    assert run("users", store, "--json") == ["ann", "bob"]
    assert run("stats", store, "--json")["embedder"] == HashEmbedder().name
    (fact,) = run("inspect", store, "-u", "bob", "--json")["facts"]
    assert run("pin", store, fact["id"], "-u", "bob", "--json") == {"pinned": 1}
    assert run("audit", store, "--json")["facts"] == 2
    run("profile", store, "-u", "ann")
    run("spaces", "revoke", store, "family", "-u", "ann")
    run("export", store, "--out", tmp_path / "all.jsonl", "--quiet")
    header = json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])
    assert header["embedder"] == HashEmbedder().name
    assert run("forget", store, "-u", "ann", "--yes", "--json")["turns"] == 2
    assert run("users", store, "--json") == ["bob"]


def test_a_command_that_embeds_refuses_and_leaves_the_vectors_alone(store):
    refused = CliRunner().invoke(app, ["recall", store, "heron?", "-u", "ann"])
    assert refused.exit_code == 1
    assert "built with the embedder" in refused.stderr
    with opened(store) as memory:
        assert memory.stats().pending == 0
