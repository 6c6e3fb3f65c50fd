"""LlamaIndex's memories in one harness: searches per turn, what a failing store loses, and more.

The chat model answers by script and Mem0's service is a stub, so nothing here says how well a
memory answers. Every memory goes through LlamaIndex's own agents, as its users would run it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from llama_index.core import MockEmbedding
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM, MockLLM
from llama_index.core.memory import (
    BaseMemory,
    FactExtractionMemoryBlock,
    Memory,
    VectorMemoryBlock,
)
from llama_index.core.vector_stores import VectorStoreQueryResult
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from llama_index.core.workflow import Context
from pydantic import Field
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import LightMemBlock, LightMemMemory

_KNOWN = "I moved to Lisbon in May."
_ASKED = "Where do I live?"
_USER = "alice"
_EXCHANGES = 6


class Backend:
    """A vector store for a memory: counts searches, and fails on demand."""

    def __init__(self) -> None:
        self.searches = 0
        self.kept: list[str] = []
        self.fails = False

    def write(self, text: str) -> None:
        """Keep a text, or fail."""
        if self.fails:
            raise ConnectionError("the store does not answer")
        self.kept.append(text)


class VectorStore(BasePydanticVectorStore):
    """The vector store behind ``VectorMemoryBlock``."""

    stores_text: bool = True
    backend: Any = Field(exclude=True)
    nodes: list[Any] = Field(default_factory=list)

    @property
    def client(self) -> None:
        """None."""

    def add(self, nodes: Any, **_: Any) -> list[str]:
        """Keep nodes."""
        for node in nodes:
            self.backend.write(node.get_content())
            self.nodes.append(node)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Nothing is ever deleted here."""

    def query(self, query: Any, **_: Any) -> VectorStoreQueryResult:  # noqa: ARG002
        """All nodes."""
        self.backend.searches += 1
        return VectorStoreQueryResult(
            nodes=self.nodes, similarities=[1.0] * len(self.nodes), ids=[]
        )


