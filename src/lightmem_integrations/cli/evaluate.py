"""Commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.cli.label import label
from lightmem_integrations.cli.output import JsonOption, print_json, table_console
from lightmem_integrations.cli.progress import progress_bars

if TYPE_CHECKING:
    from lightmem_integrations.evaluation.results import Evaluation

app = typer.Typer(help="Measure how well memories are found.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Measure how well memories are found."""


app.command("label")(label)


@app.command("retrieval")
def retrieval(
    *,
    data: Annotated[
        list[Path],
        typer.Option(
            help="Conversations with questions, in LoCoMo's form or in that of `lightmem eval "
            "label`, as .json or .json.gz; may be given several times.",
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
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder in which embedded stores stay: a later run over the same data begins "
            "there.",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare how well and how fast the stages of a recall find the turns that answer questions."""
    from lightmem_integrations.evaluation.report import summary, tables, worst_first
    from lightmem_integrations.evaluation.run import evaluate

    def measured(path: Path) -> Evaluation:
        with progress_bars() as show:
            return evaluate(
                path, contender or None, sample=sample, seed=seed, keep=keep, on_progress=show
            )

    found = worst_first(map(measured, data))
    if as_json:
        print_json([each.to_json() for each in found])
        return
    console = table_console()
    for evaluation in found:
        for each in tables(evaluation):
            console.print(each)
    if len(found) > 1:
        console.print(summary(found))
