"""Queries of one Chroma collection, and Chroma's errors as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from tenacity import retry, retry_if_exception, stop_after_attempt

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import IndexUnavailableError, LightMemError
from lightmem_integrations.storage.index import Batch, Neighbour

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

SERVER_LIMIT = 300
"""Records per write and results per query that Chroma Cloud allows."""

SCOPE = "scope"
"""The one metadata key, by which a collection can be filtered."""

NAMES = "row.scope"
"""The form of Chroma's ids; the first versions of this library had other ones."""


def entry_ids(scope: str, ids: Sequence[int]) -> list[str]:
    """Chroma's ids of items.

    An id tells its scope: reading that back as metadata takes Chroma as long as the search.
    """
    return [f"{each}.{scope}" for each in ids]


def named_so(collection: Collection) -> bool:
    """True unless the ids of a collection have a form that ``query`` does not understand."""
    return all("." in name for name in collection.get(limit=1, include=[])["ids"])


def write(collection: Collection, batch: Batch) -> None:
    """Add vectors, or replace those of the same ids."""
    for start in range(0, len(batch.ids), SERVER_LIMIT):
        ids = batch.ids[start : start + SERVER_LIMIT]
        collection.upsert(
            ids=entry_ids(batch.scope, ids),
            embeddings=np.ascontiguousarray(batch.vectors[start : start + SERVER_LIMIT]),
            metadatas=[{SCOPE: batch.scope}] * len(ids),
        )


def query(
    collection: Collection, vector: Vectors, limit: int, scope: str, *, filtered: bool
) -> list[Neighbour]:
    """The nearest items of a scope, nearest first.

    Unfiltered, those of other scopes take part and are left out of the result.
    """
    found = collection.query(
        query_embeddings=vector[None, :],
        n_results=limit,
        where={SCOPE: scope} if filtered else None,
        include=["distances"],
    )
    named = (each.split(".", 1) for each in found["ids"][0])
    return [
        Neighbour(int(row), 1.0 - float(distance))
        for (row, owner), distance in zip(named, (found["distances"] or [[]])[0], strict=True)
        if owner == scope
    ]


@contextmanager
def mapped_errors(failed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Raise IndexUnavailableError for whatever Chroma raises, after a call of ``failed``."""
    # Chroma raises ValueError, TypeError, IndexError, its own errors, httpx's and, in server
    # mode, bare ones for the same causes; Rust panics are no Exception at all.
    try:
        yield
    except LightMemError:
        raise
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)):
            raise
        failed()
        raise IndexUnavailableError(
            f"The vector index does not answer ({type(error).__name__}: {error}). Recall goes on "
            "without it; reindex() rebuilds it from the ledger."
        ) from error


def _was_gone(error: BaseException) -> bool:
    return type(error.__cause__).__name__ == "NotFoundError"  # Chroma's, which is slow to import


again_where_gone = retry(
    retry=retry_if_exception(_was_gone), stop=stop_after_attempt(2), reraise=True
)
"""Calls once more what found no collection: another process has just built the index anew."""
