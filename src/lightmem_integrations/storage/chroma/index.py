"""The vector index in Chroma: embedded, in memory, on a server or in the cloud, one code path.

Everything peculiar to Chroma is dealt with in this package. What was learned about it stands
beside the line that needs it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import IndexUnavailableError, StoreClosedError
from lightmem_integrations.storage.chroma.check import healthy_by_child, within
from lightmem_integrations.storage.chroma.collection import (
    SERVER_LIMIT,
    again_where_gone,
    entry_ids,
    mapped_errors,
    query,
    write,
)
from lightmem_integrations.storage.chroma.generations import (
    ClientGenerations,
    FolderGenerations,
    Generations,
    chroma_settings,
)
from lightmem_integrations.storage.chroma.server import REQUEST_SECONDS, connect, limit_requests
from lightmem_integrations.storage.index import Batch, Neighbour
from lightmem_integrations.storage.sql import in_batches

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

# Cosine with normalised vectors: with l2, about 1 % of items cannot be reached by their own vector.
# The graph's sizes are guesses above Chroma's defaults.
_CONFIGURATION: Any = {
    "hnsw": {"space": "cosine", "ef_construction": 128, "ef_search": 128, "max_neighbors": 24}
}
# Above this share of its shard, a guess, a user is searched without a filter: a filter walks all of
# its matches in SQL (70 ms for 10,000), while a few results too many cost nothing.
_HEAVY_SHARE = 0.2
# What is asked for beyond the share, a guess; where it is too little, a filter follows.
_SPARE_FACTOR, _SPARE = 1.3, 8


class ChromaIndex:
    """Vectors in Chroma collections, users spread over a fixed number of them by a hash.

    Open one with ``embedded``, ``ephemeral`` or ``server``, or with ``of_client`` on any client.

    Args:
        generations: Where the collections are, and how a new generation replaces the old.
        shards: Number of collections. Few large ones are slow to filter, many cost open files; 16
            is a guess.
        check_seconds: How long the check of a folder after an unclean stop may take; 20 is a guess.
    """

    def __init__(
        self, generations: Generations, *, shards: int = 16, check_seconds: float = 20.0
    ) -> None:
        self._generations = generations
        self._shards = shards
        self._check_seconds = check_seconds
        self._lock = threading.RLock()
        self._current: int | None = None
        self._collections: dict[str, Collection | None] = {}
        self._totals: dict[str, int] = {}
        self._loaded: set[str] = set()
        self._trusted = False
        self._closed = False

    def __repr__(self) -> str:
        return described(self, at=self._generations)

    @classmethod
    def embedded(
        cls, folder: Path, *, shards: int = 16, check_seconds: float = 20.0
    ) -> ChromaIndex:
        """An index in a folder of its own, used by one process at a time."""
        return cls(FolderGenerations(folder), shards=shards, check_seconds=check_seconds)

    @classmethod
    def ephemeral(cls, *, shards: int = 1) -> ChromaIndex:
        """An index in memory, gone with the process."""
        import chromadb

        # All ephemeral clients of a process share one store: a name of its own keeps this apart.
        client = chromadb.EphemeralClient(settings=chroma_settings())
        return cls(ClientGenerations(client, f"lightmem-{uuid.uuid4().hex}"), shards=shards)

    @classmethod
    def server(
        cls,
        host: str = "localhost",
        port: int = 8000,
        *,
        namespace: str = "lightmem",
        shards: int = 16,
        ssl: bool = False,
        headers: Mapping[str, str] | None = None,
        seconds: float = REQUEST_SECONDS,
    ) -> ChromaIndex:
        """An index on a ``chroma run`` server.

        Args:
            host: Name of the server.
            port: Its port.
            namespace: Start of the collections' names; one for each ledger that uses the server.
            shards: Number of collections.
            ssl: Whether to speak https.
            headers: Headers of every request, such as a token for a proxy.
            seconds: How long a request may take.

        Raises:
            IndexUnavailableError: The server does not answer.
        """
        with mapped_errors():
            client = connect(host, port, ssl=ssl, headers=headers, seconds=seconds)
        return cls(ClientGenerations(client, namespace, owned=True), shards=shards)

    @classmethod
    def of_client(
        cls,
        client: ClientAPI,
        *,
        namespace: str = "lightmem",
        shards: int = 16,
        seconds: float = REQUEST_SECONDS,
    ) -> ChromaIndex:
        """An index on any Chroma client, such as ``chromadb.CloudClient(...)``.

        Args:
            client: The client, which stays yours to close.
            seconds: How long a request may take, where the client sets no limit itself.
            namespace: Start of the collections' names; one for each ledger that uses the client.
            shards: Number of collections.
        """
        limit_requests(client, seconds)
        return cls(ClientGenerations(client, namespace), shards=shards)

    def shard_of(self, scope: str) -> int:
        """Number of the collection that holds a scope: alone decides where data lies."""
        return int(scope[:8], 16) % self._shards

    @again_where_gone
    def upsert(self, batch: Batch) -> None:
        """Add vectors, or replace those of the same ids.

        Raises:
            IndexUnavailableError: Chroma does not answer.
        """
        with self._lock, mapped_errors(self._look_again):
            self._write(self._opened(), batch)

    @again_where_gone
    def search(self, scope: str, vector: Vectors, limit: int, *, size: int) -> list[Neighbour]:
        """The nearest items of a scope that holds ``size`` of them, nearest first.

        Raises:
            IndexUnavailableError: Chroma does not answer.
        """
        with mapped_errors(self._look_again):
            with self._lock:
                name = self._name(self._opened(), scope)
                collection = self._collection(name, create=False)
                total = self._totals.get(name, 0)
            if collection is None or not size:
                return []
            total = total or collection.count() or 1  # another process may have filled it since
            limit = min(limit, size, SERVER_LIMIT)
            share = size / total
            mine: list[Neighbour] = []
            if share > _HEAVY_SHARE:
                more = min(SERVER_LIMIT, int(limit / share * _SPARE_FACTOR) + _SPARE)
                mine = query(collection, vector, more, scope, filtered=False)
            if len(mine) < limit:
                mine = query(collection, vector, limit, scope, filtered=True)
            with self._lock:
                if name not in self._loaded:
                    self._loaded.add(name)
                    self._generations.blank()
            return mine[:limit]

    @again_where_gone
    def delete(self, scope: str, ids: Sequence[int]) -> None:
        """Make items unfindable; Chroma keeps their bytes on disk until ``replace``.

        Raises:
            IndexUnavailableError: Chroma does not answer.
        """
        with self._lock, mapped_errors(self._look_again):
            name = self._name(self._opened(), scope)
            collection = self._collection(name, create=False)
            if collection is None:
                return
            for part in in_batches(ids, SERVER_LIMIT):
                collection.delete(ids=entry_ids(scope, part))
            self._totals[name] = collection.count()

    def replace(self, batches: Iterable[Batch]) -> None:
        """Build a new generation of the index, serve from it, and erase the old one.

        Raises:
            IndexUnavailableError: Chroma does not answer; the old generation still serves.
        """
        with mapped_errors():
            new = self._generations.current() + 1
            self._generations.discard(new)
            builder = ChromaIndex(self._generations, shards=self._shards)
            builder._current = new
            for batch in batches:
                builder._write(new, batch)
            with self._lock:
                self._generations.switch(new)
                self._current = new
                self._collections, self._totals = builder._collections, builder._totals
                self._trusted = True

    def healthy(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:
        """Check that the index can be trusted to hold between ``least`` and ``most`` of each scope.

        Damaged files can make Chroma hang or crash, so a folder that was not closed cleanly, or
        changed since, is opened by a child process first.
        """
        try:
            with mapped_errors():
                self._trusted = self._holds(least, most)
        except IndexUnavailableError:
            self._trusted = False
        return self._trusted

    def _holds(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:
        generation = self._generations.current()
        bounds: dict[str, list[int]] = {}
        for scope, count in most.items():
            name = self._name(generation, scope)
            bound = bounds.setdefault(name, [0, 0])
            bound[0] += least.get(scope, 0)
            bound[1] += count
        known = self._generations.counts_if_untouched()
        if known is not None:
            return within(known, bounds)
        if not isinstance(self._generations, FolderGenerations):
            return within(self._generations.counts(), bounds)
        folder = self._generations.folder(generation)
        return healthy_by_child(folder, bounds, self._check_seconds)

    def close(self) -> None:
        """Let go of files and connections; if the index is whole, note it for the next open."""
        with self._lock, mapped_errors():
            self._closed = True
            self._generations.close(whole=self._trusted)
            self._look_again()

    def _look_again(self) -> None:  # another process may have built the index anew
        self._current, self._collections, self._totals = None, {}, {}

    def _opened(self) -> int:
        if self._closed:  # a thread that was left behind must not open the folder again
            raise StoreClosedError("The index was closed.")
        if self._current is None:
            self._current = self._generations.current()
        return self._current

    def _name(self, generation: int, scope: str) -> str:
        return f"{self._generations.prefix(generation)}{self.shard_of(scope):03d}"

    def _collection(self, name: str, *, create: bool) -> Collection | None:
        from chromadb.errors import NotFoundError

        collection = self._collections.get(name)
        if collection is not None:
            return collection
        client = self._generations.client(self._opened())
        # embedding_function=None: without it Chroma fetches a model of its own from the network.
        try:
            collection = client.get_collection(name, embedding_function=None)
        except (NotFoundError, ValueError):
            if create:
                collection = client.get_or_create_collection(
                    name, configuration=_CONFIGURATION, embedding_function=None
                )
        self._collections[name] = collection
        self._totals[name] = collection.count() if collection is not None else 0
        return collection

    def _write(self, generation: int, batch: Batch) -> None:
        name = self._name(generation, batch.scope)
        collection = self._collection(name, create=True)
        if collection is None:
            raise AssertionError("a collection that may be created is there")
        write(collection, batch)
        self._totals[name] = collection.count()
