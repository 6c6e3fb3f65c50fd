"""Vectors as bytes, the form in which the ledger keeps them.

Codes, a zero where their number is odd, the step of the codes as float32, and the number of those
zeros. That is an odd number of bytes: an even one is a vector in half precision, as earlier
versions wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.packed_vectors import PackedVectors

_STEP, _ZEROS = 4, 1  # bytes


def pack_vector(vector: Vectors) -> bytes:
    """A vector as bytes."""
    packed = PackedVectors.of(vector[None])
    zeros = bytes(packed.width % 2)
    return packed.codes.tobytes() + zeros + packed.steps.tobytes() + bytes([len(zeros)])


def unpack_vector(blob: bytes) -> Vectors:
    """A vector from its bytes."""
    vector: Vectors = unpack_vectors([blob])[0]
    return vector


def unpack_vectors(blobs: Sequence[bytes | None]) -> Vectors:
    """Vectors from their bytes, one row for each: zeros where there are none."""
    return packed_vectors(blobs).unpacked()


def packed_vectors(blobs: Sequence[bytes | None]) -> PackedVectors:
    """Vectors from their bytes, one for each and still packed: zeros where there are none."""
    places: dict[int, list[int]] = {}  # by the number of bytes, which tells the form
    for place, blob in enumerate(blobs):
        if blob:
            places.setdefault(len(blob), []).append(place)
    read = {size: _of_size([blobs[i] or b"" for i in at], size) for size, at in places.items()}
    width = max((each.width for each in read.values()), default=0)
    vectors = PackedVectors.zeros(len(blobs), width)
    for size, at in places.items():
        vectors.codes[at], vectors.steps[at] = read[size].codes, read[size].steps
    return vectors


def _of_size(blobs: Sequence[bytes], size: int) -> PackedVectors:
    whole = b"".join(blobs)
    if size % 2 == 0:  # half precision
        halves = np.frombuffer(whole, np.float16).reshape(len(blobs), -1)
        return PackedVectors.of(halves.astype(np.float32))
    table = np.frombuffer(whole, np.int8).reshape(len(blobs), size)
    end = size - _ZEROS - _STEP
    steps = table[:, end : end + _STEP].copy().view(np.float32)[:, 0]
    return PackedVectors(table[:, : end - int(table[0, -1])], steps)


def unpack_rows(found: Iterable[Any]) -> tuple[list[int], Vectors]:
    """Row ids and vectors, one row for each, from pairs of a row id and a vector's bytes."""
    rows, vectors = packed_rows(found)
    return rows, vectors.unpacked()


def packed_rows(found: Iterable[Any]) -> tuple[list[int], PackedVectors]:
    """Row ids and vectors, still packed, from pairs of a row id and a vector's bytes."""
    pairs = list(found)
    return [row for row, _ in pairs], packed_vectors([blob for _, blob in pairs])
