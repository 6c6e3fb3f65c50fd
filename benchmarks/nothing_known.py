"""How well a recall's score tells that nothing is known, and what hits that costs elsewhere.

    python benchmarks/nothing_known.py --data FILE [--data FILE ...] [--keep DIR] [--fit]

Files as `lightmem eval retrieval` reads them. Questions with evidence are asked of their own
memory. Against them stand two kinds of noise:

- `another's memory`: the same questions, under the names of the speakers there, asked of the next
  conversation in the file, which knows nothing of them;
- `unanswerable`: what the data says was never said (LoCoMo's category 5, BEAM's abstention), asked
  of its own memory. It is about the very things that were talked about.

`--fit` prints the Platt scaling of `recall/scores.py`, fitted to the first file.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.filled_store import STORE, fill

THRESHOLDS = (0.1, 0.3, 0.5)
HELD_BACK = 0.8  # share of the noise
NOISE = ("another's memory", "unanswerable")


@dataclass(frozen=True)
class Asked:
    """One question: the best score and evidence that came back, and whether the turns did."""

    kind: str  # known, or one of NOISE
    score: float
    evidence: float
    hit: bool


def renamed(question: str, own: Conversation, other: Conversation) -> str:
    """The question under the names of another conversation's speakers."""
    names = [{turn.role: turn.speaker for turn in each.turns} for each in (own, other)]
    for role, name in names[0].items():
        if name and names[1].get(role):
            question = re.sub(rf"\b{re.escape(name)}\b", str(names[1][role]), question)
    return question


def ask_all(data: Path, keep: Path | None = None) -> list[Asked]:
    """Every question of a file, of its own conversation and of the next one."""
    conversations = read(data)
    asked = []
    settings = Settings(background_indexing=False, embed_seconds=60.0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with progress_bars() as show:
            turns = sum(len(each.turns) for each in conversations)
            fill(
                Path(folder),
                conversations,
                keep=keep,
                on_progress=lambda done: show(f"{data.name}: storing turns", done, turns),
            )
        with LightMem(Path(folder) / STORE, settings=settings) as memory:
            memory.warm_up()

            def ask(
                kind: str,
                text: str,
                user_id: str,
                evidence: frozenset[str] = frozenset(),
                until: dt.datetime | None = None,
            ) -> None:
                found = memory.recall(
                    text, user_id=user_id, max_tokens=100_000, until=until, strict=True
                )
                parts = [hit.parts["evidence"] for hit in found.hits]
                hit = any(turn.id in evidence for hit in found.hits for turn in hit.turns)
                asked.append(Asked(kind, found.score, max(parts, default=0.0), hit))

            following = (*conversations[1:], conversations[0])
            for own, other in zip(conversations, following, strict=True):
                for each in own.questions:
                    ask("known", each.text, own.user_id, each.evidence, each.until)
                    if other is not own:
                        ask(NOISE[0], renamed(each.text, own, other), other.user_id)
                for each in own.unanswerable:
                    ask(NOISE[1], each.text, own.user_id, until=each.until)
    return asked


def auroc(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Chance that one of the first is above one of the second; a tie counts half."""
    below = np.searchsorted(np.sort(lower), higher, "left")
    not_above = np.searchsorted(np.sort(lower), higher, "right")
    return float((below + not_above).mean() / 2 / len(lower))


def rows(by_file: dict[str, list[Asked]]) -> Iterator[tuple[str, ...]]:
    """A row for each kind of noise in each file, the lowest AUROC first within a kind."""
    for kind in NOISE:
        found = []
        for name, asked in by_file.items():
            known = np.array([each.score for each in asked if each.kind == "known"])
            hits = np.array([each.score for each in asked if each.hit])
            noise = np.array([each.score for each in asked if each.kind == kind])
            if not len(noise) or not len(hits):
                continue
            cells = [
                f"{100 * (noise < cut).mean():.0f}, {100 * (hits < cut).mean():.1f}"
                for cut in THRESHOLDS
            ]
            lost = (hits < np.quantile(noise, HELD_BACK)).mean()
            numbers = f"{len(noise)} / {len(known)} / {len(hits)}"
            found.append((auroc(known, noise), (kind, name, numbers, *cells, f"{100 * lost:.1f}")))
        for area, (_, name, numbers, *cells) in sorted(found):
            yield kind, name, numbers, f"{area:.3f}", *cells


def headings() -> tuple[str, ...]:
    """What the columns of `rows` hold."""
    return (
        "noise",
        "data",
        "noise / known / known with a hit",
        "AUROC",
        *(f"below {cut}: noise, hits" for cut in THRESHOLDS),
        f"hits lost at {HELD_BACK:.0%} of noise held back",
    )


def fit(asked: Sequence[Asked]) -> tuple[float, float]:
    """Slope and middle of the logistic that tells known questions from another's by evidence."""
    judged = [each for each in asked if each.kind != NOISE[1]]
    evidence = np.array([each.evidence for each in judged])
    known = np.array([each.kind == "known" for each in judged])

    def loss(line: NDArray[np.float64]) -> float:
        odds = line[0] * evidence + line[1]
        return float((np.logaddexp(0, odds) - known * odds).mean())

    slope, start = minimize(loss, [1.0, 0.0], method="BFGS").x
    return slope, -start / slope


def main(
    *,
    data: Annotated[list[Path], typer.Option(exists=True, dir_okay=False)],
    keep: Annotated[Path | None, typer.Option(help="Where stores stay.")] = None,
    fit_scaling: Annotated[bool, typer.Option("--fit", help="Fit to the first file.")] = False,
) -> None:
    """Ask, print the table, and with --fit the scaling."""
    by_file = {path.name: ask_all(path, keep) for path in data}
    for line in (headings(), ["---"] * len(headings()), *rows(by_file)):
        print("| " + " | ".join(line) + " |")
    if fit_scaling:
        slope, middle = fit(by_file[data[0].name])
        print(f"slope {slope:.1f}, middle {middle:.2f}")


if __name__ == "__main__":
    typer.run(main)
