"""An evaluation as tables for a terminal, and its progress as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from lightmem_integrations.evaluation.metrics import Interval, Scores
from lightmem_integrations.evaluation.results import Evaluation, Row
from lightmem_integrations.evaluation.run import Progress
from lightmem_integrations.rendering import literal

_STAGES = {"adding": "adding turns", "timing": "timing queries", "ranking": "ranking turns"}


def tables(evaluation: Evaluation) -> tuple[RenderableType, ...]:
    """What to print, in order: results, costs, each kind of question, what each row is.

    Args:
        evaluation: What ``run.evaluate`` returned.
    """
    shown: list[RenderableType] = []
    if evaluation.rows:
        shown += [_quality(evaluation), _costs(evaluation), _by_category(evaluation)]
    if evaluation.fitted_on and any(row.contender == "lightmem" for row in evaluation.rows):
        shown.append(Text(_in_sample(evaluation), style="yellow"))
    shown += [Text(f"{row.contender}: {row.about}", style="dim") for row in evaluation.rows]
    shown += [
        Text(f"{each.contender} was skipped. {each.reason}", style="yellow")
        for each in evaluation.skipped
    ]
    return tuple(shown)


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[Progress], None]]:
    """A bar on the terminal; yields what ``evaluate`` takes as ``on_progress``.

    Args:
        console: Where to draw; by default the standard error stream, so that the output that is
            asked for stays clean.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console or Console(stderr=True), transient=True) as bar:
        tasks: dict[tuple[str, str], TaskID] = {}

        def show(progress: Progress) -> None:
            key = (progress.contender, progress.stage)
            if key not in tasks:
                label = f"{progress.contender}: {_STAGES[progress.stage]}"
                tasks[key] = bar.add_task(label, total=progress.total)
            bar.update(tasks[key], completed=progress.done)

        yield show


def _in_sample(evaluation: Evaluation) -> str:
    names = ", ".join(literal(each) for each in evaluation.fitted_on)
    return (
        f"The weights that lightmem ships were fitted on {names} of this file: for "
        f"{'them' if len(evaluation.fitted_on) > 1 else 'it'}, its row is better than it would be "
        "on new conversations. The baselines' rows are not affected."
    )


def _table(title: str, caption: str | None, headings: Iterable[str]) -> Table:
    """A table that fits 80 columns: the contenders' names first, then numbers."""
    # Text, because names from the file are shown in it: a plain str would be read as rich markup.
    table = Table(
        title=Text(title), caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table


def _quality(evaluation: Evaluation) -> Table:
    table = _table(
        f"{literal(evaluation.data)}: what is found, in % of {evaluation.questions} questions",
        f"{evaluation.conversations} conversations, {evaluation.turns} turns; a question counts "
        f"as hit if a turn that holds its answer is among the first k turns. Brackets: 95 % "
        f"bootstrap interval over questions. By conversation: mean and worst hit@10. "
        f"{evaluation.left_out} questions left out: their evidence is missing or names unknown "
        f"turns.",
        ("hit@1", "hit@5", "hit@10", "recall\n@10", "MRR", "by con-\nversation"),
    )
    for row in evaluation.rows:
        scores = row.overall
        worst = row.worst_conversation
        least = _percent(row.by_conversation[worst].hit_at_10.mean)
        table.add_row(
            row.contender,
            _percent(scores.hit_at_1),
            _percent(scores.hit_at_5),
            _with_interval(scores.hit_at_10),
            _percent(scores.recall_at_10),
            _with_interval(scores.mrr),
            Text(f"{_percent(row.conversation_mean)} / {least}\n{literal(worst)}"),
        )
    return table


def _costs(evaluation: Evaluation) -> Table:
    table = _table(
        "What it takes on this machine",
        "Tokens: mean size of the text handed to a prompt. Per turn: until it can be found, "
        "embedding included; the call: how long add holds up its caller.",
        ("tokens", "query\np50 ms", "query\np95 ms", "per turn\nms", "call\np50 ms"),
    )
    for row in evaluation.rows:
        costs = row.costs
        table.add_row(
            row.contender,
            f"{costs.context_tokens:.0f}",
            f"{costs.query_p50_ms:.1f}",
            f"{costs.query_p95_ms:.1f}",
            f"{costs.add_ms:.1f}",
            f"{costs.add_call_p50_ms:.2f}",
        )
    return table


def _by_category(evaluation: Evaluation) -> Table:
    first = evaluation.rows[0]
    table = _table(
        "hit@10, and MRR below it, by kind of question, in %",
        None,
        (f"{literal(kind)}\nof {each.questions}" for kind, each in first.by_category.items()),
    )
    for row in evaluation.rows:
        table.add_row(row.contender, *_category_cells(row, tuple(first.by_category)))
    return table


def _category_cells(row: Row, categories: tuple[str, ...]) -> Iterator[str]:
    for category in categories:
        scores: Scores = row.by_category[category]
        yield f"{_with_interval(scores.hit_at_10)}\n{_with_interval(scores.mrr)}"


def _with_interval(value: Interval) -> str:
    return f"{_percent(value.mean)}\n({100 * value.low:.0f}-{100 * value.high:.0f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
