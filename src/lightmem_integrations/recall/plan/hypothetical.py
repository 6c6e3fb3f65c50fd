"""Hypothetical queries: invented answers to a question, searched for beside it (HyDE).

A question and its answer often share few words. A small language model invents answers, and they
are searched for beside the question (Gao et al. 2023, arXiv 2212.10496). They steer the search
only: nothing that the model wrote is ever shown.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from lightmem_integrations.errors import ModelOutputError, SettingsError
from lightmem_integrations.models.json_answer import complete_json
from lightmem_integrations.models.language import as_language_model
from lightmem_integrations.models.prompts import (
    LONGEST_ANSWER,
    hypothetical_prompt,
    hypothetical_schema,
)
from lightmem_integrations.models.protocols import LanguageModel, load
from lightmem_integrations.safety import has_lone_surrogates, short_repr

# Enough for the longest answer that the schema allows, in most scripts; a guess.
_TOKENS_EACH = 80
_REMEMBERED = 512  # questions; a guess, some 100 KB


class Hypothetical:
    """Asks a model for hypothetical answers, and remembers the last 512 questions' answers.

    In memory only; what is remembered depends on the question alone, not on whose it is.

    Args:
        model: The model that writes them.
        count: How many to ask for.
    """

    def __init__(self, model: LanguageModel, count: int) -> None:
        self._model = model
        self._count = count
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, query: str) -> tuple[str, ...] | None:
        """The answers written for the same question before, if still remembered."""
        with self._lock:
            if query not in self._known:
                return None
            self._known.move_to_end(query)
            return self._known[query]

    def write(self, query: str, seconds: float | None = None) -> tuple[str, ...]:
        """Up to ``count`` short hypothetical answers.

        Raises:
            ModelOutputError: The model wrote none that can be used.
            ModelError: The model failed or did not answer in time.
        """
        answer, _ = complete_json(
            self._model,
            hypothetical_prompt(query, self._count),
            schema=hypothetical_schema(self._count),
            max_tokens=16 + _TOKENS_EACH * self._count,
            seconds=seconds,
        )
        written = usable(answer, query)[: self._count]
        with self._lock:
            self._known[query] = written
            self._known.move_to_end(query)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return written

    def load(self) -> None:
        """Load the model now."""
        load(self._model)


def hypothetical_from(given: object | None, count: int) -> Hypothetical | None:
    """The writer of hypothetical queries, where both a model and a number of them are given.

    Raises:
        SettingsError: Queries are wanted and there is no model, or it is none.
    """
    model = None if given is None else as_language_model(given)
    if count and model is None:
        raise SettingsError(
            f"Settings.hypothetical_queries is {count}, but no model is there to write them. Pass "
            "slm= to LightMem, or leave the setting at 0."
        )
    return Hypothetical(model, count) if model is not None and count else None


def usable(answer: dict[str, Any], query: str) -> tuple[str, ...]:
    """The texts of a model's answer that can be searched for: short, each once, not the question.

    Raises:
        ModelOutputError: Nothing can.
    """
    answers = answer.get("answers")
    found: dict[str, None] = {query.casefold(): None}
    kept: list[str] = []
    for answered in answers if isinstance(answers, list) else []:
        if not isinstance(answered, str) or has_lone_surrogates(answered):
            continue
        text = " ".join(answered.split())[:LONGEST_ANSWER]
        if any(letter.isalnum() for letter in text) and text.casefold() not in found:
            found[text.casefold()] = None
            kept.append(text)
    if not kept:
        raise ModelOutputError(f"The model wrote no hypothetical answer: {short_repr(answer)}.")
    return tuple(kept)
