"""Z-scores: scores of different kinds made comparable within one question."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def z_scores(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Z-scores over the known (finite) values; 0, the mean, for the others."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    spread = max(float(values[known].std()), 1e-6)
    scores: NDArray[np.float32] = (values - values[known].mean()) / np.float32(spread)
    return np.where(known, scores, np.float32(0.0))
