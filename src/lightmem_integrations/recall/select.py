"""interim"""
from __future__ import annotations
from collections.abc import Mapping
from dataclasses import dataclass
import numpy as np
from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.storage.index import Vectors
from lightmem_integrations.storage.neighbourhood import StoredTurn
from lightmem_integrations.records import Plan


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score and what the score is made of."""

    turn: StoredTurn
    score: float
    parts: Mapping[str, float]


def select(query: str, vector: Vectors | None, candidates: Candidates, plan: Plan) -> list[Scored]:
    turns = candidates.turns
    words = candidates.words
    bm = np.array([sum(words.idf[t] for t in set(x.terms.split()) & set(words.idf)) for x in turns])
    dn = np.array([0.0 if vector is None or x.vector is None else float(x.vector @ vector) for x in turns])
    def win(a):
        out = a.copy()
        for i in range(len(turns)):
            for j in (i - 1, i + 1):
                if 0 <= j < len(turns) and turns[j].session == turns[i].session:
                    out[i] += 0.5 * a[j]
        return out
    idx = [i for i, x in enumerate(turns) if x.row in candidates.chosen]
    def z(a):
        a = a[idx]
        return (a - a.mean()) / (a.std() + 1e-9)
    total = z(bm) + z(dn) + z(win(bm)) + z(win(dn)) if idx else []
    out = [Scored(turns[i], float(s), {"bm25": float(bm[i]), "similarity": float(dn[i])}) for i, s in zip(idx, total)]
    return sorted(out, key=lambda e: -e.score)
