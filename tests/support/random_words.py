"""An embedder for which every word is a random direction; its source runs in child processes too.

Like a model's vectors, and unlike counts, these have no ties.
"""

import hashlib
from pathlib import Path

import numpy as np


class RandomWords:
    name = "random-words"

    def embed_documents(self, texts):
        return np.stack([sum(map(direction, text.split())) for text in texts])

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def direction(word):
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).normal(size=64).astype(np.float32)


if "__file__" in globals():  # not where the source is run
    EMBEDDER = Path(__file__).read_text(encoding="utf-8")
