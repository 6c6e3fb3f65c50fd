"""Consolidation as components: a transform for pipelines, and a workflow that reports."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
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


class Consolidating(LightMem):
    """A store whose consolidation counts turns, so that only the components are tested."""

    def consolidate(
        self,
        user_id: str | None = None,
        max_batches: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Any]:
        assert threading.current_thread() is not threading.main_thread() or on_progress is None
        if user_id == "carol":
            raise RuntimeError("no room")
        for step in range(3):
            if on_progress:
                on_progress(step, 3)
            time.sleep(0.01)
        turns = 0 if user_id is None else self.stats(user_id=user_id).turns
        return {"turns": turns, "max_batches": max_batches}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Consolidating]:
    with Consolidating(tmp_path / "memory") as memory:
        yield memory


@pytest.fixture
def filled(store: Consolidating) -> Consolidating:
    for name in USERS:
        store.add(Turn(role="user", text=f"I am {name}."), user_id=name)
    return store


async def test_every_user_is_consolidated_and_reported(filled: Consolidating) -> None:
    handler = ConsolidationWorkflow(filled).run(max_batches=4)
    events = [event async for event in handler.stream_events()]
    outcome = await handler
    assert isinstance(outcome, Consolidated)
    report = {"turns": 1, "max_batches": 4}
    assert outcome.reports == {"alice": report, "bob": report}
    assert outcome.failed == {"carol": "RuntimeError: no room"}
    for name in ("alice", "bob"):
        steps = [
            (e.done, e.total)
            for e in events
            if isinstance(e, ConsolidationProgress) and e.user_id == name
        ]
        assert steps == [(0, 3), (1, 3), (2, 3)]
    done = [event for event in events if isinstance(event, UserConsolidated)]
    assert {event.user_id for event in done} == set(USERS)


async def test_only_some_users(filled: Consolidating) -> None:
    outcome = await ConsolidationWorkflow(filled).run(user_ids=["bob"])
    assert list(outcome.reports) == ["bob"]
    assert outcome.failed == {}


async def test_nobody_to_consolidate(store: Consolidating) -> None:
    outcome = await ConsolidationWorkflow(store).run()
    assert outcome.reports == outcome.failed == {}


async def test_a_workflow_runs_again(filled: Consolidating) -> None:
    workflow = ConsolidationWorkflow(filled)
    first, second = await workflow.run(), await workflow.run()
    assert first.reports == second.reports


async def test_senseless_arguments_are_refused(filled: Consolidating) -> None:
    with pytest.raises(ScopeError):
        await ConsolidationWorkflow(filled).run(user_ids=["*"])
    with pytest.raises(InvalidRequestError):
        await ConsolidationWorkflow(filled).run(max_batches=0)


def said(text: str, **metadata: Any) -> TextNode:
    return TextNode(text=text, metadata=metadata)


def test_a_pipeline_remembers_and_consolidates(store: Consolidating) -> None:
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


async def test_a_document_is_a_session_and_async_does_the_same(store: Consolidating) -> None:
    pipeline = IngestionPipeline(transformations=[ConsolidateTurns(memory=store, user_id="alice")])
    document = Document(text="I play the cello.", doc_id="diary")
    await pipeline.arun(documents=[document])
    assert store.recall("Which instrument?", user_id="alice").hits
    assert len(store.sessions(user_id="alice")) == 1


@pytest.mark.parametrize("metadata", [{"role": "robot"}, {"when": "yesterday"}])
def test_what_makes_no_turn_is_refused(store: Consolidating, metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidTurnError):
        ConsolidateTurns(memory=store, user_id="alice")([said("Hello", **metadata)])
    assert store.users() == ()


@pytest.mark.skipif(hasattr(LightMem, "consolidate"), reason="this version can consolidate")
async def test_a_version_without_consolidation_says_so(core: LightMem) -> None:
    with pytest.raises(Exception, match=r"has no LightMem\.consolidate"):
        ConsolidateTurns(memory=core, user_id="alice")([said("Hello")])
    with pytest.raises(Exception, match=r"has no LightMem\.consolidate"):
        await ConsolidationWorkflow(core).run()
    assert core.users() == ()
