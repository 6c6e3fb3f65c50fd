"""What telemetry costs a recall and an add: without a provider, and with the SDK's.

Time of the processor, of all threads. Calls without and with one take turns, so that whatever else
the machine does strikes both. What stays without one is timed by itself, since it is far below what
one call differs from the next: a call that does nothing but go through what a recall goes through.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Annotated

import typer
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.telemetry.model_calls import model_call
from lightmem_integrations.telemetry.observed import Observer, Operation, stage

_PASSES = 20_000


def main(
    calls: Annotated[int, typer.Option(help="Recalls and adds of each kind.")] = 200,
    turns: Annotated[int, typer.Option(help="Turns in memory.")] = 1_000,
) -> None:
    """Print medians, in milliseconds."""
    exporter = InMemorySpanExporter()
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(exporter))
    meters = MeterProvider([InMemoryMetricReader()])
    took: dict[tuple[str, bool], list[float]] = {}
    with LightMem() as memory:
        notes = (f"Note {number}: a heron at pond {number % 97}." for number in range(turns))
        said = [Turn(role="user", text=note) for note in notes]
        memory.add(said, user_id="u")
        memory.index_pending()
        memory.warm_up()
        works: dict[str, Callable[[], object]] = {
            "recall": lambda: memory.recall("Where was the heron?", user_id="u"),
            "add": lambda: memory.add(Turn(role="user", text="A heron."), user_id="other"),
        }
        for number in range(2 * calls):
            traced = bool(number % 2)
            # The API lets a program set up a provider only once.
            vars(trace).update(_TRACER_PROVIDER=spans if traced else None)
            vars(metrics._internal).update(_METER_PROVIDER=meters if traced else None)
            for name, work in works.items():
                start = time.process_time()
                work()
                took.setdefault((name, traced), []).append(time.process_time() - start)
        vars(trace).update(_TRACER_PROVIDER=None)
        vars(metrics._internal).update(_METER_PROVIDER=None)
    spans.shutdown()
    for name in works:
        without, traced_ms = (
            statistics.median(took[name, traced]) * 1_000 for traced in (False, True)
        )
        more = traced_ms - without
        print(f"{name}: {without:.2f} ms without a provider, {more:+.2f} ms with one")
    recalls = [each for each in exporter.get_finished_spans() if each.name == "search_memory"]
    print(f"spans of a recall: {len(exporter.get_finished_spans()) / max(len(recalls), 1):.0f}")
    print(f"noting a recall without a provider: {_noting() * 1e6:.1f} microseconds")


def _noting() -> float:
    observer = Observer(lambda: b"key", lambda: 0)
    start = time.process_time()
    for _ in range(_PASSES):
        with Operation("search_memory", observer, {}) as operation:
            for _ in range(12):
                with stage("lightmem.recall.plan"):
                    pass
            with model_call("embeddings", "model"):
                pass
            operation.found(())
    return (time.process_time() - start) / _PASSES


if __name__ == "__main__":
    typer.run(main)
