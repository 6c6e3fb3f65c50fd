"""Array types that cross rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Vectors as rows, ``(texts, dimension)``, or one of them, ``(dimension,)``."""

Rows = NDArray[np.int64]
"""Keys of turns in the ledger, ``(turns,)``."""
