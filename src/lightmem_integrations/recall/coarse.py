"""Coarse search: candidates by meaning and by words, with the turns around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.candidates import (
    REACH,
    SPREAD,
    Candidates,
    EmbeddedQuery,
    QueryTerms,
)
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.index import VectorIndex, nearest, search_within
from lightmem_integrations.storage.turn_columns import TurnColumns
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.turn_reads import (
    Turns,
    neighbourhood,
    newest_turns,
    standing_instructions,
)
from lightmem_integrations.storage.turn_vectors import user_vectors
from lightmem_integrations.storage.users import User
from lightmem_integrations.telemetry.observed import stage
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.inflections import MARKS, present, question_terms

# A term in more than this share of a user's turns, and in at least so many of them, adds
# candidates only if rarer terms gave too few. Guesses: its postings are long and tell little.
_COMMON = 0.05
_COMMON_AT_LEAST = 200
# Up to so many turns are compared one by one: exact, and a guess at where a filter in the index
# begins to be faster.
_EXACT_UP_TO = 2_000
# Turns that come back where nothing can be found: as many as a recall returns by default.
_NEWEST = 5
# Standing instructions that are candidates of a request: the last ones; a guess. BEAM's users give
# 3 to 5 in a chat.
_STANDING = 16


def coarse(
    connection: Connection,
    index: VectorIndex | None,
    user: User,
    *,
    query: EmbeddedQuery,
    limits: RowFilter,
    dense_pool: int,
    lexical_pool: int,
    guided: bool = False,
    cited: Sequence[int] = (),
    columns: TurnColumns | None = None,
) -> Candidates:
    """Search one user's turns by words and, where the query has a vector, by meaning.

    Args:
        connection: A read transaction on the ledger.
        index: The vector index; ``None`` compares all vectors one by one.
        user: Whose memory.
        query: The question.
        limits: What may come back.
        dense_pool: How many turns to find by meaning.
        lexical_pool: How many turns to find by words.
        guided: Whether the user's standing instructions are candidates, whatever their words.
        cited: Rows of turns that are candidates, since a fact that answers rests on them.
        columns: The user's turns in memory; ``None`` reads what is needed from the ledger.

    Raises:
        IndexUnavailableError: The vector index does not answer.
    """
    with stage("lightmem.recall.coarse_words"):
        weighed = weigh_terms(connection, user, query.text)
        lexically = by_words(connection, user, weighed, lexical_pool, limits)
    semantically: list[int] = []
    if query.vector is not None:
        with stage("lightmem.recall.coarse_vectors"):
            if index is None and columns is not None:
                semantically = columns.nearest(query.vector, dense_pool, limits)
            else:
                semantically = by_meaning(connection, index, user, query.vector, dense_pool, limits)
    matched = lexically + semantically
    if not matched:  # without vectors and without a word in common, better the last than none
        matched = _newest(connection, user, limits)
    if guided:
        matched += standing_instructions(connection, user, _STANDING)
    matched += cited
    rows, around = set(matched), SPREAD + REACH
    if columns is None:
        turns = neighbourhood(connection, user, rows, around)
    else:
        turns = columns.neighbourhood(connection, rows, around)
    showable = turns.searchable & limits.admits(turns.rows)
    near = _spread(turns, np.isin(turns.rows, matched))
    ranked = {"words": lexically, "meaning": semantically}
    return Candidates(turns, np.flatnonzero(near & showable), showable, weighed, ranked)


def _spread(turns: Turns, matched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask of what matched and of its neighbours: an answer may share no word with its question."""
    near: NDArray[np.bool_] = matched.copy()
    for step in range(1, SPREAD + 1):
        together = (turns.sessions[step:] == turns.sessions[:-step]) & (
            turns.positions[step:] - turns.positions[:-step] <= SPREAD
        )
        near[step:] |= matched[:-step] & together
        near[:-step] |= matched[step:] & together
    return near


