"""Okapi BM25: the weight of a term by how rare it is.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; always
positive, as in Lucene.
"""

from __future__ import annotations

import math


def inverse_frequency(turns_with_term: int, turns: int) -> float:
    """BM25's idf, always positive; largest for a term that this user never used."""
    return math.log(1.0 + (turns - turns_with_term + 0.5) / (turns_with_term + 0.5))