class Mem0Stub:
    """A client of Mem0 that keeps messages as they are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def add(self, messages: Any, **_: Any) -> dict[str, Any]:
        """Keep messages."""
        for message in messages:
            self._backend.write(str(message.get("content")))
        return {"results": []}

    def search(self, query: str, **_: Any) -> dict[str, Any]:  # noqa: ARG002
        """All that was kept."""
        self._backend.searches += 1
        found = [{"memory": text, "id": "1", "categories": []} for text in self._backend.kept]
        return {"results": found}


@dataclass
class Contender:
    """A memory under test, which knows one fact already, and what it keeps memories in."""

    name: str
    make: Callable[[Backend, Path, int], BaseMemory]


@dataclass
class Outcome:
    """Observations of one memory."""

    name: str
    searches_per_two_tool_turn: int | None = None
    messages_lost_of_twelve: int | None = None
    forgets_on_context_reuse: bool | None = None
    react_agent_without_system_prompt_sees_memory: bool | None = None


_opened: list[LightMem] = []


def _watched(folder: Path, backend: Backend) -> LightMem:
    store = LightMem(folder)
    _opened.append(store)
    if not store.users():
        store.add(Turn(role="user", text=_KNOWN), user_id=_USER, session_id="old")
    recall, add = store.recall, store.add

    def counted(*arguments: Any, **options: Any) -> Any:
        backend.searches += 1
        return recall(*arguments, **options)

    def failing(new: Any, **options: Any) -> Any:
        new = [new] if isinstance(new, Turn) else list(new)
        for turn in new:
            backend.write(turn.text)
        return add(new, **options)

    store.recall, store.add = counted, failing  # type: ignore[method-assign]
    return store


def _own(backend: Backend, folder: Path, limit: int) -> BaseMemory:
    return LightMemMemory.from_defaults(
        memory=_watched(folder, backend), user_id=_USER, token_limit=limit
    )


def _own_block(backend: Backend, folder: Path, limit: int) -> BaseMemory:
    block = LightMemBlock(memory=_watched(folder, backend), user_id=_USER)
    return _stock(block, limit)


def _vectors(backend: Backend, _: Path, limit: int) -> BaseMemory:
    store = VectorStore(backend=backend)
    block = VectorMemoryBlock(vector_store=store, embed_model=MockEmbedding(embed_dim=3))
    asyncio.run(block.aput([ChatMessage(role="user", content=_KNOWN)], session_id="now"))
    return _stock(block, limit)


def _facts(backend: Backend, _: Path, limit: int) -> BaseMemory:
    class Counted(FactExtractionMemoryBlock):
        async def _aget(self, *arguments: Any, **options: Any) -> str:
            backend.searches += 1
            return await super()._aget(*arguments, **options)

        async def _aput(self, messages: list[ChatMessage]) -> None:
            for message in messages:
                backend.write(str(message.content))

    return _stock(Counted(llm=MockLLM(), facts=[_KNOWN]), limit)


def _mem0(backend: Backend, _: Path, limit: int) -> BaseMemory:
    kind = importlib.import_module("llama_index.memory.mem0").Mem0Memory
    backend.kept.append(_KNOWN)
    primary = Memory.from_defaults(session_id="now", token_limit=limit)
    made: BaseMemory = kind(
        client=Mem0Stub(backend), context={"user_id": _USER}, primary_memory=primary
    )
    made._client = Mem0Stub(backend)
    return made


def _stock(block: Any, limit: int) -> Memory:
    return Memory.from_defaults(
        session_id="now", memory_blocks=[block], token_limit=limit, token_flush_size=limit // 4
    )


CONTENDERS = (
    Contender("LightMemMemory", _own),
    Contender("Memory + LightMemBlock", _own_block),
    Contender("Memory + VectorMemoryBlock", _vectors),
    Contender("Memory + FactExtractionMemoryBlock", _facts),
    Contender("Mem0Memory (service stubbed)", _mem0),
)


def _script(answers: list[Any], prompts: list[str]) -> MockFunctionCallingLLM:
    def answer(messages: Any, **_: Any) -> ChatMessage:
        prompts.append("\n".join(str(each.content) for each in messages))
        said = answers.pop(0) if answers else "All right."
        return ChatMessage(role="assistant", content=said) if isinstance(said, str) else said

    return MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)


def _call(number: int) -> ChatMessage:
    block = ToolCallBlock(tool_call_id=str(number), tool_name="weather", tool_kwargs={"city": "A"})
    return ChatMessage(role="assistant", blocks=[block])


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


async def _two_tools(memory: BaseMemory, backend: Backend) -> int:
    llm = _script([_call(1), _call(2), "Sunny."], [])
    backend.searches = 0
    await FunctionAgent(llm=llm, tools=[weather]).run(user_msg=_ASKED, memory=memory)
    return backend.searches


async def _reuse(memory: BaseMemory) -> bool:
    prompts: list[str] = []
    agent = FunctionAgent(llm=_script(["Noted.", "Ann."], prompts))
    context = Context(agent)
    await agent.run(user_msg="My name is Ann.", memory=memory, ctx=context)
    try:
        await agent.run(user_msg="What is my name?", ctx=context)
    except Exception:  # noqa: BLE001 - a memory that cannot be read back is forgotten, too
        return True
    return "My name is Ann." not in prompts[-1]


async def _react(memory: BaseMemory) -> bool:
    prompts: list[str] = []
    llm = _script(["Thought: I know.\nAnswer: Lisbon."], prompts)
    await ReActAgent(llm=llm).run(user_msg=_ASKED, memory=memory)
    return _KNOWN in prompts[0]


async def _lost(memory: BaseMemory, backend: Backend) -> int:
    """Of twelve messages put while the store fails: how many are nowhere once it works again."""
    said = []
    backend.fails = True
    for number in range(_EXCHANGES):
        for role in ("user", "assistant"):
            said.append(f"{role} says {number}: " + "word " * 40)
            try:
                await memory.aput(ChatMessage(role=role, content=said[-1]))
            except ConnectionError:
                continue
    backend.fails = False
    for role in ("user", "assistant"):
        await memory.aput(ChatMessage(role=role, content="It works again. " + "word " * 300))
    held = "\n".join(str(message.content) for message in await memory.aget())
    kept = "\n".join(backend.kept)
    return sum(text.strip() not in held and text.strip() not in kept for text in said)


def compare() -> list[Outcome]:
    """Every memory in every part of the harness; one that cannot be imported is named only."""
    outcomes = []
    for contender in CONTENDERS:
        outcome = Outcome(contender.name)
        outcomes.append(outcome)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

            def made(part: str, limit: int = 30_000) -> tuple[BaseMemory, Backend]:
                backend = Backend()
                return contender.make(backend, Path(folder) / part, limit), backend  # noqa: B023

            try:
                memory, backend = made("searches")
            except ModuleNotFoundError as error:
                outcome.name += f": not measured, {error.name} is not installed"
                continue
            outcome.searches_per_two_tool_turn = asyncio.run(_two_tools(memory, backend))
            outcome.messages_lost_of_twelve = asyncio.run(_lost(*made("lost", 200)))
            outcome.forgets_on_context_reuse = asyncio.run(_reuse(made("reuse")[0]))
            outcome.react_agent_without_system_prompt_sees_memory = asyncio.run(
                _react(made("react")[0])
            )
            while _opened:
                _opened.pop().close()
    return outcomes


def main(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare and print."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # failures are provoked here
    outcomes = compare()
    if as_json:
        print(json.dumps([asdict(each) for each in outcomes]))
        return
    table = Table("", *(name.replace("_", " ") for name in list(asdict(outcomes[0]))[1:]))
    for each in outcomes:
        _, *cells = asdict(each).values()
        table.add_row(each.name, *("-" if cell is None else str(cell) for cell in cells))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
