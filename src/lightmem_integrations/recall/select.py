"""The Selector: scores every candidate by what speaks for it, and puts the best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lightmem_integrations.models.protocols import Encoding
from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.recall.features import FEATURES, Pool, PoolTurn, Query, features
from lightmem_integrations.recall.late_interaction import DIMENSIONS, query_tokens
from lightmem_integrations.recall.scorer import score
from lightmem_integrations.recall.terms import terms
from lightmem_integrations.records import Plan
from lightmem_integrations.storage.index import Vectors
from lightmem_integrations.storage.neighbourhood import StoredTurn


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score and what the score is made of, by feature name."""

    turn: StoredTurn
    score: float
    parts: Mapping[str, float]


def select(
    plan: Plan, candidates: Candidates, vector: Vectors | None, encoding: Encoding | None
) -> list[Scored]:
    """Candidates in the order of their score, best first; of equals, the newer first.

    Args:
        plan: What the question asks for.
        candidates: What the coarse search found.
        vector: The question's vector, or ``None`` where there is none.
        encoding: Its token vectors, for late interaction; ``None`` where the embedder has none.
    """
    turns = candidates.turns
    chosen = [i for i, turn in enumerate(turns) if turn.row in candidates.chosen]
    if not chosen:
        return []
    pool = Pool(
        [_pool_turn(turn) for turn in turns],
        np.array(chosen, np.int64),
        candidates.words.idf,
        candidates.words.average_length,
    )
    table = features(_query(plan, candidates, vector, encoding), pool)
    scores = score(table)
    newest = sorted(range(len(chosen)), key=lambda i: (-scores[i], -turns[chosen[i]].row))
    return [
        Scored(
            turns[chosen[i]],
            float(scores[i]),
            {name: round(float(value), 3) for name, value in zip(FEATURES, table[i], strict=True)},
        )
        for i in newest
    ]


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


def _pool_turn(turn: StoredTurn) -> PoolTurn:
    return PoolTurn(
        row=turn.row,
        session=turn.session,
        position=turn.position,
        role=turn.role,
        speaker=turn.speaker or "",
        text=turn.text,
        terms=turn.terms.split(),
        at=turn.said_at,
        vector=turn.vector,
        tokens=(
            None
            if turn.tokens is None
            else np.frombuffer(turn.tokens, np.int8).reshape(-1, DIMENSIONS)
        ),
    )
