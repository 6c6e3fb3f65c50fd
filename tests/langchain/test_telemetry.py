"""Calls of the adapters are children of the span that is active where the agent runs."""

import pytest
from langchain.agents import create_agent

from lightmem_integrations import Turn
from lightmem_integrations.langchain import LightMemMiddleware

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
