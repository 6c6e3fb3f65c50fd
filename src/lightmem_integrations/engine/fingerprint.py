"""Fingerprint of an embedder: the vector of a fixed text, which no two models give alike."""

from __future__ import annotations

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.vector_bytes import unpack_vector

FIXED_TEXT = "Ann moved to Lisbon in May and works as a nurse at the harbour."

_SAME = 0.15
"""Distance of two vectors of the fixed text by one model, at most: a cosine of 0.99, a guess with
room for half precision and for services that do not repeat themselves exactly."""


def is_of_another(fingerprint: str, made: Vectors) -> bool:
    """True if a stored fingerprint is of another model than a vector of the fixed text."""
    known = unpack_vector(bytes.fromhex(fingerprint))
    return len(known) != len(made) or bool(np.linalg.norm(known - made) > _SAME)
