"""Calls of a memory, observed: counted and timed, with a span and metrics where they are set up.

Everything noted meanwhile, on whatever floor, goes to the call that is under way in this context.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from lightmem_integrations.telemetry.meters import record_call, waiting_in
from lightmem_integrations.telemetry.providers import captures_content, failed
from lightmem_integrations.telemetry.recent import Recent
from lightmem_integrations.telemetry.spans import NOTHING, Span, span

if TYPE_CHECKING:
    from typing_extensions import Self

P = ParamSpec("P")
R = TypeVar("R")

_HASH_BYTES = 16
"""Bytes of a hash: no two users of any store share one by chance."""

_ASK_AGAIN_SECONDS = 60.0
"""Until a store that did not give its secret is asked again, as a call waits for it: a guess."""


class Observer:
    """What is observed of one open store in this process.

    Args:
        secret: Reads the store's secret, of which hashes are made.
        waiting: Counts the turns that have no vector yet.

    Attributes:
        recent: The last calls.
    """

    def __init__(self, secret: Callable[[], bytes], waiting: Callable[[], int]) -> None:
        self.recent = Recent()
        self.waiting = waiting
        self._read = secret
        self._secret = b""
        self._ask_after = 0.0
        self._process = os.getpid()
        waiting_in.add(self)

    def can_hash(self) -> bool:
        """True if the secret is known; a store that did not answer is let be for a while.

        In a forked child what the parent opened is let be: both would talk on one connection.
        """
        if os.getpid() != self._process:
            return False
        if not self._secret and time.monotonic() >= self._ask_after:
            try:
                self._secret = self._read()
            except Exception as error:  # noqa: BLE001
                self._ask_after = time.monotonic() + _ASK_AGAIN_SECONDS
                failed(error)
        return bool(self._secret)

    def hashed(self, text: str) -> str:
        """A hash of an id: the same in all processes of a store, and no clue without its secret."""
        encoded = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(encoded, digest_size=_HASH_BYTES, key=self._secret).hexdigest()

    def store_id(self) -> str:
        """The store's id: the same in all its processes, and wherever its folder is moved."""
        return self.hashed("")


class Operation:
    """One call that is under way, for as long as its block lasts.

    Args:
        name: What it does, by the convention.
        observer: Of the store.
        asked: Arguments of the call.
        counted: Whether it goes into the store's recent calls.
    """

    __slots__ = (
        "_asked", "_before", "_counted", "_name", "_observer", "_start", "reasons", "span",
    )  # fmt: skip

    def __init__(
        self, name: str, observer: Observer, asked: Mapping[str, Any], *, counted: bool = True
    ) -> None:
        self._name = name
        self._observer = observer
        self._asked = asked
        self._counted = counted
        self.reasons: list[str] = []
        self.span = NOTHING

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        self.span = span(self._name, {"gen_ai.operation.name": self._name}).__enter__()
        # Last: whoever interrupts this leaves nothing half made under way.
        self._before: Token[Operation | None] = _under_way.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._start
        _under_way.reset(self._before)
        failure = None if kind is None else kind.__name__
        if self._counted:
            self._observer.recent.note(self._name, seconds, failure, self.reasons)
        record_call(seconds, {"gen_ai.operation.name": self._name}, failure, self.reasons)
        if self.span.recording:
            self._identify()
        if self.reasons:
            self.span.set({"lightmem.degraded.reasons": list(dict.fromkeys(self.reasons))})
        self.span.__exit__(kind, error, traceback)

    def found(self, records: Sequence[Any] | int) -> None:
        """Say what it returned, added or erased: the records, or how many."""
        if not self.span.recording:
            return
        if isinstance(records, int):
            self.span.set({"gen_ai.memory.record.count": records})
            return
        self.span.set({"gen_ai.memory.record.count": len(records)})
        if captures_content():
            texts = json.dumps([_record(each) for each in records], ensure_ascii=False)
            self.span.set({"gen_ai.memory.records": texts})

    def _identify(self) -> None:
        """Say whose call it was: of which store and user."""
        asked, attributes = self._asked, dict[str, str]()
        if captures_content():
            named = {"query": "gen_ai.memory.query.text", "session_id": "gen_ai.conversation.id"}
            attributes = {
                attribute: asked[name]
                for name, attribute in named.items()
                if isinstance(asked.get(name), str)
            }
        if isinstance(record := asked.get("fact_id"), str):
            attributes["gen_ai.memory.record.id"] = record
        if self._observer.can_hash():
            attributes["gen_ai.memory.store.id"] = self._observer.store_id()
            if isinstance(user := asked.get("user_id"), str):
                attributes["user.hash"] = self._observer.hashed(user)
            if isinstance(namespace := asked.get("namespace"), str):
                attributes["lightmem.namespace.hash"] = self._observer.hashed(namespace)
        self.span.set(attributes)


_under_way: ContextVar[Operation | None] = ContextVar("lightmem_operation", default=None)


def _record(given: Any) -> dict[str, Any]:
    """A turn or a hit, as the convention's schema has it."""
    record = {"content": given.text}
    for name in ("id", "score"):
        if (value := getattr(given, name, None)) is not None:
            record[name] = value
    return record


def degraded(reason: str) -> None:
    """Note what the call under way goes on without, in words that hold nothing of the call."""
    if (operation := _under_way.get()) is not None:
        operation.reasons.append(reason)


def stage(name: str) -> Span:
    """A stage of the call under way; nothing where there is none, as while models are loaded."""
    operation = _under_way.get()
    return NOTHING if operation is None or operation.span is NOTHING else span(name)


def part(name: str, alone: str, observer: Observer) -> Span | Operation:
    """A part of the call under way; in the background, where there is none, a call of its own.

    Args:
        name: Name of the part.
        alone: What it does by itself, by the convention.
        observer: Of the store.
    """
    if _under_way.get() is None:
        return Operation(alone, observer, {}, counted=False)
    return span(name)


class HasObserver(Protocol):
    """What is open, and observed."""

    @property
    def observer(self) -> Observer:
        """Of what is open."""


class Observed(Protocol):
    """What has calls that are observed."""

    @property
    def _store(self) -> HasObserver: ...


S = TypeVar("S", bound=Observed)


def observed(
    operation: str, found: Callable[[Any], Sequence[Any] | int]
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Observe every call of a method.

    Args:
        operation: Name of what it does, by the convention.
        found: The records in what it returns, or how many there are.
    """

    def decorated(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        first = method.__code__.co_varnames[1]  # the only one that may be given without its name

        @functools.wraps(method)
        def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            asked: dict[str, Any] = {first: args[0], **kwargs} if args else kwargs
            with Operation(operation, self._store.observer, asked) as under_way:
                result = method(self, *args, **kwargs)
                under_way.found(found(result))
                return result

        return run

    return decorated
