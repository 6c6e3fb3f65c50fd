"""Reading of filters: the dictionary form that frameworks use, and the typed one, checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.filters import ORDERS, And, Compare, Filter, Not, Operator, Or
from lightmem_integrations.records.metadata import RESERVED, kind_of
from lightmem_integrations.safety import check_moment, short_repr, typed_repr

_NEGATED = {"$ne": "$eq", "$nin": "$in"}
_DEEPEST = 30
"""Levels of a filter: a guess, far more than anybody writes and fewer than SQLite reads."""
_MOST = 500
"""Comparisons of a filter: SQLite takes an expression of 1,000 levels, and each OR is one."""
_MOST_VALUES = 10_000
"""Values that a filter names in all: SQLite binds 32,766 to a statement."""


def filter_of(given: object) -> Filter | None:
    """The filter that was given, checked and in its simplest terms; ``None`` for none.

    What comes back holds no ``$ne``, ``$nin`` and ``"$exists": False``, but their negations, and
    times in seconds since 1970. Read again, it stays the same.

    Raises:
        InvalidRequestError: It is no filter; the error names the place.
    """
    return None if given is None else _Reader().read(given, "filter")


class _Reader:
    """Reads one filter, within the limits of what a database takes."""

    def __init__(self) -> None:
        self._comparisons = self._values = 0

    def read(self, given: object, where: str, depth: int = 1) -> Filter:
        if depth > _DEEPEST:
            raise InvalidRequestError(
                f"filter is nested deeper than {_DEEPEST} levels. Write it flatter: of many "
                "values one $in."
            )
        if isinstance(given, Filter):
            return self._typed(given, where, depth)
        if not isinstance(given, Mapping) or not given:
            raise InvalidRequestError(
                f"{where} is {short_repr(given)}; pass a condition such as {{'topic': 'travel'}}, "
                "or leave it out."
            )
        return _all([self._entry(key, value, where, depth) for key, value in given.items()])

    def _typed(self, given: Filter, where: str, depth: int) -> Filter:
        if isinstance(given, Compare):
            value = _as_given(given.value) if given.key == "time" else given.value
            return self._comparison(given.key, given.operator, value, where)
        if isinstance(given, Not):
            return Not(self.read(given.filter, f"{where}.$not", depth + 1))
        sign = "$and" if isinstance(given, And) else "$or"
        return self._junction(getattr(given, "filters", None), f"{where}.{sign}", sign, depth)

    def _entry(self, key: object, value: Any, where: str, depth: int) -> Filter:
        """One entry of a dictionary: a junction, or what is asked of one key."""
        if key in ("$and", "$or"):
            return self._junction(value, f"{where}.{key}", str(key), depth)
        if key == "$not":
            return Not(self.read(value, f"{where}.$not", depth + 1))
        if isinstance(value, Mapping):
            if not value:
                raise InvalidRequestError(
                    f"{where}.{short_repr(key)} is {{}}; name a value or an operator."
                )
            return _all(
                [
                    Not(self._entry(key, of_it, where, depth + 1))
                    if sign == "$not" and depth < _DEEPEST
                    else self._comparison(key, sign, of_it, where)
                    for sign, of_it in value.items()
                ]
            )
        return self._comparison(key, "$eq", value, where)

    def _junction(self, given: object, where: str, sign: str, depth: int) -> Filter:
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            raise InvalidRequestError(
                f"{where} is {short_repr(given)}; pass a list of at least one condition."
            )
        read = [self.read(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(given)]
        return _all(read) if sign == "$and" else Or(tuple(read))

    def _comparison(self, key: object, sign: object, value: Any, where: str) -> Filter:
        if not isinstance(key, str) or not key.strip() or kind_of(key) is None:
            raise InvalidRequestError(f"{where}: {short_repr(key)} is no name of a value.")
        unknown = key if key.startswith("$") else sign
        if unknown not in get_args(Operator) or unknown == key:
            raise InvalidRequestError(
                f"{where}: there is no operator {short_repr(unknown)} here. A condition is "
                "{'key': {operator: value}} with one of "
                f"{', '.join(get_args(Operator))}; $and, $or and $not put conditions together."
            )
        if sign == "$exists":
            if not isinstance(value, bool):
                raise _wrong(where, key, sign, value, "True or False")
            found = self._counted(Compare(key, "$exists", value=True), 1)
            return found if value else Not(found)
        plain = _NEGATED.get(str(sign), sign)
        if plain == "$in":
            if not isinstance(value, (list, tuple, set, frozenset)):
                raise _wrong(where, key, sign, value, "a list of values")
            operand: Any = tuple(_operand(where, key, "$eq", each) for each in value)
        else:
            operand = _operand(where, key, str(plain), value)
        found = self._counted(
            Compare(key, plain, operand),  # type: ignore[arg-type]
            len(operand) if isinstance(operand, tuple) else 1,
        )
        return Not(found) if sign in _NEGATED else found

    def _counted(self, found: Compare, values: int) -> Filter:
        self._comparisons += 1
        self._values += values
        if self._comparisons > _MOST or self._values > _MOST_VALUES:
            raise InvalidRequestError(
                f"filter makes more than {_MOST} comparisons, or names more than {_MOST_VALUES} "
                "values. Mark what is meant by a value of its own when it is added."
            )
        return found


def _all(filters: list[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else And(tuple(filters))


def _operand(where: str, key: str, sign: str, value: Any) -> Any:
    """A value that an operator takes, of the kind that the key asks for."""
    if key == "time" and sign != "$contains":
        return _seconds(where, sign, value)
    kind = kind_of(value)
    if key in RESERVED:
        if kind != "text" or key == "time":
            raise _wrong(where, key, sign, value, "no part" if key == "time" else "text")
    elif sign in ORDERS and kind not in ("text", "number"):
        raise _wrong(where, key, sign, value, "text or a finite number")
    elif sign == "$contains" and kind in (None, "list"):
        raise _wrong(where, key, sign, value, "text, a finite number, True, False or None")
    elif kind is None:
        raise _wrong(
            where, key, sign, value,
            "valid text, a finite number of at most 64 bits, True, False, None or a list of these",
        )  # fmt: skip
    return tuple(value) if kind == "list" else value


def _as_given(value: Any) -> Any:
    """A time that was read before, as it may be given: adapters hand on what they checked."""
    if isinstance(value, tuple):
        return tuple(_as_given(each) for each in value)
    try:
        return dt.datetime.fromtimestamp(value, dt.timezone.utc) if type(value) is float else value
    except (ValueError, OverflowError, OSError):
        return value


def _seconds(where: str, sign: str, value: Any) -> float | None:
    given = value
    if isinstance(given, str):
        try:
            given = dt.datetime.fromisoformat(given.replace("Z", "+00:00"))
        except ValueError:
            given = None
    if not isinstance(given, dt.datetime) or given.utcoffset() is None:
        raise _wrong(
            where, "time", sign, value,
            "a datetime with a time zone, such as '2026-05-01T00:00:00+00:00'",
        )  # fmt: skip
    return check_moment(given, "time")


def _wrong(where: str, key: str, sign: object, value: object, remedy: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{where}.{short_repr(key)}: {sign} is given {typed_repr(value)}; it takes {remedy}."
    )
