"""What memory adds to one turn of a LangChain agent: the same agent with and without it.

The chat model answers at once, so what is measured is the agent's own work and the memory's. Each
question goes to both agents in turn, so that whatever else the machine does slows both alike.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from langchain.agents import create_agent
from langchain_core.language_models import FakeListChatModel
from rich.console import Console
from rich.table import Table

from latency import fill
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.langchain import LightMemMiddleware
from synthetic import BulkEmbedder, questions

_USER = "heavy-user"
_WARM_UP = 10
_ANSWER = "That was in the second week of June, after the long walk along the river with Nora."


def measured(memory: LightMem, asked: list[str], pause: float) -> dict[str, list[float]]:
    """Milliseconds of each turn, by the clock and of the processor, with memory and without."""
    agents = {
        name: create_agent(FakeListChatModel(responses=[_ANSWER]), middleware=middleware)
        for name, middleware in (("without", []), ("with", [LightMemMiddleware(memory)]))
    }
    times: dict[str, list[float]] = {f"{name} {of}": [] for name in agents for of in ("all", "cpu")}
    for number, question in enumerate(asked):
        for name, agent in agents.items():
            time.sleep(pause)
            config: Any = {"configurable": {"user_id": _USER, "thread_id": f"{name} {number}"}}
            start, worked = time.perf_counter(), time.process_time()
            agent.invoke({"messages": [("user", question)]}, config)
            times[f"{name} cpu"].append((time.process_time() - worked) * 1_000)
            times[f"{name} all"].append((time.perf_counter() - start) * 1_000)
    return {name: spent[_WARM_UP:] for name, spent in times.items()}


def main(
    *,
    turns: Annotated[int, typer.Option(help="Turns in the user's memory.")] = 10_000,
    queries: Annotated[int, typer.Option(help="Turns of the agent.")] = 200,
    pause: Annotated[float, typer.Option(help="Seconds between turns; people take longer.")] = 0.1,
    real: Annotated[
        bool, typer.Option("--real", help="Embed the stored turns by the default model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure what memory adds to a turn of an agent."""
    model = BulkEmbedder(fast=not real)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory"
        settings = Settings(background_indexing=False)
        with LightMem(path, embedder=model, settings=settings) as memory:
            fill(memory, _USER, 0, turns)
        model.fast = False
        with LightMem(path, embedder=model) as memory:
            spent = measured(memory, questions(1, queries + _WARM_UP), pause)
            memory.index_pending()
    added = {of: np.subtract(spent[f"with {of}"], spent[f"without {of}"]) for of in ("all", "cpu")}
    shown = {
        "the agent alone": spent["without all"],
        "the agent with memory": spent["with all"],
        "added by memory": added["all"],
        "added by memory, processor time": added["cpu"],
    }
    rows = {
        what: dict(zip(("p50_ms", "p95_ms"), np.percentile(values, [50, 95]).tolist(), strict=True))
        for what, values in shown.items()
    }
    if as_json:
        print(json.dumps({"turns": turns, "queries": queries, "pause": pause, "rows": rows}))
        return
    table = Table(title=f"One turn of an agent, {turns:,} turns in memory, {queries} questions")
    for heading in ("", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="right" if heading else "left")
    for what, row in rows.items():
        table.add_row(what, f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
