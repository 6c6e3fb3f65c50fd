"""The score of each candidate: a weighted sum of its features, weights in `weights.json`.

The weights were fitted, and are measured, by `python benchmarks/fit_scorer.py`.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.select.features import FEATURES

Scoring = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Turns the table of `features`, (candidates, len(FEATURES)), into a score for each candidate."""

_DENSE = FEATURES.index("dense")
_LATE = tuple(FEATURES.index(name) for name in ("maxsim", "maxsim_context"))
_NOISE = 0.1  # a guess: enough to break ties between turns that hold the same words
_BY_WORDS = {
    "lexical": 1.0, "lexical_window": 1.0, "dense": _NOISE, "dense_window": _NOISE,
    "speaker": 2.0, "in_time": 3.0, "question": -0.4,
}  # fmt: skip
_PLAIN = ("dense", "dense_window", "lexical", "lexical_window")


@functools.cache
def fitted_weights(name: str) -> NDArray[np.float32]:
    """Fitted weights in the order of FEATURES.

    Args:
        name: "full", or "without_tokens" for memories that have no token vectors.

    Returns:
        float32 of shape (len(FEATURES),). A feature that the file does not name weighs nothing.
    """
    file = importlib.resources.files("lightmem_integrations.recall.select") / "weights.json"
    by_name = json.loads(file.read_text(encoding="utf-8"))[name]
    vector = np.array([by_name.get(feature, 0.0) for feature in FEATURES], dtype=np.float32)
    vector.flags.writeable = False
    return vector


def score(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of candidates by the fitted weights; larger is better.

    Where no candidate has token vectors yet, the weights fitted without them are taken: the
    others lean on what is missing. Where there are words only, they alone decide.

    Args:
        table: What `features` returned, shape (candidates, len(FEATURES)).

    Returns:
        float32 of shape (candidates,). Comparable within one question only.
    """
    if not np.any(table[:, _DENSE]):
        return plain_fusion(table)
    late = bool(np.any(table[:, _LATE]))
    scores: NDArray[np.float32] = table @ fitted_weights("full" if late else "without_tokens")
    return scores


def by_words(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of candidates for a question in a script that the embedder was not taught.

    Words count in full, as do speaker and time; what the embedder makes of the letters only breaks
    ties.

    Args:
        table: What `features` returned, shape (candidates, len(FEATURES)).

    Returns:
        float32 of shape (candidates,).
    """
    weights = np.zeros(len(FEATURES), np.float32)
    for name, weight in _BY_WORDS.items():
        weights[FEATURES.index(name)] = weight
    scores: NDArray[np.float32] = table @ weights
    return scores


def plain_fusion(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of candidates with no fitted weight: the sum of dense and lexical z-scores.

    Args:
        table: What `features` returned, shape (candidates, len(FEATURES)).

    Returns:
        float32 of shape (candidates,).
    """
    scores: NDArray[np.float32] = table[:, [FEATURES.index(name) for name in _PLAIN]].sum(axis=1)
    return scores
