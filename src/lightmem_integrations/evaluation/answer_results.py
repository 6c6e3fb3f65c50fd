"""Results of an evaluation of answers: each answer with its scores, and means over them."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightmem_integrations.evaluation.metrics import Interval, interval

SCORES = ("f1", "choice", "nuggets")


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, answered from one row's context.

    Attributes:
        contender: The row's name.
        conversation: The user whose memory was asked.
        category: What kind of question it is.
        question: What was asked.
        right: The right answer; empty if only a rubric is given.
        text: The answer given; empty if the model failed or was not asked.
        tokens: Size of the context, by the counter that is the same for all rows.
        milliseconds: Time until the context was ready.
        f1: Token F1; ``None`` without a right answer.
        choice: 1.0 if the right one among four options was chosen, else 0.0; ``None`` if there were
            no options.
        nuggets: Share of the rubric's words that the context holds; ``None`` without a rubric.
        read: Tokens of the whole prompt, as the model counts them; 0 where it does not say.
        calls: Calls of the model.
        failed: Why the model gave no answer; empty if it did. Its scores are then 0.
    """

    contender: str
    conversation: str
    category: str
    question: str
    right: str
    text: str
    tokens: int
    milliseconds: float
    f1: float | None
    choice: float | None
    nuggets: float | None
    read: int
    calls: int
    failed: str


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """Means over a set of questions, each between 0 and 1; ``None`` where no question has that.

    Attributes:
        questions: How many questions.
        f1: Token F1.
        choice: Share of right choices among four options.
        nuggets: Share of a rubric's words that the context holds.
    """

    questions: int
    f1: Interval | None
    choice: Interval | None
    nuggets: Interval | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """Answers from one row's contexts.

    Attributes:
        contender: Its name.
        about: What exactly was measured.
        overall: Means over all questions.
        by_category: The same for each kind of question.
        lead: F1 of this library's default row minus this one's, question by question, or nuggets
            if no question has an F1; ``None`` for itself and without that row.
        tokens: Mean size of a context, by the counter that is the same for all rows.
        read: Mean size of a prompt, as the model counts it; 0 where it does not say.
        p50_ms: Median time until the context was ready, in milliseconds.
        calls: Mean calls of the model for a question.
        failed: Why the model gave no answer, for each such question; they score 0.
    """

    contender: str
    about: str
    overall: AnswerScores
    by_category: Mapping[str, AnswerScores]
    lead: Interval | None
    tokens: float
    read: float
    p50_ms: float
    calls: float
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerEvaluation:
    """All rows over one file.

    Attributes:
        data: Name of the file.
        model: Name of the model that answered; empty if none was asked.
        max_tokens: Budget of a context, the same for every row but that of the whole conversation.
        conversations: How many conversations it holds.
        turns: How many turns they have.
        questions: How many questions were asked.
        sampled_from: Of how many questions they were drawn; ``None`` if all were asked.
        seed: Which were drawn, and which options.
        rows: One for each name asked for.
        answers: Every answer, question by question.
    """

    data: str
    model: str
    max_tokens: int
    conversations: int
    turns: int
    questions: int
    sampled_from: int | None
    seed: int
    rows: tuple[AnswerRow, ...]
    answers: tuple[Answer, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain lists, dicts, strings and numbers."""
        return dataclasses.asdict(self)


def answer_row(about: str, answers: Sequence[Answer], own: Sequence[Answer] | None) -> AnswerRow:
    """Means over the answers of one row.

    Args:
        about: What exactly was measured.
        answers: At least one.
        own: Those of this library's default row, to the same questions; ``None`` to compare with
            none.
    """
    kinds = dict.fromkeys(each.category for each in answers)
    # All rows have the same scores of a question; without any F1 rubrics are compared.
    score = "f1" if any(each.f1 is not None for each in answers) else "nuggets"
    leads = [
        getattr(ours, score) - getattr(theirs, score)
        for ours, theirs in zip(own or (), answers, strict=own is not None)
        if getattr(ours, score) is not None
    ]
    return AnswerRow(
        contender=answers[0].contender,
        about=about,
        overall=_scores(answers),
        by_category={
            kind: _scores([each for each in answers if each.category == kind]) for kind in kinds
        },
        lead=interval(leads) if leads else None,
        tokens=statistics.fmean(each.tokens for each in answers),
        read=statistics.fmean(each.read for each in answers),
        p50_ms=statistics.median(each.milliseconds for each in answers),
        calls=statistics.fmean(each.calls for each in answers),
        failed=tuple(each.failed for each in answers if each.failed),
    )


def _scores(answers: Sequence[Answer]) -> AnswerScores:
    means = {}
    for name in SCORES:
        values = [value for each in answers if (value := getattr(each, name)) is not None]
        means[name] = interval(values) if values else None
    return AnswerScores(len(answers), **means)
