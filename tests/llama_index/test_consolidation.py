"""Consolidation as components: a transform for pipelines, and a workflow that reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document, TextNode

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError, ScopeError
from lightmem_integrations.llama_index import (
    Consolidated,
    ConsolidateTurns,
    ConsolidationProgress,
    ConsolidationWorkflow,
    UserConsolidated,
)

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
            turn = Turn(role="user", speaker=name, text="I live in Porto.", time=when)
            store.add(turn, user_id=name, session_id=f"day {day}")
    return store


async def test_every_user_is_consolidated_and_reported(filled: LightMem) -> None:
    handler = ConsolidationWorkflow(filled).run()
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
        assert fact.statement == f"{name.title()} lives in Porto."
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
    with pytest.raises(InvalidRequestError):
        await ConsolidationWorkflow(filled).run(max_batches=0)


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


@pytest.mark.parametrize("metadata", [{"role": "robot"}, {"when": "yesterday"}])
def test_what_makes_no_turn_is_refused(store: LightMem, metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidTurnError):
        ConsolidateTurns(memory=store, user_id="alice")([said("Hello", **metadata)])
    assert store.users() == ()
