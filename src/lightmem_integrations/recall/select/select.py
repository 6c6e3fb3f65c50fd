"""The Selector: scores every candidate by what speaks for it, and puts the best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.models.protocols import Encoding
from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.recall.select.features import FEATURES, Pool, Query, features
from lightmem_integrations.recall.select.late_interaction import query_tokens
from lightmem_integrations.recall.select.scorer import Scoring, score
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.text.terms import terms


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate by its place, with its score and what the score is made of, by feature name."""

    place: int
    score: float
    parts: Mapping[str, float]


def select(
    plan: Plan,
    candidates: Candidates,
    vector: Vectors | None,
    encoding: Encoding | None,
    *,
    k: int,
    scoring: Scoring = score,
) -> list[Scored]:
    """The best candidates, best first; of equals, the newer first.

    Who said the same again word for word is named once.

    Args:
        plan: What the question asks for.
        candidates: What the coarse search found.
        vector: The question's vector, or ``None`` where there is none.
        encoding: Its token vectors, for late interaction; ``None`` where the embedder has none.
        k: How many to return.
        scoring: Turns the table of features into one score for each candidate.
    """
    turns, chosen = candidates.turns, candidates.chosen
    words = candidates.words
    pool = Pool(turns, chosen, words.idf, words.average_length)
    table = features(_query(plan, candidates, vector, encoding), pool)
    scores = scoring(table)
    best: list[Scored] = []
    said: set[tuple[str, str]] = set()
    for i in np.lexsort((-turns.rows[chosen], -scores)):
        place = int(chosen[i])
        words_said = turns.speakers[place], " ".join(turns.texts[place].casefold().split())
        if words_said in said:
            continue
        said.add(words_said)
        parts = dict(zip(FEATURES, (round(float(value), 3) for value in table[i]), strict=True))
        best.append(Scored(place, float(scores[i]), parts))
        if len(best) == k:
            break
    return best


def _query(
    plan: Plan, candidates: Candidates, vector: Vectors | None, encoding: Encoding | None
) -> Query:
    text = plan.queries[0]
    tokens = weights = None
    if encoding is not None:
        names = {term for name in plan.speakers for term in terms(name)}
        tokens, weights = query_tokens(
            text, encoding.tokens, encoding.offsets, candidates.words.idf, names
        )
    return Query(
        text=text,
        terms=candidates.words.terms,
        vector=vector,
        tokens=tokens,
        token_weights=weights,
        speakers=plan.speakers,
        since=None if plan.since is None else plan.since.timestamp(),
        until=None if plan.until is None else plan.until.timestamp(),
    )
