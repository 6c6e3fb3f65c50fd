"""Commands that measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Measure how well memories are found.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Measure how well memories are found."""


@app.command("retrieval")
def retrieval(
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="Conversations with questions: a LoCoMo file, or one like the demo's.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ],
    contender: Annotated[
        list[str] | None,
        typer.Option(help="Who is measured; may be given several times.", show_default="all"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON instead of tables.")
    ] = False,
) -> None:
    """Compare how well and how fast retrievers find the turns that answer questions."""
    from lightmem_integrations.evaluation.report import progress_bar, tables
    from lightmem_integrations.evaluation.run import evaluate

    with progress_bar() as show:
        evaluation = evaluate(data, contender or None, on_progress=show)
    if as_json:
        typer.echo(json.dumps(evaluation.to_json(), indent=2))
        return
    console = Console()
    for each in tables(evaluation):
        console.print(each)
