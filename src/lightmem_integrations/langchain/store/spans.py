"""Spans of a store's operations: named by the convention, without keys, values and namespaces."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import GetOp, Op, PutOp, Result, SearchOp

from lightmem_integrations.telemetry.observed import Observer, Operation


@dataclass(frozen=True, slots=True)
class _Record:
    """An item, as a span tells of it where content is asked for."""

    id: str
    value: Any
    score: float | None

    @property
    def text(self) -> str:
        return json.dumps(self.value, ensure_ascii=False, default=str)


@contextmanager
def spans_of(
    observer: Observer, ops: Sequence[Op]
) -> Iterator[Callable[[list[Result]], list[Result]]]:
    """A span around operations for each kind of them; what it gives hands their results on.

    They are no recalls and adds of a user: ``metrics()`` does not count them.
    """
    kinds: dict[str, list[int]] = {}
    for place, op in enumerate(ops):
        if (name := _name_of(op)) is not None:
            kinds.setdefault(name, []).append(place)
    with ExitStack() as spans:
        under_way = {
            name: spans.enter_context(
                Operation(name, observer, _asked([ops[place] for place in places]), counted=False)
            )
            for name, places in kinds.items()
        }

        def found(results: list[Result]) -> list[Result]:
            for name, places in kinds.items():
                if under_way[name].span.recording:
                    under_way[name].found(
                        [each for place in places for each in _records(ops[place], results[place])]
                    )
            return results

        yield found


def _name_of(op: Op) -> str | None:
    if isinstance(op, (GetOp, SearchOp)):
        return "search_memory"
    if isinstance(op, PutOp):
        return "delete_memory" if op.value is None else "upsert_memory"
    return None  # a list of namespaces has no records


def _asked(ops: Sequence[Op]) -> dict[str, str]:
    """What operations of one kind ask for, as far as it is the same for all of them."""
    asked = {}
    places = {tuple(_labels(op)) for op in ops}
    if len(places) == 1:
        asked["namespace"] = json.dumps(places.pop(), ensure_ascii=False)
    if len(ops) == 1 and isinstance(ops[0], SearchOp) and ops[0].query:
        asked["query"] = ops[0].query
    return asked


def _labels(op: Op) -> Sequence[str]:
    if isinstance(op, SearchOp):
        return op.namespace_prefix
    return op.namespace if isinstance(op, (GetOp, PutOp)) else ()


def _records(op: Op, result: Result) -> list[_Record]:
    if isinstance(op, PutOp):
        return [_Record(op.key, op.value, None)]
    items: Any = result if isinstance(result, list) else [] if result is None else [result]
    return [_Record(each.key, each.value, getattr(each, "score", None)) for each in items]
