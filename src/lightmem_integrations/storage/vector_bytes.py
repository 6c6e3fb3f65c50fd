"""Vectors as bytes, the form in which the ledger keeps them.

Codes, a zero where their number is odd, the step of the codes as float32, and the number of those
zeros. That is an odd number of bytes: an even one is a vector in half precision, which documents
have, and which earlier versions wrote of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.packed_vectors import PackedVectors

_STEP, _ZEROS = 4, 1  # bytes


def pack_vector(vector: Vectors) -> bytes:
    """A vector as bytes, one a number."""
    packed = PackedVectors.of(vector[None])
    zeros = bytes(packed.width % 2)
    return packed.codes.tobytes() + zeros + packed.steps.tobytes() + bytes([len(zeros)])


def half_vector(vector: Vectors) -> bytes:
    """A vector as bytes in half precision, for what is compared by distances, too.

    Packed, a text was 0.007 from itself in a test of LangGraph's stores.
    """
    return vector.astype(np.float16).tobytes()


def unpack_vector(blob: bytes) -> Vectors:
    """A vector from its bytes."""
    vector: Vectors = unpack_vectors([blob])[0]
    return vector


def unpack_vectors(blobs: Sequence[bytes | None]) -> Vectors:
    """Vectors from their bytes, one row for each: zeros where there are none."""
    by_size = _by_size(blobs)
    read = {
        size: _halves(some) if size % 2 == 0 else _packed(some).unpacked()
        for size, (_, some) in by_size.items()
    }
    width = max((each.shape[1] for each in read.values()), default=0)
    vectors = np.zeros((len(blobs), width), np.float32)
    for size, (places, _) in by_size.items():
        vectors[places] = read[size]
    return vectors


def packed_vectors(blobs: Sequence[bytes | None]) -> PackedVectors:
    """Vectors from their bytes, one for each and still packed: zeros where there are none."""
    by_size = _by_size(blobs)
    read = {
        size: PackedVectors.of(_halves(some)) if size % 2 == 0 else _packed(some)
        for size, (_, some) in by_size.items()
    }
    width = max((each.width for each in read.values()), default=0)
    vectors = PackedVectors.zeros(len(blobs), width)
    for size, (places, _) in by_size.items():
        vectors.codes[places], vectors.steps[places] = read[size].codes, read[size].steps
    return vectors


def _by_size(blobs: Sequence[bytes | None]) -> dict[int, tuple[list[int], list[bytes]]]:
    """The places and the bytes of each form and width, by the number of bytes, which tells both."""
    found: dict[int, tuple[list[int], list[bytes]]] = {}
    for place, blob in enumerate(blobs):
        if blob:
            places, some = found.setdefault(len(blob), ([], []))
            places.append(place)
            some.append(blob)
    return found


def _halves(blobs: Sequence[bytes]) -> Vectors:
    return np.frombuffer(b"".join(blobs), np.float16).reshape(len(blobs), -1).astype(np.float32)


def _packed(blobs: Sequence[bytes]) -> PackedVectors:
    table = np.frombuffer(b"".join(blobs), np.int8).reshape(len(blobs), -1)
    end = table.shape[1] - _ZEROS - _STEP
    steps = table[:, end : end + _STEP].copy().view(np.float32)[:, 0]
    return PackedVectors(table[:, : end - int(table[0, -1])], steps)


def unpack_rows(found: Iterable[Any]) -> tuple[list[int], Vectors]:
    """Row ids and vectors, one row for each, from pairs of a row id and a vector's bytes."""
    pairs = list(found)
    return [row for row, _ in pairs], unpack_vectors([blob for _, blob in pairs])


def packed_rows(found: Iterable[Any]) -> tuple[list[int], PackedVectors]:
    """Row ids and vectors, still packed, from pairs of a row id and a vector's bytes."""
    pairs = list(found)
    return [row for row, _ in pairs], packed_vectors([blob for _, blob in pairs])
