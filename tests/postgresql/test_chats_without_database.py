"""Chats of both frameworks while the database is away: the turn goes on, and the log says so."""

import logging
import time

import pytest

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.testing import HashEmbedder
from postgresql import PostgresServer

pytestmark = pytest.mark.slow

AWAY_SECONDS = 10  # a turn without its memory takes no longer, on a busy machine too


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def memory(server):
    with LightMem(
        f"{server.url()}?schema=s{time.monotonic_ns()}", embedder=HashEmbedder(),
        settings=Settings(background_indexing=False),
    ) as memory:  # fmt: skip
        yield memory


def away(server, caplog, turn):
    """Takes a turn of a chat while the server is down; returns what came of it."""
    server.stop()
    caplog.clear()
    try:
        began = time.monotonic()
        with caplog.at_level(logging.WARNING):
            done = turn()
        assert time.monotonic() - began < AWAY_SECONDS
    finally:
        server.start()
    assert "127.0.0.1" in caplog.text, "which database"
    assert "Is the server running" in caplog.text, "and what to do"
    return done


def kept_of(memory):
    sessions = memory.sessions(user_id="ann")
    return {
        turn.text for each in sessions for turn in memory.history(user_id="ann", session_id=each)
    }


def test_an_agent_of_langchain_answers_without_its_memory(server, memory, caplog):
    agents = pytest.importorskip("langchain.agents")
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    from lightmem_integrations.langchain import LightMemMiddleware

    model = FakeListChatModel(responses=["Fine."])
    agent = agents.create_agent(model, middleware=[LightMemMiddleware(memory, user_id="ann")])

    def said(text):
        return agent.invoke({"messages": [("user", text)]})["messages"][-1].text

    assert said("My cat is called Miso.")
    answer = away(server, caplog, lambda: said("What is my cat called?"))
    assert answer == "Fine."
    assert said("My cat is three.")
    assert {"My cat is called Miso.", "My cat is three."} <= kept_of(memory), "it goes on"


def test_a_memory_of_llama_index_answers_without_its_database(server, memory, caplog):
    llms = pytest.importorskip("llama_index.core.llms")
    from llama_index.core.chat_engine import SimpleChatEngine

    from lightmem_integrations.llama_index import LightMemMemory

    kept = LightMemMemory.from_defaults(memory=memory, user_id="ann")
    engine = SimpleChatEngine.from_defaults(llm=llms.MockLLM(), memory=kept)
    assert engine.chat("My cat is called Miso.").response
    answer = away(server, caplog, lambda: engine.chat("What is my cat called?").response)
    assert "What is my cat called?" in answer, "the model was shown the question"
    assert engine.chat("My cat is three.").response
    assert {"My cat is called Miso.", "My cat is three."} <= kept_of(memory), "it goes on"
