"""What consolidation can be told: who is believed, how long, and how much is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lightmem_integrations.errors import SettingsError

Policy = Literal["latest", "trust", "evidence", "ask"]
"""Whom to believe where two agents contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationSettings:
    """Numbers and policies of the offline path.

    Attributes:
        policy: What decides between contradictory facts of *different* agents: ``latest`` (what
            became true later), ``trust`` (the agent that comes first in ``trust``), ``evidence``
            (more turns say so) or ``ask`` (both stay, with an open conflict). Where ``trust`` or
            ``evidence`` is even, ``latest`` decides; where that is even too, both stay and the
            conflict is open. Of one agent, the later word always replaces the earlier one.
        trust: Agents, the most trusted first; all others come after them, equal among themselves.
        gap_seconds: A session is over after this long without a turn.
        max_turns: Turns of a session read at once.
        lease_seconds: How long a worker holds a user's memory without a sign of life.
        first_backoff_seconds: How long a session rests after a failure; twice as long each time.
        longest_backoff_seconds: How long at most.
        max_tries: How often a writer may give something unusable for the same turns before they
            are set aside.
        max_failures: Failures in a row after which a run ends: the model is likely down.
        half_life_days: Without new support, a fact's confidence halves in this time.
        capacity: Episodes of one user at most; beyond, the least useful are dropped.
        verbatim: How many of them keep their turns searchable; beyond, the least useful are
            compressed to their summary.
        quiet_seconds: The worker in the background begins only after this long without ``add`` or
            ``recall``.
        same_meaning: Cosine from which two statements of one subject and attribute are the same.
        doubt: Cosine from which the arbiter, if there is one, is asked about two facts.
    """

    policy: Policy = "latest"
    trust: tuple[str, ...] = ()
    gap_seconds: float = 6 * 3600.0
    max_turns: int = 2_000
    lease_seconds: float = 600.0
    first_backoff_seconds: float = 30.0
    longest_backoff_seconds: float = 3_600.0
    max_tries: int = 5
    max_failures: int = 3
    half_life_days: float = 365.0
    capacity: int = 10_000
    verbatim: int = 9_000
    quiet_seconds: float = 5.0
    same_meaning: float = 0.97
    doubt: float = 0.8

    def __post_init__(self) -> None:
        if self.policy not in get_args(Policy):
            allowed = ", ".join(get_args(Policy))
            raise SettingsError(
                f"ConsolidationSettings.policy is {self.policy!r}; it is one of {allowed}."
            )
        if isinstance(self.trust, str):
            raise SettingsError(
                f"ConsolidationSettings.trust is {self.trust!r}; pass a tuple of agent ids."
            )
        for name in ("max_turns", "max_tries", "max_failures", "capacity", "verbatim"):
            self._at_least(name, 1)
        for name in (
            "gap_seconds",
            "first_backoff_seconds",
            "longest_backoff_seconds",
            "quiet_seconds",
        ):
            self._at_least(name, 0)
        for name in ("lease_seconds", "half_life_days"):
            self._at_least(name, 0.001)
        for name in ("same_meaning", "doubt"):
            self._at_least(name, -1)

    def _at_least(self, name: str, least: float) -> None:
        value = getattr(self, name)
        # "not at least" rather than "below": NaN is neither.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
            raise SettingsError(
                f"ConsolidationSettings.{name} is {value!r}; it must be at least {least}."
            )
