"""Evidence shown at equal tokens: a few budgets, few results or as many as the budget holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightmem_integrations.evaluation.metrics import Interval, interval
from lightmem_integrations.settings import Settings

BUDGETS = (400, 1_000, 2_000)
"""Sizes of a context that are compared, in tokens."""

FEW = Settings().k
"""The k of a recall by default."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One context: evidence and turns shown for one question within one budget.

    Attributes:
        category: What kind of question it is.
        evidence: Ids of the turns that hold the answer.
        shown: Ids of the turns that the context shows whole.
        tokens: Size of the context.
    """

    category: str
    evidence: frozenset[str]
    shown: frozenset[str]
    tokens: int

    @property
    def hit(self) -> float:
        """1.0 if at least one evidence turn is shown, else 0.0."""
        return float(not self.evidence.isdisjoint(self.shown))

    @property
    def recall(self) -> float:
        """Share of the evidence turns that are shown."""
        return len(self.evidence & self.shown) / len(self.evidence)


@dataclass(frozen=True, slots=True)
class ShownScores:
    """Means over a set of questions.

    Attributes:
        questions: How many questions.
        hit: Share of questions of which at least one evidence turn is shown.
        recall: Mean share of a question's evidence turns that are shown.
        tokens: Mean size of the context.
    """

    questions: int
    hit: Interval
    recall: Interval
    tokens: float


@dataclass(frozen=True, slots=True)
class Point:
    """One contender at one budget.

    Attributes:
        max_tokens: The budget.
        k: How many results were asked for.
        limited_by: ``k`` where few results are shown whatever the budget, or ``tokens``.
        overall: Means over all questions.
        by_category: The same for each kind of question.
    """

    max_tokens: int
    k: int
    limited_by: str
    overall: ShownScores
    by_category: Mapping[str, ShownScores]

    def is_headline(self, budget: int) -> bool:
        """True for the point at that budget where nothing but the budget is a limit."""
        return self.max_tokens == budget and self.limited_by == "tokens"


def point(max_tokens: int, k: int, limited_by: str, sights: Sequence[Sight]) -> Point:
    """Means over these questions, at least one."""
    groups: dict[str, list[Sight]] = defaultdict(list)
    for each in sights:
        groups[each.category].append(each)
    return Point(
        max_tokens,
        k,
        limited_by,
        shown_scores(sights),
        {category: shown_scores(group) for category, group in groups.items()},
    )


def shown_scores(sights: Sequence[Sight]) -> ShownScores:
    """Means over these questions, at least one."""
    return ShownScores(
        questions=len(sights),
        hit=interval([each.hit for each in sights]),
        recall=interval([each.recall for each in sights]),
        tokens=sum(each.tokens for each in sights) / len(sights),
    )
