"""A memory that is slow or broken: the answer comes all the same, and in time."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from blockbuster import blockbuster_ctx
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.errors import IndexUnavailableError, ModelUnavailableError
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    LightMemRetriever,
    LightMemToolkit,
    record_turns,
)

QUESTION = {"messages": [("user", "What is my cat called?")]}
SLACK = 0.15


def make_agent(model, memory, **options):
    return create_agent(model, middleware=[LightMemMiddleware(memory, user_id="alice", **options)])


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen within a minute"
        time.sleep(0.01)


def time_without_memory(model):
    """What the agent itself takes, on this machine and now."""
    agent = create_agent(model)
    agent.invoke(QUESTION)
    started = time.monotonic()
    agent.invoke(QUESTION)
    return time.monotonic() - started


@pytest.mark.parametrize("slow", ["recall_takes", "add_takes", "both"])
def test_a_slow_memory_keeps_the_budget(memory, scripted, caplog, slow):
    model = scripted()
    agent = make_agent(model, memory, recall_seconds=0.2)
    agent.invoke(QUESTION)
    memory.warm_up()
    memory.index_pending()  # leaves no work behind
    allowed = 0.2 + SLACK + time_without_memory(model)
    for each in ("recall_takes", "add_takes") if slow == "both" else (slow,):
        setattr(memory, each, 0.7)

    started = time.monotonic()
    result = agent.invoke(QUESTION)
    assert time.monotonic() - started < allowed
    assert result["messages"][-1].text == "Fine."
    assert "<memory>" not in model.prompts[-1][-1].text or slow == "add_takes"
    assert ("Recall took over 0.2 s" in caplog.text) == (slow != "add_takes")
    wait_for(lambda: len(memory.history(user_id="alice")) == 4)


@pytest.mark.parametrize("slow", ["recall_takes", "add_takes", "both"])
async def test_a_slow_memory_keeps_the_budget_async(memory, scripted, slow):
    model = scripted()
    agent = make_agent(model, memory, recall_seconds=0.2)
    await agent.ainvoke(QUESTION)
    await memory.aindex_pending()
    allowed = 0.2 + SLACK + time_without_memory(model)
    for each in ("recall_takes", "add_takes") if slow == "both" else (slow,):
        setattr(memory, each, 0.7)

    started = time.monotonic()
    result = await agent.ainvoke(QUESTION)
    assert time.monotonic() - started < allowed
    assert result["messages"][-1].text == "Fine."
    await asyncio.to_thread(wait_for, lambda: len(memory.history(user_id="alice")) == 4)


def test_a_slow_memory_does_not_pile_up_threads(memory, scripted):
    memory.recall_takes = 0.4
    agent = make_agent(scripted(), memory, recall_seconds=0.01)
    before = threading.active_count()
    for _ in range(30):
        agent.invoke(QUESTION)
    assert threading.active_count() <= before + 5
    wait_for(lambda: len(memory.history(user_id="alice")) == 60)


def test_a_recall_that_comes_late_serves_the_next_model_call(memory, scripted, remember):
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool

    @tool
    def nap() -> str:
        """Take a nap."""
        time.sleep(0.5)
        return "rested"

    remember("alice", "My cat is called Mimi.")
    memory.recall_takes = 0.3
    call = AIMessage("", tool_calls=[{"name": "nap", "args": {}, "id": "c"}])
    model = scripted(call, "Mimi.")
    agent = create_agent(
        model,
        tools=[nap],
        middleware=[LightMemMiddleware(memory, user_id="alice", recall_seconds=0.05)],
    )
    agent.invoke(QUESTION)
    assert "Mimi" not in model.prompts[0][0].text
    assert "Mimi" in model.prompts[1][0].text
    assert len(memory.recalls) == 1


def test_a_broken_memory_does_not_break_the_turn(memory, scripted, caplog):
    memory.fault = IndexUnavailableError("disk is gone")
    result = make_agent(scripted(), memory, recall_seconds=30).invoke(QUESTION)
    assert result["messages"][-1].text == "Fine."
    assert "Recall failed: IndexUnavailableError: disk is gone" in caplog.text
    assert "Recording failed: IndexUnavailableError: disk is gone" in caplog.text


async def test_a_broken_memory_does_not_break_the_turn_async(memory, scripted, caplog):
    memory.fault = IndexUnavailableError("disk is gone")
    result = await make_agent(scripted(), memory, recall_seconds=30).ainvoke(QUESTION)
    assert result["messages"][-1].text == "Fine."
    assert "Recall failed" in caplog.text


def test_a_closed_memory_does_not_break_the_turn(memory, scripted):
    agent = make_agent(scripted(), memory, recall_seconds=30)
    memory.close()
    assert agent.invoke(QUESTION)["messages"][-1].text == "Fine."


async def test_strict_raises(memory, scripted):
    memory.fault = IndexUnavailableError("disk is gone")
    agent = make_agent(scripted(), memory, strict=True, recall_seconds=30)
    with pytest.raises(IndexUnavailableError):
        agent.invoke(QUESTION)
    with pytest.raises(IndexUnavailableError):
        await agent.ainvoke(QUESTION)


def test_strict_raises_if_only_recording_fails(memory, scripted):
    class OnlyReads(type(memory)):
        def add(self, turns, **kwargs):
            raise IndexUnavailableError("disk is full")

    with OnlyReads() as reading:
        agent = make_agent(scripted(), reading, strict=True, recall_seconds=30)
        with pytest.raises(IndexUnavailableError, match="full"):
            agent.invoke(QUESTION)


async def test_the_event_loop_is_never_blocked(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.")
    model = scripted()
    agent = make_agent(model, memory, recall_seconds=30)
    await agent.ainvoke(QUESTION)  # imports and loads what is imported on first use
    with blockbuster_ctx():
        await agent.ainvoke(QUESTION)
        async for _ in agent.astream(QUESTION, stream_mode="messages"):
            pass
    assert "Mimi" in model.last_prompt


async def test_a_synchronous_call_on_an_event_loop_works(memory, scripted, remember):
    """As in every notebook; and nothing else than the waiting that was asked for blocks."""
    remember("alice", "My cat is called Mimi.")
    model = scripted()
    agent = make_agent(model, memory, recall_seconds=30)
    agent.invoke(QUESTION)
    with blockbuster_ctx():
        agent.invoke(QUESTION)
    assert "Mimi" in model.last_prompt
    assert len(memory.history(user_id="alice")) == 4


async def longest_pause(work):
    """How long the event loop stood still at most, in seconds, while this was awaited."""
    longest, last, stop = 0.0, time.monotonic(), False

    async def tick():
        nonlocal longest, last
        while not stop:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    ticking = asyncio.create_task(tick())
    await work
    stop = True
    await ticking
    return longest


async def test_the_event_loop_goes_on_while_memory_works(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.")
    agent = make_agent(scripted(), memory, recall_seconds=30)
    bound = {"memory": memory, "user_id": "alice"}
    search, keep, *_ = LightMemToolkit(**bound).get_tools()
    chain = record_turns(RunnableLambda(lambda _: "Fine."), memory, user_id="alice")
    classic = LightMemMemory(**bound)
    history = LightMemChatMessageHistory(memory, user_id="alice")
    works = {
        "agent": lambda: agent.ainvoke(QUESTION),
        "recall": lambda: LightMemRecall(recall_seconds=30, **bound).ainvoke("my cat"),
        "record": lambda: chain.ainvoke("Hello?"),
        "search": lambda: search.ainvoke({"query": "my cat"}),
        "remember": lambda: keep.ainvoke({"text": "Alice likes cats."}),
        "retriever": lambda: LightMemRetriever(**bound).ainvoke("my cat"),
        "load": lambda: classic.aload_memory_variables({"input": "my cat"}),
        "save": lambda: classic.asave_context({"input": "a"}, {"output": "b"}),
        "history": lambda: history.aadd_messages([HumanMessage("Hi.")]),
    }
    for work in works.values():
        await work()  # imports and loads what is imported on first use
    memory.recall_takes = memory.add_takes = 0.8
    pauses = {name: await longest_pause(work()) for name, work in works.items()}
    assert {name: pause for name, pause in pauses.items() if pause > 0.4} == {}


async def test_a_cancelled_run_leaves_the_memory_usable(memory, scripted):
    await memory.awarm_up()
    memory.recall_takes = 0.3
    agent = make_agent(scripted(), memory, recall_seconds=30)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(agent.ainvoke(QUESTION), timeout=0.1)
    memory.recall_takes = 0.0
    await agent.ainvoke(QUESTION)
    recorded = [turn.role for turn in memory.history(user_id="alice")]
    assert recorded == ["user", "user", "assistant"]


def test_a_loop_that_ends_before_a_slow_recall_is_no_error(memory, scripted, caplog):
    memory.recall_takes = 0.3
    agent = make_agent(scripted(), memory, recall_seconds=0.05)
    asyncio.run(agent.ainvoke(QUESTION))
    wait_for(lambda: len(memory.history(user_id="alice")) == 2)
    time.sleep(0.4)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


class Loading:
    """An embedder whose model takes long to load, or cannot be loaded."""

    name = "loading"

    def __init__(self, seconds=0.0, fault=None):
        self.seconds, self.fault, self.answered = seconds, fault, False
        self.began, self.loaded = threading.Event(), threading.Event()

    def embed_documents(self, texts):
        self.began.set()
        self.loaded.wait(self.seconds)
        self.answered = True
        if self.fault is not None:
            raise self.fault
        return [[1.0, 0.0] for _ in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def logged(caplog):
    return [record.getMessage() for record in (*caplog.get_records("setup"), *caplog.records)]


@pytest.fixture
def loading(request):
    """A memory that knows Alice's cat, while its embedder loads."""
    embedder = Loading(**request.param)
    with LightMem(embedder=embedder, settings=Settings(close_seconds=1)) as memory:
        memory.add(Turn(role="user", text="My cat is called Tom."), user_id="alice")
        memory.loading_model = embedder
        yield memory
        embedder.loaded.set()


