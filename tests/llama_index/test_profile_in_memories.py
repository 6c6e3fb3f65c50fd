"""A user's profile before a conversation, in LlamaIndex's agents and memories."""

from __future__ import annotations

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory

from lightmem_integrations import Turn
from lightmem_integrations.llama_index import LightMemBlock, LightMemMemory

# Making an agent reads every attribute of it, deprecated ones of pydantic among them.
pytestmark = [
    pytest.mark.usefixtures("stock_memories_closed"),
    pytest.mark.filterwarnings(
        "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
        "ignore:is_running called from within a step:DeprecationWarning",
        "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
    ),
]

FRENCH = "Please always answer in French."
LINE = f"- {FRENCH}"


@pytest.fixture
def known(core):
    """A store in which alice asked for French and told where she lives."""
    for text in (FRENCH, "I moved to Lisbon in May."):
        core.add(Turn(role="user", text=text), user_id="alice", session_id="earlier")
    return core


def memory_of(core, **options):
    made = {"session_id": "now", "profile": True, "strict": True} | options
    return LightMemMemory(memory=core, user_id="alice", **made)


def user(text):
    return ChatMessage(role="user", content=text)


def test_it_stands_at_the_start_and_stays_the_same(known):
    memory = memory_of(known, k=1)
    starts = []
    for question in ("What should I cook?", "Where do I live?", "And what about tea?"):
        memory.put(user(question))
        prompt = memory.get()
        starts.append(prompt[0].content)
        assert prompt[-1].content.endswith(question)
        memory.put(ChatMessage(role="assistant", content="Fine."))
    assert LINE in starts[0].splitlines()
    assert len(set(starts)) == 1
    assert not any("French" in message.content for message in memory.get_all())


def test_it_changes_with_what_the_user_asks_for(core):
    memory = memory_of(core)
    memory.put(user(FRENCH))
    memory.put(ChatMessage(role="assistant", content="D'accord."))
    memory.put(user("Hello!"))
    assert LINE in memory.get()[0].content


@pytest.mark.parametrize("limit", [20, 200, 1_000])
def test_it_takes_room_within_the_limit(known, limit):
    memory = memory_of(known, token_limit=limit, tokenizer_fn=str.split)
    for number in range(40):
        memory.put(user(f"Question number {number} about something else."))
        memory.put(ChatMessage(role="assistant", content="An answer of a few words."))
    memory.put(user("Where do I live?"))
    size = sum(len(message.content.split()) for message in memory.get())
    assert size <= limit
    assert any(LINE in message.content for message in memory.get()) == (limit > 20)


def test_a_chat_engine_is_told_it(known, script):
    said = script("Soup.")
    engine = SimpleChatEngine.from_defaults(llm=said.llm, memory=memory_of(known))
    engine.chat("What should I cook?")
    assert LINE in said.said_to(0)


async def test_a_function_agent_is_told_it_behind_its_own_prompt(known, script):
    said = script("Soup.")
    agent = FunctionAgent(tools=[], llm=said.llm, system_prompt="You are a cook.")
    await agent.run("What should I cook?", memory=memory_of(known))
    first, second = said.prompts[0][:2]
    assert first.content.startswith("You are a cook.")
    assert LINE in first.content + second.content


async def test_a_react_agent_is_told_it_with_the_users_message(known, script):
    said = script("Thought: I know.\nAnswer: Soup.")
    memory = memory_of(known, insert_method="user")
    await ReActAgent(tools=[], llm=said.llm).run("What should I cook?", memory=memory)
    assert LINE in said.said_to(0)


async def test_a_block_has_it_before_what_is_recalled_and_lets_go_of_it_last(known, script):
    block = LightMemBlock(memory=known, user_id="alice", profile=True, strict=True)
    text = await block.aget([user("Where do I live?")])
    assert text.index(LINE) < text.index("I moved to Lisbon")
    assert text.startswith(known.profile(user_id="alice").text)
    for tokens in range(1, block._count(text)):
        left = await block.atruncate(text, tokens)
        if left is None:
            break
        assert left.count("<memory>") == left.count("</memory>")
        assert text.splitlines()[0] == left.splitlines()[0]
        if "Lisbon" in left:
            assert LINE in left
    assert tokens > block._count(text) // 2
    memory = Memory.from_defaults(session_id="now", memory_blocks=[block])
    said = script("Soup.")
    agent = FunctionAgent(tools=[], llm=said.llm)
    await agent.run("What should I cook?", memory=memory)
    assert LINE in said.said_to(0)


def test_it_is_saved_and_copied_with_the_memory(known):
    memory = memory_of(known)
    again = LightMemMemory.from_dict({**memory.to_dict(), "instance": "another"})
    assert again.profile
    assert LightMemBlock(memory=known, user_id="alice", profile=True).made_with()["profile"]


def test_a_profile_that_fails_leaves_the_turn_as_it_is(known, monkeypatch):
    def fail(**_):
        raise OSError("disk gone")

    monkeypatch.setattr(known, "profile", fail)
    memory = memory_of(known, strict=False)
    memory.put(user("Where do I live?"))
    assert memory.get()[-1].content.endswith("Where do I live?")
    strict = memory_of(known)
    with pytest.raises(OSError, match="disk gone"):
        strict.get()
