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

    count: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Recent:
    """Calls of one memory since it was opened in this process. Thread-safe.

    Attributes:
        since: When it began.
    """

    def __init__(self) -> None:
        self.since = dt.datetime.now(dt.timezone.utc)
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}
        self._degraded: Counter[str] = Counter()
        self._degraded_calls = 0

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
        with self._lock:
            calls = self._calls.setdefault(operation, Calls())
            calls.count += 1
            if error is None:
                calls.seconds.append(seconds)
            else:
                calls.failed[error] += 1
            if degraded:
                self._degraded_calls += 1
                self._degraded.update(set(degraded))

    def calls(self, operation: str) -> Calls:
        """A copy of what was noted of an operation."""
        with self._lock:
            calls = self._calls.get(operation, Calls())
            return Calls(calls.count, calls.failed.copy(), calls.seconds.copy())

    def degraded(self) -> tuple[int, dict[str, int]]:
        """How many calls were degraded, and how many of them for which reason."""
        with self._lock:
            return self._degraded_calls, dict(self._degraded)


def percentiles(seconds: Sequence[float]) -> tuple[float, ...] | None:
    """Latencies, in milliseconds, at each of ``SHARES``: the nearest that was measured."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return tuple(ranked[math.ceil(share * len(ranked)) - 1] * 1_000 for share in SHARES)