@pytest.mark.parametrize("loading", [{"seconds": 60.0}], indirect=True)
def test_neither_opening_nor_an_agent_waits_for_the_models(loading):
    started = time.monotonic()
    LightMemMiddleware(loading)
    LightMemRecall(memory=loading)
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("loading", [{"seconds": 60.0}], indirect=True)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_first_question_is_answered_while_the_models_load(
    loading, scripted, caplog, asynchronous
):
    model = scripted()
    agent = make_agent(model, loading, recall_seconds=2)
    if asynchronous:
        asyncio.run(agent.ainvoke(QUESTION))
    else:
        agent.invoke(QUESTION)
    assert not loading.loading_model.answered, "it waited for the models"
    assert "My cat is called Tom." in model.prompts[0][0].text
    assert "s left of recall_seconds" in caplog.text


@pytest.mark.parametrize("loading", [{"fault": ModelUnavailableError("no weights")}], indirect=True)
def test_models_that_cannot_be_loaded_are_logged(loading, scripted, caplog):
    model = scripted()
    agent = make_agent(model, loading, recall_seconds=30)
    wait_for(lambda: any("Loading the models failed" in said for said in logged(caplog)))
    assert any("no weights" in said for said in logged(caplog))
    assert agent.invoke(QUESTION)["messages"][-1].text == "Fine."
    assert "My cat is called Tom." in model.prompts[0][0].text


def test_a_recall_that_is_late_names_the_setting(memory, scripted, caplog):
    memory.recall_takes = 0.5
    make_agent(scripted(), memory, recall_seconds=0.05).invoke(QUESTION)
    assert "larger recall_seconds=" in caplog.text


def test_what_is_still_being_recorded_is_recalled(memory, scripted):
    memory.warm_up()
    model = scripted("Noted.", "Tom.")
    agent = make_agent(model, memory, recall_seconds=10)
    memory.add_takes = 0.5

    def say(thread, text):
        config = {"configurable": {"thread_id": thread}}
        agent.invoke({"messages": [("user", text)]}, config)

    say("monday", "My cat is called Tom.")
    memory.add_takes = 0.0
    say("friday", "What is my cat called?")
    assert "My cat is called Tom." in model.prompts[1][0].text
