"""Calls of the adapters are children of the span that is active where the agent runs."""

import json

import pytest
from langchain.agents import create_agent
from langgraph.store.base import GetOp, PutOp

from lightmem_integrations import InvalidRequestError, Turn
from lightmem_integrations.langchain import LightMemMiddleware, LightMemStore

pytest.importorskip("opentelemetry.sdk")
from traced import tracing

SAID = {"messages": [("user", "Where do I live now?")]}
RUN = {"configurable": {"thread_id": "friday", "user_id": "alice"}}


@pytest.fixture
def traced():
    with pytest.MonkeyPatch.context() as patch:
        yield tracing(patch)


def check(traced):
    assert "chat turn" in traced.roots(traced.one("search_memory"))
    assert "chat turn" in traced.roots(traced.named("create_memory")[-1])
    assert traced.roots(traced.one("lightmem.recall.embed")) == ["search_memory", "chat turn"]
    assert "alice" not in "".join(span.to_json() for span in traced.spans)


def test_an_agents_memory_is_below_its_turn(traced, memory, scripted):
    memory.add(Turn(role="user", text="I moved to Lisbon in May."), user_id="alice")
    middleware = LightMemMiddleware(memory, recall_seconds=30)
    agent = create_agent(scripted("In Lisbon."), middleware=[middleware])
    with traced.app.start_as_current_span("chat turn"):
        agent.invoke(SAID, RUN)
    check(traced)


async def test_an_awaited_agents_memory_is_below_its_turn(traced, memory, scripted):
    memory.add(Turn(role="user", text="I moved to Lisbon in May."), user_id="alice")
    middleware = LightMemMiddleware(memory, recall_seconds=30)
    agent = create_agent(scripted("In Lisbon."), middleware=[middleware])
    with traced.app.start_as_current_span("chat turn"):
        await agent.ainvoke(SAID, RUN)
    check(traced)


NAMES = ["upsert_memory", "search_memory", "search_memory", "delete_memory"]


def check_items(traced, memory):
    spans = [span for span in traced.spans if "gen_ai.memory.record.count" in span.attributes]
    assert [span.name for span in spans] == NAMES
    assert [span.attributes["gen_ai.operation.name"] for span in spans] == NAMES
    assert [span.attributes["gen_ai.memory.record.count"] for span in spans] == [1, 1, 1, 1]
    assert {traced.parent(span) for span in spans} == {"chat turn"}
    (hashed,) = {span.attributes["lightmem.namespace.hash"] for span in spans}
    assert len(hashed) == 32
    models = [span for span in traced.spans if span.name.startswith("embeddings ")]
    callers = [traced.parent(span) for span in models if span.parent]  # a model warms up alone
    assert callers == ["upsert_memory", "search_memory"]
    told = "".join(span.to_json() for span in traced.spans)
    assert not [word for word in ("alice", "heron", "boat-key") if word in told]
    assert memory.metrics().recalls.count == 0, "a search of items is no recall"


def test_operations_of_a_store_are_below_the_turn_and_tell_nothing_of_an_item(traced, memory):
    store, place = LightMemStore(memory), ("memories", "alice")
    with traced.app.start_as_current_span("chat turn"):
        store.put(place, "boat-key", {"text": "The boat is called heron."})
        assert store.get(place, "boat-key")
        assert store.search(place, query="What is the heron?")
        store.delete(place, "boat-key")
    check_items(traced, memory)


async def test_awaited_operations_of_a_store_are_below_the_turn_of_who_awaits_them(traced, memory):
    store, place = LightMemStore(memory), ("memories", "alice")
    with traced.app.start_as_current_span("chat turn"):
        await store.aput(place, "boat-key", {"text": "The boat is called heron."})
        assert await store.aget(place, "boat-key")
        assert await store.asearch(place, query="What is the heron?")
        await store.adelete(place, "boat-key")
    check_items(traced, memory)


def test_items_are_on_spans_where_somebody_asks_for_content(traced, memory, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    store = LightMemStore(memory)
    put = PutOp(("memories", "alice"), "boat", {"text": "heron"})
    store.batch([put, PutOp(("memories", "bob"), "boat", {"text": "tern"}), GetOp(("x",), "y")])
    store.search(("memories", "alice"), query="heron")
    written = traced.one("upsert_memory").attributes
    assert written["gen_ai.memory.record.count"] == 2
    assert "lightmem.namespace.hash" not in written, "two namespaces in one call have none"
    assert json.loads(json.loads(written["gen_ai.memory.records"])[0]["content"]) == put.value
    missed, found = (span.attributes for span in traced.named("search_memory"))
    assert missed["gen_ai.memory.record.count"] == 0
    assert found["gen_ai.memory.query.text"] == "heron"
    (record,) = json.loads(found["gen_ai.memory.records"])
    assert (record["id"], 0 < record["score"] <= 1) == ("boat", True)
    with pytest.raises(InvalidRequestError):
        store.put(("memories",), "set", {"text": {1, 2}})
    failed = traced.named("upsert_memory")[-1]
    assert failed.attributes["error.type"] == "InvalidRequestError"
