"""Results of an evaluation: plain frozen data, ready for JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightmem_integrations.evaluation.metrics import Interval, Scores


@dataclass(frozen=True, slots=True)
class Row:
    """One retriever's results.

    Attributes:
        contender: Its name.
        about: What exactly was measured.
        overall: Means over all questions.
        by_category: The same for each kind of question.
        shown: Mean share of a question's evidence that its context shows, at the default k and
            budget of a recall.
        tokens: Mean size of that context.
        p50_ms: Median time until it is ready, in milliseconds, asked one after the other.
        p95_ms: The 95th percentile of the same.
    """

    contender: str
    about: str
    overall: Scores
    by_category: Mapping[str, Scores]
    shown: Interval
    tokens: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All rows over one file.

    Attributes:
        data: Name of the file.
        conversations: How many conversations it holds.
        turns: How many turns they have.
        questions: How many questions were asked.
        sampled_from: Of how many questions they were drawn; ``None`` if all were asked.
        seed: Which were drawn.
        left_out: Questions whose evidence is missing or names unknown turns.
        rows: One for each name asked for.
    """

    data: str
    conversations: int
    turns: int
    questions: int
    sampled_from: int | None
    seed: int | None
    left_out: int
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain lists, dicts, strings and numbers."""
        return dataclasses.asdict(self)
