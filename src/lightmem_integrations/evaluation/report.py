"""An evaluation as tables for a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from lightmem_integrations.display import Grid, counted
from lightmem_integrations.evaluation.answer_results import AnswerEvaluation, AnswerRow
from lightmem_integrations.evaluation.metrics import Interval
from lightmem_integrations.evaluation.results import Evaluation, Row
from lightmem_integrations.evaluation.stages import OWN

_Row = TypeVar("_Row", Row, AnswerRow)


def tables(evaluation: Evaluation) -> tuple[Grid, ...]:
    """Tables to print: what is found, what is shown and how long it takes, kinds of question.

    Args:
        evaluation: What ``run.evaluate`` returned.
    """
    return (_found(evaluation), _shown(evaluation), _by_category(evaluation))


def headline(rows: Sequence[_Row]) -> _Row:
    """The row by which sets of data are compared: that of a recall by default, if it was asked."""
    return next((row for row in rows if row.contender == OWN), rows[0])


def worst_first(evaluations: Iterable[Evaluation]) -> tuple[Evaluation, ...]:
    """The evaluations by the MRR of their headline row: what fails somewhere is seen first."""
    return tuple(sorted(evaluations, key=lambda each: headline(each.rows).overall.mrr.mean))


def summary(evaluations: Iterable[Evaluation]) -> Grid:
    """One line for each set of data."""
    return Grid(
        "All sets, in %",
        ("", "questions", "hit@1", "hit@5", "hit@10", "recall@10", "MRR", "tokens"),
        [
            (
                f"{each.data}, {row.contender}",
                str(each.questions),
                *measures(row),
                f"{row.tokens:.0f}",
            )
            for each in evaluations
            for row in [headline(each.rows)]
        ],
    )


def questions_of(evaluation: Evaluation | AnswerEvaluation) -> str:
    """How many questions were asked, and of how many they were drawn."""
    drawn = evaluation.sampled_from
    sample = "" if drawn is None else f" drawn from {drawn} with seed {evaluation.seed}"
    return f"{evaluation.questions} questions{sample}"


def percent(share: float) -> str:
    """A share in per cent, without the sign."""
    return f"{100 * share:.1f}"


def ranged(value: Interval) -> str:
    """A share in per cent with its interval: ``57.8 (45-70)``."""
    return f"{percent(value.mean)} ({100 * value.low:.0f}-{100 * value.high:.0f})"


def measures(row: Row) -> tuple[str, ...]:
    """What a row finds: hit@1, hit@5, hit@10, recall@10, MRR."""
    return (
        percent(row.overall.hit_at_1),
        percent(row.overall.hit_at_5),
        ranged(row.overall.hit_at_10),
        percent(row.overall.recall_at_10),
        ranged(row.overall.mrr),
    )


def _found(evaluation: Evaluation) -> Grid:
    return Grid(
        f"{evaluation.data}: what is found, in % of {questions_of(evaluation)}",
        ("", "hit@1", "hit@5", "hit@10", "recall@10", "MRR"),
        [(row.contender, *measures(row)) for row in evaluation.rows],
        notes=(
            f"{counted(evaluation.conversations, 'conversation')}, "
            f"{counted(evaluation.turns, 'turn')}; "
            f"{counted(evaluation.left_out, 'question')} left out: their evidence is missing or "
            "unknown.",
            "hit@k: a turn that holds the answer is among the first k. Brackets: 95 % bootstrap "
            "interval over questions.",
        ),
    )


def _shown(evaluation: Evaluation) -> Grid:
    return Grid(
        "What a context shows by default, and what it takes on this machine",
        ("", "evidence, %", "tokens", "p50 ms", "p95 ms"),
        [
            (
                row.contender,
                ranged(row.shown),
                f"{row.tokens:.0f}",
                f"{row.p50_ms:.1f}",
                f"{row.p95_ms:.1f}",
            )
            for row in evaluation.rows
        ],
        notes=("evidence: mean share of the turns that hold the answer which stand in it whole.",),
    )


def _by_category(evaluation: Evaluation) -> Grid:
    kinds = headline(evaluation.rows).by_category
    return Grid(
        "By kind of question, in %, the worst first",
        ("", "questions", "by", "hit@10", "MRR"),
        [
            (
                "" if place else kind,
                "" if place else str(kinds[kind].questions),
                row.contender,
                percent(row.by_category[kind].hit_at_10.mean),
                percent(row.by_category[kind].mrr.mean),
            )
            for kind in sorted(kinds, key=lambda kind: kinds[kind].mrr.mean)
            for place, row in enumerate(evaluation.rows)
        ],
        notes=tuple(f"{row.contender}: {row.about}" for row in evaluation.rows),
    )
