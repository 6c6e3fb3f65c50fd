"""An embedder without a model: equal words give equal vectors, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.safety import digest
from lightmem_integrations.text.terms import terms


class HashEmbedder:
    """Hashes the words of a text into a vector of unit length. The same on every machine.

    Texts lie close if they share words; it knows no meanings. Good for tests of your own code,
    not for finding anything.

    Args:
        dimension: Length of the vectors.

    Raises:
        InvalidRequestError: If the dimension is not at least 1.
    """

    def __init__(self, dimension: int = 128) -> None:
        if dimension < 1:
            raise InvalidRequestError(f"dimension is {dimension}; it must be at least 1.")
        self._dimension = dimension

    @property
    def name(self) -> str:
        """Name and dimension, such as ``hash-128``."""
        return f"hash-{self._dimension}"

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One row for each text."""
        vectors: Vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            # A text without any words still needs a direction, or it has no cosine similarity.
            for term in terms(text) or [text]:
                hashed = bytes.fromhex(digest(term, 8))
                slot = int.from_bytes(hashed[:7], "big") % self._dimension
                vectors[row, slot] += 1.0 if hashed[7] % 2 else -1.0
            length = float(np.linalg.norm(vectors[row]))
            if length:
                vectors[row] /= length
            else:  # Words of opposite sign met in one place.
                vectors[row, 0] = 1.0
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question; a question is embedded like anything else."""
        vector: Vectors = self.embed_documents([text])[0]
        return vector
