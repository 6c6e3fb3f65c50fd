"""Scores made comparable: within one question as z-scores, across questions as relevance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.candidates import Found, Ranked

_ENOUGH = 20  # turns beyond the two that any line fits, from which on it counts in full; a guess

# Platt scaling of the feature `evidence`: own questions against those about another person, fitted
# by `python benchmarks/nothing_known.py --data realmem-dev.json.gz --fit` (RealMem, Apache-2.0).
_SLOPE, _MIDDLE = 21.1, 0.38


def z_scores(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Z-scores along the last axis, over the known (finite) values; 0, the mean, for the others."""
    off = _off_mean(values, np.isfinite(values))
    scores: NDArray[np.float32] = off / np.sqrt(_mean(off * off, np.isfinite(values))).clip(1e-6)
    return scores


def _mean(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    count = known.sum(axis=-1, keepdims=True).clip(1).astype(np.float32)
    mean: NDArray[np.float32] = values.sum(axis=-1, keepdims=True, where=known) / count
    return mean


def _off_mean(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(known, values - _mean(values, known), np.float32(0.0))


def with_floors(
    scores: NDArray[np.float32], importance: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Scores of one question, each at least as far from the worst to the best as its importance.

    Args:
        scores: Larger is better; comparable within the question only.
        importance: Of what each score is of, from 0 to 1. 0 leaves a score as it is.
    """
    if not importance.any():
        return scores
    worst, best = scores.min(), scores.max()
    raised: NDArray[np.float32] = np.maximum(scores, worst + importance * (best - worst))
    return raised


def relevance(evidence: Sequence[float]) -> list[float]:
    """Relevance of what is ranked, from 0 to 1: that what is asked for is known, here or behind.

    It goes by the best evidence at a rank and behind it, so that it never rises along the ranking.

    Args:
        evidence: The feature of that name, in the order of the ranking.
    """
    best = list(itertools.accumulate(reversed(evidence), max))[::-1]
    return [1 / (1 + math.exp(_SLOPE * (_MIDDLE - each))) for each in best]


def without_length(
    values: NDArray[np.float32], log_lengths: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Z-scores of what a straight line over the logarithm of lengths leaves of the known values.

    A long turn holds some word of any question, and its vector says little: each turn is compared
    with turns of its own length. 0 where nothing is known. Of few turns a line would explain
    everything, so there it counts in part.
    """
    known = np.isfinite(values)
    x = _off_mean(np.broadcast_to(log_lengths, values.shape), known)
    y = _off_mean(values, known)
    slope = (x * y).sum(-1, keepdims=True) / (x * x).sum(-1, keepdims=True).clip(1e-6)
    slope *= np.clip((known.sum(-1, keepdims=True) - 2) / _ENOUGH, 0, 1).astype(np.float32)
    return z_scores(np.where(known, y - slope * x, np.float32(np.nan)))


def scored(found: Found, threshold: float) -> Found:
    """What was found with its relevance as score, without what lies below the threshold."""
    known = [each for fact in found.known for each in _with_scores([fact], threshold)]
    events = [each for fact in found.events for each in _with_scores([fact], 0.0)]
    if all(each.hit.score < threshold for each in events):  # else all of them are the answer
        events = []
    every = _with_scores(found.hits, 0.0)
    hits = [each for each in every if each.hit.score >= threshold]
    least = hits[-1].hit.score if hits else 0.0
    # What is ranked behind hits that were left out is no better.
    behind = () if len(hits) < len(found.hits) else found.further
    further = _with_scores(behind, threshold, least)
    below = every[len(hits) :]  # scores never rise along the ranking
    return replace(found, hits=hits, further=further, known=known, events=events, below=below)


def _with_scores(ranked: Sequence[Ranked], threshold: float, most: float = 1.0) -> list[Ranked]:
    scores = relevance([each.hit.parts.get("evidence", 0.0) for each in ranked])
    return [
        replace(each, hit=replace(each.hit, score=min(score, most)))
        for each, score in zip(ranked, scores, strict=True)
        if score >= threshold
    ]
