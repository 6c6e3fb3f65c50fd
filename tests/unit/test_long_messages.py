"""A message of any length through every door: kept, cut between sentences, and whole beside it."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.importers import import_conversations
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.tools import MemoryTools

pytestmark = pytest.mark.slow

SENTENCE = "The heron stands in the reeds by the mill."
LONG = " ".join([SENTENCE] * (350_000 // len(SENTENCE)))
ALICE = {"user_id": "alice", "session_id": "s"}

RECORDED_SECONDS = 60.0  # some doors write behind the caller's back, on a machine that is busy

Door = Callable[[LightMem], object]
DOORS: dict[str, Door] = {}


def door(of: Door) -> Door:
    """One way by which what is said comes into a memory."""
    DOORS[of.__name__] = of
    return of


@door
def langchain_middleware(memory: LightMem) -> None:
    agents = pytest.importorskip("langchain.agents")
    from lightmem_integrations.langchain import LightMemMiddleware
    from lightmem_integrations.testing import ExtractiveChatModel

    middleware = [LightMemMiddleware(memory, strict=True)]
    agent = agents.create_agent(ExtractiveChatModel(), middleware=middleware)
    agent.invoke({"messages": [("user", LONG)]}, {"configurable": ALICE})


@door
def langchain_history(memory: LightMem) -> None:
    messages = pytest.importorskip("langchain_core.messages")
    from lightmem_integrations.langchain import LightMemChatMessageHistory

    history = LightMemChatMessageHistory(memory=memory, **ALICE)
    history.add_messages([messages.HumanMessage(LONG)])
    assert history.messages[0].content == LONG


@door
def langchain_base_memory(memory: LightMem) -> None:
    pytest.importorskip("langchain_classic")
    from lightmem_integrations.langchain import LightMemMemory

    kept = LightMemMemory(memory=memory, strict=True, **ALICE)
    kept.save_context({"input": LONG}, {"output": "I see."})
    kept.load_memory_variables({"input": LONG})


@door
def langchain_record_turns(memory: LightMem) -> None:
    runnables = pytest.importorskip("langchain_core.runnables")
    from lightmem_integrations.langchain import LightMemRecall, record_turns

    step = LightMemRecall(memory=memory, strict=True) | runnables.RunnableLambda(lambda _: LONG)
    record_turns(step, memory).invoke(LONG, {"configurable": ALICE})


@door
def langchain_import_messages(memory: LightMem) -> None:
    messages = pytest.importorskip("langchain_core.messages")
    from lightmem_integrations.langchain import import_messages

    import_messages(memory, [messages.HumanMessage(LONG)], **ALICE)


@door
def langchain_import_documents(memory: LightMem) -> None:
    documents = pytest.importorskip("langchain_core.documents")
    from lightmem_integrations.langchain import import_documents

    import_documents(memory, [documents.Document(LONG)], **ALICE)


@door
def langchain_tools(memory: LightMem) -> None:
    pytest.importorskip("langchain_core")
    from lightmem_integrations.langchain import LightMemToolkit

    tools = LightMemToolkit(memory=memory, strict=True, **ALICE).get_tools()
    next(tool for tool in tools if tool.name == "remember").invoke({"text": LONG})


@door
def llama_index_memory(memory: LightMem) -> None:
    llms = pytest.importorskip("llama_index.core.llms")
    from lightmem_integrations.llama_index import LightMemMemory

    kept = LightMemMemory.from_defaults(memory=memory, strict=True, **ALICE)
    kept.put(llms.ChatMessage(role="user", content=LONG))
    assert kept.get(input=LONG)[-1].content == LONG


@door
def llama_index_block(memory: LightMem) -> None:
    llms = pytest.importorskip("llama_index.core.llms")
    from lightmem_integrations.llama_index import LightMemBlock

    block = LightMemBlock(memory=memory, user_id="alice", strict=True)
    message = llms.ChatMessage(role="user", content=LONG)

    async def said() -> None:
        await block.aput([message], from_short_term_memory=True, session_id="s")
        await block.aget([message], session_id="t")

    asyncio.run(said())


@door
def llama_index_import_memory(memory: LightMem) -> None:
    llms = pytest.importorskip("llama_index.core.llms")
    from llama_index.core.memory import ChatMemoryBuffer

    from lightmem_integrations.llama_index import import_memory

    old = ChatMemoryBuffer.from_defaults([llms.ChatMessage(role="user", content=LONG)])
    import_memory(old, memory, **ALICE)


@door
def llama_index_consolidate_turns(memory: LightMem) -> None:
    schema = pytest.importorskip("llama_index.core.schema")
    from lightmem_integrations.llama_index import ConsolidateTurns

    ConsolidateTurns(memory=memory, **ALICE)([schema.TextNode(text=LONG)])


@door
def llama_index_tools(memory: LightMem) -> None:
    pytest.importorskip("llama_index.core")
    from lightmem_integrations.llama_index import LightMemToolSpec

    LightMemToolSpec(memory, strict=True, **ALICE).remember(LONG)


@door
def tools(memory: LightMem) -> None:
    kept = MemoryTools(memory, **ALICE)
    kept.remember(LONG)
    kept.search(LONG)


def sessions_of(memory: LightMem) -> tuple[str, ...]:
    """Alice's sessions, once there are any."""
    until = time.monotonic() + RECORDED_SECONDS
    while not (found := memory.sessions(user_id="alice")) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def importing(form: str, source: Any, **options: Any) -> Door:
    return lambda memory: import_conversations(
        memory, source, form=form, **{"user_id": "alice"} | options
    )


