"""The Selector: scores every candidate by its features and puts the best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.candidates import (
    NO_KEYS,
    Candidates,
    EmbeddedQuery,
    Keys,
    ScoredTurn,
)
from lightmem_integrations.recall.scores import with_floors
from lightmem_integrations.recall.select.fact_keys import deviations
from lightmem_integrations.recall.select.features import FEATURES, features
from lightmem_integrations.recall.select.scorer import Scoring, full, words_only
from lightmem_integrations.records.conversation import Plan

# What each turn of a session that was taken takes from the scores of the others, in standard
# deviations. Hand-set: with 0.6 BEAM's development questions about orders find twice as much
# (recall@10 .13 to .28).
_APART = 0.6
# What a fact adds besides to the turns that prove it, in standard deviations of the scores for each
# one of its own among all facts: how it compares with them, the features of turns do not tell.
# Hand-set in view of four LoCoMo conversations with facts of strong Writers, three of them with two
# sets (374 questions): MRR rises by .009 with 0, by .018 with 0.1 and 0.2.
_KEY = 0.1


def select(
    plan: Plan,
    query: EmbeddedQuery,
    candidates: Candidates,
    *,
    k: int,
    scoring: Scoring = full,
    keys: Keys = NO_KEYS,
) -> list[ScoredTurn]:
    """The best candidates, best first; of equals, the newer first.

    What the same speaker said several times word for word is selected once. Where the question
    asks for an order of events, they are spread over the sessions.

    Args:
        plan: What the question asks for.
        query: What to compare the candidates with.
        candidates: What the coarse search found for the query.
        k: How many to return; of pinned ones all.
        scoring: Weights of the features, whose weighed sum is a candidate's score.
        keys: The facts that turns prove.
    """
    turns = candidates.turns
    best: list[ScoredTurn] = []
    seen: set[tuple[str, str]] = set()
    ranked: Iterable[ScoredTurn] = rank_candidates(
        plan, query, candidates, scoring=scoring, keys=keys
    )
    if plan.purpose == "order":
        ranked = _spread(turns.sessions, list(ranked))
    pinned = bool(turns.pinned[candidates.chosen].any())
    for scored in ranked:
        place = scored.place
        if len(best) >= k and not turns.pinned[place]:
            if not pinned:
                break
            continue
        said = turns.speakers[place], " ".join(turns.texts[place].casefold().split())
        if said not in seen:
            seen.add(said)
            best.append(scored)
    return best


def _spread(sessions: NDArray[np.int64], ranked: list[ScoredTurn]) -> Iterator[ScoredTurn]:
    """The candidates, those of a session the later the more of it came before them."""
    apart = _APART * float(np.std([scored.score for scored in ranked] or [0.0]))
    taken: dict[int, int] = {}
    while ranked:
        best = max(
            ranked,
            key=lambda scored: scored.score - apart * taken.get(int(sessions[scored.place]), 0),
        )
        ranked.remove(best)
        session = int(sessions[best.place])
        taken[session] = taken.get(session, 0) + 1
        yield best


def rank_candidates(
    plan: Plan,
    query: EmbeddedQuery,
    candidates: Candidates,
    *,
    scoring: Scoring = full,
    keys: Keys = NO_KEYS,
    ignored: Sequence[str] = (),
) -> Iterator[ScoredTurn]:
    """All candidates, best first; of equals, the one with the higher row first.

    Args:
        plan: What the question asks for.
        query: What to compare the candidates with.
        candidates: What the coarse search found for the query.
        scoring: Weights of the features, whose weighed sum is a candidate's score.
        keys: The facts that turns prove.
        ignored: Names of features that count nothing.
    """
    found = features(plan, query, candidates, keys)
    table = found.table
    table[:, [FEATURES.index(name) for name in ignored]] = 0.0
    weights = scoring(found) if query.understood else words_only(found)
    scores: NDArray[np.float32] = table @ weights
    weighed = {name: w for name, w in zip(FEATURES, weights.tolist(), strict=True) if w}
    rows = candidates.turns.rows[candidates.chosen]
    raised = deviations(rows, keys)
    if keys and len(rows):
        scores += np.float32(_KEY * scores.std()) * raised
    scores = with_floors(scores, candidates.turns.importance[candidates.chosen])
    rounded = table.astype(np.float64).round(3).tolist()
    for i in np.lexsort((-rows, -scores)).tolist():
        parts = dict(zip(FEATURES, rounded[i], strict=True))
        if raised[i]:
            parts["fact"] = round(float(raised[i]), 3)
        yield ScoredTurn(int(candidates.chosen[i]), float(scores[i]), parts, weighed)
