"""The documents nearest to a question: exact, or by the index where that is sure to be as good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import IndexUnavailableError
from lightmem_integrations.storage.document_vectors import (
    Space,
    documents_by_id,
    similarities,
    spaces_under,
)
from lightmem_integrations.storage.documents import Document, documents_of
from lightmem_integrations.storage.index import VectorIndex, search_within
from lightmem_integrations.storage.namespaces import Path
from lightmem_integrations.storage.sql import in_batches

_AT_ONCE = 100  # documents read at a time until enough are accepted; a guess
_MOST_FROM_INDEX = 300  # as many results as Chroma Cloud gives for one query
# Vectors asked for by document wanted, as one may have several, and some more; guesses.
_VECTORS_EACH, _SPARE = 2, 20
_MOST_SPACES = 8  # each is a query of its own; a guess of where comparing is as fast


@dataclass(frozen=True, slots=True)
class Scored:
    """A document that was found; ``score`` is its cosine similarity, if there was a question."""

    document: Document
    score: float | None


def nearest_documents(
    connection: Connection,
    index: VectorIndex | None,
    prefix: Path,
    vector: Vectors,
    limit: int,
    accepts: Callable[[Mapping[str, Any]], bool],
    live_at: float | None,
) -> list[Scored]:
    """The documents under a prefix that are nearest to a vector, nearest first.

    A document is as near as the nearest of its parts. What the index returns is used only if no
    document that it left out could have been among the result.
    """
    large = [each for each in spaces_under(connection, prefix) if each.indexed]
    if index is not None and 0 < len(large) <= _MOST_SPACES:
        try:
            near, horizon = _by_index(connection, index, large, vector, limit)
        except IndexUnavailableError:
            near, horizon = {}, 2.0
        for row, similarity in similarities(connection, prefix, vector, indexed_too=False).items():
            near[row] = max(similarity, near.get(row, similarity))
        found = _accepted(connection, near, limit, accepts, live_at)
        if horizon is None or (
            len(found) == limit and (not found or (found[-1].score or 0.0) >= horizon)
        ):
            return found
    everything = similarities(connection, prefix, vector, indexed_too=True)
    return _accepted(connection, everything, limit, accepts, live_at)


def _by_index(
    connection: Connection, index: VectorIndex, spaces: list[Space], vector: Vectors, limit: int
) -> tuple[dict[int, float], float | None]:
    """Similarities by document, and an upper bound for documents left out; ``None`` if none was."""
    best: dict[int, float] = {}
    horizon: float | None = None
    for space in spaces:
        most = min(_MOST_FROM_INDEX, _VECTORS_EACH * limit + _SPARE)
        found = search_within(connection, index, space.scope, vector, most, size=space.indexed)
        documents = documents_by_id(connection, space.row, [each.id for each in found])
        if len(documents) < space.indexed:
            last = found[-1].similarity if found else 2.0
            horizon = last if horizon is None else max(horizon, last)
        for each in found:
            row = documents.get(each.id)  # joined back: an index may hold what was erased
            if row is not None:
                best[row] = max(each.similarity, best.get(row, -2.0))
    return best, horizon


def _accepted(
    connection: Connection,
    near: dict[int, float],
    limit: int,
    accepts: Callable[[Mapping[str, Any]], bool],
    live_at: float | None,
) -> list[Scored]:
    order = sorted(near, key=lambda row: (-near[row], row))
    found: list[Scored] = []
    for part in in_batches(order, _AT_ONCE):
        if len(found) >= limit:
            break
        there = documents_of(connection, part, live_at=live_at)
        found += [
            Scored(there[row], near[row])
            for row in part
            if row in there and accepts(there[row].value)
        ]
    return found[:limit]
