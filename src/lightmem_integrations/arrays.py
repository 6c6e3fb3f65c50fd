"""Array types that cross rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


Rows = NDArray[np.int64]
