"""LlamaIndex's own chat engines, with this memory and a chat model that answers by script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import LightMemMemory, LightMemRetriever

LISBON = "I moved to Lisbon in May."
WHERE = "Where do I live?"


class OnePage(BaseRetriever):
    """Documents that say nothing about the user."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(text="Trains leave at nine."), score=1.0)]


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(Turn(role="user", text=LISBON), user_id="alice", session_id="old")
    return core


def of_alice(core: LightMem, **arguments: Any) -> LightMemMemory:
    return LightMemMemory.from_defaults(
        **{"memory": core, "user_id": "alice", "strict": True} | arguments
    )


def said(memory: LightMemMemory) -> list[str | None]:
    return [message.content for message in memory.get_all()]


def wait_for(happened: Callable[[], bool]) -> bool:
    """Streamed answers are stored from a thread or a task of the engine."""
    until = time.monotonic() + 10
    while not happened() and time.monotonic() < until:
        time.sleep(0.01)
    return happened()


def test_a_simple_chat(known: LightMem, script) -> None:
    says = script("In Lisbon.", "Welcome.")
    memory = of_alice(known)
    bot = SimpleChatEngine.from_defaults(llm=says.llm, memory=memory, system_prompt="Be brief.")
    assert str(bot.chat(WHERE)) == "In Lisbon."
    assert [message.role.value for message in says.prompts[0]] == ["system", "user"]
    assert LISBON in says.said_to(0)
    bot.chat("Thanks")
    assert [m.content for m in says.prompts[1]][1:3] == [WHERE, "In Lisbon."]
    assert bot.chat_history == memory.get_all()
    bot.reset()
    assert bot.chat_history == []
    bot.chat("Remind me, in which city do I live?")
    assert LISBON in says.said_to(2)


def test_a_streamed_chat_is_stored_once_it_was_read(known: LightMem, script) -> None:
    memory = of_alice(known)
    bot = SimpleChatEngine.from_defaults(llm=script("In Lisbon.").llm, memory=memory)
    stream = bot.stream_chat(WHERE)
    assert "".join(stream.response_gen) == "In Lisbon."
    assert wait_for(lambda: said(memory) == [WHERE, "In Lisbon."])


async def test_an_async_streamed_chat(known: LightMem, script) -> None:
    memory = of_alice(known)
    says = script("In Lisbon.", "Bye.")
    bot = SimpleChatEngine.from_defaults(llm=says.llm, memory=memory)
    stream = await bot.astream_chat(WHERE)
    assert "".join([part async for part in stream.async_response_gen()]) == "In Lisbon."
    assert await asyncio.to_thread(wait_for, lambda: len(said(memory)) == 2)
    await bot.achat("Bye")
    assert LISBON in says.said_to(0)
    assert said(memory) == [WHERE, "In Lisbon.", "Bye", "Bye."]


def test_a_class_bound_to_a_user_can_be_handed_to_an_engine(known: LightMem, script) -> None:
    says = script("In Lisbon.")
    bound = LightMemMemory.bound(memory=known, user_id="alice", session_id="now")
    bot = SimpleChatEngine.from_defaults(llm=says.llm, memory_cls=bound)
    bot.chat(WHERE)
    assert LISBON in says.said_to(0)
    turns = known.history(user_id="alice", session_id="now")
    assert [turn.text for turn in turns] == [WHERE, "In Lisbon."]


@pytest.mark.parametrize("engine", [ContextChatEngine, CondensePlusContextChatEngine])
def test_engines_with_documents(known: LightMem, script, engine: Any) -> None:
    says = script("In Lisbon.", "At nine.")
    memory = of_alice(known)
    bot = engine.from_defaults(
        retriever=OnePage(), llm=says.llm, memory=memory, system_prompt="Be brief."
    )
    assert str(bot.chat(WHERE)) == "In Lisbon."
    assert LISBON in says.said_to(0)
    assert "Trains leave at nine." in says.said_to(0)
    assert str(bot.chat("And my train?")) == "At nine."
    assert WHERE in says.said_to(1)
    assert said(memory) == [WHERE, "In Lisbon.", "And my train?", "At nine."]


@pytest.mark.parametrize("engine", [ContextChatEngine, CondensePlusContextChatEngine])
async def test_engines_with_documents_async(known: LightMem, script, engine: Any) -> None:
    says = script("In Lisbon.")
    memory = of_alice(known)
    bot = engine.from_defaults(retriever=OnePage(), llm=says.llm, memory=memory)
    assert str(await bot.achat(WHERE)) == "In Lisbon."
    assert LISBON in says.said_to(0)
    assert said(memory) == [WHERE, "In Lisbon."]


def test_a_query_bundle_may_be_asked(known: LightMem, script) -> None:
    says = script("In Lisbon.")
    bot = ContextChatEngine.from_defaults(retriever=OnePage(), llm=says.llm, memory=of_alice(known))
    bot.chat(QueryBundle(WHERE))
    assert LISBON in says.said_to(0)


@pytest.mark.parametrize(
    "trick",
    [
        "In Lisbon I say {query_str}",
        "In Lisbon I say {context_str}",
        "In Lisbon I say {existing_answer}",
        'In Lisbon I say {"city": "Lisbon"}',
    ],
)
def test_remembered_braces_are_not_filled_in(core: LightMem, script, trick: str) -> None:
    core.add(Turn(role="user", text=trick), user_id="alice", session_id="old")
    says = script("Hm.", "Hm.")
    bot = ContextChatEngine.from_defaults(retriever=OnePage(), llm=says.llm, memory=of_alice(core))
    bot.chat("What do I say in Lisbon?")
    line = next(each for each in says.said_to(0).splitlines() if "In Lisbon I say" in each)
    assert line.endswith("}")
    assert "Trains" not in line
    assert "What do I" not in line


def test_a_condensing_engine(core: LightMem, script) -> None:
    says = script("At nine.", "At nine.")
    engine = RetrieverQueryEngine.from_args(OnePage(), llm=says.llm)
    memory = of_alice(core)
    bot = CondenseQuestionChatEngine.from_defaults(query_engine=engine, llm=says.llm, memory=memory)
    bot.chat("When does my train leave?")
    assert said(memory) == ["When does my train leave?", "At nine."]


def test_memory_as_the_engines_retriever_needs_one_system_message(known: LightMem, script) -> None:
    says = script("In Lisbon.")
    bot = ContextChatEngine.from_defaults(
        retriever=LightMemRetriever(known, user_id="alice"),
        llm=says.llm,
        memory=of_alice(known, recall=False),
    )
    bot.chat(WHERE)
    assert [message.role.value for message in says.prompts[0]] == ["system", "user"]
    assert LISBON in says.said_to(0)


def test_a_given_history_replaces_the_conversation(core: LightMem, script) -> None:
    says = script("Hello.")
    memory = of_alice(core)
    bot = SimpleChatEngine.from_defaults(llm=says.llm, memory=memory)
    history = [ChatMessage(role="user", content="Hi"), ChatMessage(role="assistant", content="Ho")]
    bot.chat("Hello", chat_history=history)
    assert said(memory) == ["Hi", "Ho", "Hello", "Hello."]
