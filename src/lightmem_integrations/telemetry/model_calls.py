"""Calls of models, observed: a span by the convention, how long it took, the tokens it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lightmem_integrations.telemetry.meters import record_call, record_tokens
from lightmem_integrations.telemetry.spans import Span, span

_PROVIDER = "lightmem"
"""The convention asks for a provider, and calls it the flavour of the telemetry: which service is
behind a model that was handed over is not known."""


class ModelCall:
    """One call of a model that is under way."""

    def __init__(self, under_way: Span, attributes: dict[str, str]) -> None:
        self._span = under_way
        self._attributes = attributes

    def took(self, prompt: object, completion: object) -> None:
        """Say how many tokens it read and wrote, where the model says so."""
        counts = {"input": prompt, "output": completion}
        known = {kind: n for kind, n in counts.items() if isinstance(n, int) and n > 0}
        self._span.set({f"gen_ai.usage.{kind}_tokens": count for kind, count in known.items()})
        record_tokens(self._attributes, known)


@contextmanager
def model_call(operation: str, model: str) -> Iterator[ModelCall]:
    """Observe a call of a model.

    Args:
        operation: ``chat`` or ``embeddings``.
        model: The model's name.
    """
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDER,
        "gen_ai.request.model": str(model),
    }
    start, error = time.perf_counter(), None
    with span(f"{operation} {model}", attributes, "CLIENT") as under_way:
        try:
            yield ModelCall(under_way, attributes)
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            record_call(time.perf_counter() - start, attributes, error)
