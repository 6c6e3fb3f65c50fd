"""Measures of a ranking: hit rate, recall, reciprocal rank, with bootstrap intervals."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH = 20
"""Turns of a ranking that count; twice the 10 of hit@10, a guess."""

# Efron and Tibshirani (1993) ask for a thousand or more for a percentile interval.
_RESAMPLES = 2_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """One retriever's ranking of turns for one question.

    Attributes:
        conversation: The user whose memory was asked.
        category: What kind of question it is.
        evidence: Ids of the turns that hold the answer.
        ranked: Ids of the turns returned, best first.
    """

    conversation: str
    category: str
    evidence: frozenset[str]
    ranked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over a set of questions, each between 0 and 1.

    Attributes:
        questions: How many questions.
        hit_at_1: Share of questions with an evidence turn in first place.
        hit_at_5: The same for the first 5 turns.
        hit_at_10: The same for the first 10 turns.
        recall_at_10: Mean share of a question's evidence turns among the first 10 turns.
        mrr: Mean of 1 / rank of the first evidence turn; 0 if it is not among the first 20.
    """

    questions: int
    hit_at_1: float
    hit_at_5: float
    hit_at_10: Interval
    recall_at_10: float
    mrr: Interval


def distinct(ids: Iterable[str]) -> tuple[str, ...]:
    """The ids without repetitions, each at its best place: k counts turns, not results."""
    return tuple(dict.fromkeys(ids))


def hit(ranked: Sequence[str], evidence: Set[str], k: int) -> float:
    """1.0 if at least one evidence turn is among the first k turns, else 0.0."""
    return float(not evidence.isdisjoint(distinct(ranked)[:k]))


def recall(ranked: Sequence[str], evidence: Set[str], k: int) -> float:
    """Share of the evidence turns among the first k turns."""
    return len(evidence & set(distinct(ranked)[:k])) / len(evidence)


def reciprocal_rank(ranked: Sequence[str], evidence: Set[str], depth: int = DEPTH) -> float:
    """1 / rank of the first evidence turn; 0.0 if it is not among the first ``depth`` turns."""
    for rank, turn_id in enumerate(distinct(ranked)[:depth], start=1):
        if turn_id in evidence:
            return 1 / rank
    return 0.0


def interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """The mean and the middle 95 % of the means of 2,000 resamples, the same in every run.

    The questions are resampled as if independent of each other. Those of one conversation are
    not quite, so the true uncertainty over new conversations is larger.

    Args:
        values: One value for each question; at least one. For a paired comparison: the
            differences, question by question.
    """
    sample = np.asarray(values, dtype=np.float64)
    means = sample[_resamples(len(sample))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(sample.mean()), float(low), float(high))


@functools.lru_cache(maxsize=64)
def _resamples(count: int) -> NDArray[np.int32]:
    """Bootstrap resamples, ``(2,000, count)``: the same for every row, so rows are paired."""
    return np.random.default_rng(_SEED).integers(0, count, (_RESAMPLES, count), dtype=np.int32)


def scores(rankings: Sequence[Ranking]) -> Scores:
    """All measures over these questions.

    Args:
        rankings: One for each question; at least one.
    """
    return Scores(
        questions=len(rankings),
        hit_at_1=_mean([hit(ranking.ranked, ranking.evidence, 1) for ranking in rankings]),
        hit_at_5=_mean([hit(ranking.ranked, ranking.evidence, 5) for ranking in rankings]),
        hit_at_10=interval([hit(ranking.ranked, ranking.evidence, 10) for ranking in rankings]),
        recall_at_10=_mean([recall(ranking.ranked, ranking.evidence, 10) for ranking in rankings]),
        mrr=interval([reciprocal_rank(ranking.ranked, ranking.evidence) for ranking in rankings]),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
