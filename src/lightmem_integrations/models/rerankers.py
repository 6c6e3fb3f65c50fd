"""Re-rankers of every kind behind one Protocol: cross-encoders, and small language models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import (
    MissingExtraError,
    ModelOutputError,
    ModelUnavailableError,
    SettingsError,
)
from lightmem_integrations.models.json_answer import complete_json
from lightmem_integrations.models.language import as_language_model
from lightmem_integrations.models.prompts import pointer_prompt, pointer_schema
from lightmem_integrations.models.protocols import LanguageModel, Reranker, is_of, load
from lightmem_integrations.models.sentence import check_name
from lightmem_integrations.safety import short_repr, typed_repr

DEFAULT_CROSS_ENCODER = "cross-encoder/ms-marco-MiniLM-L6-v2"

# Tokens of an answer for a pointer, and for what JSON puts around all of them; guesses.
_TOKENS_PER_POINTER = 8
_TOKENS_AROUND = 16
# A model may name a memory twice; one that does not stop is not believed. A guess.
_FLOOD = 4


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers (extra ``local``).

    Args:
        model: Name of the model on the hub, a local folder, or a ``CrossEncoder``.
        max_length: Longest question and text together, in tokens; longer ones are cut. 256 is a
            guess of what a turn and a question take.
        batch_size: Pairs in one pass of the model; as many as sentence-transformers takes.

    Raises:
        MissingExtraError: At first use, if sentence-transformers is not installed.
        ModelUnavailableError: At first use, if the weights cannot be had.
    """

    def __init__(
        self, model: object = DEFAULT_CROSS_ENCODER, *, max_length: int = 256, batch_size: int = 32
    ) -> None:
        self._model = model
        self._max_length = max_length
        self._batch_size = batch_size

    def __repr__(self) -> str:
        return described(
            self, model=self._model if isinstance(self._model, str) else type(self._model).__name__
        )

    def load(self) -> None:
        """Load the weights now, so that the first recall need not."""
        self._loaded()

    def score(self, query: str, texts: Sequence[str]) -> Vectors:
        """The model's score of each text, as its own ``predict`` gives it."""
        predict = self._loaded().predict
        options = {"batch_size": self._batch_size, "show_progress_bar": False}
        return _predicted(partial(predict, **options), query, texts)

    def _loaded(self) -> Any:
        if not isinstance(self._model, str):
            return self._model
        with _loading:
            return _cross_encoder(self._model, self._max_length)


