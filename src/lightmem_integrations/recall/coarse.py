"""Coarse search: candidates by meaning and by words, with the turns around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows, Vectors
from lightmem_integrations.recall.select.features import REACH, SPREAD
from lightmem_integrations.storage.index import VectorIndex, nearest
from lightmem_integrations.storage.lexical import LexicalIndex
from lightmem_integrations.storage.turn_filter import Filter
from lightmem_integrations.storage.turn_reads import Turns, neighbourhood
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.vectors import user_vectors
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.terms import terms

# A word in more than this share of a user's turns adds candidates only if rarer words gave few.
_COMMON = 0.05
_COMMON_AT_LEAST = 200
# Up to so many turns are compared one by one: exact, and faster than a filter in the index.
_EXACT_UP_TO = 2_000


@dataclass(frozen=True, slots=True)
class Words:
    """What the words of a question weigh in one user's memory.

    Attributes:
        terms: Index terms of the question, each once.
        counts: In how many turns of this user each of them occurs; those that do not are left out.
        idf: Inverse document frequency of each, over this user's turns.
        average_length: Mean number of terms of a turn.
    """

    terms: list[str]
    counts: dict[str, int]
    idf: dict[str, float]
    average_length: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the coarse search found.

    Attributes:
        turns: The candidates and the turns around them, by session and position.
        chosen: Places of the candidates among them.
        shown: Which turns may be shown at all: within the limits, and searchable.
        words: The question's words.
    """

    turns: Turns
    chosen: NDArray[np.int64]
    shown: NDArray[np.bool_]
    words: Words


def coarse(
    connection: Connection,
    lexical: LexicalIndex,
    index: VectorIndex | None,
    user: User,
    *,
    query: str,
    vector: Vectors | None,
    limits: Filter,
    excluded: Rows,
    dense_pool: int,
    lexical_pool: int,
) -> Candidates:
    """Candidates of one user for a question, within limits.

    Args:
        connection: A read transaction on the ledger.
        lexical: The ledger's full-text index.
        index: The vector index; ``None`` compares the ledger's vectors one by one.
        user: Whose memory.
        query: The question.
        vector: Its vector, or ``None`` to search by words only.
        limits: What may come back.
        excluded: Rows that must not come back, as ``limits`` name them.
        dense_pool: How many turns to find by meaning.
        lexical_pool: How many turns to find by words.

    Raises:
        IndexUnavailableError: The vector index does not answer.
    """
    words = question_words(connection, lexical, user, query)
    allowed = limits.allowed_rows(connection, user)
    if allowed is not None:
        allowed = np.setdiff1d(allowed, excluded, assume_unique=True)
    found = by_words(connection, lexical, user, words, lexical_pool, allowed, excluded)
    if vector is not None:
        found += by_meaning(connection, index, user, vector, dense_pool, allowed, excluded)
    turns = neighbourhood(connection, user, set(found), SPREAD + REACH)
    shown = turns.searchable & ~np.isin(turns.rows, excluded)
    if allowed is not None:
        shown &= np.isin(turns.rows, allowed)
    near = _spread(turns, np.isin(turns.rows, found))
    return Candidates(turns, np.flatnonzero(near & shown), shown, words)


def _spread(turns: Turns, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What was found and what was said right before and after: an answer may share no word."""
    near: NDArray[np.bool_] = found.copy()
    for step in range(1, SPREAD + 1):
        together = (turns.sessions[step:] == turns.sessions[:-step]) & (
            turns.positions[step:] - turns.positions[:-step] <= SPREAD
        )
        near[step:] |= found[:-step] & together
        near[:-step] |= found[step:] & together
    return near


def by_meaning(
    connection: Connection,
    index: VectorIndex | None,
    user: User,
    vector: Vectors,
    limit: int,
    allowed: Rows | None,
    excluded: Rows,
) -> list[int]:
    """Rows of the turns whose vectors are nearest to the question's, nearest first.

    Raises:
        IndexUnavailableError: The vector index does not answer.
    """
    few = allowed is not None and len(allowed) <= _EXACT_UP_TO
    many_out = len(excluded) > limit and user.searchable <= 10 * _EXACT_UP_TO
    if index is None or few or many_out:
        rows, matrix = user_vectors(
            connection, user.row, allowed.tolist() if few and allowed is not None else None
        )
        found = nearest(rows, matrix, vector, limit + len(excluded)) if rows else []
    else:
        found = index.search(user.key, vector, limit + len(excluded), size=user.searchable)
    rows_found = np.array([each.id for each in found], np.int64)
    keep = ~np.isin(rows_found, excluded)
    if allowed is not None:
        keep &= np.isin(rows_found, allowed)
    kept: list[int] = rows_found[keep][:limit].tolist()
    return kept


def question_words(connection: Connection, lexical: LexicalIndex, user: User, query: str) -> Words:
    """Weigh a question's words by how rare they are in this user's memory."""
    wanted = list(dict.fromkeys(terms(query)))
    counts = lexical.frequencies(connection, user.row, wanted)
    idf = {
        term: inverse_frequency(count, user.searchable)
        for term in wanted
        for count in [counts.get(term, 0)]
    }
    return Words(wanted, counts, idf, user.terms / max(user.searchable, 1))


def by_words(
    connection: Connection,
    lexical: LexicalIndex,
    user: User,
    words: Words,
    limit: int,
    allowed: Rows | None,
    excluded: Rows,
) -> list[int]:
    """Rows of the turns that share the rarest words with the question, best first.

    Turns are ranked by the summed idf of the words they hold; of equals, the newer comes first.
    """
    found = np.zeros(0, np.int64)
    weights: NDArray[np.float64] = np.zeros(0)
    common = max(_COMMON_AT_LEAST, int(_COMMON * user.searchable))
    for term in sorted(words.counts, key=lambda each: words.counts[each]):
        if words.counts[term] > common and len(found) >= limit:
            break  # rarer words gave enough; what a common one adds, the Selector counts
        rows = lexical.postings(connection, user.row, term)
        if allowed is not None:
            rows = np.intersect1d(rows, allowed, assume_unique=True)
        elif len(excluded):
            rows = np.setdiff1d(rows, excluded, assume_unique=True)
        found, places = np.unique(np.concatenate([found, rows]), return_inverse=True)
        added = np.concatenate([weights, np.full(len(rows), words.idf[term])])
        weights = np.bincount(places, added, len(found)).astype(np.float64)
    best: list[int] = found[np.lexsort((-found, -weights))[:limit]].tolist()
    return best
