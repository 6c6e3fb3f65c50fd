"""A path, a string or nothing where an adapter expects a memory: the error says what to pass."""

import asyncio
from pathlib import Path

import pytest

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.tools import MemoryTools


def in_langchain():
    from langchain_core.runnables import RunnableLambda

    from lightmem_integrations import langchain as ours

    chain = RunnableLambda(str)
    return {
        "middleware": lambda memory: ours.LightMemMiddleware(memory),
        "retriever": lambda memory: ours.LightMemRetriever(memory=memory, user_id="u"),
        "chain memory": lambda memory: ours.LightMemMemory(memory=memory, user_id="u"),
        "history": lambda memory: ours.LightMemChatMessageHistory(memory, user_id="u"),
        "histories": lambda memory: ours.session_history(memory),
        "recall": lambda memory: ours.LightMemRecall(memory=memory),
        "consolidator": lambda memory: ours.LightMemConsolidator(memory=memory),
        "record": lambda memory: ours.record_turns(chain, memory),
        "store": lambda memory: ours.LightMemStore(memory),
        "toolkit": lambda memory: ours.LightMemToolkit(memory=memory, user_id="u"),
        "messages": lambda memory: ours.import_messages(memory, [], user_id="u"),
        "documents": lambda memory: ours.import_documents(memory, [], user_id="u"),
    }


def in_llama_index():
    from lightmem_integrations import llama_index as ours

    return {
        "memory": lambda memory: ours.LightMemMemory.from_defaults(memory=memory, user_id="u"),
        "block": lambda memory: ours.LightMemBlock(memory=memory, user_id="u"),
        "retriever": lambda memory: ours.LightMemRetriever(memory, user_id="u"),
        "tools": lambda memory: ours.LightMemToolSpec(memory, user_id="u"),
        "turns": lambda memory: ours.ConsolidateTurns(memory=memory, user_id="u"),
        "workflow": lambda memory: ours.ConsolidationWorkflow(memory),
        "import": lambda memory: ours.import_memory([], memory, user_id="u"),
        "aimport": lambda memory: asyncio.run(ours.aimport_memory([], memory, user_id="u")),
    }


@pytest.mark.parametrize("given", ["./memory", Path("memory"), 12], ids=repr)
@pytest.mark.parametrize("framework", [in_langchain, in_llama_index])
def test_what_is_no_memory_is_named(tmp_path, monkeypatch, framework, given):
    monkeypatch.chdir(tmp_path)
    for name, make in framework().items():
        with pytest.raises(
            InvalidRequestError, match=r"memory is .* Pass an open memory"
        ) as refused:
            make(given)
        article = "an" if given == 12 else "a"
        told = f"memory is {given!r}, {article} {type(given).__name__}."
        assert told in str(refused.value), name
    assert list(tmp_path.iterdir()) == []


def test_the_remedy_is_named():
    with pytest.raises(InvalidRequestError, match=r"is './m', a str.*LightMem\('./memory'\)"):
        MemoryTools("./m", user_id="u", session_id="s")
