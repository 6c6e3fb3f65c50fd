"""What each feature weighs in a candidate's score: two sets, mixed by the shape of the chat.

Among friends, where both sides write alike, context decides; where an assistant's answers are many
times as long as what the user says, the user's own words do. No weight is fitted: `weights.json`
says where each comes from.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.select.exchange import lopsided
from lightmem_integrations.recall.select.features import FEATURES, Features

Scoring = Callable[[Features], NDArray[np.float32]]
"""Weights of the features, in the order of FEATURES, for one question's candidates."""


@functools.cache
def weights(name: str) -> dict[str, NDArray[np.float32]]:
    """Weights by hand, in the order of FEATURES, of chats of equals and of lopsided ones.

    Args:
        name: "full"; "without_tokens" for memories that have no token vectors; "words" where
            there are words only; "plain" for similarities alone.

    Returns:
        For "equals", "lopsided" and "lopsided_long", which is added by how long the question is:
        float32 of shape (len(FEATURES),). A feature that the file does not name weighs nothing.
    """
    file = importlib.resources.files("lightmem_integrations.recall.select") / "weights.json"
    by_name = json.loads(file.read_text(encoding="utf-8"))[name]
    vectors = {}
    for side, given in by_name.items():
        vectors[side] = np.array([given.get(each, 0.0) for each in FEATURES], np.float32)
        vectors[side].flags.writeable = False
    return vectors


def full(found: Features) -> NDArray[np.float32]:
    """Weights that rank candidates by all that is known of them.

    Where no candidate has token vectors yet, or no vector at all, the weights for that are taken:
    the others lean on what is missing.
    """
    if not np.any(found.column("dense")):
        return words_only(found)
    late = np.any(found.column("maxsim")) or np.any(found.column("maxsim_context"))
    return _weighed(found, "full" if late else "without_tokens")


def words_only(found: Features) -> NDArray[np.float32]:
    """Weights that rank candidates for a question in a script that the embedder was not taught.

    Words count in full, as do speaker and time; what the embedder makes of the letters only breaks
    ties.
    """
    return _weighed(found, "words")


def plain_fusion(found: Features) -> NDArray[np.float32]:
    """Weights that rank candidates by meaning and words; where the chat is lopsided, by speaker."""
    return _weighed(found, "plain")


def _weighed(found: Features, name: str) -> NDArray[np.float32]:
    by_side = weights(name)
    gate = lopsided(found.asymmetry)
    unequal = by_side["lopsided"] + np.float32(found.long) * by_side["lopsided_long"]
    mixed: NDArray[np.float32] = (
        np.float32(1 - gate) * by_side["equals"] + np.float32(gate) * unequal
    )
    return mixed
