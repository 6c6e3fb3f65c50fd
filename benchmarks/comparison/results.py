"""Results of an evaluation: plain frozen data, ready for JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comparison.curves import Point
from comparison.differences import Difference
from lightmem_integrations.evaluation.metrics import Interval, Scores

HEADLINE_BUDGET = 1_000
"""Budget, in tokens, whose recall is compared: about what the paper of LightMem packs."""

MEASURES = ("hit@10", "MRR", "recall at 1,000 tokens")
"""What is compared, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Time and tokens that a contender takes.

    Attributes:
        context_tokens: Mean size of what it hands to a prompt, in tokens of the default counter.
        query_p50_ms: Median time of that, in milliseconds, asked one after the other.
        query_p95_ms: The 95th percentile of the same.
        add_ms: Time per turn until all of them can be found, embedding included.
        add_call_p50_ms: Median time for which one call of ``add`` holds up its caller.
    """

    context_tokens: float
    query_p50_ms: float
    query_p95_ms: float
    add_ms: float
    add_call_p50_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """One contender's results.

    Attributes:
        contender: Its name.
        about: What exactly was measured.
        overall: Means over all questions.
        by_category: The same for each kind of question.
        by_conversation: The same for each conversation.
        curve: What it shows at equal tokens.
        costs: Time and tokens.
    """

    contender: str
    about: str
    overall: Scores
    by_category: Mapping[str, Scores]
    by_conversation: Mapping[str, Scores]
    curve: tuple[Point, ...]
    costs: Costs

    @property
    def conversation_mean(self) -> float:
        """Hit rate at 10, every conversation weighing the same."""
        return statistics.fmean(each.hit_at_10.mean for each in self.by_conversation.values())

    @property
    def worst_conversation(self) -> str:
        """The conversation with the lowest hit rate at 10."""
        return min(self.by_conversation, key=lambda one: self.by_conversation[one].hit_at_10.mean)

    def measured(self, measure: str, category: str | None = None) -> Interval:
        """One of ``MEASURES``, over all questions or those of one kind."""
        if measure == MEASURES[2]:
            point = next(each for each in self.curve if each.is_headline(HEADLINE_BUDGET))
            return (point.overall if category is None else point.by_category[category]).recall
        found = self.overall if category is None else self.by_category[category]
        return found.hit_at_10 if measure == MEASURES[0] else found.mrr


@dataclass(frozen=True, slots=True)
class Skipped:
    """A contender that could not run, and why."""

    contender: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All contenders over one file.

    Attributes:
        data: Name of the file.
        conversations: How many conversations it holds.
        turns: How many turns they have.
        questions: How many questions were asked.
        sampled_from: Of how many questions they were drawn; ``None`` if all were asked.
        seed: Which were drawn.
        left_out: Questions whose evidence is missing or names unknown turns.
        rows: One for each contender that ran.
        differences: This library's rows against the best baseline; where none took part, against
            the better of ``contenders.PLAIN``.
        skipped: Contenders that could not.
        machine: Python, processors and package versions, in words.
    """

    data: str
    conversations: int
    turns: int
    questions: int
    sampled_from: int | None
    seed: int | None
    left_out: int
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    skipped: tuple[Skipped, ...]
    machine: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain lists, dicts, strings and numbers."""
        plain = dataclasses.asdict(self)
        for row, shown in zip(self.rows, plain["rows"], strict=True):
            shown["conversation_mean"] = row.conversation_mean
            shown["worst_conversation"] = row.worst_conversation
        return plain
