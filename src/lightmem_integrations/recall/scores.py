"""Scores made comparable: within one question as z-scores, across questions as relevance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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


def relevance(evidence: Sequence[float]) -> list[float]:
    """Relevance of what is ranked, from 0 to 1: that what is asked for is known, here or behind.

    It goes by the best evidence at a rank and behind it, so that it never rises along the ranking.

    Args:
        evidence: The feature of that name, in the order of the ranking.
    """
    best = np.maximum.accumulate(np.array(evidence, np.float64)[::-1])[::-1]
    scores: list[float] = (1 / (1 + np.exp(_SLOPE * (_MIDDLE - best)))).tolist()
    return scores


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
