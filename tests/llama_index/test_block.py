"""Memory as a block inside LlamaIndex's own ``Memory``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import BaseMemoryBlock, InsertMethod, Memory

from broken_ledger import broken_ledger
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import InvalidRequestError, LedgerError, ScopeError
from lightmem_integrations.llama_index import LightMemBlock

# Making an agent reads every attribute of it, deprecated ones of pydantic among them.
pytestmark = [
    pytest.mark.usefixtures("stock_memories_closed"),
    pytest.mark.filterwarnings(
        "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
        # by LlamaIndex's agents
        "ignore:is_running called from within a step:DeprecationWarning",
        "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
    ),
]

LISBON = "I moved to Lisbon in May."
WHERE = "Where do I live?"


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=text)


def block_of(core: LightMem, **arguments: Any) -> LightMemBlock:
    return LightMemBlock(**{"memory": core, "user_id": "alice", "strict": True} | arguments)


def holding(block: LightMemBlock, **arguments: Any) -> Memory:
    return Memory.from_defaults(**{"session_id": "now", "memory_blocks": [block]} | arguments)


def stored(core: LightMem, session_id: str = "now") -> list[str]:
    return [turn.text for turn in core.history(user_id="alice", session_id=session_id)]


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(Turn(role="user", text=LISBON), user_id="alice", session_id="old")
    return core


@pytest.mark.parametrize("user_id", ["", "  ", None, "*"])
def test_a_block_needs_exactly_one_user(core: LightMem, user_id: Any) -> None:
    with pytest.raises(ScopeError):
        block_of(core, user_id=user_id)


@pytest.mark.parametrize("arguments", [{"k": 0}, {"max_tokens": -1}, {"k": True}])
def test_senseless_sizes_are_refused(core: LightMem, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        block_of(core, **arguments)


def test_it_is_a_block_that_may_be_cut(core: LightMem) -> None:
    block = block_of(core)
    assert isinstance(block, BaseMemoryBlock)
    assert block.priority == 1


@pytest.mark.parametrize("method", list(InsertMethod))
async def test_what_is_recalled_stands_where_memory_puts_it(
    known: LightMem, method: InsertMethod
) -> None:
    memory = holding(block_of(known), insert_method=method)
    await memory.aput(user(WHERE))
    messages = await memory.aget()
    assert messages[0].role.value == method.value
    assert LISBON in str(messages[0].content)
    assert str(messages[-1].content).endswith(WHERE)


async def test_it_comes_into_a_system_message_that_is_there(known: LightMem) -> None:
    memory = holding(block_of(known))
    await memory.aput_messages([ChatMessage(role="system", content="Be brief."), user(WHERE)])
    messages = await memory.aget()
    assert [each.role.value for each in messages] == ["system", "user"]
    assert LISBON in str(messages[0].content)
    assert str(messages[0].content).endswith("Be brief.")


@pytest.mark.parametrize("method", list(InsertMethod))
async def test_in_an_agent_it_is_asked_once_for_all_tool_rounds(
    known: LightMem, script: Callable[..., Any], recalls: list[str], method: InsertMethod
) -> None:
    look = 'Thought: Look.\nAction: weather\nAction Input: {"city": "Lisbon"}'
    says = script(look, look, "Thought: I can answer.\nAnswer: Sunny.")
    agent = ReActAgent(llm=says.llm, tools=[weather], system_prompt="Be kind.")
    memory = holding(block_of(known), insert_method=method)
    assert str(await agent.run(user_msg=WHERE, memory=memory)) == "Sunny."
    assert all(LISBON in says.said_to(number) for number in range(3))
    assert recalls == [WHERE]


async def test_a_react_agent_without_system_prompt_needs_the_user_message(
    known: LightMem, script: Callable[..., Any]
) -> None:
    says = script("Thought: I know.\nAnswer: Lisbon.")
    memory = holding(block_of(known), insert_method=InsertMethod.USER)
    await ReActAgent(llm=says.llm).run(user_msg=WHERE, memory=memory)
    assert LISBON in says.said_to(0)


def test_in_a_chat_engine_without_an_event_loop(
    known: LightMem, script: Callable[..., Any]
) -> None:
    says = script("In Lisbon.")
    bot = SimpleChatEngine.from_defaults(llm=says.llm, memory=holding(block_of(known)))
    assert str(bot.chat(WHERE)) == "In Lisbon."
    assert LISBON in says.said_to(0)


async def test_only_the_users_last_message_is_the_question(
    known: LightMem, recalls: list[str]
) -> None:
    block = block_of(known)
    await block.aget([user("Hello"), assistant("Hi"), user(WHERE), assistant("Let me see.")])
    assert await block.aget([]) == ""
    assert await block.aget(None) == ""
    assert await block.aget([assistant("Nobody spoke.")]) == ""
    assert recalls == [WHERE]


async def test_overflow_reaches_the_store_and_comes_back(core: LightMem) -> None:
    block = block_of(core)
    memory = holding(block, token_limit=300, token_flush_size=50)
    await memory.aput_messages([user(LISBON), assistant("Nice.")])
    for number in range(30):
        await memory.aput_messages([user(f"Tell me joke {number}."), assistant("Ha! " * 10)])
    assert stored(core)[:2] == [LISBON, "Nice."]
    await memory.aput(user(WHERE))
    messages = await memory.aget()
    assert user(LISBON) not in messages
    assert LISBON in str(messages[0].content)


async def test_nothing_is_written_into_the_messages(core: LightMem) -> None:
    message = user("Hello")
    await block_of(core).aput([message], session_id="now")
    assert message.additional_kwargs == {}
    assert stored(core) == ["Hello"]


async def test_a_block_may_refuse_what_overflows(core: LightMem) -> None:
    block = block_of(core, accept_short_term_memory=False)
    await block.aput([user("Overflow")], from_short_term_memory=True, session_id="now")
    await block.aput([user("Said")], session_id="now")
    assert stored(core) == ["Said"]


async def test_one_block_serves_many_sessions(core: LightMem) -> None:
    block = block_of(core)

    async def talk(number: int) -> None:
        memory = holding(block, session_id=f"s{number}", token_limit=200, token_flush_size=20)
        for turn in range(6):
            await memory.aput_messages(
                [user(f"s{number} question {turn} " + "word " * 20), assistant("Yes.")]
            )
            await memory.aget()

    await asyncio.gather(*(talk(number) for number in range(8)))
    for number in range(8):
        told = stored(core, f"s{number}")
        assert told
        assert all(text == "Yes." or text.startswith(f"s{number} ") for text in told)
        asked = [text for text in told if text != "Yes."]
        assert [text.split()[2] for text in asked] == [str(turn) for turn in range(len(asked))]


async def test_two_blocks_keep_two_users_apart(core: LightMem) -> None:
    alice, bob = block_of(core), block_of(core, user_id="bob")
    await alice.aput([user("My locker code is 1234.")], session_id="shared")
    assert await bob.aget([user("What is the locker code?")], session_id="shared") == ""
    assert "1234" in await alice.aget([user("What is the locker code?")], session_id="other")


async def test_a_short_conversation_can_be_saved(core: LightMem) -> None:
    block = block_of(core)
    memory = holding(block)
    await memory.aput_messages([user(LISBON), assistant("Nice.")])
    assert stored(core) == []
    await block.save(memory)
    await block.save(memory)
    await memory.aput(user(LISBON))  # said again: a second turn
    await block.save(memory)
    assert stored(core) == [LISBON, "Nice.", LISBON]
    assert LISBON in await block.aget([user(WHERE)], session_id="later")


async def test_what_was_saved_and_overflows_later_is_stored_once(core: LightMem) -> None:
    block = block_of(core)
    memory = holding(block, token_limit=200, token_flush_size=20)
    said = []
    for number in range(12):
        said += [f"Question {number} " + "word " * 15, f"Answer {number}"]
        await memory.aput_messages([user(said[-2]), assistant(said[-1])])
        await block.save(memory)
    assert stored(core) == said


async def test_what_the_conversation_still_holds_is_not_recalled_into_it(core: LightMem) -> None:
    block = block_of(core)
    memory = holding(block)
    await memory.aput_messages([user(LISBON), assistant("Nice.")])
    await block.save(memory)
    await memory.aput(user(WHERE))
    assert await memory.aget() == [user(LISBON), assistant("Nice."), user(WHERE)]


async def test_a_replaced_conversation_is_saved_anew(core: LightMem) -> None:
    block = block_of(core)
    memory = holding(block)
    await memory.aput(user("Old"))
    await block.save(memory)
    await memory.aset([user("New"), assistant("Yes")])
    await block.save(memory)
    assert stored(core) == ["Old", "New", "Yes"]


async def test_it_is_cut_line_by_line(core: LightMem) -> None:
    for number in range(8):
        text = f"On day {number} I was in Lisbon."
        core.add(Turn(role="user", text=text), user_id="alice", session_id="old")
    block = block_of(core, k=8)
    whole = await block.aget([user("When was I in Lisbon?")], session_id="now")
    lines = whole.splitlines()
    assert len(lines) == 3 + 8
    less = await block.atruncate(whole, 40)
    assert less is not None
    kept = less.splitlines()
    assert kept[:2] == lines[:2]
    assert kept[-1] == lines[-1] == "</memory>"
    assert 3 < len(kept) < len(lines)
    assert kept[2:-1] == lines[2 : len(kept) - 1]
    assert block._count(whole) - block._count(less) >= 40
    assert await block.atruncate(whole, 10_000) is None
    assert await block.atruncate([], 5) is None  # type: ignore[arg-type]


async def test_memory_cuts_it_to_its_limit_and_keeps_the_rest(core: LightMem) -> None:
    for number in range(8):
        text = f"On day {number} I was in Lisbon, and it was sunny all day long there."
        core.add(Turn(role="user", text=text), user_id="alice", session_id="old")
    memory = holding(block_of(core, k=8), token_limit=150)
    await memory.aput(user("When was I in Lisbon?"))
    text = str((await memory.aget())[0].content)
    assert 0 < text.count("I was in Lisbon") < 8


async def test_braces_are_neutralised(core: LightMem) -> None:
    trick = "In Lisbon I say {query_str}"
    core.add(Turn(role="user", text=trick), user_id="alice", session_id="old")
    text = await block_of(core).aget([user("What do I say in Lisbon?")])
    assert "{ query_str }" in text
    assert "{query_str}" not in text


async def test_a_store_that_fails_loses_no_message_and_fails_no_turn(core: LightMem) -> None:
    heard: list[Exception] = []
    block = block_of(core, strict=False, on_error=heard.append)
    memory = holding(block, token_limit=100, token_flush_size=20)
    said = []
    with broken_ledger(core):
        for number in range(6):
            said += [f"Question {number} " + "word " * 15, f"Answer {number}"]
            await memory.aput_messages([user(said[-2]), assistant(said[-1])])
            await memory.aget()
    assert any(isinstance(error, LedgerError) for error in heard)
    await block.save(memory)
    assert stored(core) == said


async def test_strict_raises_and_still_loses_nothing(core: LightMem) -> None:
    block = block_of(core)
    with broken_ledger(core), pytest.raises(LedgerError):
        await block.aput([user("Hello")], session_id="now")
    await block.aput([assistant("Hi")], session_id="now")
    assert stored(core) == ["Hello", "Hi"]


async def test_forgotten_text_is_not_served_from_an_earlier_recall(known: LightMem) -> None:
    block = block_of(known)
    assert LISBON in await block.aget([user(WHERE)])
    known.forget(user_id="alice", session_id="old")
    assert await block.aget([user(WHERE)]) == ""


async def test_a_function_agent_with_the_block_and_a_save(
    core: LightMem, script: Callable[..., Any]
) -> None:
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm)
    block = block_of(core)
    for session, text in (("monday", LISBON), ("friday", WHERE)):
        memory = holding(block, session_id=session)
        await agent.run(user_msg=text, memory=memory)
        await block.save(memory)
    assert LISBON in says.said_to(1)
