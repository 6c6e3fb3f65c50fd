"""How long a recall takes in a large store, and how that grows with one user's memory.

Three parts, in one process: a store with a heavy user among many others, LangChain's Chroma
retriever over the same turns, and one user alone whose memory grows. Questions are always
embedded by the default model; what stored turns are embedded with is an option, because embedding
100,000 turns takes longer than everything else.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Settings, Turn
from other_checkout import OtherCheckout
from synthetic import BulkEmbedder, questions, sessions, turns

HEAVY = "heavy-user"
_HEAVY = 0  # the number by which its turns are made
_WARM_UP = 5
_SINGLE_ADDS = 200
_CHROMA_BATCH = 1_000
_EMBEDDERS = ("real", "others", "fast")


def timed(action: Callable[[Any], object], inputs: Iterable[Any]) -> list[float]:
    """Milliseconds of the action on each input, one after the other."""
    times = []
    for each in inputs:
        start = time.perf_counter()
        action(each)
        times.append((time.perf_counter() - start) * 1_000)
    return times


def row(name: str, turns_searched: int, times: Sequence[float]) -> dict[str, Any]:
    """The percentiles of some times as one row of the result."""
    p50, p95 = np.percentile(times, [50, 95])
    return {"what": name, "turns": turns_searched, "p50_ms": float(p50), "p95_ms": float(p95)}


def fill(memory: LightMem, user: str, number: int, count: int, *, start: int = 0) -> None:
    """Add turns of a made-up user and index them."""
    for session, part in sessions(turns(number, count, start=start)):
        memory.add(part, user_id=user, session_id=session)
    memory.index_pending()


class Stages:
    """Asks for recalls and keeps the milliseconds of each of their stages."""

    def __init__(self, memory: LightMem, user: str) -> None:
        self._memory = memory
        self._user = user
        self._spent: dict[str, list[float]] = {}

    def ask(self, question: str) -> None:
        """Recall with default arguments."""
        # Strict: a stage that failed would be quick.
        found = self._memory.recall(question, user_id=self._user, strict=True)
        for stage, spent in found.milliseconds.items():
            self._spent.setdefault(stage, []).append(spent)

    def medians(self) -> dict[str, float]:
        """The median of each stage."""
        return {stage: statistics.median(spent) for stage, spent in self._spent.items()}


def in_turn(
    actions: Mapping[str, Callable[[str], object]], asked: Sequence[str]
) -> dict[str, list[float]]:
    """Milliseconds of each action on each question.

    Every question goes to all of them before the next is asked, so that whatever else the machine
    does meanwhile slows all of them alike.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for question in questions(_HEAVY + 1, _WARM_UP):
        for action in actions.values():
            action(question)
    for question in asked:
        for name, action in actions.items():
            times[name] += timed(action, [question])
    return times


def shares(counts: tuple[int, int, int]) -> Iterator[tuple[str, int, int]]:
    """The others: user id, number, and how many turns are this user's."""
    _, others, users = counts
    for number in range(1, users + 1):
        yield f"user-{number}", number, others // users + (number <= others % users)


@contextmanager
def filled(folder: Path, counts: tuple[int, int, int], embedder: str) -> Iterator[LightMem]:
    """A store with the turns of the heavy user and of all others."""
    model = BulkEmbedder(fast=embedder != "real")
    with LightMem(folder, embedder=model, settings=Settings(background_indexing=False)) as memory:
        for user, number, share in shares(counts):
            fill(memory, user, number, share)
        model.fast = embedder == "fast"
        fill(memory, HEAVY, _HEAVY, counts[0])
        model.fast = False
        yield memory


def crowded(
    folder: Path,
    counts: tuple[int, int, int],
    embedder: str,
    asked: Sequence[str],
    *,
    baseline: bool,
    before: Path | None = None,
) -> dict[str, Any]:
    """A heavy user among many: recall, LangChain's Chroma, short-term memory and adding.

    Args:
        folder: Where the stores go.
        counts: Turns of the heavy user, turns of all others together, number of others.
        embedder: ``real``, ``others`` or ``fast``.
        asked: The questions.
        baseline: Whether to measure LangChain's Chroma.
        before: Another checkout of the library to measure beside this one.
    """
    own = counts[0]
    with ExitStack() as opened:
        memory = opened.enter_context(filled(folder / "crowded", counts, embedder))
        stages = Stages(memory, HEAVY)
        actions: dict[str, Callable[[str], object]] = {"recall": stages.ask}
        if before is not None:
            other = OtherCheckout(before, folder / "before", counts, embedder)
            opened.callback(other.close)
            actions["recall by the other checkout"] = other.ask
        if baseline:
            actions |= chroma(folder, counts, embedder, opened)
        rows = [row(name, own, times) for name, times in in_turn(actions, asked).items()]
        last = memory.sessions(user_id=HEAVY)[-1]

        def short_term(_: object) -> None:
            memory.short_term(user_id=HEAVY, session_id=last)

        rows.append(row("short_term", own, timed(short_term, asked)))

        def add(turn: Turn) -> None:
            memory.add(turn, user_id=HEAVY, session_id="added-alone")

        added = timed(add, turns(_HEAVY, _SINGLE_ADDS, start=own))
        rows.append(row("add one turn, not embedded", own, added))
    return {"rows": rows, "stages": stages.medians()}


