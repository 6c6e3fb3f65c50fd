"""Metrics of a memory in this process: counts and latencies of its calls, and what failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from lightmem_integrations.display import Displayed, Grid, counted
from lightmem_integrations.telemetry.recent import KEPT, Recent, percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetrics:
    """Count, failures and latency of one kind of call.

    Attributes:
        count: Calls that have ended, those that failed included.
        failed: How many of them raised an error, by its class.
        p50: Milliseconds that half of the last 1,000 which did not fail took at most; ``None``
            before the first.
        p95: The same of 95 in 100.
        p99: The same of 99 in 100.
    """

    count: int
    failed: Mapping[str, int]
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics(Displayed):
    """Calls of one memory in this process: counts, latency, failures. Prints as a table.

    Attributes:
        since: When the memory was opened in this process.
        recalls: Of ``recall``.
        adds: Of ``add``.
        degraded_recalls: Recalls that went on without a part that failed or was late.
        degraded: How many of them went on without what; one may have several reasons.
    """

    since: dt.datetime
    recalls: CallMetrics
    adds: CallMetrics
    degraded_recalls: int
    degraded: Mapping[str, int]

    def grid(self) -> Grid:
        """Counts and latencies, a kind of call a line, and below it what went wrong."""
        kinds = {"recall": self.recalls, "add": self.adds}
        rows = [
            (
                name,
                f"{calls.count:,}",
                f"{sum(calls.failed.values()):,}",
                *("" if ms is None else f"{ms:,.1f}" for ms in (calls.p50, calls.p95, calls.p99)),
            )
            for name, calls in kinds.items()
        ]
        warnings = [
            f"{name}: {number:,} x {error}"
            for name, calls in kinds.items()
            for error, number in sorted(calls.failed.items())
        ]
        if self.degraded_recalls:
            reasons = ", ".join(f"{what} ({n:,})" for what, n in sorted(self.degraded.items()))
            warnings.append(f"{counted(self.degraded_recalls, 'recall')} degraded: {reasons}")
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        notes = [f"milliseconds of the last {KEPT:,} of each; in this process since {since}"]
        columns = ("call", "calls", "failed", "p50", "p95", "p99")
        return Grid("Calls", columns, rows, notes=notes, warnings=warnings)


def metrics_of(recent: Recent) -> Metrics:
    """The metrics of what was noted of a memory."""
    recalls, adds = recent.calls("search_memory"), recent.calls("create_memory")
    of_both = []
    for calls in (recalls, adds):
        p50, p95, p99 = percentiles(calls.seconds) or (None, None, None)
        of_both.append(
            CallMetrics(count=calls.count, failed=dict(calls.failed), p50=p50, p95=p95, p99=p99)
        )
    number, reasons = recent.degraded()
    return Metrics(
        since=recent.since, recalls=of_both[0], adds=of_both[1],
        degraded_recalls=number, degraded=reasons,
    )  # fmt: skip
