"""Commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.cli.label import label
from lightmem_integrations.cli.output import JsonOption, as_json_text, print_json, table_console
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.errors import InvalidRequestError

if TYPE_CHECKING:
    from lightmem_integrations.evaluation.answer_results import AnswerEvaluation
    from lightmem_integrations.evaluation.results import Evaluation

app = typer.Typer(help="Measure how well memories are found.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Measure how well memories are found."""


app.command("label")(label)


_Data = Annotated[
    list[Path],
    typer.Option(
        help="Conversations with questions, in LoCoMo's form or in that of `lightmem eval "
        "label`, as .json or .json.gz; may be given several times.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
_Contender = Annotated[
    list[str] | None,
    typer.Option(help="Who is measured; may be given several times.", show_default="all"),
]
_Sample = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Ask only so many questions, drawn at random, for a quick look.",
        show_default="all",
    ),
]
_Seed = Annotated[int, typer.Option(help="Which questions --sample draws.")]
_Keep = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder in which embedded stores stay: a later run over the same data begins there.",
        file_okay=False,
        show_default=False,
    ),
]


@app.command("retrieval")
def retrieval(
    *,
    data: _Data,
    contender: _Contender = None,
    sample: _Sample = None,
    seed: _Seed = 0,
    keep: _Keep = None,
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


@app.command("answers")
def answers(
    *,
    data: _Data,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Chat model that answers: a .gguf file, or a name that LangChain knows, such as "
            "openai:gpt-4o-mini. Without it only rubrics are scored, which need none.",
            show_default=False,
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="URL of a server that speaks OpenAI's protocol and knows --model by that name.",
            show_default=False,
        ),
    ] = None,
    writer: Annotated[
        str | None,
        typer.Option(
            help="Add a row whose memory is consolidated first, by this model, named as --model.",
            show_default=False,
        ),
    ] = None,
    contender: _Contender = None,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Budget of a context, the same for every contender.")
    ] = 1_000,
    window: Annotated[
        int,
        typer.Option(
            min=1, help="Tokens that the model reads at most, for the row of the full context."
        ),
    ] = 4_096,
    sample: _Sample = None,
    seed: _Seed = 0,
    keep: _Keep = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write everything there as JSON, each answer too.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare how well a chat model answers from what each contender remembers, at equal tokens."""
    from lightmem_integrations.cli.language_model import language_model
    from lightmem_integrations.evaluation.answer_report import answer_tables, answers_worst_first
    from lightmem_integrations.evaluation.answers import evaluate_answers

    if out and not out.parent.is_dir():
        raise InvalidRequestError(f"{out} cannot be written: there is no folder {out.parent}.")
    # Each is loaded once, and before anything is measured.
    loaded = {
        name: language_model(name, server, window)
        for name in dict.fromkeys((model, writer))
        if name is not None
    }
    found: list[AnswerEvaluation] = []
    for path in data:
        with progress_bars() as show:
            evaluation = evaluate_answers(
                path,
                loaded[model] if model else None,
                contender or None,
                writer=loaded[writer] if writer else None,
                max_tokens=max_tokens,
                window=window,
                sample=sample,
                seed=seed,
                keep=keep,
                on_progress=show,
            )
        found = [*answers_worst_first([*found, evaluation])]
        if out:
            out.write_text(as_json_text([each.to_json() for each in found]), encoding="utf-8")
    if as_json:
        print_json([each.to_json() for each in found])
        return
    for evaluation in found:
        for each in answer_tables(evaluation):
            table_console().print(each)
