"""Parts that every step of a run of consolidation works with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from lightmem_integrations.engine.store import Store
from lightmem_integrations.knowledge.drafts import Writer
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.claims import Claim
from lightmem_integrations.storage.facts import StoredFact

Judgement = Literal["same", "replaces", "different"]


class Arbiter(Protocol):
    """Decides where the rules do not: a language model, or a person."""

    def judge(self, new: Claim, known: StoredFact) -> Judgement:
        """Judge a new claim against a known fact: it says the same, replaces it, or neither.

        Raises:
            ModelError: It cannot say; both are kept.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run of consolidation: its store, its models and its policies.

    Attributes:
        store: An open store.
        writer: Makes the episodes and facts.
        settings: Policies and thresholds.
        worker: A name that no other run has; the lease on a user's memory bears it.
        arbiter: Decides about facts where the rules do not.
        clock: The time, in seconds since 1970.
        pause: Called between the steps of an episode; may wait, to let others go first.
    """

    store: Store
    writer: Writer
    settings: ConsolidationSettings
    worker: str
    arbiter: Arbiter | None = None
    clock: Callable[[], float] = time.time
    pause: Callable[[], None] = lambda: None
