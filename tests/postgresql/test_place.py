"""Where a store in a database lies: named without its password, and found again by that."""

import json

import pytest

from lightmem_integrations import LightMem, Settings, Turn
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
