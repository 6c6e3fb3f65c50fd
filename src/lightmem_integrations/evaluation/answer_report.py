"""An evaluation of answers as tables for a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from lightmem_integrations.display import Grid, counted
from lightmem_integrations.evaluation.answer_results import (
    SCORES,
    AnswerEvaluation,
    AnswerScores,
)
from lightmem_integrations.evaluation.metrics import Interval
from lightmem_integrations.evaluation.report import headline, questions_of, ranged
from lightmem_integrations.evaluation.stages import OWN


def answer_tables(evaluation: AnswerEvaluation) -> tuple[Grid, Grid]:
    """Tables to print: what the answers from each row's contexts are worth, kinds of question.

    Args:
        evaluation: What ``answers.evaluate_answers`` returned.
    """
    return _answers(evaluation), _by_category(evaluation)


def answers_worst_first(evaluations: Iterable[AnswerEvaluation]) -> tuple[AnswerEvaluation, ...]:
    """The evaluations by what the answers of their headline row are worth."""
    return tuple(sorted(evaluations, key=lambda each: _worth(headline(each.rows).overall)))


def _worth(scores: AnswerScores) -> float:
    """The first score that there is: each question has an answer or a rubric."""
    return next(each.mean for each in (scores.f1, scores.nuggets) if each)


def _answers(evaluation: AnswerEvaluation) -> Grid:
    scored = f"answers of {evaluation.model}" if evaluation.model else "rubrics"
    return Grid(
        f"{evaluation.data}: {scored}, in % of {questions_of(evaluation)}",
        ("", "F1", f"{OWN} - it", "choice", "nuggets", "tokens", "read", "ms", "calls"),
        [
            (
                row.contender,
                _percent(row.overall.f1),
                _points(row.lead),
                _percent(row.overall.choice),
                _percent(row.overall.nuggets),
                f"{row.tokens:.0f}",
                f"{row.read:.0f}" if row.read else "",
                f"{row.p50_ms:.1f}",
                f"{row.calls:.1f}",
            )
            for row in evaluation.rows
        ],
        notes=(
            "F1: of words, as LoCoMo has it. choice: the right one of four answers. nuggets: words "
            "of a rubric that the context holds. Brackets: 95 % bootstrap interval over questions; "
            "of the difference in F1, or else nuggets, paired.",
            f"tokens: of the context, whose budget is {evaluation.max_tokens}; read: of the "
            "prompt, as the model counts. ms: until the context is ready, median. calls: of the "
            "model, a question.",
            *(f"{row.contender}: {row.about}" for row in evaluation.rows),
        ),
        warnings=[
            f"{row.contender}: {counted(len(row.failed), 'question')} without an answer, which "
            f"score 0: {row.failed[0]}"
            for row in evaluation.rows
            if row.failed
        ],
    )


def _by_category(evaluation: AnswerEvaluation) -> Grid:
    kinds = headline(evaluation.rows).by_category
    return Grid(
        "By kind of question, in %, the worst first",
        ("", "questions", "by", "F1", "choice", "nuggets"),
        [
            (
                "" if place else kind,
                "" if place else str(kinds[kind].questions),
                row.contender,
                *(_percent(getattr(row.by_category[kind], name)) for name in SCORES),
            )
            for kind in sorted(kinds, key=lambda kind: _worth(kinds[kind]))
            for place, row in enumerate(evaluation.rows)
        ],
    )


def _percent(score: Interval | None) -> str:
    return ranged(score) if score else ""


def _points(lead: Interval | None) -> str:
    """A difference with its interval, in points: ``+2.5 (-1 to +6)``."""
    if lead is None:
        return ""
    return f"{100 * lead.mean:+.1f} ({100 * lead.low:+.0f} to {100 * lead.high:+.0f})"
