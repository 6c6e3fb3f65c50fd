"""Embedders of every kind behind one Protocol: ours, LangChain's, LlamaIndex's, Chroma's, yours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import ModelError, ModelOutputError, SettingsError
from lightmem_integrations.models.onnx import OnnxEmbedder
from lightmem_integrations.models.protocols import Embedder, Encoding, TokenEmbedder, weights_name
from lightmem_integrations.models.sentence import (
    MULTILINGUAL,
    SentenceTransformerEmbedder,
    check_name,
    multilingual,
)
from lightmem_integrations.models.token_vectors import compact, ignored_tokens
from lightmem_integrations.safety import typed_repr
from lightmem_integrations.telemetry.model_calls import model_call


class WrappedEmbedder:
    """Two functions and a name as an embedder.

    Args:
        name: What the store remembers it by; two models must never share one.
        documents: Vectors of texts.
        query: The vector of a question; by default that of a text.
    """

    def __init__(
        self,
        name: str,
        documents: Callable[[list[str]], Any],
        query: Callable[[str], Any] | None = None,
    ) -> None:
        self._name = name
        self._documents = documents
        self._query = query

    def __repr__(self) -> str:
        return described(self, name=self._name)

    @property
    def name(self) -> str:
        """The name that a store remembers it by."""
        return self._name

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, one row for each text."""
        return _as_array(self._documents(list(texts)), self._name)

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question."""
        if self._query is not None:
            return _as_array(self._query(text), self._name)
        vectors = self.embed_documents([text])
        return vectors[0] if vectors.ndim and len(vectors) else np.zeros(0, np.float32)


def as_embedder(given: object | None) -> Embedder:
    """An embedder of whatever was given.

    Args:
        given: ``None`` for the shipped model; ``"multilingual"`` for one of many languages (see
            `sentence.multilingual`); a model name or folder for sentence-transformers;
            one of our embedders; a LangChain ``Embeddings``; a LlamaIndex ``BaseEmbedding``; a
            Chroma embedding function; or a function from a list of texts to vectors.

    Raises:
        SettingsError: It is none of these.
        ModelUnavailableError: It is a string, and no model can be named so.
        MissingExtraError: It is a string, and sentence-transformers is not installed.
    """
    if given is None:
        return OnnxEmbedder()
    if isinstance(given, str):
        check_name(given)
        return multilingual() if given == MULTILINGUAL else SentenceTransformerEmbedder(given)
    embedder: Any = given
    if hasattr(given, "embed_documents") and hasattr(given, "embed_query"):
        own_name = getattr(given, "name", None)
        if isinstance(own_name, str) and own_name and "langchain" not in type(given).__module__:
            return cast("Embedder", given)
        return WrappedEmbedder(_name_of(given), embedder.embed_documents, embedder.embed_query)
    if hasattr(given, "get_text_embedding_batch") and hasattr(given, "get_query_embedding"):
        return WrappedEmbedder(
            _name_of(given), embedder.get_text_embedding_batch, embedder.get_query_embedding
        )
    if callable(given):
        return WrappedEmbedder(_name_of(given), embedder)
    raise SettingsError(
        f"embedder= is {typed_repr(given)}, which is no embedder. Pass a model "
        "name, a LangChain Embeddings, a LlamaIndex BaseEmbedding, a Chroma embedding function, "
        "or a function from a list of texts to vectors."
    )


def checked_vectors(vectors: Any, texts: Sequence[str], embedder: Embedder) -> Vectors:
    """Normalised vectors, one row for each text.

    Raises:
        ModelOutputError: They are too few or too many, not of one length, or not finite.
    """
    array = _as_array(vectors, embedder.name)
    if array.ndim != 2 or len(array) != len(texts) or not array.shape[1]:  # noqa: PLR2004
        raise ModelOutputError(
            f"The embedder {embedder.name!r} returned an array of shape {array.shape} for "
            f"{len(texts)} texts; one vector for each text is needed."
        )
    if not np.isfinite(array).all():
        raise ModelOutputError(
            f"The embedder {embedder.name!r} returned NaN or infinite numbers; such a vector "
            "cannot be compared. Nothing was stored of it."
        )
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    normalised: Vectors = (array / np.maximum(norms, 1e-12)).astype(np.float32)
    return normalised


def encoded_query(embedder: Embedder, text: str) -> tuple[Vectors, Encoding | None]:
    """The normalised vector of a question, and its token vectors where the embedder has them.

    Raises:
        ModelError: The embedder failed or returned something unusable.
    """
    with _named_failure(embedder):
        encoding = embedder.encode([text])[0] if isinstance(embedder, TokenEmbedder) else None
        vector = embedder.embed_query(text) if encoding is None else encoding.vector
    found: Vectors = checked_vectors(np.asarray(vector)[None, ...], [text], embedder)[0]
    return found, encoding


def document_vectors(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """The normalised vectors of what is stored, one row for each text.

    Raises:
        ModelError: The embedder failed or returned something unusable.
    """
    with _named_failure(embedder):
        vectors = embedder.embed_documents(texts)
    return checked_vectors(vectors, texts, embedder)


Encoded = tuple[Vectors, list[bytes | None]]
"""Sentence vectors of texts, one row for each, and their compact token vectors, if any."""


class DocumentEncoder:
    """Makes the vectors of what is stored, and its compact token vectors where there are any.

    Args:
        embedder: Makes them.
        dates: Whether numbers and names of months and days get a token vector.
    """

    def __init__(self, embedder: Embedder, *, dates: bool = True) -> None:
        self._embedder = embedder
        self._dates = dates
        self._ignored: NDArray[np.bool_] | None = None

    def load(self) -> None:
        """Load what token vectors need besides the model."""
        if self._ignored is None and isinstance(self._embedder, TokenEmbedder):
            self._ignored = ignored_tokens(self._embedder.vocabulary(), dates=self._dates)

    def __call__(self, texts: Sequence[str]) -> Encoded:
        """The normalised vectors of texts, one row for each, and their compact token vectors.

        Raises:
            ModelError: The embedder failed or returned something unusable.
        """
        self.load()
        if self._ignored is None or not isinstance(self._embedder, TokenEmbedder):
            return document_vectors(self._embedder, texts), [None] * len(texts)
        with _named_failure(self._embedder):
            encodings = self._embedder.encode(texts)
        vectors = checked_vectors([each.vector for each in encodings], texts, self._embedder)
        tokens = compact([(each.tokens, each.ids) for each in encodings], self._ignored)
        return vectors, list(tokens)


@contextmanager
def _named_failure(embedder: Embedder) -> Iterator[None]:
    """Observe a call of the embedder, and say of whatever it raises that it was the embedder."""
    try:
        with model_call("embeddings", embedder.name):
            yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"The embedder {embedder.name!r} failed: {error}") from error


def _as_array(vectors: Any, name: str) -> Vectors:
    try:
        return np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise ModelOutputError(
            f"The embedder {name!r} returned something that is no array of numbers: {error}"
        ) from error


def _name_of(given: object) -> str:
    """A name by which a store can tell one model from another."""
    own = getattr(given, "name", None)
    if callable(own):  # Chroma's embedding functions have a method of that name
        own = own()
    kind = getattr(given, "__qualname__", None) or type(given).__qualname__
    parts = [f"{getattr(given, '__module__', '')}.{kind}"]
    parts += [name for name in (own, weights_name(given)) if isinstance(name, str) and name]
    return ":".join(dict.fromkeys(parts))
