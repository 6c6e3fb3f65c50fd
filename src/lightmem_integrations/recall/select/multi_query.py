"""Several queries for one question: their candidates put together, their scores combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.models.protocols import Encoding
from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.recall.select.scorer import Scoring
from lightmem_integrations.recall.select.select import Scored, select
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns

# What all hypothetical queries together weigh against the question itself.
_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A query with its vectors, where they could be had."""

    text: str
    vector: Vectors | None = None
    encoding: Encoding | None = None


def shares(pool: int, queries: int) -> list[int]:
    """How many candidates each query may bring: the question half of them, the others the rest."""
    if queries == 1:
        return [pool]
    each = max(pool // 2 // (queries - 1), 1)
    return [max(pool - each * (queries - 1), 1), *[each] * (queries - 1)]


def merge_candidates(found: Sequence[Candidates]) -> list[Candidates]:
    """The candidates of all queries for each of them, with its own words."""
    if len(found) == 1:
        return list(found)
    joined = _joined([each.turns for each in found])
    chosen = np.unique(np.concatenate([each.turns.rows[each.chosen] for each in found]))
    shown = np.unique(np.concatenate([each.turns.rows[each.shown] for each in found]))
    places = np.flatnonzero(np.isin(joined.rows, chosen))
    may_be_shown = np.isin(joined.rows, shown)
    return [Candidates(joined, places, may_be_shown, each.words) for each in found]


def select_over(
    plan: Plan,
    asked: Sequence[Asked],
    found: Sequence[Candidates],
    *,
    k: int,
    scoring: Scoring,
) -> list[Scored]:
    """The best candidates over all queries, best first.

    A candidate's score is the question's own, plus the mean of the hypothetical queries' scores at
    half the weight. What its score is made of is said for the question.

    Args:
        plan: What the question asks for.
        asked: The question, then hypothetical queries, with their vectors.
        found: The same candidates for each of them, as `together` returns them.
        k: How many to return.
        scoring: Turns the table of features into one score for each candidate.
    """
    first, question = asked[0], found[0]
    if len(asked) == 1:
        return select(plan, question, first.vector, first.encoding, k=k, scoring=scoring)
    size = len(question.chosen)
    own, *others = (
        select(
            replace(plan, queries=(each.text,)),
            candidates,
            each.vector,
            each.encoding,
            k=max(size, 1),
            scoring=scoring,
        )
        for each, candidates in zip(asked, found, strict=True)
    )
    added: dict[int, float] = {}
    for scored in others:
        # Of texts said twice one is left out, not always the same one: it counts as the worst.
        for each in scored:
            added[each.place] = added.get(each.place, 0.0) + each.score / len(others)
    least = min(added.values(), default=0.0)
    best = [
        replace(each, score=each.score + _WEIGHT * added.get(each.place, least)) for each in own
    ]
    return sorted(best, key=lambda each: -each.score)[:k]


def _joined(parts: Sequence[Turns]) -> Turns:
    """Turns of one user that were read separately, each once, by session and position."""
    parts = [each for each in parts if len(each)] or [parts[0]]
    columns: dict[str, Any] = {}
    for field in fields(Turns):
        values: list[Any] = [getattr(each, field.name) for each in parts]
        if isinstance(values[0], np.ndarray):
            columns[field.name] = np.concatenate(_of_one_width(values))
        else:
            columns[field.name] = list(chain.from_iterable(values))
    every = Turns(**columns)
    _, first = np.unique(every.rows, return_index=True)
    order = np.lexsort((every.positions[first], every.sessions[first]))
    return every.take(first[order])


def _of_one_width(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Vectors of turns none of which is embedded yet have no width; they get that of the others."""
    width = max(each.shape[1:] for each in arrays)
    return [
        each if each.shape[1:] == width else np.zeros((len(each), *width), each.dtype)
        for each in arrays
    ]
