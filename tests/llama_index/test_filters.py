"""Filters by metadata, through LlamaIndex's retriever and what it writes."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from filter_cases import ALSO, CASES, QUESTION, WRONG, fill
from lightmem_integrations import LightMem
from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError
from lightmem_integrations.llama_index import (
    LightMemBlock,
    LightMemMemory,
    LightMemRetriever,
    LightMemToolSpec,
)


@pytest.fixture
def filled(core: LightMem) -> LightMem:
    fill(core)
    return core


def as_filters(said: list[Any]) -> MetadataFilters:
    condition, *parts = said
    return MetadataFilters(
        filters=[
            as_filters(each)
            if isinstance(each, list)
            else MetadataFilter(key=each[0], operator=each[1], value=each[2])
            for each in parts
        ],
        condition=condition,
    )


def found(memory: LightMem, **options: Any) -> set[int]:
    nodes = LightMemRetriever(memory, user_id="alice", **options).retrieve(QUESTION)
    return {node.metadata["n"] for node in nodes}


@pytest.mark.parametrize(("condition", "said", "expected"), CASES, ids=lambda case: str(case)[:50])
def test_a_retriever_returns_what_meets_a_filter(
    filled: LightMem, condition: Any, said: list[Any], expected: set[int]
) -> None:
    assert found(filled, filters=as_filters(said)) == expected
    assert found(filled, filter=as_filters(said)) == expected
    assert found(filled, filter=condition) == expected


@pytest.mark.parametrize(("condition", "expected"), ALSO, ids=lambda case: str(case)[:50])
def test_a_retriever_takes_the_filters_of_the_memory(
    filled: LightMem, condition: Any, expected: set[int]
) -> None:
    assert found(filled, filter=condition) == expected


def test_filters_without_a_condition_are_none(filled: LightMem) -> None:
    empty = MetadataFilters(filters=[])
    assert found(filled, filters=empty) == {0, 1, 2, 3, 4}
    assert found(filled, filters=MetadataFilters(filters=[empty, as_filters(CASES[0][1])])) == {
        0,
        2,
    }


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        *WRONG,
        (as_filters(["and", ("topic", "text_match_insensitive", "H")]), "text_match_insensitive"),
        (as_filters(["and", ("tags", "any", "t1")]), "takes a list of at least one"),
        (as_filters(["or", ("n", "==", 1), ("n", ">", None)]), r"\$or\[1\].'n': \$gt"),
    ],
)
def test_a_retriever_refuses_what_is_no_filter(
    filled: LightMem, condition: Any, message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        LightMemRetriever(filled, user_id="alice", filter=condition)


def test_what_a_message_says_of_itself_becomes_metadata(core: LightMem) -> None:
    memory = LightMemMemory(memory=core, user_id="alice", session_id="s1")
    said = {"topic": "birds", "tags": ["a"], "deep": {"a": 1}, "role": "x"}
    memory.put(ChatMessage(role="user", content="I saw a heron.", additional_kwargs=said))
    (turn,) = core.history(user_id="alice", session_id="s1", filter={"topic": "birds"})
    assert turn.metadata == {"topic": "birds", "tags": ["a"]}
    assert memory.get_all()[0].additional_kwargs["deep"] == {"a": 1}
    retriever = LightMemRetriever(core, user_id="alice", filter={"tags": ["a"]})
    assert retriever.retrieve(QUESTION)[0].metadata["topic"] == "birds"


def test_a_memory_recalls_what_meets_its_filter_also_when_it_was_saved(filled: LightMem) -> None:
    for condition in ({"topic": "work"}, as_filters(["and", ("topic", "==", "work")])):
        memory = LightMemMemory(memory=filled, user_id="alice", filter=condition)
        for each in (memory, LightMemMemory.from_dict(memory.to_dict())):
            (message,) = each.get(QUESTION)
            assert "place 1" in str(message.content)
            assert "place 2" not in str(message.content)


def test_a_block_recalls_and_stores_by_its_filter_and_metadata(filled: LightMem) -> None:
    said = {"topic": "work", "asked": True}
    for condition in ({"topic": "work"}, as_filters(["and", ("topic", "==", "work")])):
        made = LightMemBlock(
            memory=filled, user_id="alice", filter=condition, metadata=said, strict=True
        )
        for block in (made, copy.deepcopy(made)):
            text = asyncio.run(block.aget([ChatMessage(role="user", content=QUESTION)]))
            assert "place 1." in text
            assert text.count("place") == 1
    asyncio.run(block.aput([ChatMessage(role="user", content="A crane came.")], session_id="new"))
    (turn,) = filled.history(user_id="alice", session_id="new", filter={"asked": True})
    assert turn.text == "A crane came."


def test_a_memory_stores_its_metadata_also_when_it_was_saved(filled: LightMem) -> None:
    made = LightMemMemory(
        memory=filled, user_id="alice", session_id="s", metadata={"topic": "birds"}
    )
    for memory in (made, LightMemMemory.from_dict(made.to_dict())):
        memory.put(ChatMessage(role="user", content="A crane came."))
    assert len(filled.history(user_id="alice", session_id="s", filter={"topic": "birds"})) == 2


def test_tools_search_and_change_only_what_meets_the_applications_filter(filled: LightMem) -> None:
    spec = LightMemToolSpec(
        filled, user_id="alice", filter=as_filters(["and", ("topic", "==", "work")]),
        note_metadata={"topic": "work"}, strict=True,
    )  # fmt: skip
    shown = spec.search_memory(QUESTION)
    assert "place 1." in shown
    assert shown.count("place") == 1
    assert "no memory" in spec.forget_memory("s0/t0")
    assert "no memory" in spec.correct_memory("s0/t0", "It was a crane.")
    spec.remember("The heron nests in the oak.")
    assert "in the oak" in spec.search_memory("Where does the heron nest?")
    assert spec.forget_memory("s1/t1") == "Forgotten."


@pytest.mark.parametrize("component", [LightMemBlock, LightMemMemory, LightMemToolSpec])
def test_a_component_refuses_what_is_no_filter_or_metadata(core: LightMem, component: Any) -> None:
    noted = "note_metadata" if component is LightMemToolSpec else "metadata"
    with pytest.raises(InvalidRequestError, match="no operator"):
        component(memory=core, user_id="alice", filter={"topic": {"$like": "h"}})
    for wrong in ({"when": object()}, "birds"):
        with pytest.raises(InvalidTurnError):
            component(memory=core, user_id="alice", **{noted: wrong})
