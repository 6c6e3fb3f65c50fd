"""What consolidation costs: time, disk, tokens, and what recalls meanwhile notice of it.

Every conversation is the memory of a user of its own, and is embedded before anything is timed.
Further copies of a conversation are told about other people, so that their facts are new ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import ConsolidationReport, LightMem, Settings, Turn
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from synthetic import BulkEmbedder

_PER = 10_000
_MIB = 1024 * 1024
_ONE = "everything"
# Seconds between two recalls. Without any, consolidation waits its longest at each of its steps.
_BETWEEN = 0.05


def copied(conversation: Conversation, copy: int) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    """The sessions, told about other people: names that no other copy has."""
    names = sorted({turn.speaker for turn in conversation.turns if turn.speaker})
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    suffix = "".join("abcdefghij"[int(digit)] for digit in str(copy)) if copy else ""
    for session in conversation.sessions:
        yield (
            f"{conversation.user_id}-{copy}-{session.session_id}",
            tuple(
                dataclasses.replace(
                    turn,
                    id=f"{copy}-{turn.id}",
                    speaker=f"{turn.speaker}{suffix}",
                    text=pattern.sub(lambda found: found[0] + suffix, turn.text),
                )
                for turn in session.turns
            ),
        )


def tell(memory: LightMem, conversation: Conversation, copy: int, user_id: str) -> tuple[int, int]:
    """Add a copy; returns its numbers of turns and sessions."""
    turns = sessions = 0
    for session_id, said in copied(conversation, copy):
        memory.add(said, user_id=user_id, session_id=session_id)
        turns, sessions = turns + len(said), sessions + 1
    return turns, sessions


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def compact(folder: Path) -> None:
    """Make an open store's ledger as small as it gets, so that sizes can be compared."""
    with contextlib.closing(SqliteLedger(folder / "ledger.sqlite")) as ledger:
        ledger.compact()


