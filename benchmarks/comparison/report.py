"""An evaluation as tables for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from comparison.differences import Difference
from comparison.results import MEASURES, Evaluation
from lightmem_integrations.display import literal
from lightmem_integrations.evaluation.metrics import Interval
from lightmem_integrations.evaluation.report import percent, ranged
from lightmem_integrations.evaluation.stages import OWN, STAGES


def tables(evaluation: Evaluation) -> tuple[RenderableType, ...]:
    """Tables and lines to print: results, curves, costs, kinds of question, rows explained.

    Args:
        evaluation: What ``run.evaluate`` returned.
    """
    shown: list[RenderableType] = []
    if evaluation.rows:
        shown += [_quality(evaluation), _curves(evaluation), _costs(evaluation)]
        shown += [_by_category(evaluation, measure) for measure in MEASURES]
    for name in judged(evaluation):
        shown.append(_differences(evaluation, name))
    shown += [Text(f"{each}\n") for each in verdicts(evaluation)]
    shown += [Text(f"{row.contender}: {row.about}", style="dim") for row in evaluation.rows]
    shown += [
        Text(f"{each.contender} was skipped. {each.reason}", style="yellow")
        for each in evaluation.skipped
    ]
    return tuple(shown)


def judged(evaluation: Evaluation) -> tuple[str, ...]:
    """Rows whose comparison with the best baseline is printed: recalls as one would use them."""
    names = dict.fromkeys(each.contender for each in evaluation.differences)
    return tuple(name for name in names if name == OWN or name not in STAGES)


def verdicts(evaluation: Evaluation) -> tuple[str, ...]:
    """For each of the judged rows: where its mean lies below that of the best baseline."""
    found = []
    for name in judged(evaluation):
        below = [
            f"{each.measure} of {category_of(each)} questions ({signed(each.difference)} points "
            f"against {each.baseline})"
            for each in evaluation.differences
            if each.contender == name and each.difference.mean < 0
        ]
        where = "; ".join(below) if below else "on no measure, in no category"
        found.append(f"{name} is below the best baseline: {where}.")
    return tuple(found)


def category_of(difference: Difference) -> str:
    """The kind of question that a difference is about, or ``all``."""
    return "all" if difference.category is None else literal(difference.category)


def signed(value: Interval) -> str:
    """A difference in points with its interval: ``+3.1, +0.4 to +5.9``."""
    return f"{100 * value.mean:+.1f}, {100 * value.low:+.1f} to {100 * value.high:+.1f}"


def _table(title: str, caption: str | None, headings: Iterable[str]) -> Table:
    """A table that fits 80 columns: the contenders' names first, then numbers."""
    # Text, because names from the file are shown in it: a plain str would be read as rich markup.
    table = Table(
        title=Text(title), caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )
    table.add_column("", overflow="fold", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table


def _name(contender: str) -> Text:
    return Text(literal(contender).replace(":", ":\n", 1))


def _quality(evaluation: Evaluation) -> Table:
    drawn = evaluation.sampled_from
    sample = "" if drawn is None else f" drawn from {drawn} with seed {evaluation.seed}"
    table = _table(
        f"{literal(evaluation.data)}: what is found, in % of {evaluation.questions} questions"
        f"{sample}",
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
        least = percent(row.by_conversation[worst].hit_at_10.mean)
        table.add_row(
            _name(row.contender),
            percent(scores.hit_at_1),
            percent(scores.hit_at_5),
            _broken(scores.hit_at_10),
            percent(scores.recall_at_10),
            _broken(scores.mrr),
            Text(f"{percent(row.conversation_mean)} / {least}\n{literal(worst)}"),
        )
    return table


def _curves(evaluation: Evaluation) -> Table:
    points = evaluation.rows[0].curve
    table = _table(
        "Evidence that the context really shows, in %",
        "In each cell: questions of which an evidence turn is shown (hit), mean share of the "
        "evidence shown (recall), mean tokens used. A turn counts if it is shown whole. "
        "Left: the default K; right: K as large as the budget allows.",
        (
            f"{each.max_tokens:,}\n{f'K={each.k}' if each.limited_by == 'k' else 'any K'}"
            for each in points
        ),
    )
    for row in evaluation.rows:
        cells = (
            f"{percent(each.overall.hit.mean)}\n{percent(each.overall.recall.mean)}\n"
            f"{each.overall.tokens:.0f}"
            for each in row.curve
        )
        table.add_row(_name(row.contender), *cells)
    return table


def _costs(evaluation: Evaluation) -> Table:
    table = _table(
        "What it takes on this machine",
        "Tokens: mean size of the text handed to a prompt. Per turn: until it can be found, "
        "embedding included; the call: how long add holds up its caller. All rows of this "
        "library read one store.",
        ("tokens", "query\np50 ms", "query\np95 ms", "per turn\nms", "call\np50 ms"),
    )
    for row in evaluation.rows:
        costs = row.costs
        table.add_row(
            _name(row.contender),
            f"{costs.context_tokens:.0f}",
            f"{costs.query_p50_ms:.1f}",
            f"{costs.query_p95_ms:.1f}",
            f"{costs.add_ms:.1f}",
            f"{costs.add_call_p50_ms:.2f}",
        )
    return table


def _by_category(evaluation: Evaluation, measure: str) -> Table:
    first = evaluation.rows[0]
    kinds = tuple(first.by_category)
    table = _table(
        f"{measure} by kind of question, in %",
        None,
        (f"{literal(kind)}\nof {first.by_category[kind].questions}" for kind in kinds),
    )
    for row in evaluation.rows:
        cells = (_broken(row.measured(measure, kind)) for kind in kinds)
        table.add_row(_name(row.contender), *cells)
    return table


def _differences(evaluation: Evaluation, name: str) -> Table:
    compared = [each for each in evaluation.differences if each.contender == name]
    columns = [each for each in compared if each.measure == MEASURES[0]]
    table = _table(
        f"{name}: difference to the best baseline, in points",
        "Paired bootstrap over questions, 95 % interval. The best baseline is chosen anew in "
        "every cell. Red: below it.",
        (f"{category_of(each)}\nof {each.questions}" for each in columns),
    )
    for measure in MEASURES:
        cells = []
        for each in (each for each in compared if each.measure == measure):
            value = each.difference
            text = f"{100 * value.mean:+.1f}\n{100 * value.low:+.0f} {100 * value.high:+.0f}\n"
            # The names are broken where they can be, for narrow columns.
            text += re.sub("([-:])", r"\1\n", each.baseline)
            cells.append(Text(text, style="red" if value.mean < 0 else ""))
        table.add_row(Text(measure.replace(" at ", " at\n")), *cells)
    return table


def _broken(value: Interval) -> str:
    return ranged(value).replace(" ", "\n")
