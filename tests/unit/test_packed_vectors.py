"""Vectors in 8 bits a number: what packing keeps of them, and in which bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lightmem_integrations.storage.index import cosines
from lightmem_integrations.storage.packed_vectors import PackedVectors
from lightmem_integrations.storage.vector_bytes import (
    half_vector,
    pack_vector,
    packed_vectors,
    unpack_vector,
    unpack_vectors,
)

NUMBERS = st.floats(-1, 1, width=32).map(lambda number: 0.0 if abs(number) < 1e-6 else number)
ANY = arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 40)), elements=NUMBERS)


def of_length_one(count, width):
    vectors = np.random.default_rng(width).standard_normal((count, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(ANY)
def test_each_number_stays_within_a_step_and_each_vector_keeps_its_length(vectors):
    read = unpack_vectors([pack_vector(vector) for vector in vectors])
    steps = np.abs(vectors).max(axis=1, keepdims=True) / 127
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (np.abs(read - vectors) <= steps * (1 + np.sqrt(vectors.shape[1]) / 2) + 1e-9).all()
    assert np.linalg.norm(read, axis=1) == pytest.approx(lengths[:, 0], rel=1e-5, abs=1e-9)


@given(ANY)
def test_one_vector_is_read_as_it_is_among_others(vectors):
    blobs = [pack_vector(vector) for vector in vectors]
    together = unpack_vectors(blobs)
    assert all(
        (unpack_vector(blob) == read).all() for blob, read in zip(blobs, together, strict=True)
    )


@pytest.mark.parametrize("width", [384, 385])
def test_similarities_stay_within_two_thousandths(width):
    vectors = of_length_one(1_200, width)
    asked = vectors[7] + vectors[11]
    asked /= np.linalg.norm(asked)
    packed = packed_vectors([pack_vector(vector) for vector in vectors])
    assert np.abs(packed.cosines(asked) - cosines(vectors, asked)).max() < 0.002
    assert np.abs(packed.cosines(asked) - cosines(packed.unpacked(), asked)).max() < 1e-6


def test_a_vector_takes_a_byte_a_number_and_five_or_six_more():
    even, odd = of_length_one(1, 384)[0], of_length_one(1, 385)[0]
    assert (len(pack_vector(even)), len(pack_vector(odd))) == (389, 391)


@pytest.mark.parametrize("width", [1, 2, 7, 384])
def test_vectors_in_half_precision_are_read_beside_packed_ones(width):
    vectors = of_length_one(4, width)
    blobs = [pack_vector(vectors[0]), half_vector(vectors[1]), None, pack_vector(vectors[3])]
    read = unpack_vectors(blobs)
    assert (read[1] == vectors[1].astype(np.float16).astype(np.float32)).all()
    assert cosines(packed_vectors(blobs).unpacked(), vectors[1])[1] == pytest.approx(1, abs=2e-3)
    assert (read[0] == unpack_vector(blobs[0])).all()
    assert (read[2] == 0).all()
    assert cosines(read, vectors[3])[3] == pytest.approx(1, abs=2e-3)


def test_zeros_stay_zeros():
    zeros = np.zeros((2, 8), np.float32)
    assert (PackedVectors.of(zeros).unpacked() == 0).all()
    assert unpack_vectors([None, None]).shape == (2, 0)