def chroma(
    folder: Path, counts: tuple[int, int, int], embedder: str, opened: ExitStack
) -> dict[str, Callable[[str], object]]:
    """LangChain's Chroma retriever over the same turns, with the same vectors and k = 5."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings
    from langchain_chroma import Chroma
    from langchain_core.documents import Document

    from lightmem_integrations.evaluation.peers.langchain_chroma import SharedEmbeddings

    model = BulkEmbedder(fast=embedder != "real")
    client: Any = chromadb.PersistentClient(
        str(folder / "chroma"), settings=ChromaSettings(anonymized_telemetry=False)
    )
    opened.callback(client.close)

    def store(name: str) -> Chroma:
        return Chroma(
            collection_name=name, embedding_function=SharedEmbeddings(model), client=client
        )

    def put(target: Chroma, user: str, number: int, count: int) -> None:
        documents = [
            Document(f"{each.speaker}: {each.text}", metadata={"user_id": user})
            for each in turns(number, count)
        ]
        for start in range(0, len(documents), _CHROMA_BATCH):
            target.add_documents(documents[start : start + _CHROMA_BATCH])

    alone, shared = store("alone"), store("shared")
    for user, number, share in shares(counts):
        put(shared, user, number, share)
    model.fast = embedder == "fast"
    put(alone, HEAVY, _HEAVY, counts[0])
    put(shared, HEAVY, _HEAVY, counts[0])
    model.fast = False
    own = alone.as_retriever(search_kwargs={"k": 5})
    filtered = shared.as_retriever(search_kwargs={"k": 5, "filter": {"user_id": HEAVY}})
    return {
        "LangChain Chroma, a collection for this user alone": own.invoke,
        "LangChain Chroma, one collection, filtered by user": filtered.invoke,
    }


def growth(
    folder: Path, sizes: Sequence[int], embedder: str, asked: Sequence[str]
) -> list[dict[str, Any]]:
    """One user alone, asked again whenever its memory has reached a size."""
    model = BulkEmbedder(fast=embedder != "real")
    rows = []
    reached = 0
    settings = Settings(background_indexing=False)
    with LightMem(folder / "growing", embedder=model, settings=settings) as memory:
        for size in sorted(sizes):
            model.fast = embedder != "real"
            fill(memory, HEAVY, _HEAVY, size - reached, start=reached)
            reached = size
            model.fast = False
            stages = Stages(memory, HEAVY)
            times = in_turn({"recall": stages.ask}, asked)["recall"]
            found = row("recall, one user alone", size, times)
            rows.append(found | {"stages": stages.medians()})
    return rows


def show(result: dict[str, Any]) -> None:
    """Print the result as tables."""
    console = Console()
    asked, counts = result["queries"], result["counts"]
    table = Table(
        title=f"Latency, {asked} questions one after the other",
        caption=(
            f"The heavy user's {counts['turns']:,} turns are among {counts['others']:,} turns of "
            f"{counts['users']} others. Stored turns embedded by: {result['embedded_by']} "
            f"Questions: the default model."
        ),
    )
    table.add_column("")
    for heading in ("turns searched", "p50 ms", "p95 ms", "recall takes (p50)"):
        table.add_column(heading, justify="right")
    recall = result["rows"][0]["p50_ms"]
    for each in [*result["rows"], *result["growth"]]:
        beside = "Chroma" in each["what"] or "checkout" in each["what"]
        ratio = f"{recall / each['p50_ms']:.2f} x" if beside else ""
        numbers = (f"{each['turns']:,}", f"{each['p50_ms']:.2f}", f"{each['p95_ms']:.2f}")
        table.add_row(each["what"], *numbers, ratio)
    console.print(table)
    stages = Table(title="Median of each stage of a recall, ms")
    stages.add_column("turns searched", justify="right")
    for stage in result["stages"]:
        stages.add_column(stage, justify="right")
    shown = [(counts["turns"], result["stages"])]
    shown += [(each["turns"], each["stages"]) for each in result["growth"]]
    for size, spent in shown:
        stages.add_row(f"{size:,}", *(f"{spent.get(each, 0.0):.2f}" for each in result["stages"]))
    console.print(stages)


def main(
    *,
    own: Annotated[int, typer.Option("--turns", help="Turns of the heavy user.")] = 10_000,
    others: Annotated[int, typer.Option(help="Turns of all others together.")] = 100_000,
    users: Annotated[int, typer.Option(help="Number of others.")] = 100,
    queries: Annotated[int, typer.Option(help="Questions asked.")] = 200,
    sizes: Annotated[
        str, typer.Option("--growth", help="Sizes of one user's memory; empty for none.")
    ] = "1000,10000,100000",
    embedder: Annotated[
        str,
        typer.Option(
            help="What embeds stored turns: 'real', the default model; 'others', random vectors "
            "except for the heavy user; 'fast', random vectors for all."
        ),
    ] = "others",
    baseline: Annotated[bool, typer.Option(help="Measure LangChain's Chroma too.")] = True,
    before: Annotated[
        Path | None,
        typer.Option(help="Root of another checkout, such as the commit before, measured beside."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure latency."""
    if embedder not in _EMBEDDERS:
        raise typer.BadParameter(f"{embedder!r} is none of {', '.join(_EMBEDDERS)}")
    embedded_by = {
        "real": "the default model.",
        "others": "random vectors of their words, except the heavy user's, which are the "
        "default model's; in the part with one user alone, random vectors.",
        "fast": "random vectors of their words.",
    }[embedder]
    asked = questions(_HEAVY, queries)
    counts = (own, others, users)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        measured = crowded(folder, counts, embedder, asked, baseline=baseline, before=before)
        grown = [int(size) for size in sizes.split(",") if size]
        result = measured | {
            "growth": growth(folder, grown, embedder, asked) if grown else [],
            "queries": queries,
            "counts": {"turns": own, "others": others, "users": users},
            "embedded_by": embedded_by,
        }
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    typer.run(main)
