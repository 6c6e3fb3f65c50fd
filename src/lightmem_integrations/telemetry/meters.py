"""Metrics by OpenTelemetry: durations, tokens, degraded recalls, turns that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from weakref import WeakSet

from lightmem_integrations.telemetry.providers import SCOPE, failed, provider

# The bucket boundaries that the convention asks for, in seconds and in tokens.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))


class Waiting(Protocol):
    """A store in which turns may wait for their vectors."""

    def waiting(self) -> int:
        """How many do."""

    def can_hash(self) -> bool:
        """True if its id can be told."""

    def store_id(self) -> str:
        """Its id."""


waiting_in: WeakSet[Waiting] = WeakSet()
"""What is asked each time that metrics are collected."""


class Meters:
    """The instruments of one provider."""

    def __init__(self, source: Any) -> None:
        meter = source.get_meter(SCOPE)
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )  # fmt: skip
        self.degraded = meter.create_counter(
            "lightmem.recall.degraded", "{recall}", "Recalls that went on without something."
        )
        meter.create_observable_gauge(
            "lightmem.turns.waiting", [_waiting], "{turn}", "Turns without a vector yet."
        )


_making = threading.Lock()
_meters_of: tuple[Any, Meters | None] = (None, None)


def meters() -> Meters | None:
    """The instruments of the provider that is set up; ``None`` without one."""
    global _meters_of  # noqa: PLW0603 - the provider is global, too
    source = provider("metrics", "get_meter_provider")
    if source is None:
        return None
    with _making:  # an instrument that is made twice is warned about
        if _meters_of[0] is not source:
            made = None
            try:
                made = Meters(source)
            except Exception as error:  # noqa: BLE001 - a broken provider is no reason to fail
                failed(error)
            _meters_of = source, made
        return _meters_of[1]


def record_call(
    seconds: float, attributes: dict[str, Any], error: str | None, degraded: Iterable[str] = ()
) -> None:
    """Record how long a call took, and what it went on without."""
    found = meters()
    if found is None:
        return
    try:
        if error is not None:
            attributes = {**attributes, "error.type": error}
        found.duration.record(seconds, attributes)
        for reason in sorted(set(degraded)):
            found.degraded.add(1, {"lightmem.degraded.reason": reason})
    except Exception as broken:  # noqa: BLE001
        failed(broken)


def record_tokens(attributes: dict[str, Any], counts: dict[str, int]) -> None:
    """Record the tokens of one call of a model, by their type, ``input`` or ``output``."""
    found = meters()
    if found is None:
        return
    try:
        for kind, count in counts.items():
            found.tokens.record(count, {**attributes, "gen_ai.token.type": kind})
    except Exception as broken:  # noqa: BLE001
        failed(broken)


def _waiting(_: object) -> Iterator[Any]:
    from opentelemetry.metrics import Observation

    for store in list(waiting_in):
        try:
            if store.can_hash():
                attributes = {"gen_ai.memory.store.id": store.store_id()}
                yield Observation(store.waiting(), attributes)
        except Exception as error:  # noqa: BLE001 - it was closed, or does not answer
            failed(error)
