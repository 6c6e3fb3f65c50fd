"""Consolidation as components: a transform for pipelines, and a workflow that reports."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document, TextNode

from lightmem_integrations import LightMem, Progress, Turn
from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError, ScopeError
from lightmem_integrations.llama_index import (
    Consolidated,
    ConsolidateTurns,
    ConsolidationProgress,
    ConsolidationWorkflow,
    UserConsolidated,
)
from lightmem_integrations.testing import ScriptedWriter

USERS = ("alice", "bob", "carol")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LightMem]:
    with LightMem(tmp_path / "memory") as memory:
        yield memory


@pytest.fixture
def filled(store: LightMem) -> LightMem:
    for name in USERS:
        for day in (1, 2, 3):
            when = dt.datetime(2026, 5, day, tzinfo=dt.timezone.utc)
            turn = Turn(role="user", speaker=name, text=f"{name}.home = Porto", time=when)
            store.add(turn, user_id=name, session_id=f"day {day}")
    return store


async def test_every_user_is_consolidated_and_reported(filled: LightMem) -> None:
    handler = ConsolidationWorkflow(filled).run(writer=ScriptedWriter())
    events = [event async for event in handler.stream_events()]
    outcome = await handler
    assert isinstance(outcome, Consolidated)
    assert outcome.failed == {}
    assert {name: report.written for name, report in outcome.reports.items()} == {
        "alice": 3,
        "bob": 3,
        "carol": 3,
    }
    for name in USERS:
        steps = [e for e in events if isinstance(e, ConsolidationProgress) and e.user_id == name]
        assert (steps[-1].done, steps[-1].total) == (3, 3)
        (fact,) = filled.facts(user_id=name)
        assert fact.statement == f"{name} home Porto."
    done = [event for event in events if isinstance(event, UserConsolidated)]
    assert {event.user_id for event in done} == set(USERS)


async def test_one_users_failure_is_told_and_the_others_go_on(
    filled: LightMem, monkeypatch: pytest.MonkeyPatch
) -> None:
    consolidate = filled.consolidate

    def broken_for_carol(**arguments: Any) -> object:
        if arguments["user_id"] == "carol":
            raise RuntimeError("no room")
        return consolidate(**arguments)

    monkeypatch.setattr(filled, "consolidate", broken_for_carol)
    outcome = await ConsolidationWorkflow(filled).run(max_batches=1)
    assert outcome.failed == {"carol": "RuntimeError: no room"}
    assert sorted(outcome.reports) == ["alice", "bob"]


class Frugal(ScriptedWriter):
    """Says that each episode took a call and 100 tokens of a model."""

    def write(self, turns: Any) -> Any:
        return dataclasses.replace(super().write(turns), calls=1, tokens=100)


async def test_cost_is_streamed_and_a_limit_holds_for_all_users_together(filled: LightMem) -> None:
    handler = ConsolidationWorkflow(filled).run(max_tokens=450, writer=Frugal())
    events = [event async for event in handler.stream_events()]
    outcome = await handler
    told = [e for e in events if isinstance(e, ConsolidationProgress) and e.user_id == "alice"]
    assert [each.tokens for each in told] == [0, 100, 200, 300]
    assert [each.tokens_left for each in told] == [0, 200, 100, 0]
    reports = outcome.reports
    assert {name: (each.written, each.turns_left) for name, each in reports.items()} == {
        "alice": (3, 0),
        "bob": (1, 2),
        "carol": (0, 3),
    }
    assert "max_tokens=150" in reports["bob"].stopped
    rest = await ConsolidationWorkflow(filled).run(writer=Frugal())
    assert [rest.reports[name].written for name in USERS] == [0, 2, 3]


async def test_the_cost_of_all_users_is_known_before(filled: LightMem) -> None:
    outcome = await ConsolidationWorkflow(filled).run(dry_run=True)
    assert [outcome.reports[name].turns_left for name in USERS] == [3, 3, 3]
    assert all(each.tokens_left > 0 and each.written == 0 for each in outcome.reports.values())


async def test_only_some_users(filled: LightMem) -> None:
    outcome = await ConsolidationWorkflow(filled).run(user_ids=["bob"])
    assert list(outcome.reports) == ["bob"]
    assert outcome.failed == {}


async def test_one_user_is_not_taken_letter_by_letter(filled: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match="user_ids is 'alice'; pass a list"):
        await ConsolidationWorkflow(filled).run(user_ids="alice")


async def test_nobody_to_consolidate(store: LightMem) -> None:
    outcome = await ConsolidationWorkflow(store).run()
    assert outcome.reports == outcome.failed == {}


async def test_a_workflow_runs_again(filled: LightMem) -> None:
    workflow = ConsolidationWorkflow(filled)
    first, second = await workflow.run(), await workflow.run()
    assert [report.written for report in first.reports.values()] == [3, 3, 3]
    assert [report.written for report in second.reports.values()] == [0, 0, 0]


async def test_senseless_arguments_are_refused(filled: LightMem) -> None:
    with pytest.raises(ScopeError):
        await ConsolidationWorkflow(filled).run(user_ids=["*"])
    for wrong in ({"max_batches": 0}, {"max_tokens": 0}, {"max_call": 3}):
        with pytest.raises(InvalidRequestError):
            await ConsolidationWorkflow(filled).run(**wrong)


def said(text: str, **metadata: Any) -> TextNode:
    return TextNode(text=text, metadata=metadata)


def test_a_pipeline_remembers_and_consolidates(store: LightMem) -> None:
    when = "2026-05-01T09:00:00+00:00"
    nodes = [
        said("I moved to Lisbon.", speaker="Alice", when=when, session_id="may"),
        said("Nice.", role="assistant", when=when, session_id="may"),
        said("  "),
    ]
    pipeline = IngestionPipeline(
        transformations=[ConsolidateTurns(memory=store, user_id="alice")], disable_cache=True
    )
    assert list(pipeline.run(nodes=nodes)) == nodes
    pipeline.run(nodes=nodes)
    turns = store.history(user_id="alice", session_id="may")
    assert [(turn.role, turn.text, turn.speaker) for turn in turns] == [
        ("user", "I moved to Lisbon.", "Alice"),
        ("assistant", "Nice.", None),
    ]
    assert turns[0].time == dt.datetime.fromisoformat(when)


async def test_a_document_is_a_session_and_async_does_the_same(store: LightMem) -> None:
    pipeline = IngestionPipeline(transformations=[ConsolidateTurns(memory=store, user_id="alice")])
    document = Document(text="I play the cello.", doc_id="diary")
    await pipeline.arun(documents=[document])
    assert store.recall("Which instrument?", user_id="alice").hits
    assert len(store.sessions(user_id="alice")) == 1


def test_a_pipeline_passes_limits_on_and_keeps_the_report(store: LightMem) -> None:
    heard: list[Progress] = []
    step = ConsolidateTurns(
        memory=store, user_id="alice", max_calls=2, writer=Frugal(), on_progress=heard.append
    )
    assert step.report is None
    step([said(f"Alice.likes + tea{n}", session_id=f"s{n}") for n in range(3)])
    assert step.report is not None
    assert (step.report.written, step.report.calls, step.report.turns_left) == (2, 2, 1)
    assert "max_calls=2" in step.report.stopped
    assert [each.tokens for each in heard][:3] == [0, 100, 200]
    assert len(store.facts(user_id="alice")) == 2
    with pytest.raises(InvalidRequestError, match="max_token"):
        ConsolidateTurns(memory=store, user_id="alice", max_token=2)


@pytest.mark.parametrize("metadata", [{"role": "robot"}, {"when": "yesterday"}])
def test_what_makes_no_turn_is_refused(store: LightMem, metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidTurnError):
        ConsolidateTurns(memory=store, user_id="alice")([said("Hello", **metadata)])
    assert store.users() == ()
