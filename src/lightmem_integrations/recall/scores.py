"""Scores made comparable: within one question as z-scores, across questions as relevance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Platt scaling of the feature `evidence`: own questions against those about another person, fitted
# by `python benchmarks/nothing_known.py --data realmem-dev.json.gz --fit` (RealMem, Apache-2.0).
_SLOPE, _MIDDLE = 21.1, 0.38


def z_scores(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Z-scores over the known (finite) values; 0, the mean, for the others."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    spread = max(float(values[known].std()), 1e-6)
    scores: NDArray[np.float32] = (values - values[known].mean()) / np.float32(spread)
    return np.where(known, scores, np.float32(0.0))


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
    with turns of its own length. 0 where nothing is known.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    x = log_lengths - log_lengths[known].mean()
    y = values - values[known].mean()
    slope = float(x[known] @ y[known]) / max(float(x[known] @ x[known]), 1e-6)
    return z_scores(y - np.float32(slope) * x)
