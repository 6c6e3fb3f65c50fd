"""No call blocks an event loop, none starts one, and none waits for one that waits for it."""

from __future__ import annotations

import ast
import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from llama_index.core import async_utils
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.utils import get_tokenizer
from llama_index.core.workflow import Context

import lightmem_integrations.llama_index as ours
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import (
    LightMemBlock,
    LightMemMemory,
    LightMemRerank,
    LightMemRetriever,
    LightMemToolSpec,
)

pytestmark = [
    pytest.mark.usefixtures("stock_memories_closed"),
    pytest.mark.filterwarnings(
        "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
        "ignore:is_running called from within a step:DeprecationWarning",  # by LlamaIndex's agents
        "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
    ),
]

LISBON = "I moved to Lisbon in May."
WHERE = "Where do I live?"
SECONDS = 60  # only a deadlock takes that long


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(Turn(role="user", text=LISBON), user_id="alice", session_id="old")
    core.index_pending()
    return core


@pytest.fixture
def unblocked() -> Iterator[None]:
    """Raises wherever our code blocks the event loop's thread."""
    get_tokenizer()  # LlamaIndex reads it from a file the first time
    gc.collect()  # what other tests left would close its connections in the loop
    buster = BlockBuster(scanned_modules=["lightmem_integrations"])
    buster.activate()
    try:
        yield
    finally:
        buster.deactivate()


def of_alice(core: LightMem, **arguments: Any) -> LightMemMemory:
    return LightMemMemory.from_defaults(
        **{"memory": core, "user_id": "alice", "strict": True} | arguments
    )


async def test_nothing_blocks_the_loop(
    known: LightMem, unblocked: None, script: Callable[..., Any]
) -> None:
    memory = of_alice(known)
    await memory.aput_messages([user(WHERE)])
    assert LISBON in str((await memory.aget())[0].content)
    await memory.aget_all()
    await memory.aset([user("New")])
    await memory.areset()
    assert await LightMemRetriever(known, user_id="alice").aretrieve(WHERE)
    block = LightMemBlock(memory=known, user_id="alice", strict=True)
    assert LISBON in await block.aget([user(WHERE)])
    await block.aput([user("Hello")])
    tools = LightMemToolSpec(known, user_id="alice", strict=True)
    assert LISBON in await tools.asearch_memory(WHERE)
    await tools.aremember("She likes oranges.")
    nodes = [NodeWithScore(node=TextNode(text=LISBON), score=1.0)]
    assert await LightMemRerank().apostprocess_nodes(nodes, query_str=WHERE)
    agent = FunctionAgent(llm=script("In Lisbon.", "Yes.").llm)
    context = Context(agent)
    await agent.run(user_msg=WHERE, memory=memory, ctx=context)
    await agent.run(user_msg="Sure?", ctx=context)


async def test_that_test_would_notice(known: LightMem, unblocked: None) -> None:
    with pytest.raises(Exception, match="Blocking call"):
        of_alice(known).put(user("Hello"))


def test_no_event_loop_is_ever_started(
    known: LightMem, monkeypatch: pytest.MonkeyPatch, script: Callable[..., Any]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("an event loop was started")

    memory = of_alice(known)
    with monkeypatch.context() as patched:
        patched.setattr(async_utils, "asyncio_run", refuse)
        patched.setattr(asyncio, "run", refuse)
        patched.setattr(asyncio, "new_event_loop", refuse)
        bot = SimpleChatEngine.from_defaults(llm=script("In Lisbon.").llm, memory=memory)
        bot.chat(WHERE)
        bot.reset()
        assert LightMemRetriever(known, user_id="alice").retrieve(WHERE)
        assert LISBON in LightMemToolSpec(known, user_id="alice").search_memory(WHERE)


def test_our_code_never_names_it() -> None:
    for path in Path(ours.__file__).parent.glob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        assert "asyncio_run" not in names, path


async def test_a_lock_held_by_a_task_of_this_loop_is_no_deadlock(known: LightMem) -> None:
    # With asyncio_run, a coroutine that waits for this lock in a second loop would wait for ever.
    lock = asyncio.Lock()
    memory = of_alice(known)

    async def hold() -> None:
        async with lock:
            await memory.aput(user("Held"))
            await asyncio.sleep(0.05)
            await memory.aget()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0.01)
    memory.put(user(WHERE))
    assert LISBON in str(memory.get()[-1].content)
    async with lock:
        await memory.aget()
    await asyncio.wait_for(holding, SECONDS)


async def test_the_block_works_from_two_loops_at_once(known: LightMem) -> None:
    block = LightMemBlock(memory=known, user_id="alice", strict=True)
    memory = Memory.from_defaults(session_id="now", memory_blocks=[block])
    await memory.aput(user(WHERE))
    beside = asyncio.create_task(block.aget([user("What about Lisbon?")], session_id="other"))
    # Within a running loop, LlamaIndex's synchronous get starts a second one in a thread.
    messages = memory.get()
    assert LISBON in str(messages[0].content)
    assert LISBON in await asyncio.wait_for(beside, SECONDS)


def test_a_memory_made_in_one_loop_serves_others(known: LightMem) -> None:
    memory = of_alice(known)

    async def turn(text: str) -> str:
        await memory.aput(user(text))
        return str((await memory.aget())[-1].content)

    assert LISBON in asyncio.run(turn(WHERE))
    assert LISBON in asyncio.run(turn("In which city, I mean?"))
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(turn("Lisbon, right?"))))
    thread.start()
    thread.join(SECONDS)
    assert found


async def test_an_error_keeps_its_name(known: LightMem, monkeypatch: pytest.MonkeyPatch) -> None:
    # asyncio_run turns every RuntimeError, also of a model that is out of memory, into advice
    # about nested event loops.
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA out of memory")

    memory = of_alice(known)
    memory.put(user(WHERE))
    monkeypatch.setattr(known, "recall", fail)
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        memory.get()
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        await memory.aget()
