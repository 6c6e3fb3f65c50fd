"""Parts that every step of a run of consolidation works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lightmem_integrations.engine.store import Store
from lightmem_integrations.knowledge.drafts import Writer
from lightmem_integrations.settings import ConsolidationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run of consolidation: its store, its models and its policies.

    Attributes:
        store: An open store.
        writer: Makes the episodes and facts.
        settings: Policies and thresholds.
        worker: A name that no other run has; the lease on a user's memory bears it.
        clock: The time, in seconds since 1970.
        pause: Called between the steps of an episode; may wait, to let others go first.
    """

    store: Store
    writer: Writer
    settings: ConsolidationSettings
    worker: str
    clock: Callable[[], float]
    pause: Callable[[], None] = lambda: None
