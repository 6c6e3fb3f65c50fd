"""Embeddings of words for the tests of search by meaning: deterministic, without a model."""

from __future__ import annotations

from typing import Any

from lightmem_integrations.testing.hash_embedder import HashEmbedder

_DIMENSIONS = 256
_WORDS = HashEmbedder(_DIMENSIONS)


def embed(texts: list[str]) -> list[list[float]]:
    """One vector for each text; texts lie close if they share words."""
    return [[float(x) for x in row] for row in _WORDS.embed_documents(texts)]


#: What ``indexed_store`` is to be opened with.
INDEX: Any = {"dims": _DIMENSIONS, "embed": embed, "fields": ["text"]}
