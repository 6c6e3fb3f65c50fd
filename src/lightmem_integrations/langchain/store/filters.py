"""LangGraph's filters of stored values: what they may be, and whether a value meets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.filters import ORDERS
from lightmem_integrations.safety import short_repr

_KEY = re.compile(r"[\w.-]+")
_OPERATORS = {"$eq", "$ne", *ORDERS}
_MISSING: Any = None


def accepts(conditions: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """A test of values, all of whose conditions must hold.

    A key names a member of the value; with dots, one within another. A condition is a value to be
    equal to, a dictionary of operators, or a dictionary of conditions on the member's own members.
    A member that is missing counts as ``None``. The four operators of order compare numbers with
    numbers (a string that is a number counts as one) and strings with strings; anything else
    meets none of them.

    Raises:
        InvalidRequestError: A key or an operator is none that LangGraph's stores know.
    """
    wanted = dict(conditions or {})
    for key, condition in wanted.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise InvalidRequestError(
                f"Invalid filter key: {short_repr(key)}. A key has letters, digits, underscores, "
                "dots "
                "and hyphens only."
            )
        _check(condition)
    return lambda value: all(_meets(_member(value, key), each) for key, each in wanted.items())


def _check(condition: Any) -> None:
    if not isinstance(condition, Mapping):
        return
    named = {key for key in condition if isinstance(key, str) and key.startswith("$")}
    unknown = sorted(named - _OPERATORS)
    if unknown or (named and len(named) < len(condition)):
        raise InvalidRequestError(
            f"Unsupported operator in the filter {short_repr(dict(condition))}: use only "
            f"{', '.join(sorted(_OPERATORS))}, and not beside other keys."
        )
    for each in condition.values():
        _check(each)


def _member(value: Mapping[str, Any], key: str) -> Any:
    if key in value:
        return value[key]
    found: Any = value
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return _MISSING
        found = found[part]
    return found


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, Mapping):
        if any(str(key).startswith("$") for key in condition):
            return all(_compares(value, name, other) for name, other in condition.items())
        return isinstance(value, Mapping) and all(
            _meets(value.get(key), each) for key, each in condition.items()
        )
    if isinstance(condition, (list, tuple)):
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(condition)
            and all(map(_meets, value, condition))
        )
    return bool(value == condition)


def _compares(value: Any, name: str, other: Any) -> bool:
    if name == "$eq":
        return bool(value == other)
    if name == "$ne":
        return bool(value != other)
    if isinstance(other, str):
        return isinstance(value, str) and ORDERS[name](value, other)
    left, right = _number(value), _number(other)
    return left is not None and right is not None and ORDERS[name](left, right)


def _number(value: Any) -> float | int | None:
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
