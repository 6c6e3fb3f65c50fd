"""RAG-fusion: one order of candidates for a question and its hypothetical answers.

As in RAG-Fusion (Rackauckas 2024, arXiv 2402.03367) every query brings candidates; what is summed
over the queries is their scores, not the reciprocals of their ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.candidates import (
    NO_KEYS,
    Candidates,
    EmbeddedQuery,
    Keys,
    ScoredTurn,
)
from lightmem_integrations.recall.select.scorer import Scoring
from lightmem_integrations.recall.select.selector import select
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns

# Weight of all hypothetical queries together beside the question's own; a guess.
_WEIGHT = 0.5


def shares(pool: int, queries: int) -> list[int]:
    """Number of candidates of each query: the question half of them, the others the rest."""
    if queries == 1:
        return [pool]
    share = max(pool // 2 // (queries - 1), 1)
    return [max(pool - share * (queries - 1), 1), *[share] * (queries - 1)]


def merge_candidates(by_query: Sequence[Candidates]) -> list[Candidates]:
    """Unite the candidates of all queries.

    Returns:
        For each query, in the order given: all candidates, with that query's own terms and ranks.
    """
    if len(by_query) == 1:
        return list(by_query)
    united = _united([found.turns for found in by_query])
    rows = np.concatenate([found.turns.rows[found.chosen] for found in by_query])
    showable = np.concatenate([found.turns.rows[found.showable] for found in by_query])
    chosen = np.flatnonzero(np.isin(united.rows, rows))
    mask = np.isin(united.rows, showable)
    return [replace(found, turns=united, chosen=chosen, showable=mask) for found in by_query]


def select_over(
    plan: Plan,
    queries: Sequence[EmbeddedQuery],
    by_query: Sequence[Candidates],
    *,
    k: int,
    scoring: Scoring,
    keys: Keys = NO_KEYS,
) -> list[ScoredTurn]:
    """The best candidates over all queries, best first.

    A candidate's score is the question's own, plus the mean of the hypothetical queries' scores at
    half the weight. Its parts are the question's.

    Args:
        plan: What the question asks for.
        queries: The question, then hypothetical answers.
        by_query: The same candidates for each of them, as `merge_candidates` returns them.
        k: How many to return.
        scoring: Weights of the features, whose weighed sum is a candidate's score.
        keys: The facts that turns prove.
    """
    if len(queries) == 1:
        return select(plan, queries[0], by_query[0], k=k, scoring=scoring, keys=keys)
    size = max(len(by_query[0].chosen), 1)
    own, *others = (
        select(plan, query, candidates, k=size, scoring=scoring, keys=keys)
        for query, candidates in zip(queries, by_query, strict=True)
    )
    added: dict[int, float] = {}
    for ranked in others:
        for scored in ranked:
            added[scored.place] = added.get(scored.place, 0.0) + scored.score / len(others)
    # Of texts said twice one is left out, not always the same one: it counts as the worst.
    least = min(added.values(), default=0.0)
    best = [
        replace(scored, score=scored.score + _WEIGHT * added.get(scored.place, least))
        for scored in own
    ]
    best.sort(key=lambda scored: -scored.score)
    pinned = by_query[0].turns.pinned
    return best[:k] + [scored for scored in best[k:] if pinned[scored.place]]


def _united(parts: Sequence[Turns]) -> Turns:
    """Turns of one user that were read separately, each once, by session and position."""
    parts = [part for part in parts if len(part)] or [parts[0]]
    every = Turns(
        *(
            np.concatenate(_of_one_width([getattr(part, field.name) for part in parts]))
            for field in fields(Turns)
        )
    )
    _, first = np.unique(every.rows, return_index=True)
    order = np.lexsort((every.positions[first], every.sessions[first]))
    return every.take(first[order])


def _of_one_width(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Vectors of turns none of which is embedded yet have no width; they get that of the others."""
    width = max(array.shape[1:] for array in arrays)
    return [
        array if array.shape[1:] == width else np.zeros((len(array), *width), array.dtype)
        for array in arrays
    ]
