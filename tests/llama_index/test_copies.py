"""Every component shows its path and its user and no memory, and can be copied and pickled."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import (
    ConsolidateTurns,
    ConsolidationWorkflow,
    LightMemBlock,
    LightMemMemory,
    LightMemRerank,
    LightMemRetriever,
    LightMemToolSpec,
)

SAID = "I moved to Zanzibar."
QUESTION = "Where did I move?"
ASKED = [ChatMessage(role="user", content=QUESTION)]
NODES = [NodeWithScore(node=TextNode(text=text), score=0.1) for text in ("Tea is hot.", SAID)]
WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
}

MADE: dict[str, Callable[[LightMem], Any]] = {
    "block": lambda core: LightMemBlock(memory=core, user_id="alice", k=2, strict=True),
    "consolidate": lambda core: ConsolidateTurns(memory=core, user_id="alice"),
    "memory": lambda core: LightMemMemory(memory=core, user_id="alice"),
    "rerank": lambda _: LightMemRerank(top_n=1, max_tokens=50),
    "retriever": lambda core: LightMemRetriever(core, user_id="alice", k=2),
    "tools": lambda core: LightMemToolSpec(core, user_id="alice"),
    "workflow": lambda core: ConsolidationWorkflow(core, timeout=60),
}
USE: dict[str, Callable[[Any], Any]] = {
    "block": lambda made: asyncio.run(made.aget(ASKED)),
    "consolidate": lambda made: made([TextNode(text="Tea.", id_="n")]),
    "memory": lambda made: [m.content for m in made.get(QUESTION)],
    "rerank": lambda made: [n.text for n in made.postprocess_nodes(NODES, query_str=QUESTION)],
    "retriever": lambda made: [node.text for node in made.retrieve(QUESTION)],
    "tools": lambda made: made.search_memory(QUESTION),
    "workflow": lambda made: sorted(asyncio.run(_outcome(made)).reports),
}


async def _outcome(workflow: ConsolidationWorkflow) -> Any:
    return await workflow.run()


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(Turn(role="user", text=SAID), user_id="alice", session_id="before")
    return core


@pytest.mark.sqlite("the path of a folder is shown")
@pytest.mark.parametrize("name", MADE)
def test_shows_path_and_user_and_no_memory(known: LightMem, name: str) -> None:
    made = MADE[name](known)
    USE[name](made)
    shown = repr(made)
    assert "Zanzibar" not in shown
    assert (str(known.path) in shown) == (name != "rerank")
    assert ("alice" in shown) == (name not in ("rerank", "workflow"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_a_copy_works_as_it_does(known: LightMem, name: str, way: str, caplog: Any) -> None:
    made = MADE[name](known)
    first = USE[name](made)  # locks and threads of its own are there by then
    other = WAYS[way](made)
    assert USE[name](other) == first
    assert "unpickleable" not in caplog.text


def test_a_function_that_cannot_be_pickled_is_named(known: LightMem) -> None:
    block = LightMemBlock(memory=known, user_id="alice", tokenizer_fn=lambda text: text.split())
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(block)
    assert USE["block"](copy.deepcopy(block)) == USE["block"](block)


def test_a_models_copy_of_a_block_is_one_of_its_own(known: LightMem) -> None:
    block = MADE["block"](known)
    assert "Zanzibar" in USE["block"](block)
    assert USE["block"](block.model_copy(update={"user_id": "bob"})) == ""
    assert USE["block"](block.model_copy(deep=True)) == USE["block"](block)


def test_settings_and_names_of_this_process_are_not_shown(known: LightMem) -> None:
    assert "dense_pool" not in repr(MADE["memory"](known))


@pytest.mark.parametrize("name", ["retriever", "tools"])
def test_a_user_that_is_fixed_cannot_be_set(core: LightMem, name: str) -> None:
    made = MADE[name](core)
    with pytest.raises(AttributeError, match="user_id"):
        made.user_id = "bob"
    assert made.user_id == "alice"
