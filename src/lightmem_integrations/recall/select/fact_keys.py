"""Facts as keys of their turns: a turn is found by its own words and by those of what it proves.

A turn says "I finally did it"; the fact that a Writer made of it says who did what, and when. So
what the facts say is added to the turn's words and token vectors, and its cosine is at least that
of its nearest fact. LongMemEval expands keys by facts, too (Wu et al. 2024, arXiv 2410.10813), but
embeds both as one text, which did harm here.
"""

from __future__ import annotations

from array import array
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.models.token_vectors import joined
from lightmem_integrations.recall.candidates import Keys
from lightmem_integrations.storage.turn_reads import Turns


def with_facts(turns: Turns, keys: Keys) -> Turns:
    """The turns, with the words and token vectors of the facts that they prove added to theirs."""
    terms, tokens = turns.terms.copy(), turns.tokens.copy()
    for place in _proving(turns.rows, keys):
        facts = keys[int(turns.rows[place])]
        told = _numbers(b"".join(fact.terms for fact in facts))
        more = set(told).difference(_numbers(terms[place]))
        terms[place] += array("q", more).tobytes()
        tokens[place] = joined(tokens[place], [fact.tokens for fact in facts])
    return replace(turns, terms=terms, tokens=tokens)


def nearest_fact(
    rows: NDArray[np.int64], keys: Keys, vector: Vectors | None
) -> NDArray[np.float32]:
    """Cosine of a question and the nearest fact that each turn proves, NaN where there is none.

    Args:
        rows: Of the turns.
        keys: The facts that they prove.
        vector: Of the question; ``None`` to go by words only.
    """
    nearest = np.full(len(rows), np.nan, np.float32)
    if vector is None:
        return nearest
    for place in _proving(rows, keys):
        for fact in keys[int(rows[place])]:
            known = fact.vector
            if known is not None and len(known) == len(vector) and known.any():
                nearest[place] = np.fmax(nearest[place], known @ vector)
    return nearest


def deviations(rows: NDArray[np.int64], keys: Keys) -> NDArray[np.float32]:
    """How well the best fact that each turn proves matches, 0 where there is none."""
    best = np.zeros(len(rows), np.float32)
    for place in _proving(rows, keys):
        best[place] = max(fact.deviation for fact in keys[int(rows[place])])
    return best


def _numbers(terms: bytes) -> memoryview[int]:
    return memoryview(terms).cast("q")


def _proving(rows: NDArray[np.int64], keys: Keys) -> list[int]:
    """Places of the turns that prove a fact."""
    places: list[int] = np.flatnonzero(np.isin(rows, list(keys))).tolist()
    return places
