"""How much longer a recall takes with a filter, in a memory of 10,000 turns of one user.

Each question is asked without a filter and with each of several, one after the other, so that
whatever else the machine does slows all alike. A filter is asked again with every question, as an
agent does, and anew: with another value each time. Processor time says what a recall takes of a
machine that does something else besides.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from latency import in_turn, row
from lightmem_integrations import LightMem, Settings, Turn
from synthetic import BulkEmbedder, questions, sessions, turns

_USER = "heavy-user"
_TOPICS = "work home travel food health sport music books money family".split()  # noqa: SIM905
_AGENTS = ("support", "sales")

_AGAIN: dict[str, Any] = {
    "agent_id": {"agent_id": "sales"},
    "topic, a tenth of the turns": {"topic": "travel"},
    "every topic but one": {"topic": {"$ne": "travel"}},
    "a tag in a list": {"tags": {"$contains": "t7"}},
    "and, in, not": {
        "$and": [
            {"topic": {"$in": ["travel", "food", "work"]}},
            {"rank": {"$gte": 2_000}},
            {"$not": {"starred": True}},
        ]
    },
    "one turn of all": {"rank": 7_777},
}


_ANEW: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "in, and from a rank on": lambda chance: {
        "topic": {"$in": chance.sample(_TOPICS, 3)},
        "rank": {"$gte": chance.randrange(5_000)},
    },
    "of an agent, from a rank on": lambda chance: {
        "agent_id": chance.choice(_AGENTS),
        "rank": {"$gte": chance.randrange(10_000)},
    },
    "all but one turn": lambda chance: {"rank": {"$ne": chance.randrange(10_000)}},
}


def described(count: int) -> Iterator[Turn]:
    """Made-up turns with five values of metadata each."""
    chance = random.Random(5)
    for number, turn in enumerate(turns(0, count)):
        metadata = {
            "topic": chance.choice(_TOPICS), "rank": number, "starred": number % 20 == 0,
            "tags": [f"t{chance.randrange(50)}", f"t{chance.randrange(50)}"], "source": "mail",
        }  # fmt: skip
        yield replace(turn, metadata=metadata)


def measured(folder: Path, count: int, queries: int) -> list[dict[str, Any]]:
    """Milliseconds of a recall without a filter and with each, and of the processor's time."""
    worked: dict[str, list[float]] = defaultdict(list)
    model = BulkEmbedder(fast=True)
    with LightMem(folder, embedder=model, settings=Settings(background_indexing=False)) as memory:
        for number, (session, part) in enumerate(sessions(described(count))):
            agent = _AGENTS[number % len(_AGENTS)]
            memory.add(part, user_id=_USER, session_id=session, agent_id=agent)
        memory.index_pending()
        model.fast = False
        chance = random.Random(9)

        def ask(name: str, condition: Callable[[], dict[str, Any]] | None) -> None:
            def recall(question: str) -> None:
                asked, start = condition() if condition else None, time.process_time()
                memory.recall(question, user_id=_USER, filter=asked, strict=True)
                worked[name].append((time.process_time() - start) * 1_000)

            actions[name] = recall

        actions: dict[str, Callable[[str], object]] = {}
        ask("without a filter", None)
        for name, condition in _AGAIN.items():
            ask(name, lambda it=condition: it)  # type: ignore[misc]
        for name, one_of in _ANEW.items():
            ask(f"anew: {name}", lambda it=one_of: it(chance))  # type: ignore[misc]
        taken = in_turn(actions, questions(0, queries))
    rows = [
        row(name, count, times) | {"cpu_p50_ms": statistics.median(worked[name][-queries:])}
        for name, times in taken.items()
    ]
    return [each | {"more_p95_ms": each["p95_ms"] - rows[0]["p95_ms"]} for each in rows]


def main(
    *,
    count: Annotated[int, typer.Option("--turns", help="Turns of the user.")] = 10_000,
    queries: Annotated[int, typer.Option(help="Questions asked.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure recall with filters."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = measured(Path(folder), count, queries)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(title=f"Recall with a filter, {count:,} turns, {queries} questions")
    table.add_column("")
    for heading in ("p50 ms", "p95 ms", "p95 more ms", "cpu p50 ms"):
        table.add_column(heading, justify="right")
    for each in rows:
        numbers = (each["p50_ms"], each["p95_ms"], each["more_p95_ms"], each["cpu_p50_ms"])
        table.add_row(each["what"], *(f"{number:.2f}" for number in numbers))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
