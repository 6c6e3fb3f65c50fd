"""Calls of a LlamaIndex memory are children of the span that is active where the chat runs."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ChatMessage

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory

pytest.importorskip("opentelemetry.sdk")
from traced import tracing


@pytest.fixture
def traced():
    with pytest.MonkeyPatch.context() as patch:
        yield tracing(patch)


def test_a_memorys_calls_are_below_the_turn(traced, core: LightMem) -> None:
    memory = LightMemMemory.from_defaults(memory=core, user_id="alice", session_id="s")
    with traced.app.start_as_current_span("chat turn"):
        memory.put(ChatMessage(role="user", content="I moved to Lisbon in May."))
        memory.get("Where do I live?")
    assert {traced.parent(span) for span in traced.named("create_memory")} == {"chat turn"}
    assert {traced.parent(span) for span in traced.named("search_memory")} == {"chat turn"}


async def test_awaited_calls_are_below_the_turn(traced, core: LightMem) -> None:
    memory = LightMemMemory.from_defaults(memory=core, user_id="alice", session_id="s")
    with traced.app.start_as_current_span("chat turn"):
        await memory.aput(ChatMessage(role="user", content="I moved to Lisbon in May."))
        await memory.aget("Where do I live?")
    assert {traced.parent(span) for span in traced.named("create_memory")} == {"chat turn"}
    assert {traced.parent(span) for span in traced.named("search_memory")} == {"chat turn"}
