"""What memory adds to a turn of a LlamaIndex agent, at 10,000 memories of one user.

A ``FunctionAgent`` with a scripted model answers questions after one tool call. Timed are the
calls of the memory only: storing the question, the rounds of reading, storing the answer. The
stored texts are made up and have random vectors of the right size; questions are embedded by the
default model and every stage of recall runs.

A turn begins once the turn before is indexed, which the background does while a person reads;
``--rushed`` begins it at once, so that recall has to index what was just said.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from rich.console import Console

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory
from synthetic import BulkEmbedder, questions, sessions, turns

_USER = "user0"
_TIMED = ("aput", "aget", "aput_messages")


class Timed(LightMemMemory):
    """Adds up the time of its calls."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        object.__setattr__(self, "spent", 0.0)

    def __getattribute__(self, name: str) -> Any:
        """A call, timed if an agent makes it."""
        found = super().__getattribute__(name)
        if name not in _TIMED:
            return found

        async def call(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return await found(*arguments, **options)
            finally:
                object.__setattr__(self, "spent", self.spent + time.perf_counter() - start)

        return call


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


async def measure(store: LightMem, count: int, *, rushed: bool) -> list[tuple[float, float]]:
    """Milliseconds in memory calls, and of the process's CPU in the whole turn, for each turn."""
    answers: list[Any] = []

    def answer(_: Any, **__: Any) -> ChatMessage:
        return answers.pop(0)

    llm = MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)
    agent = FunctionAgent(llm=llm, tools=[weather])
    spent = []
    for asked in questions(0, count):
        block = ToolCallBlock(tool_call_id="1", tool_name="weather", tool_kwargs={"city": "A"})
        answers[:] = [
            ChatMessage(role="assistant", blocks=[block]),
            ChatMessage(role="assistant", content="Sunny."),
        ]
        while not rushed and (await store.astats()).pending:
            await asyncio.sleep(0.05)
        memory = Timed(memory=store, user_id=_USER, strict=True)
        cpu = time.process_time()
        await agent.run(user_msg=asked, memory=memory)
        spent.append((1e3 * memory.spent, 1e3 * (time.process_time() - cpu)))
    return spent[5:]  # the first turns load what later ones share


def main(
    memories: Annotated[int, typer.Option(help="Turns of the user.")] = 10_000,
    asked: Annotated[int, typer.Option(help="Turns of the agent.")] = 105,
    *,
    rushed: Annotated[bool, typer.Option("--rushed", help="Leave no pause.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        embedder = BulkEmbedder(fast=True)
        with LightMem(Path(folder) / "store", embedder=embedder) as store:
            for session, part in sessions(turns(0, memories)):
                store.add(part, user_id=_USER, session_id=session)
            store.index_pending()
            store.warm_up()
            embedder.fast = False
            spent = asyncio.run(measure(store, asked, rushed=rushed))
    calls, cpu = zip(*spent, strict=True)
    found = {
        "memories": memories,
        "turns": len(calls),
        "p50_ms": round(statistics.median(calls), 1),
        "p95_ms": round(statistics.quantiles(calls, n=20)[-1], 1),
        "cpu_p50_ms_of_whole_turn": round(statistics.median(cpu), 1),
        "load_average": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }
    if as_json:
        print(json.dumps(found))
    else:
        Console().print(found)


if __name__ == "__main__":
    typer.run(main)
