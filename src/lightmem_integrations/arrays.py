"""Array types that cross rooms."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Vectors as rows, ``(texts, dimension)``, or one of them, ``(dimension,)``."""

Rows = NDArray[np.int64]
"""Keys of turns in the ledger, ``(turns,)``."""

Objects = NDArray[np.object_]
"""Strings or bytes, one for each turn: taken by their places as quickly as numbers are."""


def objects(values: Collection[Any]) -> Objects:
    """Values of Python as an array of them."""
    return np.fromiter(values, np.object_, len(values))
