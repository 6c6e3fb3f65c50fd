"""What each weight of the scorer is worth: MRR without it, and with twice as much of it.

    python benchmarks/weights.py --data locomo10.json --data beam.json.gz --keep stores

Only weights that count in the chats of a file are tried: those of equals in chats of friends, the
others in chats with an assistant. Every figure is that of recalls through the public API.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations.evaluation.report import headline, percent
from lightmem_integrations.evaluation.run import evaluate
from lightmem_integrations.recall.select import scorer
from lightmem_integrations.recall.select.features import FEATURES

SHIPPED = scorer.weights("full")


def mrr(data: Path, keep: Path | None, sides: dict[str, np.ndarray]) -> float:
    """MRR of a file's questions with these weights."""
    with patch.object(scorer, "weights", lambda _name: sides):
        return headline(evaluate(data, ["lightmem"], keep=keep).rows).overall.mrr.mean


def changed(side: str, feature: str, factor: float) -> dict[str, np.ndarray]:
    """The shipped weights, one of them multiplied."""
    column = SHIPPED[side].copy()
    column[FEATURES.index(feature)] *= factor
    return {**SHIPPED, side: column}


def main(
    *,
    data: Annotated[list[Path], typer.Option(exists=True, dir_okay=False)],
    keep: Annotated[Path | None, typer.Option(help="Where stores stay.")] = None,
) -> None:
    """Print a table for each file."""
    for path in data:
        base = mrr(path, keep, SHIPPED)
        silent = {**SHIPPED, "equals": np.zeros_like(SHIPPED["equals"])}
        friends = mrr(path, keep, silent) < base
        table = Table("weight", "value", "MRR without", "MRR doubled",
                      title=f"{path.name}: MRR {percent(base)} %")  # fmt: skip
        for side in ("equals",) if friends else ("lopsided", "lopsided_long"):
            for place in np.flatnonzero(SHIPPED[side]):
                figures = (mrr(path, keep, changed(side, FEATURES[place], by)) for by in (0, 2))
                value = f"{SHIPPED[side][place]:.3g}"
                table.add_row(f"{side}: {FEATURES[place]}", value, *map(percent, figures))
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
