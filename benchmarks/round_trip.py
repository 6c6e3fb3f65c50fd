"""Out of a store and into another: is recall the same, how long does it take, how much room?

    python benchmarks/round_trip.py --data locomo-dev.json

Conversations are remembered and consolidated without a model, exported, imported into an empty
store and embedded anew there; both stores are asked the same questions, evenly spread over all. The
same: the same hits in the same order, and the same text. Then files of made-up turns are written
and read, a small one and a large one: what takes room for a whole file would take ten times as much
for the large one.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.evaluation.conversations import read
from lightmem_integrations.testing import HashEmbedder

OPTIONS = Settings(background_indexing=False)


def same_recalls(data: list[Path], folder: Path, asked: int) -> tuple[int, int, int]:
    """How many questions were asked, and of how many hits, and the text, are the same."""
    conversations = [each for file in data for each in read(file)]
    with (
        LightMem(folder / "one", settings=OPTIONS) as first,
        LightMem(folder / "two", settings=OPTIONS) as second,
    ):
        for each in conversations:
            for session in each.sessions:
                first.add(session.turns, user_id=each.user_id, session_id=session.session_id)
        first.index_pending()
        first.consolidate()
        first.export(folder / "1.jsonl")
        second.load(folder / "1.jsonl")
        second.index_pending()
        second.export(folder / "2.jsonl")
        if (folder / "1.jsonl").read_bytes() != (folder / "2.jsonl").read_bytes():
            raise SystemExit("The two files differ.")
        questions = [(each.user_id, question.text) for each in conversations
                     for question in each.questions]  # fmt: skip
        questions = questions[:: max(len(questions) // asked, 1)][:asked]
        hits = texts = 0
        for user, question in questions:
            mine, theirs = (
                each.recall(question, user_id=user, strict=True) for each in (first, second)
            )
            hits += [hit.text for hit in mine.hits] == [hit.text for hit in theirs.hits]
            texts += mine.text == theirs.text
    return len(questions), hits, texts


def room(turns: int, folder: Path) -> dict[str, float]:
    """Bytes of the file, seconds and peak MiB of Python's memory, of an export and an import."""
    told: dict[str, float] = {"turns": turns}
    embedder = HashEmbedder(8)
    with LightMem(folder / f"from {turns}", embedder=embedder, settings=OPTIONS) as memory:
        for start in range(0, turns, 1_000):
            said = [
                Turn(role="user", text=f"On day {n} a heron stood by river number {n % 997}.")
                for n in range(start, start + 1_000)
            ]
            memory.add(said, user_id="ann", session_id=f"s{start}")
        file = folder / f"{turns}.jsonl"
        with LightMem(folder / f"to {turns}", embedder=embedder, settings=OPTIONS) as copy:
            for name, step in (
                ("export", lambda: memory.export(file)), ("import", lambda: copy.load(file))
            ):  # fmt: skip
                tracemalloc.start()
                begun = time.perf_counter()
                step()
                told[f"{name}, s"] = round(time.perf_counter() - begun, 1)
                told[f"{name}, peak MiB"] = round(tracemalloc.get_traced_memory()[1] / 2**20, 1)
                tracemalloc.stop()
        told["file, MiB"] = round(file.stat().st_size / 2**20, 1)
    return told


def main(
    data: Annotated[list[Path], typer.Option(help="Conversations with questions.")],
    questions: Annotated[int, typer.Option(help="So many are asked.")] = 200,
    turns: Annotated[int, typer.Option(help="Turns of the large file.")] = 100_000,
) -> None:
    """Compare recalls before and after a journey, and measure it."""
    console = Console(soft_wrap=True)
    with tempfile.TemporaryDirectory() as folder:
        asked, hits, texts = same_recalls(data, Path(folder), questions)
        console.print(f"{asked} questions: the same hits for {hits}, the same text for {texts}")
        for count in (turns // 10, turns):
            console.print(room(count, Path(folder)))


if __name__ == "__main__":
    typer.run(main)
