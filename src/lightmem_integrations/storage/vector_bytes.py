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


def unpack_vectors(blobs: Sequence[bytes | None]) -> Vectors:
    """Vectors from their bytes, one row for each: zeros where there are none."""
    some = next(filter(None, blobs), b"")
    if not some:
        return np.zeros((len(blobs), 0), np.float32)
    whole = b"".join(bytes(len(some)) if blob is None else blob for blob in blobs)
    return np.frombuffer(whole, _STORED).reshape(len(blobs), -1).astype(np.float32)


def unpack_rows(found: Iterable[Any]) -> tuple[list[int], Vectors]:
    """Row ids and vectors, one row for each, from pairs of a row id and a vector's bytes."""
    pairs = list(found)
    return [row for row, _ in pairs], unpack_vectors([blob for _, blob in pairs])
