"""Protocol of a vector index, and an exact index in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import SettingsError
from lightmem_integrations.safety import typed_repr


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors of one user. ``scope`` is the user's key, ``ids`` name items of the ledger."""

    scope: str
    ids: Sequence[int]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An item that a search found, with its cosine similarity to the query (-1 to 1)."""

    id: int
    similarity: float


class VectorIndex(Protocol):
    """Vectors by scope. Derived from the ledger: it may lose everything and lose nothing.

    Vectors are normalised; ids are the ledger's row ids, unique over all scopes. Every method
    raises ``IndexUnavailableError`` where the index does not answer.
    """

    def upsert(self, batch: Batch) -> None:
        """Add vectors, or replace those of the same ids."""

    def search(self, scope: str, vector: Vectors, limit: int, *, size: int) -> list[Neighbour]:
        """The nearest items of a scope that holds ``size`` of them, nearest first."""

    def delete(self, scope: str, ids: Sequence[int]) -> None:
        """Make items unfindable. Their bytes may stay on disk until ``replace``."""

    def replace(self, batches: Iterable[Batch]) -> None:
        """Build a new index from these batches, serve from it, and erase the old one."""

    def healthy(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:
        """Check that the index can be trusted to hold between ``least`` and ``most`` of each scope.

        Called once, before first use. Never raises, never hangs, never crashes the process.
        """

    def close(self) -> None:
        """Let go of files and connections; from here on the index is known to be whole."""


@runtime_checkable
class LedgerIndex(VectorIndex, Protocol):
    """An index in the ledger's own database, whose erasures and moments it shares."""

    def search_in(
        self, connection: Connection, scope: str, vector: Vectors, limit: int, *, size: int
    ) -> list[Neighbour]:
        """The nearest items of a scope as a transaction on the ledger sees them, nearest first."""


def search_within(
    connection: Connection, index: VectorIndex, scope: str, vector: Vectors, limit: int, *,
    size: int,
) -> list[Neighbour]:  # fmt: skip
    """The nearest items of a scope, in a transaction on the ledger if the index lies there too.

    Raises:
        IndexUnavailableError: The index does not answer.
    """
    if isinstance(index, LedgerIndex):
        return index.search_in(connection, scope, vector, limit, size=size)
    return index.search(scope, vector, limit, size=size)


class ExactIndex:
    """All vectors in memory, compared one by one: exact, and good up to some 10,000 items.

    It holds nothing at start, so that a store fills it from its ledger when it opens.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._scopes: dict[str, dict[int, Vectors]] = {}
        self._matrices: dict[str, tuple[list[int], Vectors]] = {}

    def __repr__(self) -> str:
        return described(self, vectors=sum(map(len, self._scopes.values())))

    def upsert(self, batch: Batch) -> None:
        """Add vectors, or replace those of the same ids."""
        with self._lock:
            items = self._scopes.setdefault(batch.scope, {})
            items.update(zip(batch.ids, batch.vectors, strict=True))
            self._matrices.pop(batch.scope, None)

    def search(
        self,
        scope: str,
        vector: Vectors,
        limit: int,
        *,
        size: int,  # noqa: ARG002 - part of the Protocol; an exact search needs no hint
    ) -> list[Neighbour]:
        """The nearest items of a scope, nearest first."""
        with self._lock:
            items = self._scopes.get(scope)
            if not items:
                return []
            if scope not in self._matrices:
                self._matrices[scope] = (list(items), np.stack(list(items.values())))
            ids, matrix = self._matrices[scope]
        return nearest(ids, matrix, vector, limit)

    def delete(self, scope: str, ids: Sequence[int]) -> None:
        """Erase items."""
        with self._lock:
            items = self._scopes.get(scope, {})
            for each in ids:
                items.pop(each, None)
            self._matrices.pop(scope, None)

    def replace(self, batches: Iterable[Batch]) -> None:
        """Hold exactly these batches."""
        with self._lock:
            self._scopes, self._matrices = {}, {}
            for batch in batches:
                self.upsert(batch)

    def healthy(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:
        """Check that each scope holds as many items as it should."""
        with self._lock:
            counts = {scope: len(items) for scope, items in self._scopes.items() if items}
        return set(counts) <= set(most) and all(
            least.get(scope, 0) <= counts.get(scope, 0) <= count for scope, count in most.items()
        )

    def close(self) -> None:
        """Nothing to let go of."""


def nearest(ids: Sequence[int], matrix: Vectors, vector: Vectors, limit: int) -> list[Neighbour]:
    """The rows of a matrix nearest to a vector by cosine, nearest first; all normalised."""
    similarities = cosines(matrix, vector)
    if limit < len(ids):
        top = np.argpartition(-similarities, limit)[:limit]
        top = top[np.argsort(-similarities[top], kind="stable")]
    else:
        top = np.argsort(-similarities, kind="stable")
    return [Neighbour(ids[i], float(similarities[i])) for i in top]


def cosines(matrix: Vectors, vector: Vectors) -> Vectors:
    """Cosine similarities of a matrix's rows to a vector; all normalised.

    Not by BLAS, whose threads go on spinning after a product as short as this: measured with
    OpenBLAS at two cores, 10,000 rows took 0.3 ms of time and 1.0 ms of the processors, against
    0.7 ms of one of them here; and other threads' work meanwhile stood still.
    """
    similar: Vectors = np.einsum("ij,j->i", matrix, vector)
    return similar


def check_index(given: object) -> None:
    """Refuse what is no vector index.

    Raises:
        SettingsError: It cannot be searched.
    """
    if given is not None and not callable(getattr(given, "search", None)):
        raise SettingsError(
            f"index= is {typed_repr(given)}. Pass such as "
            "ChromaIndex.server(...) or ExactIndex(), or leave it out for Chroma in the folder."
        )
