"""One recall under way: what it works with, its clock, its limits, and what went wrong so far."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lightmem_integrations.engine.deadline import CALLS, DaemonPool, Deadline
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.models.protocols import Reranker
from lightmem_integrations.recall.plan.hypothetical import Hypothetical
from lightmem_integrations.settings import Settings
from lightmem_integrations.telemetry.observed import degraded, stage
from lightmem_integrations.telemetry.spans import NOTHING, Span
from lightmem_integrations.validation import Request

logger = logging.getLogger(__name__)

_UNDERSCORED = str.maketrans(" -", "__")

_SHARE_OF_MODELS = 0.6
"""Share of ``recall_seconds`` that models and what loads slowly may take: a guess. The rest is for
reading and packing what is found without them."""


@dataclass(frozen=True, slots=True)
class RecallParts:
    """An open store, and the models, threads and settings that a recall works with besides."""

    store: Store
    reranker: Reranker | None
    hypothetical: Hypothetical | None
    pool: DaemonPool
    settings: Settings
    embedding: DaemonPool = field(default_factory=lambda: DaemonPool(CALLS))

    def close(self, until: float) -> None:
        """Take no more calls; wait for those under way until this ``time.monotonic()``."""
        for pool in (self.pool, self.embedding):
            pool.close(min(max(until - time.monotonic(), 0.0), self.settings.model_seconds))


@dataclass(slots=True)
class Run:
    """One recall under way: its clock, and what went wrong so far."""

    parts: RecallParts
    request: Request
    started: float = field(default_factory=time.monotonic)
    milliseconds: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    under_way: Span = NOTHING

    def deadline(self, setting: str, pool: DaemonPool) -> Deadline:
        """The deadline that a setting sets, or that ``recall_seconds`` leaves, if it is sooner."""
        name, until = f"Settings.{setting}", math.inf
        seconds, given = getattr(self.parts.settings, setting), self.request.recall_seconds
        if given is not None:
            until = self.started + _SHARE_OF_MODELS * given
            left = max(until - time.monotonic(), 0.0)
            if left < seconds:
                seconds, name = left, f"recall_seconds, {_SHARE_OF_MODELS:.0%} of it for models"
        return Deadline(seconds, pool, name, until)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the path."""
        start, around = time.perf_counter(), self.under_way
        # The whole has the span of the call already.
        part = f"lightmem.recall.{name.translate(_UNDERSCORED)}"
        try:
            with NOTHING if name == "total" else stage(part) as own:
                self.under_way = own
                yield
        finally:
            self.under_way = around
            spent = (time.perf_counter() - start) * 1_000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    @contextmanager
    def forgiving(self, what: str) -> Iterator[None]:
        """Note a failure and go on; in a strict recall let it through."""
        try:
            yield
        except Exception as error:
            if self.request.strict:
                raise
            logger.warning("%s: %s", what, error)
            reason = str(error) if isinstance(error, LightMemError) else type(error).__name__
            self.under_way.raised(error)
            self.without(what, f"{what}: {reason}")

    def without(self, what: str, message: str) -> None:
        """Note that the recall goes on without something.

        Args:
            what: In words that are the same in every recall, for counting.
            message: The same, with what is of this one.
        """
        self.degraded.append(message)
        degraded(what)
