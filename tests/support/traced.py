"""A provider of OpenTelemetry for one test, and what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@dataclass
class Traced:
    """What was recorded, and a tracer for the program around the memory."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    app: trace.Tracer

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.named(name)
        return found

    def parent(self, span: ReadableSpan) -> str | None:
        names = {each.context.span_id: each.name for each in self.spans}
        return None if span.parent is None else names[span.parent.span_id]

    def roots(self, span: ReadableSpan) -> list[str]:
        """Names from a span's parent up to the root."""
        by_id = {each.context.span_id: each for each in self.spans}
        up = []
        while span.parent is not None:
            span = by_id[span.parent.span_id]
            up.append(span.name)
        return up

    def points(self) -> dict[str, list[Any]]:
        """Data points by the name of their metric."""
        data = self.reader.get_metrics_data()
        scopes = (
            [each for one in data.resource_metrics for each in one.scope_metrics] if data else []
        )
        return {m.name: list(m.data.data_points) for scope in scopes for m in scope.metrics}


def tracing(patch: pytest.MonkeyPatch, *processors: Any) -> Traced:
    """Set up providers for as long as a patch lasts; the API lets a program do so only once."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider(shutdown_on_exit=False)
    for each in (*processors, SimpleSpanProcessor(exporter)):
        provider.add_span_processor(each)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    patch.setattr(trace, "_TRACER_PROVIDER", provider)
    patch.setattr(metrics._internal, "_METER_PROVIDER", meters)
    return Traced(exporter, reader, provider.get_tracer("app"))
