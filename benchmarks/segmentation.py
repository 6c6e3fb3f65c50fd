"""How well episodes fall on LoCoMo's sessions when a conversation is one stream without them.

All turns of a conversation are given as one session: once with their times, once with all times
alike, so that only the change of topic is left. The baseline cuts every so many turns, as many as
a session has on average: it is told what the others must find out.

Boundaries are right within 0 or 2 turns; each true one is matched at most once. Pk and WindowDiff
(Pevzner and Hearst, 2002) are errors, lower is better, over half a mean session.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations.consolidation.segment import SegmentSettings, segment
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.models.embedders import as_embedder, document_vectors

_COLUMNS = ("P@0", "R@0", "F1@0", "P@2", "R@2", "F1@2", "Pk", "WD", "cuts", "true")


def stream(conversation: Conversation, *, times: bool) -> list[WriterTurn]:
    """All turns as one session."""
    turns = conversation.turns
    texts = [f"{turn.speaker}: {turn.text}" for turn in turns]
    vectors = document_vectors(as_embedder(None), texts)
    moment = turns[0].time
    made = []
    for place, turn in enumerate(turns):
        if turn.time is None or moment is None:
            raise ValueError("Every turn of a benchmark has a time.")
        made.append(
            WriterTurn(
                row=place,
                role=turn.role,
                speaker=turn.speaker or turn.role,
                text=turn.text,
                time=turn.time if times else moment,
                session=0,
                position=place,
                vector=vectors[place],
            )
        )
    return made


def boundaries(sizes: Sequence[int]) -> list[int]:
    """Places between segments of these sizes."""
    places, total = [], 0
    for size in sizes[:-1]:
        total += size
        places.append(total)
    return places


def matched(found: Sequence[int], true: Sequence[int], slack: int) -> int:
    """Number of found boundaries that have a true one of their own within this distance."""
    left, count = sorted(true), 0
    for place in sorted(found):
        near = next((each for each in left if abs(each - place) <= slack), None)
        if near is not None:
            left.remove(near)
            count += 1
    return count


def errors(found: Sequence[int], true: Sequence[int], count: int) -> tuple[float, float]:
    """Pk and WindowDiff."""
    k = max(round(count / (len(true) + 1) / 2), 1)
    here, there = set(found), set(true)
    places = range(count - k)
    pairs = [
        (
            sum(each in here for each in range(place + 1, place + k + 1)),
            sum(each in there for each in range(place + 1, place + k + 1)),
        )
        for place in places
    ]
    apart = sum((a > 0) != (b > 0) for a, b in pairs) / len(pairs)
    return apart, sum(a != b for a, b in pairs) / len(pairs)


def scores(found: Sequence[int], true: Sequence[int], count: int) -> list[float]:
    """One row of the table."""
    row = []
    for slack in (0, 2):
        hits = matched(found, true, slack)
        precision = hits / len(found) if found else 0.0
        recall = hits / len(true)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        row += [precision, recall, f1]
    return [*row, *errors(found, true, count), float(len(found)), float(len(true))]


def main(
    data: Annotated[Path, typer.Argument(help="LoCoMo's file.")],
    window: int = SegmentSettings().window,
    shift: float = SegmentSettings().shift,
    shortest: int = SegmentSettings().shortest,
    longest: int = SegmentSettings().longest,
) -> None:
    """Print one row for each conversation and way."""
    settings = SegmentSettings(window=window, shift=shift, shortest=shortest, longest=longest)
    table = Table(title=f"Boundaries against sessions; {settings}")
    table.add_column("conversation")
    table.add_column("way")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    rows: dict[str, list[list[float]]] = {}
    seconds, total = 0.0, 0
    for conversation in read(data):
        true = boundaries([len(session.turns) for session in conversation.sessions])
        count = len(conversation.turns)
        size = round(count / len(conversation.sessions))
        found = {"every so many turns": list(range(size, count, size))}
        for way, times in (("with times", True), ("topic only", False)):
            said = stream(conversation, times=times)
            start = time.process_time()
            closed = segment(said, final=True, settings=settings).closed
            seconds += time.process_time() - start
            total += count
            found[way] = boundaries([len(episode) for episode in closed])
        for way, places in found.items():
            row = scores(places, true, count)
            rows.setdefault(way, []).append(row)
            table.add_row(conversation.user_id, way, *_shown(row))
    for way, each in rows.items():
        table.add_row("mean", way, *_shown([statistics.mean(column) for column in zip(*each)]))  # noqa: B905
    Console(width=140).print(table)
    typer.echo(f"{total / seconds:,.0f} turns per second of processor time, vectors given")


def _shown(row: Sequence[float]) -> list[str]:
    return [f"{value:.2f}" for value in row[:-2]] + [f"{value:.0f}" for value in row[-2:]]


if __name__ == "__main__":
    typer.run(main)
