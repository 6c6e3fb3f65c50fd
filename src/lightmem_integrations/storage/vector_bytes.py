"""Vectors as bytes, the form in which the ledger keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lightmem_integrations.arrays import Vectors

# Half precision: half the bytes, and cosine similarities within 0.001 of full precision.
_STORED = np.float16


def pack_vector(vector: Vectors) -> bytes:
    """A vector as bytes."""
    return vector.astype(_STORED).tobytes()


def unpack_vector(blob: bytes) -> Vectors:
    """A vector from its bytes."""
    return np.frombuffer(blob, _STORED).astype(np.float32)


def unpack_vectors(blobs: Sequence[bytes]) -> Vectors:
    """Vectors from their bytes, one row for each."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), _STORED).reshape(len(blobs), -1).astype(np.float32)


def unpack_rows(found: Iterable[Any]) -> tuple[list[int], Vectors]:
    """Row ids and vectors, one row for each, from pairs of a row id and a vector's bytes."""
    pairs = list(found)
    return [row for row, _ in pairs], unpack_vectors([blob for _, blob in pairs])