def cost(
    conversations: Sequence[Conversation],
    *,
    turns: int | None,
    one_user: bool,
    writer: str | None,
    max_batches: int | None,
    fast: bool,
) -> dict[str, Any]:
    """Consolidate so many turns, or every conversation once, and measure."""
    embedder = BulkEmbedder(fast=True) if fast else None
    settings = Settings(background_indexing=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Path(folder) / "store"
        with LightMem(store, embedder=embedder, settings=settings, writer=writer) as memory:
            told = sessions = copy = 0
            while not told or (turns is not None and told < turns):
                for each in conversations:
                    user_id = _ONE if one_user else f"{each.user_id}-{copy}"
                    more, sittings = tell(memory, each, copy, user_id)
                    told, sessions = told + more, sessions + sittings
                    if turns is not None and told >= turns:
                        break
                copy += 1
            memory.index_pending()
            compact(store)
            before = size_of(store)
            wall, busy = time.perf_counter(), time.process_time()
            report = memory.consolidate(final=True, max_batches=max_batches)
            wall, busy = time.perf_counter() - wall, time.process_time() - busy
            compact(store)
            grown = size_of(store) - before
            done = told if max_batches is None else _consolidated(memory)
            looked_at = sessions if max_batches is None else min(max_batches, sessions)
    return {
        "turns": done,
        "sessions": looked_at,
        "seconds": wall,
        "processor_seconds": busy,
        "turns_per_second": done / wall,
        "turns_per_processor_second": done / busy,
        "seconds_per_session": wall / looked_at,
        "tokens_per_session": report.tokens / looked_at,
        "mib_per_10000_turns": grown / _MIB * _PER / done,
        "report": dataclasses.asdict(report),
    }


def _consolidated(memory: LightMem) -> int:
    return sum(
        len(episode.turns) for user in memory.users() for episode in memory.episodes(user_id=user)
    )


def disturbance(
    conversations: Sequence[Conversation], *, rounds: int, writer: str | None
) -> dict[str, float]:
    """Times of recalls while another thread consolidates, and while none does.

    The two take turns, round by round, so that other work on the machine slows both alike.
    """
    asked = conversations[0]
    questions = [question.text for question in asked.questions]
    alone: list[float] = []
    during: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings(background_indexing=False)
        with LightMem(Path(folder) / "store", settings=settings, writer=writer) as memory:
            tell(memory, asked, 0, "asked")
            memory.consolidate(user_id="asked", final=True)
            memory.warm_up()

            def recall(number: int) -> float:
                question = questions[number % len(questions)]
                start = time.perf_counter()
                memory.recall(question, user_id="asked")
                return (time.perf_counter() - start) * 1_000

            for number in range(20):
                recall(number)
            for turn in range(rounds):
                told = conversations[turn % len(conversations)]
                tell(memory, told, turn + 1, f"round-{turn}")
                memory.index_pending()
                reports: list[ConsolidationReport] = []
                thread = threading.Thread(
                    target=lambda: reports.append(memory.consolidate(final=True))  # noqa: B023
                )
                begun = len(during)
                thread.start()
                while thread.is_alive():
                    during.append(recall(len(during)))
                    time.sleep(_BETWEEN)
                thread.join()
                alone += [recall(number) for number in range(begun, len(during))]
    found = {
        "recalls": float(len(during)),
        "alone_p50_ms": statistics.median(alone),
        "alone_p95_ms": float(np.percentile(alone, 95)),
        "during_p50_ms": statistics.median(during),
        "during_p95_ms": float(np.percentile(during, 95)),
    }
    return found | {"p95_ratio": found["during_p95_ms"] / found["alone_p95_ms"]}


def main(
    *,
    data: Annotated[
        Path, typer.Option(exists=True, help="LoCoMo's file, or one like examples/demo's.")
    ],
    growth: Annotated[
        str, typer.Option(help="Numbers of turns to consolidate, such as 1000,3000,10000.")
    ] = "",
    one_user: Annotated[
        bool, typer.Option("--one-user", help="All of it as the memory of one user.")
    ] = False,
    writer: Annotated[
        str | None, typer.Option(help="A model that writes: a .gguf file, or a name.")
    ] = None,
    max_batches: Annotated[
        int | None, typer.Option(min=1, help="Consolidate so many sessions only.")
    ] = None,
    recall_rounds: Annotated[
        int, typer.Option(help="Rounds of recalls beside a running consolidation; 0 for none.")
    ] = 8,
    embedder: Annotated[
        str, typer.Option(help="'real', or 'fast' for random vectors instead of the model's.")
    ] = "real",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure consolidation."""
    if embedder not in ("real", "fast"):
        raise typer.BadParameter(f"{embedder!r} is neither 'real' nor 'fast'")
    conversations = read(data)
    sizes = [int(each) for each in growth.split(",") if each] or [None]
    costs = [
        cost(
            conversations, turns=size, one_user=one_user, writer=writer, max_batches=max_batches,
            fast=embedder == "fast",
        )
        for size in sizes
    ]  # fmt: skip
    beside = (
        disturbance(conversations, rounds=recall_rounds, writer=writer) if recall_rounds else {}
    )
    if as_json:
        print(json.dumps({"cost": costs, "recall": beside}, indent=2))
        return
    table = Table(title=f"Consolidation; writer: {writer or 'extractive'}, embedder: {embedder}")
    for heading in (
        "turns", "sessions", "episodes", "facts", "turns/s", "turns/CPU s", "s/session",
        "tokens/session", "MiB/10,000 turns",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for each in costs:
        report = each["report"]
        table.add_row(
            f"{each['turns']:,}", f"{each['sessions']:,}", f"{report['written']:,}",
            f"{report['facts']:,}", f"{each['turns_per_second']:,.0f}",
            f"{each['turns_per_processor_second']:,.0f}", f"{each['seconds_per_session']:.2f}",
            f"{each['tokens_per_session']:,.0f}", f"{each['mib_per_10000_turns']:.1f}",
        )  # fmt: skip
    console = Console(width=120)
    console.print(table)
    if beside:
        console.print(
            f"recall, {beside['recalls']:.0f} each: alone p50 {beside['alone_p50_ms']:.1f} ms, "
            f"p95 {beside['alone_p95_ms']:.1f} ms; during a consolidation p50 "
            f"{beside['during_p50_ms']:.1f} ms, p95 {beside['during_p95_ms']:.1f} ms; "
            f"p95 {beside['p95_ratio']:.2f} times as long"
        )


if __name__ == "__main__":
    typer.run(main)