def by_meaning(
    connection: Connection,
    index: VectorIndex | None,
    user: User,
    vector: Vectors,
    limit: int,
    limits: RowFilter,
) -> list[int]:
    """Rows of the turns whose vectors are nearest to the question's, nearest first.

    Raises:
        IndexUnavailableError: The vector index does not answer.
    """
    allowed, excluded = limits.remaining(), limits.excluded
    few = allowed is not None and len(allowed) <= _EXACT_UP_TO
    many_out = len(excluded) > limit and user.searchable <= 10 * _EXACT_UP_TO
    if index is None or few or many_out:
        rows, matrix = user_vectors(
            connection, user.row, allowed.tolist() if few and allowed is not None else None
        )
        found = nearest(rows, matrix, vector, limit + len(excluded)) if rows else []
    else:
        most = limit + len(excluded)
        found = search_within(connection, index, user.key, vector, most, size=user.searchable)
        rows, matrix = user_vectors(connection, user.row, unindexed=True)
        if rows:
            found += nearest(rows, matrix, vector, limit + len(excluded))
            best = {hit.id: hit for hit in found}.values()  # some may be indexed just now
            found = sorted(best, key=lambda hit: -hit.similarity)
    nearest_rows = np.array([hit.id for hit in found], np.int64)
    kept: list[int] = nearest_rows[limits.admits(nearest_rows)][:limit].tolist()
    return kept


def _newest(connection: Connection, user: User, limits: RowFilter) -> list[int]:
    """Rows of the last turns that may come back."""
    most = None if limits.allowed is not None else _NEWEST + len(limits.excluded)
    last = np.array(newest_turns(connection, user, most), np.int64)
    rows: list[int] = last[limits.admits(last)][:_NEWEST].tolist()
    return rows


def weigh_terms(connection: Connection, user: User, query: str) -> QueryTerms:
    """Weigh a query's terms by how rare they are in this user's memory."""
    asked = question_terms(query, ())
    found = lexical.frequencies(connection, user.row, [*asked, *MARKS])
    languages = [MARKS[term] for term in found.keys() & MARKS.keys()]
    if languages:
        asked = question_terms(query, languages)
        more = {form for forms in asked.values() for form in forms[1:]}
        found |= lexical.frequencies(connection, user.row, sorted(more))
    counts = present(asked, found)
    idf = {term: inverse_frequency(counts.get(term, 0), user.searchable) for term in asked}
    forms = {term: [form for form in asked[term] if form in found] for term in counts}
    average = user.terms / max(user.searchable, 1)
    return QueryTerms(list(asked), idf, average, counts, forms)


def by_words(
    connection: Connection,
    user: User,
    weighed: QueryTerms,
    limit: int,
    limits: RowFilter,
) -> list[int]:
    """Rows of the turns that share the rarest terms with the query, best first.

    Turns are ranked by the summed idf of the terms they hold; of equals, the newer comes first.
    """
    allowed, excluded = limits.remaining(), limits.excluded
    matched = np.zeros(0, np.int64)
    scores: NDArray[np.float64] = np.zeros(0)
    common = max(_COMMON_AT_LEAST, int(_COMMON * user.searchable))
    rarest = sorted(weighed.counts, key=lambda term: weighed.counts[term])
    rare = [term for term in rarest if weighed.counts[term] <= common]
    of_rare = [form for term in rare for form in weighed.forms_of(term)]
    holding = lexical.all_postings(connection, user.row, of_rare)
    for term in rarest:
        if weighed.counts[term] > common and len(matched) >= limit:
            break  # rarer terms gave enough; what a common one adds, the Selector counts
        forms = weighed.forms_of(term)
        if weighed.counts[term] > common:
            holding |= lexical.all_postings(connection, user.row, forms)
        rows = holding[forms[0]]
        if len(forms) > 1:
            rows = np.unique(np.concatenate([holding[form] for form in forms]))
        if allowed is not None:
            rows = np.intersect1d(rows, allowed, assume_unique=True)
        elif len(excluded):
            rows = np.setdiff1d(rows, excluded, assume_unique=True)
        matched, places = np.unique(np.concatenate([matched, rows]), return_inverse=True)
        added = np.concatenate([scores, np.full(len(rows), weighed.idf[term])])
        scores = np.bincount(places, added, len(matched)).astype(np.float64)
    best: list[int] = matched[np.lexsort((-matched, -scores))[:limit]].tolist()
    return best
