"""Protocols of the models that the engine uses, and the types of what goes in and out.

Anything with these methods can be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors


class Embedder(Protocol):
    """Turns text into vectors. Texts that mean the same lie close by cosine similarity."""

    @property
    def name(self) -> str:
        """Name of the model; stored with the vectors, so that two are never mixed."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, one row for each text."""

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, ``(dimension,)``."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text, encoded in one pass of the model.

    Attributes:
        vector: The sentence vector, ``(dimension,)``.
        tokens: The vector of every token, ``(tokens, dimension)``, not normalised.
        ids: The tokenizer's id of every token, ``(tokens,)``.
        offsets: First and last character of every token in the text; ``(0, 0)`` for specials.
    """

    vector: Vectors
    tokens: Vectors
    ids: NDArray[np.int64]
    offsets: list[tuple[int, int]]


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also gives the vector of every token, for late interaction."""

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Sentence vector and token vectors of every text."""

    def vocabulary(self) -> Mapping[str, int]:
        """Ids by token, as the model's WordPiece tokenizer names them."""


class Reranker(Protocol):
    """Scores how well each text answers a question."""

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float] | NDArray[Any]:
        """One score for each text, higher is better, comparable within this call only."""


@runtime_checkable
class BoundedReranker(Protocol):
    """A re-ranker that can stop its model when time is up."""

    def score_within(self, query: str, texts: Sequence[str], seconds: float) -> Vectors:
        """As ``score``, in so many seconds at most."""


class TokenCounter(Protocol):
    """Counts the tokens of a text, as the model counts them that will read it."""

    def __call__(self, text: str, /) -> int:
        """Number of tokens of the text."""


class Message(TypedDict):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """Answer of a language model, with what it cost.

    Attributes:
        text: The answer; with a schema JSON, unless the model broke its word.
        prompt_tokens: Tokens that it read; 0 where the runner does not say.
        completion_tokens: Tokens that it wrote; 0 where the runner does not say.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@runtime_checkable
class LanguageModel(Protocol):
    """Answers a prompt. Must be thread-safe."""

    @property
    def name(self) -> str:
        """Name of the model, for people and reports."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer a prompt.

        Args:
            messages: The prompt.
            schema: JSON schema of the answer. A runner that can decodes under it; with the others
                the prompt asks for it. Either way the answer must be checked.
            max_tokens: Longest answer, in tokens, where the runner takes a limit.
            seconds: How long it may take, retries included; ``None`` for as long as it needs. A
                runner that cannot be stopped may take longer.

        Raises:
            ModelError: The model failed or did not answer in time.
        """


def is_of(given: object, package: str) -> bool:
    """True if an object's class, or a base of it, comes from a package, which is not imported."""
    return any(
        base.__module__ == package or base.__module__.startswith(f"{package}.")
        for base in type(given).__mro__
    )


def weights_name(model: object) -> str | None:
    """Name of a model's weights, as frameworks keep it."""
    for attribute in ("model_name", "model", "model_id", "_model_name"):
        value = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    return None


def load(model: object) -> None:
    """Load a model now, where it has a way to do so before its first use."""
    loading = getattr(model, "load", None)
    if callable(loading):
        loading()
