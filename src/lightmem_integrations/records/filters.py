"""Filters of turns: a typed tree of conditions, and what each of them means.

Two-valued logic: a turn meets a condition or it does not, and a negation is exact. A turn that has
no value of that name meets no comparison, and so its negation. Values of two kinds are never equal,
and neither comes before the other: ``True`` is no number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.metadata import canonical, kind_of

Operator = Literal[
    "$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$contains"
]
"""Operator of a comparison, in the words of Chroma, LangChain and MongoDB."""

ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip
"""The operators that compare text with text and numbers with numbers."""


class Filter:
    """Condition on turns. ``&``, ``|`` and ``~`` put conditions together.

    Wherever a filter is taken, a dictionary is, too:
    ``{"topic": "travel", "rank": {"$gte": 2}}``.
    """

    __slots__ = ()

    def __and__(self, other: Filter) -> Filter:
        return And((self, other))

    def __or__(self, other: Filter) -> Filter:
        return Or((self, other))

    def __invert__(self) -> Filter:
        return Not(self)

    def matches(self, values: Mapping[str, Any]) -> bool:
        """Whether values by name meet it; it must come from ``filter_of``."""
        raise NotImplementedError


FilterLike = Filter | Mapping[str, Any]
"""A filter as it may be given."""


@dataclass(frozen=True, slots=True)
class Compare(Filter):
    """Comparison of one value of a turn: of its metadata, or one that the store itself knows.

    Attributes:
        key: Name of the metadata; or ``agent_id``, ``session_id``, ``speaker``, ``role``, ``time``.
        operator: ``$eq``, ``$ne``, ``$in``, ``$nin``, ``$gt``, ``$gte``, ``$lt``, ``$lte``;
            ``$exists`` with ``True`` or ``False``; ``$contains``, of a list one of its values, of a
            text a part of it.
        value: What it is compared with; of ``time`` a datetime with a zone, or one in ISO 8601.
    """

    key: str
    operator: Operator
    value: Any

    def matches(self, values: Mapping[str, Any]) -> bool:
        """Whether values by name meet it; it must come from ``filter_of``."""
        return self.key in values and _MEETS[self.operator](values[self.key], self.value)


@dataclass(frozen=True, slots=True)
class And(Filter):
    """Conjunction: what meets all of these."""

    filters: tuple[Filter, ...]

    def matches(self, values: Mapping[str, Any]) -> bool:
        """Whether values by name meet it; it must come from ``filter_of``."""
        return all(each.matches(values) for each in self.filters)


@dataclass(frozen=True, slots=True)
class Or(Filter):
    """Disjunction: what meets one of these."""

    filters: tuple[Filter, ...]

    def matches(self, values: Mapping[str, Any]) -> bool:
        """Whether values by name meet it; it must come from ``filter_of``."""
        return any(each.matches(values) for each in self.filters)


@dataclass(frozen=True, slots=True)
class Not(Filter):
    """Negation: what does not meet this."""

    filter: Filter

    def matches(self, values: Mapping[str, Any]) -> bool:
        """Whether values by name meet it; it must come from ``filter_of``."""
        return not self.filter.matches(values)


def values_of(turn: Turn, session_id: str, agent_id: str | None = None) -> dict[str, Any]:
    """The values of a turn that filters compare, by name; what it does not have is left out."""
    known = {
        "agent_id": agent_id,
        "session_id": session_id,
        "speaker": turn.speaker,
        "role": turn.role,
        "time": None if turn.time is None else turn.time.timestamp(),
    }
    return dict(turn.metadata) | {name: own for name, own in known.items() if own is not None}


def _same(held: Any, given: Any) -> bool:
    kind = kind_of(held)
    if kind != kind_of(given):
        return False
    return canonical(held) == canonical(given) if kind == "list" else bool(held == given)


def _contains(held: Any, given: Any) -> bool:
    if isinstance(held, str):
        return isinstance(given, str) and given in held
    return isinstance(held, list) and any(_same(each, given) for each in held)


def _ordered(sign: str) -> Callable[[Any, Any], bool]:
    return lambda held, given: kind_of(held) == kind_of(given) and ORDERS[sign](held, given)


_MEETS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": _same,
    "$in": lambda held, given: any(_same(held, each) for each in given),
    "$contains": _contains,
    "$exists": lambda *_: True,
    **{sign: _ordered(sign) for sign in ORDERS},
}
