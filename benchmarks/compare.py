"""Compare the stages of a recall with the retrievers of other frameworks.

    python benchmarks/compare.py --data path/to/locomo10.json --sample 100

Every row is given the same turns and the same questions. `lightmem eval retrieval` is the same
without the other frameworks, for conversations of one's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from comparison.model_rows import model_rows
from comparison.report import tables
from comparison.run import evaluate
from lightmem_integrations.cli.progress import progress_bars
from peers import PEERS
from plots import save_plots


def main(
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="Conversations with questions: a LoCoMo file, or one like examples/demo's.",
            exists=True,
            dir_okay=False,
        ),
    ],
    contender: Annotated[
        list[str] | None, typer.Option(help="Who is measured; may be given several times.")
    ] = None,
    reranker: Annotated[
        list[str] | None,
        typer.Option(
            help="Add a row with this cross-encoder (name or folder); may be given several times."
        ),
    ] = None,
    slm: Annotated[
        list[Path] | None,
        typer.Option(
            help="Add rows with this small language model (.gguf); may be given several times.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Ask only so many questions, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which questions --sample draws.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Draw recall against tokens and quality against time, as SVG and PNG.",
            file_okay=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON instead of tables.")
    ] = False,
) -> None:
    """Compare how well and how fast retrievers find the turns that answer questions."""
    with progress_bars() as show:
        evaluation = evaluate(
            data,
            contender or None,
            extra=model_rows(reranker or (), slm or ()),
            baselines=PEERS,
            sample=sample,
            seed=seed,
            on_progress=show,
        )
    if plot is not None and evaluation.rows:
        for path in save_plots(evaluation, plot):
            typer.echo(f"Wrote {path}", err=True)
    if as_json:
        typer.echo(json.dumps(evaluation.to_json(), indent=2))
        return
    console = Console()
    for table in tables(evaluation):
        console.print(table)


if __name__ == "__main__":
    typer.run(main)
