"""Facts as keys of their turns: a turn is found by its own words and by those of what it proves.

A turn says "I finally did it"; the fact that a Writer made of it says who did what. So a word of
the question may be found in the facts as well, at a discount. LongMemEval expands keys by facts,
too (Wu et al. 2024, arXiv 2410.10813), but embeds both as one text, which did harm here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Objects, Vectors, objects
from lightmem_integrations.models.token_vectors import joined
from lightmem_integrations.recall.candidates import Keys


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the facts say that turns prove, turn by turn.

    Attributes:
        terms: Their index terms, as `hashed` gives them; empty where a turn proves nothing.
        tokens: Their compact token vectors; empty likewise.
        cosines: Of the question and the nearest of them; NaN likewise.
    """

    terms: Objects
    tokens: Objects
    cosines: NDArray[np.float32]

    def take(self, places: NDArray[np.int64]) -> Told:
        """Of the turns at these places, in their order."""
        return Told(self.terms[places], self.tokens[places], self.cosines[places])


def told(rows: NDArray[np.int64], keys: Keys, vector: Vectors | None) -> Told:
    """What is told of turns by the facts that they prove.

    Args:
        rows: Of the turns.
        keys: The facts that they prove.
        vector: Of the question; ``None`` to go by words only.
    """
    facts = [keys.get(row, ()) for row in rows.tolist()]
    cosines = np.full(len(rows), np.nan, np.float32)
    for place, proven in enumerate(facts):
        for known in (fact.vector for fact in proven):
            if known is not None and vector is not None and len(known) == len(vector):
                # One that waits for its vector has zeros.
                near = known @ vector if known.any() else np.nan
                cosines[place] = np.fmax(cosines[place], near)
    return Told(
        objects([b"".join(fact.terms for fact in proven) for proven in facts]),
        objects([joined([fact.tokens for fact in proven]) for proven in facts]),
        cosines,
    )


def deviations(rows: NDArray[np.int64], keys: Keys) -> NDArray[np.float32]:
    """How well the best fact that each turn proves matches, 0 where there is none."""
    best = {row: max(fact.deviation for fact in proven) for row, proven in keys.items() if proven}
    return np.array([best.get(row, 0.0) for row in rows.tolist()], np.float32)
