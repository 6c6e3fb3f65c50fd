"""A store or a model that fails costs memory, not the conversation; ``strict`` raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage

from broken_ledger import broken_ledger
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import LedgerError, StoreClosedError
from lightmem_integrations.llama_index import (
    LightMemBlock,
    LightMemMemory,
    LightMemRetriever,
    MemoryDegradedEvent,
)

# Making an agent reads every attribute of it, deprecated ones of pydantic among them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
    "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
)

HELLO = ChatMessage(role="user", content="Hello")
HI = ChatMessage(role="assistant", content="Hi")


class Fragile:
    """An embedder that breaks on demand."""

    broken = False

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        if self.broken:
            raise RuntimeError("out of memory")
        return [[1.0, float(len(text))] for text in texts]


def of_alice(core: LightMem, **arguments: object) -> LightMemMemory:
    return LightMemMemory.from_defaults(memory=core, user_id="alice", **arguments)


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[tuple[LightMem, Fragile]]:
    embedder = Fragile()
    with LightMem(tmp_path / "fragile", embedder=embedder) as core:
        core.add(Turn(role="user", text="Hello Lisbon"), user_id="alice", session_id="old")
        core.index_pending()
        yield core, embedder


def test_a_broken_model_leaves_the_words_to_find_by(fragile, caplog) -> None:
    core, embedder = fragile
    embedder.broken = True
    memory = of_alice(core)
    memory.put(HELLO)
    assert "Hello Lisbon" in str(memory.get()[0].content)
    assert "degraded" in caplog.text


def test_strict_raises_what_the_model_raised(fragile) -> None:
    core, embedder = fragile
    embedder.broken = True
    memory = of_alice(core, strict=True)
    memory.put(HELLO)
    with pytest.raises(Exception, match="out of memory"):
        memory.get()
    with pytest.raises(Exception, match="out of memory"):
        LightMemRetriever(core, user_id="alice", strict=True).retrieve("Hello")
    assert LightMemRetriever(core, user_id="alice").retrieve("Hello")


def test_messages_are_stored_later_when_the_ledger_fails(core: LightMem, caplog) -> None:
    memory = of_alice(core, session_id="s")
    memory.put(ChatMessage(role="user", content="Before"))
    memory.put(HI)
    with broken_ledger(core):
        memory.put(HELLO)
        assert memory.get()[-1] == HELLO
        memory.put(HI)
        assert memory.get()[-2:] == [HELLO, HI]
    assert "could not be stored" in caplog.text
    memory.put(ChatMessage(role="user", content="After"))
    stored = [turn.text for turn in core.history(user_id="alice", session_id="s")]
    assert stored == ["Before", "Hi", "Hello", "Hi", "After"]


def test_a_new_beginning_is_made_up_for_when_the_ledger_failed(core: LightMem) -> None:
    memory = of_alice(core, session_id="s")
    memory.put_messages([HELLO, HI])
    with broken_ledger(core):
        memory.set([ChatMessage(role="user", content="New"), HI])
        assert [m.content for m in memory.get()] == ["New", "Hi"]
        memory.reset()
        assert memory.get() == []
    assert memory.get_all() == []
    memory.put(ChatMessage(role="user", content="Newer"))
    assert [m.content for m in memory.get_all()] == ["Newer"]
    assert [m.content for m in of_alice(core, session_id="s").get_all()] == ["Newer"]


async def test_an_agent_answers_without_its_store(core: LightMem, script) -> None:
    memory = of_alice(core)
    with broken_ledger(core):
        answer = await FunctionAgent(llm=script("Hi").llm).run(user_msg="Hello", memory=memory)
    assert str(answer) == "Hi"


def test_strict_raises_what_the_ledger_raised(core: LightMem) -> None:
    memory = of_alice(core, strict=True)
    memory.put(HELLO)
    with broken_ledger(core):
        with pytest.raises(Exception, match="turns"):
            memory.put(HI)
        with pytest.raises(Exception, match="turns"):
            memory.get()
    assert memory.get_all() == [HELLO]


def test_a_closed_store_is_a_mistake_and_raises(tmp_path: Path) -> None:
    with LightMem(tmp_path / "m") as core:
        memory = of_alice(core)
    with pytest.raises(StoreClosedError):
        memory.put(HELLO)
    with pytest.raises(StoreClosedError):
        memory.get()


def test_what_is_logged_holds_no_memory(core: LightMem, caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="lightmem_integrations.llama_index")
    memory = of_alice(core)
    with broken_ledger(core):
        memory.put(ChatMessage(role="user", content="My secret is 4711."))
    ours = [each for each in caplog.records if "llama_index" in each.name]
    assert ours
    assert not any("4711" in each.getMessage() for each in ours)


def test_whoever_asked_is_told_of_a_failure(core: LightMem) -> None:
    heard: list[Exception] = []
    seen: list[MemoryDegradedEvent] = []

    class Handler(BaseEventHandler):
        def handle(self, event: object, **_: object) -> None:
            if isinstance(event, MemoryDegradedEvent):
                seen.append(event)

    memory = of_alice(core, on_error=heard.append)
    handler, root = Handler(), get_dispatcher()
    root.add_event_handler(handler)
    try:
        with broken_ledger(core):
            memory.put(ChatMessage(role="user", content="My secret is 4711."))
    finally:
        root.event_handlers.remove(handler)
    assert [type(error) for error in heard] == [LedgerError]
    assert [event.error for event in seen] == ["LedgerError"]
    assert "4711" not in str([event.model_dump() for event in seen])


def test_a_degraded_recall_is_told_too(fragile) -> None:
    core, embedder = fragile
    heard: list[Exception] = []
    memory = of_alice(core, on_error=heard.append)
    embedder.broken = True
    memory.put(HELLO)
    memory.get()
    assert heard


def test_a_listener_that_fails_fails_no_turn(core: LightMem) -> None:
    def listen(error: Exception) -> None:
        raise RuntimeError("the listener is broken")

    memory = of_alice(core, on_error=listen)
    with broken_ledger(core):
        memory.put(HELLO)
        assert memory.get() == [HELLO]


def test_no_message_is_lost_in_a_conversation_with_a_failing_store(core: LightMem) -> None:
    memory = of_alice(core, session_id="s")
    said = []
    for number in range(6):
        said += [f"Question {number}", f"Answer {number}"]
        for message in (
            ChatMessage(role="user", content=said[-2]),
            ChatMessage(role="assistant", content=said[-1]),
        ):
            if number % 2:
                with broken_ledger(core):
                    memory.put(message)
                    memory.get()
            else:
                memory.put(message)
    memory.put(ChatMessage(role="user", content="Bye"))
    assert [turn.text for turn in core.history(user_id="alice", session_id="s")] == [*said, "Bye"]


PASSPORT = ChatMessage(role="user", content="My passport is 4711.")


def test_what_waits_for_a_store_that_failed_is_forgotten_with_the_rest(core: LightMem) -> None:
    memory = of_alice(core, session_id="s", strict=False)
    with broken_ledger(core):
        memory.put(PASSPORT)
    core.forget(user_id="alice")
    memory.put(HELLO)
    assert memory.get_all() == [HELLO]
    assert [turn.text for turn in core.history(user_id="alice", session_id="s")] == ["Hello"]


async def test_what_waits_in_a_block_is_forgotten_with_the_rest(core: LightMem) -> None:
    block = LightMemBlock(memory=core, user_id="alice", session_id="s")
    with broken_ledger(core):
        await block.aput([PASSPORT])
    core.forget(user_id="alice")
    await block.aput([HELLO])
    assert [turn.text for turn in core.history(user_id="alice", session_id="s")] == ["Hello"]


async def test_a_question_that_is_forgotten_during_an_agents_run_stays_forgotten(
    core: LightMem, script
) -> None:
    def forget_me() -> str:
        """Forget all that is known about the user."""
        return str(core.forget(user_id="alice").turns)

    call = ToolCallBlock(tool_call_id="1", tool_name="forget_me", tool_kwargs={})
    says = script(ChatMessage(role="assistant", blocks=[call]), "Done.")
    agent = FunctionAgent(llm=says.llm, tools=[forget_me])
    memory = of_alice(core, session_id="s", strict=False)
    with broken_ledger(core):
        memory.put(PASSPORT)
    await agent.run(user_msg="Forget my passport 4711.", memory=memory)
    assert not [t for t in core.history(user_id="alice", session_id="s") if "4711" in t.text]
    found = core.recall("passport 4711", user_id="alice", strict=True)
    assert "4711" not in "".join(hit.text for hit in found.hits)


def test_a_question_that_an_engine_puts_once_it_is_answered_stays_forgotten(
    core: LightMem, script
) -> None:
    class Forgets(LightMemRetriever):
        def _retrieve(self, query_bundle):
            core.forget(user_id="alice")
            return []

    says = script("Done.")
    engine = CondensePlusContextChatEngine.from_defaults(
        retriever=Forgets(memory=core, user_id="alice"), llm=says.llm,
        memory=of_alice(core, session_id="s"),
    )  # fmt: skip
    engine.chat("Forget my passport 4711.")
    assert [t.role for t in core.history(user_id="alice", session_id="s")] == ["assistant"]
