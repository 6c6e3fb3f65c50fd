"""Counts and latencies of one memory's calls in this process: bounded, and of no content."""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT = 1_000
"""Latencies kept of each operation, in 30 kB: enough that one call in a hundred shows. A guess."""

SHARES = (0.50, 0.95, 0.99)
"""Shares of the calls that took so long at most: p50, p95 and p99."""


@dataclass(slots=True)
class Calls:
    """Calls of one operation: how many ended, how many of them raised what, the last latencies."""

    count: int
    failed: Counter[str]
    seconds: deque[float]


@dataclass(slots=True)
class _Tally:
    """What one thread counted: how often each operation ended, and with which error."""

    ended: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    degraded: Counter[str] = field(default_factory=Counter)
    degraded_calls: int = 0


class Recent:
    """Calls of one memory since it was opened in this process. Thread-safe.

    Each thread counts by itself, and no lock is held: an interrupt could leave it locked, and every
    later call would wait for ever.

    Attributes:
        since: When it began.
    """

    def __init__(self) -> None:
        self.since = dt.datetime.now(dt.timezone.utc)
        self._seconds: dict[str, deque[float]] = {}
        self._tallies: dict[int, _Tally] = {}

    def note(
        self, operation: str, seconds: float, error: str | None, degraded: Sequence[str]
    ) -> None:
        """Count one call that has ended.

        Args:
            operation: Which.
            seconds: How long it took; the latency of one that raised is not kept.
            error: Class of what it raised.
            degraded: What was missing, in words that hold nothing of the call.
        """
        tally = self._tallies.setdefault(threading.get_ident(), _Tally())
        tally.ended[operation] += 1
        if error is None:
            self._seconds.setdefault(operation, deque(maxlen=KEPT)).append(seconds)
        else:
            tally.failed[operation, error] += 1
        if degraded:
            tally.degraded_calls += 1
            tally.degraded.update(set(degraded))

    def calls(self, operation: str) -> Calls:
        """A copy of what was noted of an operation."""
        tallies = list(self._tallies.values())
        failed: Counter[str] = Counter()
        for tally in tallies:
            for (of, error), count in tally.failed.copy().items():
                if of == operation:
                    failed[error] += count
        seconds = self._seconds.get(operation, deque[float](maxlen=KEPT)).copy()
        return Calls(sum(tally.ended[operation] for tally in tallies), failed, seconds)

    def degraded(self) -> tuple[int, dict[str, int]]:
        """How many calls were degraded, and how many of them for which reason."""
        tallies = list(self._tallies.values())
        reasons = sum((tally.degraded.copy() for tally in tallies), Counter[str]())
        return sum(tally.degraded_calls for tally in tallies), dict(reasons)


def percentiles(seconds: Sequence[float]) -> tuple[float, ...] | None:
    """Latencies, in milliseconds, at each of ``SHARES``: the nearest that was measured."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return tuple(ranked[math.ceil(share * len(ranked)) - 1] * 1_000 for share in SHARES)
