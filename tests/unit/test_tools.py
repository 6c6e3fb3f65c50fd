"""Memory tools: the model reads and is told the same through every framework's binding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import InvalidRequestError, StoreClosedError
from lightmem_integrations.langchain import LightMemToolkit
from lightmem_integrations.llama_index import LightMemToolSpec
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from lightmem_integrations.tools import MemoryTools, ToolError

LISBON = "I moved to Lisbon in May."

Described = Mapping[str, tuple[str, Mapping[str, str]]]
Call = Callable[..., str]
Binding = tuple[Described, Call]


def in_langchain(memory: LightMem, **options: Any) -> Binding:
    tools: dict[str, BaseTool] = {
        tool.name: tool
        for tool in LightMemToolkit(
            memory=memory, user_id="ann", session_id="notes", **options
        ).get_tools()
    }
    described = {
        tool.name: (tool.description, _arguments(tool.tool_call_schema.model_json_schema()))
        for tool in tools.values()
    }
    return described, lambda name, **arguments: str(tools[name].invoke(arguments))


def in_llama_index(memory: LightMem, **options: Any) -> Binding:
    tools = {
        str(tool.metadata.name): tool
        for tool in LightMemToolSpec(memory, user_id="ann", **options).to_tool_list()
    }
    described = {
        name: (tool.metadata.description, _arguments(tool.metadata.get_parameters_dict()))
        for name, tool in tools.items()
    }
    return described, lambda name, **arguments: str(tools[name].call(**arguments))


BINDINGS = (in_langchain, in_llama_index)


def _arguments(schema: Mapping[str, Any]) -> dict[str, str]:
    return {name: argument["description"] for name, argument in schema["properties"].items()}


@pytest.fixture
def open_memory(tmp_path: Path) -> Iterator[Callable[[], LightMem]]:
    opened: list[LightMem] = []

    def open_one() -> LightMem:
        memory = LightMem(tmp_path / str(len(opened)), embedder=HashEmbedder())
        opened.append(memory)
        memory.add(
            Turn(role="user", text=LISBON, speaker="Ann", id="t/1"),
            user_id="ann",
            session_id="old talk",
        )
        return memory

    yield open_one
    for memory in opened:
        memory.close()


def conversation(call: Call) -> list[str]:
    """Everything that a model is told by a row of calls, the right and the wrong ones."""
    told = [call("search_memory", query="Lisbon")]
    (lisbon,) = re.findall(r"^\[(\S+)\] ", told[0], re.MULTILINE)
    told.append(call("correct_memory", memory_id=lisbon, text="Ann moved to Porto in June."))
    told.append(re.sub(r"\d{4}-\d\d-\d\d", "today", call("search_memory", query="Porto moved")))
    told.append(call("forget_memory", memory_id=lisbon))
    told.append(call("remember", text="Ann likes oranges."))
    told.append(call("remember", text=" "))
    told.append(call("search_memory", query=" "))
    told.append(call("search_memory", query="zebra"))
    for unknown in ("", "nonsense", "/t", "old%20talk/", "%20/t", "*/t", "[x/y]", "a/%00"):
        told.append(call("forget_memory", memory_id=unknown))
        told.append(call("correct_memory", memory_id=unknown, text="No."))
    return told


def test_both_bindings_describe_the_same_tools(open_memory: Callable[[], LightMem]) -> None:
    (one, _), (other, _) = (binding(open_memory()) for binding in BINDINGS)
    assert list(one) == ["search_memory", "remember", "forget_memory", "correct_memory"]
    assert one == other
    for description, arguments in one.values():
        assert description
        assert all(arguments.values())


def test_both_bindings_tell_the_model_the_same(open_memory: Callable[[], LightMem]) -> None:
    one, other = (conversation(binding(open_memory())[1]) for binding in BINDINGS)
    assert one == other
    assert LISBON in one[0]
    assert one[1] == "Corrected."
    assert "Porto" in one[2]
    assert "Lisbon" not in one[2]
    assert "no memory with the id" in one[3]
    assert one[4] == "Remembered."
    assert all("no memory with the id" in told for told in one[8:])


@pytest.mark.parametrize("binding", BINDINGS)
def test_a_broken_store_is_told_or_with_strict_raised(
    binding: Callable[..., Binding], open_memory: Callable[[], LightMem]
) -> None:
    memory = open_memory()
    _, lenient = binding(memory)
    _, strict = binding(memory, strict=True)
    memory.close()
    assert lenient("search_memory", query="Lisbon") == "Memory is not available at the moment."
    assert lenient("remember", text="x") == "Memory is not available at the moment."
    with pytest.raises(StoreClosedError):
        strict("search_memory", query="Lisbon")


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("size", [{"k": 0}, {"max_tokens": -1}])
def test_a_size_below_one_is_refused_before_any_call(
    binding: Callable[..., Binding], size: dict[str, int], open_memory: Callable[[], LightMem]
) -> None:
    with pytest.raises(InvalidRequestError):
        binding(open_memory(), **size)


def test_without_a_framework_the_reason_is_raised(open_memory: Callable[[], LightMem]) -> None:
    tools = MemoryTools(open_memory(), user_id="ann", session_id="notes")
    found = tools.search("Lisbon")
    assert [hit.text for hit in found.hits] == [LISBON]
    with pytest.raises(ToolError, match="no memory with the id"):
        tools.forget("old%20talk/none")


def test_a_search_tells_what_is_known_before_the_quotes(
    open_memory: Callable[[], LightMem],
) -> None:
    memory = open_memory()
    memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
    memory.consolidate(writer=ScriptedWriter(), user_id="ann")
    found = MemoryTools(memory, user_id="ann", session_id="notes").search("Where is Ann's home?")
    lines = found.text.splitlines()
    assert lines[2] == "Known:"
    assert lines[3].startswith("- Ann home Lisbon.")
    assert lines[4].startswith("[")


def test_a_note_that_is_too_long_is_kept_cut(open_memory: Callable[[], LightMem]) -> None:
    memory = open_memory()
    note = "The heron stands in the reeds by the mill. " * 8_200
    MemoryTools(memory, user_id="ann", session_id="long").remember(note)
    (turn,) = memory.history(user_id="ann", session_id="long")
    assert len(turn.text) <= memory.settings.max_turn_chars
    assert turn.metadata == {"cut": True}
    assert turn.message is not None
    assert turn.message["content"] == note
