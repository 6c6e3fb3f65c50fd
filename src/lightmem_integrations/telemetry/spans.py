"""Spans by OpenTelemetry: what is under way in this context, carried into threads of our own."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from lightmem_integrations.telemetry.providers import SCOPE, captures_content, failed, provider

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

LINKS = 128
"""Links of one span: as many as the SDK keeps (``OTEL_SPAN_LINK_COUNT_LIMIT``)."""

_tracer_of: tuple[Any, Any] = (None, None)
_links: ContextVar[Links | None] = ContextVar("lightmem_links", default=None)


def tracer() -> Any:
    """The tracer of the provider that is set up; ``None`` without one."""
    global _tracer_of  # noqa: PLW0603 - the provider is global, too
    source = provider("trace", "get_tracer_provider")
    if source is None:
        return None
    known, made = _tracer_of
    if known is not source:
        try:
            made = source.get_tracer(SCOPE)
        except Exception as error:  # noqa: BLE001 - a broken provider is no reason to fail
            failed(error)
            return None
        _tracer_of = source, made
    return made


class Span:
    """A span that is current as long as its block lasts. Whatever telemetry raises is left out.

    Args:
        made_by: The tracer; ``None`` makes one that does nothing.
        name: By the convention, or with ``lightmem.`` before it.
        kind: As OpenTelemetry names it.
        attributes: Set from the beginning, so that a sampler sees them.
    """

    __slots__ = ("_attributes", "_kind", "_name", "_span", "_token", "_tracer")

    def __init__(
        self, made_by: Any, name: str, kind: str, attributes: Mapping[str, Any] | None
    ) -> None:
        self._tracer = made_by
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._span: Any = None
        self._token: Any = None

    def __enter__(self) -> Self:
        if self._tracer is None:
            return self
        try:
            from opentelemetry import context, trace

            links = _links.get()
            alone = links and not trace.get_current_span().get_span_context().is_valid
            self._span = self._tracer.start_span(
                self._name,
                kind=trace.SpanKind[self._kind],
                attributes=self._attributes,
                links=links.take() if links and alone else None,
            )
            self._token = context.attach(trace.set_span_in_context(self._span))
        except Exception as error:  # noqa: BLE001
            failed(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._span is None:
            return
        try:
            from opentelemetry import context

            if self._token is not None:
                context.detach(self._token)
            if error is not None:
                self.raised(error)
            self._span.end()
        except Exception as broken:  # noqa: BLE001
            failed(broken)

    @property
    def recording(self) -> bool:
        """True if what is set is kept: there is a provider, and it takes this span."""
        return self._span is not None and bool(self._span.is_recording())

    def set(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes."""
        if self._span is not None:
            try:
                self._span.set_attributes(attributes)
            except Exception as error:  # noqa: BLE001
                failed(error)

    def raised(self, error: BaseException) -> None:
        """Mark the span as failed, by the error's class: what an error says may name a user."""
        if self._span is None:
            return
        try:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(StatusCode.ERROR, str(error) if captures_content() else None)
        except Exception as broken:  # noqa: BLE001
            failed(broken)


NOTHING = Span(None, "", "", None)
"""The span where no provider is set up."""


def span(name: str, attributes: Mapping[str, Any] | None = None, kind: str = "INTERNAL") -> Span:
    """A span for the block that follows; one that does nothing where no provider is set up."""
    made_by = tracer()
    return NOTHING if made_by is None else Span(made_by, name, kind, attributes)


def carried(call: Callable[[], T]) -> Callable[[], T]:
    """The call with the span and baggage of this context, for a thread of our own.

    Only those: other variables of the context may belong to a framework, whose callbacks would
    take a model that a memory asks for part of the answer to the user.
    """
    if tracer() is None:
        return call
    from opentelemetry import context

    here, links = context.get_current(), _links.get()

    def run() -> T:
        token, before = context.attach(here), _links.set(links)
        try:
            return call()
        finally:
            _links.reset(before)
            context.detach(token)

    return run


class Links:
    """Spans that left work to a thread in the background, for the span of that work to link to.

    Kept in memory and bounded. A turn on disk does not keep its span: it would outlive the trace,
    and tie what a user said to logs elsewhere, which no erasure reaches.
    """

    def __init__(self) -> None:
        self._contexts: deque[Any] = deque(maxlen=LINKS)

    def note(self) -> None:
        """Remember the span of this context, if there is one."""
        if tracer() is None:
            return
        current = sys.modules["opentelemetry.trace"].get_current_span().get_span_context()
        if current.is_valid:
            self._contexts.append(current)

    def follow(self) -> None:
        """Let spans of this thread that have no parent link to what was noted."""
        _links.set(self)

    def take(self) -> list[Any]:
        """Links to what was noted since the last time."""
        from opentelemetry.trace import Link

        taken = []
        while self._contexts:
            taken.append(Link(self._contexts.popleft()))
        return taken