class SLMReranker:
    """A small language model that points at the memories that answer a question.

    It is shown the memories under numbers, and answers with numbers only, under a JSON schema.
    Nothing else that it writes is used, so it cannot put words into a memory. A number that occurs
    twice counts once; one that is out of range or not whole makes the whole answer worthless.

    Args:
        model: Whatever `as_language_model` takes.
        pointers: How many memories it may point at; five is a guess.
    """

    def __init__(self, model: object, *, pointers: int = 5) -> None:
        if isinstance(pointers, bool) or not isinstance(pointers, int) or pointers < 1:
            raise SettingsError(f"pointers is {pointers!r}; it must be a whole number from 1 up.")
        self._model: LanguageModel = as_language_model(model)
        self._pointers = pointers

    def __repr__(self) -> str:
        return described(self, model=self._model)

    def load(self) -> None:
        """Load the model now, so that the first recall need not."""
        load(self._model)

    def score(self, query: str, texts: Sequence[str]) -> Vectors:
        """As `score_within`, with no limit of time."""
        return self.score_within(query, texts, None)

    def score_within(self, query: str, texts: Sequence[str], seconds: float | None) -> Vectors:
        """One score for each text: falling with its place among the pointers, 0 without one.

        Raises:
            ModelOutputError: The model returned something else than pointers to these texts.
            ModelError: The model failed or did not answer in time.
        """
        most = min(self._pointers, len(texts))
        answer, _ = complete_json(
            self._model,
            pointer_prompt(query, texts),
            schema=pointer_schema(len(texts), most),
            max_tokens=_TOKENS_AROUND + _TOKENS_PER_POINTER * most,
            seconds=seconds,
        )
        scores = np.zeros(len(texts), np.float32)
        for place, pointer in enumerate(checked_pointers(answer, len(texts))[:most]):
            scores[pointer - 1] = most - place
        return scores


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A function of a question and texts as a re-ranker."""

    score: Callable[[str, Sequence[str]], Vectors]


def as_reranker(given: object | None) -> Reranker | None:
    """A re-ranker of whatever was given.

    Args:
        given: ``None`` for none; one of ours or anything with ``score(query, texts)``; the name or
            folder of a cross-encoder; a LangChain ``BaseCrossEncoder``; or an object with
            ``predict(pairs)`` or ``rank(query, documents)`` as sentence-transformers has them.

    Raises:
        SettingsError: It is none of these.
        ModelUnavailableError: It is a string, and no model can be named so.
        MissingExtraError: It is a string, and sentence-transformers is not installed.
    """
    if given is None:
        return None
    model: Any = given
    if isinstance(given, str):
        check_name(given, "re-ranker", "reranker")
    if isinstance(given, str) or is_of(given, "sentence_transformers"):
        return CrossEncoderReranker(given)
    # LangChain's own `score` takes pairs.
    if any(base.__name__ == "BaseCrossEncoder" for base in type(given).__mro__):
        return _Wrapped(partial(_predicted, model.score))
    if callable(getattr(given, "score", None)):
        return cast("Reranker", given)
    if callable(getattr(given, "predict", None)):
        return _Wrapped(partial(_predicted, model.predict))
    if callable(getattr(given, "rank", None)):
        return _Wrapped(partial(_ranked, model.rank))
    raise SettingsError(
        f"reranker= is {typed_repr(given)}, which is no re-ranker. Pass "
        "the name of a cross-encoder, a CrossEncoder, a LangChain BaseCrossEncoder, "
        "SLMReranker(model), or an object with score(query, texts)."
    )


def _predicted(predict: Callable[..., Any], query: str, texts: Sequence[str]) -> Vectors:
    """Scores of a function of pairs, as sentence-transformers' ``predict``, one for each text."""
    return np.asarray(predict([(query, text) for text in texts]), np.float32)


def _ranked(rank: Callable[..., Any], query: str, texts: Sequence[str]) -> Vectors:
    """Scores of sentence-transformers' ``rank``, put back into the order of the texts."""
    scores = np.full(len(texts), np.nan, np.float32)
    for found in rank(query, list(texts)):
        try:
            scores[int(found["corpus_id"])] = float(found["score"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelOutputError(
                f"The re-ranker returned {short_repr(found)}; a corpus_id and a score are needed."
            ) from error
    return scores


def checked_pointers(answer: dict[str, Any], texts: int) -> list[int]:
    """The pointers of a model's answer, each once, in its order.

    Raises:
        ModelOutputError: There are none, far too many, or one that is not a whole number from 1
            to ``texts``.
    """
    pointers = answer.get("pointers")
    if not isinstance(pointers, list) or len(pointers) > _FLOOD * texts:
        raise ModelOutputError(f"The model returned no list of pointers: {short_repr(answer)}.")
    for each in pointers:
        if isinstance(each, bool) or not isinstance(each, int) or not 1 <= each <= texts:
            raise ModelOutputError(
                f"The model pointed at {short_repr(each)}; there are memories 1 to {texts}."
            )
    return list(dict.fromkeys(pointers))


_loading = threading.Lock()


@lru_cache(maxsize=4)
def _cross_encoder(model: str, max_length: int) -> Any:
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise MissingExtraError(
            f"The re-ranker {model!r}", "local", "sentence-transformers"
        ) from error
    try:
        return CrossEncoder(model, max_length=max_length, trust_remote_code=False)
    except Exception as error:
        raise ModelUnavailableError(
            f"The weights of {model!r} are not in a local folder, and the hub did not give them "
            f"({type(error).__name__}). Pass the path of a downloaded cross-encoder, or leave "
            "reranker= out."
        ) from error
