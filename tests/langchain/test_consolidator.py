"""The job of consolidation tells how far it is and what it costs, and passes limits on."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from lightmem_integrations import ConsolidationReport, LightMemError, Progress, Turn
from lightmem_integrations.langchain import LightMemConsolidator
from scripted_model import ScriptedModel

ANSWER = {"summary": "Alice talks of roses.", "keywords": [], "entities": [], "facts": []}
MAY = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)


@pytest.fixture
def roses(memory):
    for day in range(4):
        turn = Turn(role="user", text=f"I have {day + 2} roses.", time=MAY + dt.timedelta(days=day))
        memory.add(turn, user_id="alice", session_id=f"s{day}")
    return memory


def job(memory, **options):
    return LightMemConsolidator(
        memory=memory, options={"writer": ScriptedModel(ANSWER), **options}
    )  # fmt: skip


def costs(steps):
    return [(each.done, each.calls, each.tokens) for each in steps]


FOUR = [(0, 0, 0), (1, 1, 120), (2, 2, 240), (3, 3, 360), (4, 4, 480)]


def test_a_stream_tells_what_it_cost_so_far_and_ends_with_the_report(roses):
    *steps, report = job(roses).stream("alice")
    assert all(isinstance(each, Progress) for each in steps)
    assert costs(steps) == FOUR
    assert steps[0].tokens_left > 0
    assert steps[-1].tokens_left == 0
    assert isinstance(report, ConsolidationReport)
    assert (report.written, report.calls) == (4, 4)


async def test_a_stream_to_await(roses):
    *steps, report = [step async for step in job(roses).astream({"user_id": "alice"})]
    assert costs(steps) == FOUR
    assert report.written == 4


class Slow(ScriptedModel):
    """Leaves a listener the time to stop."""

    def complete(self, messages, **options):
        time.sleep(0.2)
        return super().complete(messages, **options)


def test_who_stops_listening_ends_the_run_and_loses_nothing(roses):
    for step in job(roses, writer=Slow(ANSWER)).stream("alice"):
        if step.done == 1:
            break
    done = len(roses.episodes(user_id="alice"))
    assert 1 <= done < 4
    assert job(roses).invoke("alice").written == 4 - done


async def test_who_stops_listening_to_a_stream_to_await_ends_the_run_too(roses):
    steps = job(roses, writer=Slow(ANSWER)).astream("alice")
    async for step in steps:
        if step.done == 1:
            break
    await steps.aclose()
    while (rest := await job(roses).ainvoke("alice")).busy:
        await asyncio.sleep(0.05)
    assert rest.written >= 1
    assert len(roses.episodes(user_id="alice")) == 4


def test_a_failure_is_raised_in_the_stream(roses, monkeypatch):
    def broken(**_: Any) -> None:
        raise LightMemError("no disk")

    monkeypatch.setattr(roses, "consolidate", broken)
    with pytest.raises(LightMemError, match="no disk"):
        list(job(roses).stream("alice"))


@pytest.mark.filterwarnings("ignore:This API is in beta")
async def test_it_is_told_as_events(roses):
    events = [
        event["data"]
        async for event in job(roses).astream_events("alice", version="v2")
        if event["event"] == "on_custom_event" and event["name"] == "lightmem_consolidation"
    ]
    assert [(each["user_id"], each["done"], each["tokens"]) for each in events] == [
        ("alice", done, tokens) for done, _, tokens in FOUR
    ]


class State(TypedDict):
    user_id: str


def graph_of(step):
    graph = StateGraph(State)
    graph.add_node("sleep", lambda state, config: step.invoke(state, config) and {})
    graph.add_edge(START, "sleep")
    graph.add_edge("sleep", END)
    return graph.compile()


def test_a_graph_streams_it(roses):
    told = graph_of(job(roses)).stream({"user_id": "alice"}, stream_mode="custom")
    assert costs(told) == FOUR


async def test_limits_are_passed_on_and_ones_own_listener_hears_too(roses):
    heard: list[Progress] = []
    report = await job(roses, max_tokens=250, on_progress=heard.append).ainvoke("alice")
    assert (report.written, report.tokens, report.turns_left) == (2, 240, 2)
    assert "max_tokens=250" in report.stopped
    assert costs(heard)[:3] == FOUR[:3]
