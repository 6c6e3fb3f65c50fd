"""Where a store in a database lies: named without its password, and found again by that."""

import json
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LedgerError, LightMem, Settings, SettingsError, Turn
from lightmem_integrations.testing import HashEmbedder

OPTIONS = {"embedder": HashEmbedder(16), "settings": Settings(background_indexing=False)}


@pytest.fixture
def url(postgresql_database):
    return postgresql_database.replace("://postgres@", "://postgres:secret@") + "?schema=place"


def test_the_place_has_no_password(url):
    with LightMem(url, **OPTIONS) as memory:
        assert memory.path is None
        assert "secret" not in memory.place + repr(memory)
        memory.add(Turn(role="user", text="My cat is called Tom."), user_id="alice")
        with LightMem(memory.place, **OPTIONS) as again:  # this server trusts everybody
            assert again.users() == ("alice",)


def test_a_saved_memory_finds_its_database_again(url):
    messages = pytest.importorskip("llama_index.core.llms")
    from lightmem_integrations.llama_index import LightMemMemory

    with LightMem(url, **OPTIONS) as memory:
        kept = LightMemMemory.from_defaults(memory=memory, user_id="alice", session_id="s")
        kept.put(messages.ChatMessage(role="user", content="My cat is called Tom."))
        saved = json.loads(kept.to_string())
        assert "secret" not in json.dumps(saved)
        saved |= {"instance": "of another process", "store": "of another process"}
        again = LightMemMemory.from_dict(saved)
        assert again.memory is memory
        assert again.get_all()[0].content == "My cat is called Tom."


def test_a_closed_store_is_not_kept_by_the_process(url):
    from lightmem_integrations.engine import open_stores

    before = dict(open_stores._open)
    LightMem(url, **OPTIONS).close()
    assert open_stores._open == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("pool_sise=2", "'pool_sise'.* Is 'pool_size' meant"),
        ("Statement_Timeout=5", "'Statement_Timeout'.* Is 'statement_timeout' meant"),
        ("ssl_mode=require", "'ssl_mode'.* Is 'sslmode' meant"),
        ("row_factory=dict", "'row_factory', which is no option"),
        ("schema=one&schema=two", "'schema' 2 times"),
        ("host=127.0.0.1&host=127.0.0.2", "host=a,b"),
        ("pool_size=two", "pool_size='two'.* must be one whole number"),
    ],
)
def test_an_option_that_is_misspelled_or_given_twice_is_named(postgresql_database, query, said):
    with pytest.raises(LedgerError, match=said):
        LightMem(f"{postgresql_database}?{query}", **OPTIONS)


def test_several_hosts_are_given_in_one_option(postgresql_database):
    at = make_url(postgresql_database)
    with LightMem(
        f"postgresql+psycopg://postgres@/{at.database}?host=127.0.0.1,127.0.0.1&port={at.port},1",
        **OPTIONS,
    ) as memory:
        assert memory.users() == ()


def test_a_url_that_went_through_a_path_makes_no_folder_and_shows_no_password(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for given in (Path("postgresql+psycopg://ann:secret@host/db"), "mysql://ann:secret@host/db"):
        with pytest.raises(SettingsError) as error:
            LightMem(given, **OPTIONS)
        assert "secret" not in str(error.value)
    with pytest.raises(SettingsError, match="Pass the URL as a text"):
        LightMem(Path("postgres://ann:secret@host/db"), **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_a_store_whose_schema_was_dropped_says_so_and_can_be_opened_anew(postgresql_database):
    with LightMem(postgresql_database, **OPTIONS) as memory:
        memory.add(Turn(role="user", text="A heron."), user_id="alice")
        plain = postgresql_database.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as database:
            database.execute("DROP SCHEMA lightmem CASCADE")
        with pytest.raises(LedgerError, match="opening the store anew makes them"):
            memory.add(Turn(role="user", text="Another heron."), user_id="alice")
        found = memory.recall("heron", user_id="alice")
        assert (found.hits, len(found.degraded)) == ((), 1)
    with LightMem(postgresql_database, **OPTIONS) as memory:
        memory.add(Turn(role="user", text="A third heron."), user_id="alice")
        assert len(memory.recall("heron", user_id="alice", strict=True).hits) == 1
