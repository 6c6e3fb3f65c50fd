"""Commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations.cli.output import JsonOption, print_json, table_console
from lightmem_integrations.cli.progress import progress_bars

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
            help="Conversations with questions: a LoCoMo file, or one in the form of "
            "examples/demo/conversation.json.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ],
    contender: Annotated[
        list[str] | None,
        typer.Option(help="Who is measured; may be given several times.", show_default="all"),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Ask only so many questions, drawn at random, for a quick look.",
            show_default="all",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which questions --sample draws.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare how well and how fast the stages of a recall find the turns that answer questions."""
    from lightmem_integrations.evaluation.report import tables
    from lightmem_integrations.evaluation.run import evaluate

    with progress_bars() as show:
        evaluation = evaluate(
            data,
            contender or None,
            sample=sample,
            seed=seed,
            on_progress=show,
        )
    if as_json:
        print_json(evaluation.to_json())
        return
    console = table_console()
    for each in tables(evaluation):
        console.print(each)