SAID = {"role": "user", "content": LONG}
NODE = {"id": "n", "author": {"role": "user"}, "content": {"parts": [LONG]}}
INSTRUCTED = NODE | {"content": {"user_instructions": LONG}}
CLAUDE = {"uuid": "s", "chat_messages": [{"uuid": "m", "sender": "human", "text": LONG}]}
ITEM = {"namespace": ["memories"], "key": "k", "value": {"content": LONG}}


def chatgpt(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": "s", "mapping": {"n": {"id": "n", "parent": None, "message": message}}}]


DOORS |= {
    "import_openai": importing("openai", [SAID]),
    "import_chatgpt": importing("chatgpt", chatgpt(NODE)),
    "import_chatgpt_instructions": importing("chatgpt", chatgpt(INSTRUCTED)),
    "import_claude": importing("claude", [CLAUDE]),
    "import_mem0": importing("mem0", [{"id": "1", "memory": LONG}]),
    "import_langgraph": importing("langgraph", [ITEM]),
    "import_langmem": importing("langmem", [ITEM]),
}


@pytest.mark.parametrize("name", DOORS)
def test_a_message_of_350_000_characters_is_kept(name):
    with LightMem(embedder=HashEmbedder(), settings=Settings(background_indexing=False)) as memory:
        DOORS[name](memory)
        turns = [
            turn
            for session in sessions_of(memory)
            for turn in memory.history(user_id="alice", session_id=session)
        ]
        cut = [turn for turn in turns if SENTENCE in turn.text]
        assert cut
        for turn in cut:
            assert len(turn.text) <= memory.settings.max_turn_chars
            before, mark, after = turn.text.partition("\n[... ")
            assert mark
            assert before.endswith(SENTENCE)
            assert after.partition("\n")[2].startswith(SENTENCE)
            assert turn.metadata["cut"] is True
            assert LONG in json.dumps(dict(turn.message))
        assert memory.recall("Where does the heron stand?", user_id="alice").hits
    with LightMem(
        embedder=HashEmbedder(),
        settings=Settings(background_indexing=False, max_turn_chars=400_000),
    ) as roomy:
        DOORS[name](roomy)
        session = sessions_of(roomy)[0]
        kept = roomy.history(user_id="alice", session_id=session)
        assert LONG in [turn.text for turn in kept], "whole, where the settings have room"
