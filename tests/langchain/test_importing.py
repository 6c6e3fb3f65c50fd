"""Moving in from LangChain's own memories: everything comes along, once, with its time."""

from __future__ import annotations

import datetime as dt

import pytest
from langchain_classic.memory import ConversationBufferMemory, VectorStoreRetrieverMemory
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.vectorstores import InMemoryVectorStore

from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError, ScopeError
from lightmem_integrations.langchain import (
    LightMemMemory,
    LightMemRetriever,
    import_documents,
    import_messages,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*deprecated:langchain_core._api.deprecation.LangChainDeprecationWarning",
    "ignore:Please see the migration guide",
)
MAY = dt.datetime(2026, 5, 4, 9, 30, tzinfo=dt.timezone.utc)


def told(memory, user_id="alice", session_id="default"):
    turns = memory.history(user_id=user_id, session_id=session_id)
    return [(turn.role, turn.text) for turn in turns]


@pytest.fixture
def old():
    buffer = ConversationBufferMemory()
    buffer.save_context({"input": "My cat is called Mimi."}, {"output": "Nice."})
    buffer.save_context({"input": "Nice."}, {"output": "Nice."})  # the same words again
    return buffer


@pytest.mark.parametrize("form", ["memory", "history", "messages"])
def test_from_a_buffer_memory(memory, old, form):
    source = {
        "memory": old,
        "history": InMemoryChatMessageHistory(messages=old.chat_memory.messages),
        "messages": iter(old.chat_memory.messages),
    }[form]
    assert import_messages(memory, source, user_id="alice").turns == 4
    assert "My cat is called Mimi." in memory.recall("my cat", user_id="alice").text
    new = LightMemMemory(memory=memory, user_id="alice")
    assert new.load_memory_variables({}) == old.load_memory_variables({})


def test_importing_twice_changes_nothing(memory, old):
    for _ in range(2):
        import_messages(memory, old, user_id="alice")
    assert len(told(memory)) == 4


def test_every_kind_of_message_comes_along(memory):
    call = {"name": "look_up", "args": {}, "id": "c", "type": "tool_call"}
    messages = [
        HumanMessage("Weather?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("rain", tool_call_id="c"),
        AIMessage(""),
        AIMessage("It rains."),
    ]
    done = import_messages(
        memory, messages, user_id="alice", session_id="s", said_at=lambda message: MAY
    )
    turns = memory.history(user_id="alice", session_id="s")
    assert (done.turns, done.skipped) == (4, 1)
    assert [turn.role for turn in turns] == ["user", "assistant", "tool", "assistant"]
    assert {turn.time for turn in turns} == {MAY}


def test_from_a_vector_store_memory(memory):
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    old = VectorStoreRetrieverMemory(retriever=store.as_retriever(), memory_key="history")
    old.save_context({"input": "My cat is called Mimi.\nShe is old."}, {"output": "Nice."})
    old.save_context({"input": "My dog is called Bo."}, {"output": "Nice, too."})
    documents = [
        Document(each["text"], id=each["id"], metadata=each["metadata"])
        for each in store.store.values()
    ]
    assert import_documents(memory, documents, user_id="alice", session_id="old").turns == 4
    assert told(memory, session_id="old") == [
        ("user", "My cat is called Mimi.\nShe is old."),
        ("assistant", "Nice."),
        ("user", "My dog is called Bo."),
        ("assistant", "Nice, too."),
    ]
    found = LightMemRetriever(memory=memory, user_id="alice").invoke("What is my dog called?")
    assert found[0].page_content == "My dog is called Bo."


@pytest.mark.parametrize(
    "when",
    [MAY, "2026-05-04T09:30:00Z", "2026-05-04T09:30:00", MAY.timestamp(), MAY.replace(tzinfo=None)],
)
def test_metadata_say_who_and_when(memory, when):
    documents = [
        Document("I like tea.", metadata={"timestamp": when, "topic": "a"}),
        Document("Noted.", metadata={"role": "assistant", "topic": "a"}),
        Document(" ", metadata={"topic": "b"}),
    ]
    for _ in range(2):
        done = import_documents(memory, documents, user_id="alice", session_key="topic")
    assert (done.turns, done.skipped) == (2, 1)
    assert told(memory, session_id="a") == [("user", "I like tea."), ("assistant", "Noted.")]
    assert memory.history(user_id="alice", session_id="a")[0].time == MAY


def test_many_turns(memory):
    messages = [HumanMessage(f"number {n}") for n in range(1_203)]
    assert import_messages(memory, messages, user_id="alice").turns == 1_203
    assert [text for _, text in told(memory)] == [message.text for message in messages]


def test_what_cannot_be_imported_is_named(memory):
    with pytest.raises(InvalidRequestError, match="no messages"):
        import_messages(memory, 7, user_id="alice")
    with pytest.raises(InvalidRequestError, match=r"'hello' among its messages, a str. Pass mess"):
        import_messages(memory, ["hello"], user_id="alice")
    with pytest.raises(InvalidRequestError, match=r"'hello' among them, a str. Pass such as Doc"):
        import_documents(memory, ["hello"], user_id="alice")
    bad = [Document("x", metadata={"timestamp": "yesterday"})]
    with pytest.raises(InvalidRequestError, match="yesterday"):
        import_documents(memory, bad, user_id="alice")
    with pytest.raises(InvalidTurnError, match="time zone"):
        import_messages(
            memory,
            [HumanMessage("x")],
            user_id="alice",
            said_at=lambda _: dt.datetime(2026, 1, 1),  # noqa: DTZ001
        )
    for both in ({}, {"user_id": "alice", "user_key": "who"}):
        with pytest.raises(ScopeError):
            import_documents(memory, [Document("x")], **both)
    with pytest.raises(ScopeError):
        import_messages(memory, [], user_id=" ")
    assert memory.users() == ()


def test_a_document_that_is_too_long_is_kept_cut(memory):
    text = "The heron stands in the reeds by the mill. " * 8_200
    import_documents(memory, [Document(text)], user_id="alice")
    (turn,) = memory.history(user_id="alice", session_id="imported")
    assert turn.metadata == {"cut": True}
    assert turn.message["content"] == text
