"""In a real Jupyter kernel, where an event loop runs all the time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.slow

CELLS = [
    """
import asyncio
assert asyncio.get_running_loop().is_running()
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.chat_engine import ContextChatEngine, SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer, InsertMethod, Memory
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.workflow import Context
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import *

prompts = []
def answer(messages, **_):
    prompts.append("\\n".join(str(each.content) for each in messages))
    return ChatMessage(role="assistant", content="In Lisbon.")
llm = MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)
store = LightMem("./memory")
store.add(Turn(role="user", text="I moved to Lisbon in May."), user_id="alice", session_id="old")
def of_alice():
    return LightMemMemory.from_defaults(memory=store, user_id="alice", strict=True)
""",
    """
memory = of_alice()
memory.put(ChatMessage(role="user", content="Where do I live?"))
assert "Lisbon" in str(memory.get()[0].content)
await memory.aput(ChatMessage(role="assistant", content="In Lisbon."))
assert len(memory.get_all()) == len(await memory.aget_all()) == 2
memory.reset()
""",
    """
bot = SimpleChatEngine.from_defaults(llm=llm, memory=of_alice())
bot.chat("Where do I live?")
assert "I moved to Lisbon" in prompts[-1]
assert "".join(bot.stream_chat("And now?").response_gen) == "In Lisbon."
stream = await bot.astream_chat("Still?")
assert "".join([part async for part in stream.async_response_gen()]) == "In Lisbon."
await bot.achat("Sure?")
retriever = LightMemRetriever(store, user_id="alice")
ContextChatEngine.from_defaults(retriever=retriever, llm=llm, memory=of_alice()).chat("Where?")
""",
    """
agent = FunctionAgent(llm=llm)
context = Context(agent)
await agent.run(user_msg="Where do I live?", memory=of_alice(), ctx=context)
assert "I moved to Lisbon" in prompts[-1]
await agent.run(user_msg="And now?", ctx=context)
assert "Where do I live?" in prompts[-1]
""",
    """
block = LightMemBlock(memory=store, user_id="alice", strict=True)
stock = Memory.from_defaults(session_id="s", memory_blocks=[block])
await stock.aput(ChatMessage(role="user", content="Where do I live?"))
assert "Lisbon" in str((await stock.aget())[0].content)
assert "Lisbon" in str(stock.get()[0].content)
await block.save(stock)
""",
    """
engine = RetrieverQueryEngine.from_args(
    retriever, llm=llm, node_postprocessors=[LightMemRerank(top_n=2)]
)
assert engine.query("Where do I live?").source_nodes
assert (await engine.aquery("Where do I live?")).source_nodes
assert "Lisbon" in LightMemToolSpec(store, user_id="alice").search_memory("Where do I live?")
old = ChatMemoryBuffer.from_defaults(chat_history=[ChatMessage(role="user", content="Old")])
assert await aimport_memory(old, store, user_id="alice") == 1
store.close()
""",
]


def test_everything_works_in_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # raises with the cell and its traceback if a cell fails
    assert all(cell.execution_count for cell in notebook.cells)
