"""The tests of a vector index."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import IndexUnavailableError
from lightmem_integrations.storage.index import Batch, Neighbour, VectorIndex, nearest

A, B, C = "0a" * 16, "0b" * 16, "ff" * 16
"""Scopes, as a memory makes them of its users' ids."""
SIZE = 24


def vectors(number: int, seed: int = 0) -> Vectors:
    """So many vectors of unit length, ``(number, SIZE)``, the same for the same seed."""
    made = np.random.default_rng(seed).normal(size=(number, SIZE)).astype(np.float32)
    unit: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def batch(scope: str, first: int, number: int) -> Batch:
    """Vectors of a scope whose ids begin with ``first``."""
    return Batch(scope, list(range(first, first + number)), vectors(number, seed=first))


def ids(found: list[Neighbour]) -> list[int]:
    """Ids of what was found, in their order."""
    return [each.id for each in found]


class IndexContract:
    """All tests of an index. Inherit it in a class whose name begins with ``Test``.

    Override the fixture ``index``: an empty index, anew for every test, closed behind it.

    Attributes:
        exact: Whether a search misses nothing. Of a graph, some misses beside deleted items are
            allowed until the next ``replace``.
        tolerance: Largest error of a cosine similarity, such as by vectors of half precision.
        counts: Whether ``healthy`` counts what the index holds; ``False`` where something else
            sees to that, such as foreign keys.
    """

    exact: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-4
    counts: ClassVar[bool] = True

    @pytest.fixture
    def index(self) -> VectorIndex:
        """An empty index; to be overridden."""
        raise NotImplementedError(
            f"{type(self).__name__} has no fixture 'index'. Write one that gives an empty index."
        )

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        """Searching and deleting in an empty index do nothing, and it is healthy."""
        assert index.search(A, vectors(1)[0], 5, size=0) == []
        assert index.search(A, vectors(1)[0], 5, size=3) == []
        assert index.healthy({}, {})
        index.delete(A, [1, 2])

    def test_it_finds_the_nearest_with_their_cosine(self, index: VectorIndex) -> None:
        """What comes back is what exact search finds, in its order, with the same similarities."""
        for scope, first in ((A, 0), (B, 1_000), (C, 2_000)):
            index.upsert(batch(scope, first, 200))
        for scope, first in ((A, 0), (B, 1_000), (C, 2_000)):
            mine = batch(scope, first, 200)
            for query in vectors(5, seed=99):
                found = index.search(scope, query, 10, size=200)
                exact = nearest(mine.ids, mine.vectors, query, 10)
                assert ids(found) == ids(exact)
                assert [each.similarity for each in found] == pytest.approx(
                    [each.similarity for each in exact], abs=self.tolerance
                )

    def test_scopes_never_meet(self, index: VectorIndex) -> None:
        """A search finds items of its own scope alone, beside however many of others."""
        index.upsert(batch(A, 0, 3))
        index.upsert(batch(B, 100, 400))
        for query in vectors(20, seed=5):
            assert set(ids(index.search(A, query, 300, size=3))) == {0, 1, 2}
            assert set(ids(index.search(B, query, 50, size=400))) <= set(range(100, 500))
        assert index.search("cc" * 16, vectors(1)[0], 5, size=5) == []

    def test_limits_beyond_what_is_there_are_fine(self, index: VectorIndex) -> None:
        """A search returns as many as it can, and never more than the limit."""
        index.upsert(batch(A, 0, 4))
        assert len(index.search(A, vectors(1)[0], 1_000, size=4)) == 4
        assert len(index.search(A, vectors(1)[0], 2, size=4)) == 2

    def test_the_same_id_again_replaces(self, index: VectorIndex) -> None:
        """After a second ``upsert`` an item has its new vector, and there is one of it."""
        index.upsert(batch(A, 0, 10))
        new = vectors(10, seed=77)
        index.upsert(Batch(A, list(range(10)), new))
        for number in range(10):
            found = index.search(A, new[number], 1, size=10)
            assert ids(found) == [number]
            assert found[0].similarity == pytest.approx(1.0, abs=1e-4)
        assert index.healthy({A: 10}, {A: 10})

    def test_what_was_deleted_is_not_found(self, index: VectorIndex) -> None:
        """Deleted items are gone, the others and other scopes are not; unknown ids are fine."""
        index.upsert(batch(A, 0, 50))
        index.upsert(batch(B, 100, 5))
        index.delete(A, list(range(0, 50, 2)))
        index.delete(A, [0, 2, 9_999])
        index.delete(C, [1])
        found, left = ids(index.search(A, vectors(1)[0], 50, size=25)), set(range(1, 50, 2))
        assert set(found) <= left
        assert len(found) >= (25 if self.exact else 22)
        assert len(index.search(B, vectors(1)[0], 50, size=5)) == 5

    def test_large_batches_are_split(self, index: VectorIndex) -> None:
        """Batches larger than what a database takes at once are stored and deleted whole."""
        mine = batch(A, 0, 1_500)
        index.upsert(mine)
        for place in (0, 999, 1_000, 1_499):
            assert ids(index.search(A, mine.vectors[place], 1, size=1_500)) == [place]
        query = vectors(1, seed=3)[0]
        assert len(index.search(A, query, 300, size=1_500)) == 300
        index.delete(A, list(range(700)))
        assert min(ids(index.search(A, query, 300, size=800))) >= 700

    def test_threads_lose_nothing(self, index: VectorIndex) -> None:
        """What several threads write at once is all there, and they search meanwhile."""
        scopes = [f"{number:02x}" * 16 for number in range(4)]

        def write(place: int) -> None:
            for first in range(place * 1_000, place * 1_000 + 50, 10):
                index.upsert(batch(scopes[place], first, 10))
                index.search(scopes[place], vectors(1)[0], 5, size=10)

        with ThreadPoolExecutor(len(scopes)) as pool:
            list(pool.map(write, range(len(scopes))))
        for place, scope in enumerate(scopes):
            found = ids(index.search(scope, vectors(1)[0], 100, size=50))
            assert sorted(found) == list(range(place * 1_000, place * 1_000 + 50))

    def test_replace_holds_exactly_the_new_batches(self, index: VectorIndex) -> None:
        """After ``replace`` nothing old is found, however often; it can be written to again."""
        index.upsert(batch(A, 0, 50))
        index.upsert(batch(B, 100, 50))
        for _ in range(2):
            index.replace(iter([batch(A, 10, 5), batch(C, 500, 7)]))
            assert set(ids(index.search(A, vectors(1)[0], 50, size=5))) == set(range(10, 15))
            assert index.search(B, vectors(1)[0], 50, size=0) == []
            assert len(index.search(C, vectors(1)[0], 50, size=7)) == 7
            assert index.healthy({A: 5, C: 7}, {A: 5, C: 7})
        index.upsert(batch(B, 900, 3))
        assert len(index.search(B, vectors(1)[0], 50, size=3)) == 3
        index.replace(iter([]))
        assert index.search(A, vectors(1)[0], 50, size=5) == []

    def test_replace_that_fails_can_be_tried_again(self, index: VectorIndex) -> None:
        """Where the batches end in an error, ``replace`` raises, and the next one succeeds."""

        def broken() -> Iterator[Batch]:
            yield batch(A, 0, 5)
            raise OSError("disk full")

        index.upsert(batch(A, 0, 5))
        index.replace(iter([batch(A, 0, 5)]))
        for _ in range(2):
            with pytest.raises((IndexUnavailableError, OSError)):
                index.replace(broken())
        index.replace(iter([batch(A, 0, 5)]))
        assert len(index.search(A, vectors(1)[0], 9, size=5)) == 5

    def test_healthy_tells_too_few_from_too_many(self, index: VectorIndex) -> None:
        """``healthy`` counts each scope: fewer than the least, more than the most, a stranger's."""
        if not self.counts:
            pytest.skip("'counts = False': something else sees to what the index holds")
        index.upsert(batch(A, 0, 30))
        index.upsert(batch(C, 100, 10))
        assert index.healthy({A: 30, C: 10}, {A: 30, C: 10})
        assert index.healthy({A: 20}, {A: 40, C: 10}), "turns may be on their way"
        assert not index.healthy({A: 31, C: 10}, {A: 31, C: 10})
        assert not index.healthy({A: 5, C: 5}, {A: 5, C: 5})
        assert not index.healthy({A: 30}, {A: 30}), "somebody is in it who should not be"
