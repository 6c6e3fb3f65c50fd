"""Memory as tools: what they do, for whom, and what a model cannot do with them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import ScopeError, StoreClosedError
from lightmem_integrations.llama_index import LightMemToolSpec

pytestmark = pytest.mark.filterwarnings(
    "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
    "ignore:is_running called from within a step:DeprecationWarning",  # by LlamaIndex's own agents
    "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
)

LISBON = "I moved to Lisbon in May."
WHERE = "Where do I live?"


@pytest.fixture
def known(core: LightMem) -> LightMem:
    turn = Turn(role="user", text=LISBON, speaker="Alice", id="t/1")
    core.add(turn, user_id="alice", session_id="old talk")
    core.add(Turn(role="user", text="I hide in Lisbon."), user_id="bob", session_id="old talk")
    return core


def of_alice(core: LightMem, **arguments: Any) -> LightMemToolSpec:
    return LightMemToolSpec(core, **{"user_id": "alice", "strict": True} | arguments)


def id_in(found: str) -> str:
    match = re.search(r"\[(\S+)\]", found)
    assert match is not None
    return match[1]


@pytest.mark.parametrize("user_id", ["", None, "*"])
def test_the_tools_need_exactly_one_user(core: LightMem, user_id: Any) -> None:
    with pytest.raises(ScopeError):
        of_alice(core, user_id=user_id)


def test_no_tool_lets_the_model_choose_a_user(core: LightMem) -> None:
    tools = {tool.metadata.name: tool for tool in of_alice(core).to_tool_list()}
    assert {
        name: sorted(tool.metadata.get_parameters_dict()["properties"])
        for name, tool in tools.items()
    } == {
        "search_memory": ["query"],
        "remember": ["text"],
        "forget_memory": ["memory_id"],
        "correct_memory": ["memory_id", "text"],
    }


def test_search_quotes_with_ids_as_data(known: LightMem) -> None:
    found = of_alice(known).search_memory(WHERE)
    assert found.startswith("<memory>")
    assert LISBON in found
    assert "Alice" in found
    assert "hide" not in found
    assert of_alice(known, user_id="carol").search_memory(WHERE) == "Nothing is remembered of that."


def test_a_search_keeps_to_its_budget(core: LightMem) -> None:
    for number in range(20):
        text = f"In Lisbon, on day {number}, I ate fish and walked along the river for hours."
        core.add(Turn(role="user", text=text), user_id="alice")
    found = of_alice(core, k=20, max_tokens=200).search_memory("What did I eat in Lisbon?")
    assert core.count_tokens(found) <= 200
    assert found.count("fish") >= 2


def test_what_is_remembered_is_found_and_stored_once(core: LightMem) -> None:
    tools = of_alice(core)
    assert tools.remember("She likes oranges.") == "Remembered."
    assert tools.remember("She likes oranges.") == "Remembered."
    assert tools.search_memory("What does she like?").count("oranges") == 1
    assert len(core.history(user_id="alice", session_id="notes")) == 1


def test_forgetting_erases_that_one_memory(known: LightMem) -> None:
    tools = of_alice(known)
    tools.remember("She likes oranges.")
    found = tools.search_memory(WHERE)
    line = next(each for each in found.splitlines() if LISBON in each)
    assert tools.forget_memory(id_in(line)) == "Forgotten."
    assert known.history(user_id="alice", session_id="old talk") == ()
    assert "oranges" in tools.search_memory("What does she like?")
    assert len(known.history(user_id="bob", session_id="old talk")) == 1


@pytest.mark.parametrize("memory_id", ["", "nonsense", "old%20talk/none", "/t", "old%20talk/"])
def test_an_unknown_id_is_told_and_changes_nothing(known: LightMem, memory_id: str) -> None:
    tools = of_alice(known, strict=False)
    assert "search_memory" in tools.forget_memory(memory_id)
    assert "search_memory" in tools.correct_memory(memory_id, "I moved to Porto.")
    assert len(known.history(user_id="alice", session_id="old talk")) == 1
    assert known.history(user_id="alice", session_id="notes") == ()


def test_an_id_of_another_user_is_unknown(known: LightMem) -> None:
    of_bob = id_in(of_alice(known, user_id="bob").search_memory(WHERE))
    assert "no memory" in of_alice(known).forget_memory(of_bob)
    assert len(known.history(user_id="bob", session_id="old talk")) == 1


def test_a_correction_replaces(known: LightMem) -> None:
    tools = of_alice(known)
    memory_id = id_in(tools.search_memory(WHERE))
    assert tools.correct_memory(memory_id, "She moved to Porto in June.") == "Corrected."
    found = tools.search_memory(WHERE)
    assert "Porto" in found
    assert "Lisbon" not in found


def test_correcting_to_the_same_words_keeps_them(core: LightMem) -> None:
    tools = of_alice(core)
    tools.remember("She likes oranges.")
    memory_id = id_in(tools.search_memory("What does she like?"))
    assert tools.correct_memory(memory_id, "She likes oranges.") == "Corrected."
    assert "oranges" in tools.search_memory("What does she like?")


async def test_async_tools_do_the_same(known: LightMem) -> None:
    tools = of_alice(known)
    memory_id = id_in(await tools.asearch_memory(WHERE))
    assert await tools.acorrect_memory(memory_id, "She moved to Porto.") == "Corrected."
    assert await tools.aremember("She likes oranges.") == "Remembered."
    memory_id = id_in(await tools.asearch_memory("oranges"))
    assert await tools.aforget_memory(memory_id) == "Forgotten."


def test_a_broken_store_is_told_to_the_model_not_raised(tmp_path: Any) -> None:
    with LightMem(tmp_path / "m") as core:
        lenient, strict = of_alice(core, strict=False), of_alice(core)
    assert lenient.search_memory(WHERE) == "Memory is not available at the moment."
    assert lenient.remember("x") == "Memory is not available at the moment."
    with pytest.raises(StoreClosedError):
        strict.search_memory(WHERE)


def test_a_blank_question_is_told(core: LightMem) -> None:
    assert "query" in of_alice(core, strict=False).search_memory("  ")


async def test_in_an_agent(known: LightMem, script: Any) -> None:
    def call(name: str, **arguments: Any) -> ChatMessage:
        block = ToolCallBlock(tool_call_id=name, tool_name=name, tool_kwargs=arguments)
        return ChatMessage(role="assistant", blocks=[block])

    says = script(
        call("search_memory", query=WHERE),
        call("remember", text="She asked where she lives."),
        "In Lisbon.",
    )
    agent = FunctionAgent(llm=says.llm, tools=of_alice(known).to_tool_list())
    assert str(await agent.run(user_msg=WHERE)) == "In Lisbon."
    assert LISBON in says.said_to(1)
    (note,) = known.history(user_id="alice", session_id="notes")
    assert note.text == "She asked where she lives."


async def test_a_model_that_names_a_user_gets_its_own_all_the_same(
    known: LightMem, script: Any
) -> None:
    arguments = {"query": WHERE, "user_id": "bob"}
    block = ToolCallBlock(tool_call_id="1", tool_name="search_memory", tool_kwargs=arguments)
    says = script(ChatMessage(role="assistant", blocks=[block]), "Hm.")
    agent = FunctionAgent(llm=says.llm, tools=of_alice(known).to_tool_list())
    await agent.run(user_msg=WHERE)
    assert "hide" not in says.said_to(1)
