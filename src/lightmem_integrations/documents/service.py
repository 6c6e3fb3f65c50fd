"""Documents by namespace: kept in the ledger, searched by meaning, gone when erased.

Small namespaces are compared one by one. Of a large one the vector index holds most, and what it
does not hold yet is compared one by one beside it, so a search always sees everything.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.documents.indexing import index_large
from lightmem_integrations.documents.nearest import Scored, nearest_documents
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import IndexUnavailableError, ModelError, ModelOutputError
from lightmem_integrations.records.storable import cleaned
from lightmem_integrations.storage.documents import (
    Document,
    ErasedDocuments,
    NewDocument,
    documents_to_embed,
    documents_under,
    embed_documents,
    erase_expired,
    find_document,
    refresh,
    write_documents,
)
from lightmem_integrations.storage.index import VectorIndex
from lightmem_integrations.storage.index_contents import mark_purge
from lightmem_integrations.storage.namespaces import Path, list_paths
from lightmem_integrations.storage.sql import MOST_ROWS
from lightmem_integrations.telemetry.observed import Observer

logger = logging.getLogger(__name__)

_EMBED_LATE = 64  # documents embedded between two looks at the clock; a guess


@dataclass(frozen=True, slots=True)
class Reading:
    """Documents as they are at one moment.

    Attributes:
        connection: A read transaction on the ledger.
        index: The vector index, where it may be searched.
        live_at: Documents whose time is over by then are left out; ``None`` for none.
        alive: Rows of the documents that were read and are to live on.
    """

    connection: Connection
    index: VectorIndex | None
    live_at: float | None
    alive: set[int] = field(default_factory=set)

    def find(self, namespace: Path, key: str, *, refresh: bool) -> Document | None:
        """The document of that key; ``refresh`` lets its time begin anew."""
        found = find_document(self.connection, namespace, key, live_at=self.live_at)
        if found is not None and refresh:
            self._keep([found])
        return found

    def search(
        self,
        prefix: Path,
        accepts: Callable[[Mapping[str, Any]], bool] | None,
        *,
        limit: int,
        offset: int,
        vector: Vectors | None,
        refresh: bool,
    ) -> list[Scored]:
        """Documents under a prefix, the best or the last written first.

        Args:
            prefix: What their namespaces begin with.
            accepts: Whether a value may come back; ``None`` for any.
            limit: How many at most.
            offset: How many of the best to leave out.
            vector: The question, if they are looked for by meaning; else the last written come
                first.
            refresh: Whether those that come back live on.
        """
        last, connection = min(offset + limit, MOST_ROWS), self.connection
        if vector is not None:
            found = nearest_documents(
                connection, self.index, prefix, vector, last, accepts or _any, self.live_at
            )
        else:
            most = None if accepts else last
            read = documents_under(connection, prefix, live_at=self.live_at, most=most)
            with contextlib.closing(read) as written:
                fitting = (Scored(each, None) for each in written if (accepts or _any)(each.value))
                found = list(itertools.islice(fitting, last))
        if refresh:
            self._keep(each.document for each in found[offset:])
        return found[offset:]

    def paths(self, prefix: Path) -> list[Path]:
        """The namespaces under a prefix."""
        return list_paths(self.connection, prefix, live_at=self.live_at)

    def _keep(self, found: Iterable[Document]) -> None:
        self.alive.update(each.row for each in found if each.ttl_minutes is not None)


class Documents:
    """Reads and writes documents in an open store.

    Args:
        store: The store.
        texts_of: The texts of a value that are searched by meaning, given its fields.
        catch_up_seconds: How long a search may make vectors that are missing.
    """

    def __init__(
        self,
        store: Store,
        texts_of: Callable[[Mapping[str, Any], Sequence[str]], list[str]],
        *,
        catch_up_seconds: float = 5.0,
    ) -> None:
        self._store = store
        self._texts_of = texts_of
        self._catch_up_seconds = catch_up_seconds
        self._erasures = itertools.count(1)
        self._emptying = threading.Lock()
        self._emptied = 0

    @property
    def observer(self) -> Observer:
        """Of the store."""
        return self._store.observer

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The normalised vectors of texts, one row for each.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        self._store.check_usable()
        if not texts:
            return np.zeros((0, 0), np.float32)
        vectors = self._store.embedder.documents([cleaned(text) for text in texts], soon=True)
        self._store.embedder.check_dimension(vectors[0])
        return vectors

    def query(self, text: str, prefix: Path) -> Vectors:
        """The normalised vector of a question to the documents under a prefix.

        Vectors that could not be made when those documents were written are made, too.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        self._store.check_usable()
        vector = self._store.embedder.query(cleaned(text))
        self._embed_late(prefix)
        return vector

    @contextmanager
    def reading(self, *, omit_expired: bool = False) -> Iterator[Reading]:
        """A view of the documents at one moment.

        Args:
            omit_expired: Leave out documents whose time is over, before they are erased.

        Raises:
            StorageError: The store cannot be read.
        """
        self._store.check_usable()
        now = self._store.ledger.now()
        index = self._store.index if self._store.indexer.ready else None
        with self._store.ledger.read() as connection:
            view = Reading(connection, index, now if omit_expired else None)
            yield view
        if view.alive and not self._store.ledger.read_only:
            with self._store.ledger.write() as connection:
                refresh(connection, view.alive, now)

    def write(self, new: Sequence[NewDocument]) -> None:
        """Write and erase documents: all of it or, on an error, nothing.

        Raises:
            StorageError: The store cannot be written.
        """
        self._store.check_usable()
        with self._store.ledger.write() as connection:
            self._record_dimension(connection, (each.vectors for each in new))
            gone = write_documents(connection, new, self._store.ledger.now())
            self._note(connection, gone)
        self._finish(gone)
        index_large(self._store, {each.namespace for each in new if each.vectors is not None})

    def erase_expired(self) -> int:
        """Erase documents whose time is over; returns how many.

        Raises:
            StorageError: The store cannot be written.
        """
        self._store.check_usable()
        erased = 0
        while True:
            with self._store.ledger.write() as connection:
                gone = erase_expired(connection, self._store.ledger.now())
                self._note(connection, gone)
            self._finish(gone)
            if not gone.documents:
                return erased
            erased += gone.documents

    def purge(self) -> None:
        """Rewrite the index's files now, so that nothing erased is left in them.

        Raises:
            StorageError: The index does not answer.
        """
        self._store.check_usable()
        self._store.indexer.purge()

    def _embed_late(self, prefix: Path) -> None:
        if self._store.ledger.read_only:
            return
        deadline = time.monotonic() + self._catch_up_seconds
        last = 0
        while time.monotonic() < deadline:
            with self._store.ledger.read() as connection:
                todo = documents_to_embed(connection, prefix, _EMBED_LATE, last)
            if not todo:
                return
            last = todo[-1][0].row
            made: list[tuple[Document, Vectors]] = []
            for document, fields in todo:
                try:
                    made.append((document, self.embed(self._texts_of(document.value, fields))))
                except ModelOutputError as error:  # one that spoils its vector holds up no other
                    logger.warning("A document is left out of searches by meaning: %s", error)
                except ModelError as error:
                    logger.warning("Documents are left out of searches by meaning: %s", error)
                    return
            with self._store.ledger.write() as connection:
                self._record_dimension(connection, (vectors for _, vectors in made))
                embed_documents(connection, made)

    def _record_dimension(self, connection: Connection, made: Iterable[Vectors | None]) -> None:
        widths = (each.shape[1] for each in made if each is not None and len(each))
        if (width := next(widths, None)) is not None:
            self._store.embedder.record_dimension(connection, width)

    def _note(self, connection: Connection, gone: ErasedDocuments) -> None:
        if gone.index_ids:  # so that a crash before _finish is made good at the next opening
            mark_purge(connection)

    def _finish(self, gone: ErasedDocuments) -> None:
        for scope, ids in gone.index_ids.items():
            try:
                self._store.indexer.forget(scope, ids)
            except IndexUnavailableError as error:
                logger.warning("Erased vectors leave the index at its next opening: %s", error)
        if gone.documents:
            self._empty_log()

    def _empty_log(self) -> None:
        mine = next(self._erasures)
        with self._emptying:
            if self._emptied < mine:  # else somebody did it after this erasure was committed
                upto = next(self._erasures)
                self._store.ledger.empty_log()
                self._emptied = upto


def _any(_value: Mapping[str, Any]) -> bool:
    return True
