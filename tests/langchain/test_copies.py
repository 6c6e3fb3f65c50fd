"""Every adapter shows its path and its user and no memory, and can be copied and pickled."""

from __future__ import annotations

import copy
import pickle

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.load import dumpd
from langchain_core.runnables import RunnableLambda

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemConsolidator,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    LightMemReranker,
    LightMemRetriever,
    LightMemStore,
    LightMemToolkit,
    record_turns,
)

SAID = "I moved to Zanzibar."
QUESTION = "Where did I move?"
TEA, MOVED = Document("Tea is hot."), Document(SAID)
NO_USER = ("consolidator", "reranker", "store")
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
}

ADAPTERS = {
    "history": lambda memory: LightMemChatMessageHistory(memory, user_id="alice"),
    "memory": lambda memory: LightMemMemory(memory=memory, user_id="alice"),
    "middleware": lambda memory: LightMemMiddleware(memory, user_id="alice", tools=True),
    "recorded": lambda memory: record_turns(RunnableLambda(str.upper), memory, user_id="alice"),
    "recall": lambda memory: LightMemRecall(memory=memory, user_id="alice"),
    "retriever": lambda memory: LightMemRetriever(memory=memory, user_id="alice", k=2),
    "toolkit": lambda memory: LightMemToolkit(memory=memory, user_id="alice"),
    "tool": lambda memory: LightMemToolkit(memory=memory, user_id="alice").get_tools()[0],
    "consolidator": lambda memory: LightMemConsolidator(memory=memory),
    "reranker": lambda _: LightMemReranker(top_n=1),
    "store": lambda memory: LightMemStore(memory, index={"fields": ["text"]}),
}


def asked_of_an_agent(middleware, scripted):
    model = scripted("Fine.")
    create_agent(model, middleware=[middleware]).invoke({"messages": [("user", QUESTION)]})
    return SAID in model.last_prompt


def said_to_a_chain(chain, _):
    chain.invoke("Hello.")
    return [
        turn.text
        for turn in chain.remade.keywords["memory"].history(user_id="alice", session_id="default")
    ][-2:]


def found_in_a_store(store):
    store.put(("a",), "k", {"text": SAID})
    return store.search(("a",), query=QUESTION)[0].value


USE = {
    "history": lambda adapter, _: [message.text for message in adapter.messages],
    "memory": lambda adapter, _: adapter.load_memory_variables({"input": QUESTION}),
    "middleware": asked_of_an_agent,
    "recorded": said_to_a_chain,
    "recall": lambda adapter, _: adapter.invoke(QUESTION),
    "retriever": lambda adapter, _: adapter.invoke(QUESTION)[0].page_content,
    "toolkit": lambda adapter, _: [tool.name for tool in adapter.get_tools()],
    "tool": lambda adapter, _: adapter.invoke({"query": QUESTION}),
    "consolidator": lambda adapter, _: adapter.invoke("alice").waiting,
    "reranker": lambda adapter, _: adapter.invoke({"query": QUESTION, "documents": [TEA, MOVED]}),
    "store": lambda adapter, _: found_in_a_store(adapter),
}


@pytest.fixture
def memory(tmp_path):
    with LightMem(tmp_path / "store") as memory:
        memory.add(Turn(role="user", text=SAID), user_id="alice", session_id="before")
        yield memory


@pytest.mark.sqlite("the path of a folder is shown")
@pytest.mark.parametrize("name", ADAPTERS)
def test_shows_path_and_user_and_no_memory(memory, name):
    adapter = ADAPTERS[name](memory)
    shown = repr(adapter)
    assert "Zanzibar" not in shown
    assert " object at 0x" not in shown
    assert (str(memory.path) in shown) == (name != "reranker")
    assert ("alice" in shown) == (name not in NO_USER)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_copy_works_as_it_does(memory, scripted, name, way):
    adapter = ADAPTERS[name](memory)
    USE[name](adapter, scripted)  # threads and locks of its own are there by then
    other = WAYS[way](adapter)
    assert repr(other) == repr(adapter)
    assert USE[name](other, scripted) == USE[name](adapter, scripted)


@pytest.mark.parametrize("name", ["memory", "recall", "retriever", "tool", "consolidator"])
def test_what_langchain_writes_down_of_it_holds_no_memory(memory, name):
    assert "Zanzibar" not in str(dumpd(ADAPTERS[name](memory)))


@pytest.mark.parametrize("name", ["recall", "retriever", "toolkit", "tool"])
def test_a_models_copy_serves_whom_it_is_told_to(memory, name):
    other = ADAPTERS[name](memory).model_copy(update={"user_id": "bob"}, deep=True)
    assert other.memory is memory
    if name == "toolkit":
        other = other.get_tools()[0]
    asked = {"query": QUESTION} if name in ("tool", "toolkit") else QUESTION
    assert "Zanzibar" not in str(other.invoke(asked))
