"""An evaluation as tables for a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from lightmem_integrations.display import Grid
from lightmem_integrations.evaluation.metrics import Interval
from lightmem_integrations.evaluation.results import Evaluation
from lightmem_integrations.evaluation.stages import OWN, PLAIN

_UNFITTED = (*PLAIN, f"{OWN}:plain")


def tables(evaluation: Evaluation) -> tuple[Grid, ...]:
    """Tables to print: what is found, what is shown and how long it takes, kinds of question.

    Args:
        evaluation: What ``run.evaluate`` returned.
    """
    return (_found(evaluation), _shown(evaluation), _by_category(evaluation))


def fitted_rows(evaluation: Evaluation) -> tuple[str, ...]:
    """Rows that use the shipped weights, if these were fitted on conversations of the file."""
    if not evaluation.fitted_on:
        return ()
    return tuple(row.contender for row in evaluation.rows if row.contender not in _UNFITTED)


def in_sample(fitted_on: Iterable[str], rows: Iterable[str]) -> str:
    """Warning that these rows are better here than on conversations that the weights never saw."""
    return (
        f"The shipped weights were fitted on {', '.join(fitted_on)} of this file: there "
        f"{', '.join(rows)} are better than on new conversations."
    )


def percent(share: float) -> str:
    """A share in per cent, without the sign."""
    return f"{100 * share:.1f}"


def ranged(value: Interval) -> str:
    """A share in per cent with its interval: ``57.8 (45-70)``."""
    return f"{percent(value.mean)} ({100 * value.low:.0f}-{100 * value.high:.0f})"


def _found(evaluation: Evaluation) -> Grid:
    drawn = evaluation.sampled_from
    sample = "" if drawn is None else f" drawn from {drawn} with seed {evaluation.seed}"
    fitted = fitted_rows(evaluation)
    return Grid(
        f"{evaluation.data}: what is found, in % of {evaluation.questions} questions{sample}",
        ("", "hit@1", "hit@5", "hit@10", "recall@10", "MRR"),
        [
            (
                row.contender,
                percent(row.overall.hit_at_1),
                percent(row.overall.hit_at_5),
                ranged(row.overall.hit_at_10),
                percent(row.overall.recall_at_10),
                ranged(row.overall.mrr),
            )
            for row in evaluation.rows
        ],
        notes=(
            f"{evaluation.conversations} conversations, {evaluation.turns} turns; "
            f"{evaluation.left_out} questions left out: their evidence is missing or unknown.",
            "hit@k: a turn that holds the answer is among the first k. Brackets: 95 % bootstrap "
            "interval over questions.",
        ),
        warnings=(in_sample(evaluation.fitted_on, fitted),) if fitted else (),
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
    kinds = evaluation.rows[0].by_category
    return Grid(
        "hit@10 by kind of question, in %",
        ("", *kinds),
        [
            ("questions", *(str(scores.questions) for scores in kinds.values())),
            *(
                (
                    row.contender,
                    *(percent(row.by_category[kind].hit_at_10.mean) for kind in kinds),
                )
                for row in evaluation.rows
            ),
        ],
        notes=tuple(f"{row.contender}: {row.about}" for row in evaluation.rows),
    )
