"""Checks of what a file claims to hold, value by value, before anything is written."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from lightmem_integrations.errors import LightMemError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.safety import (
    EARLIEST,
    LATEST,
    check_scope_id,
    check_user_id,
    has_lone_surrogates,
    key_of,
    short_repr,
)
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.episodes import COMPRESSED, DROPPED, VERBATIM
from lightmem_integrations.storage.transfer.read import Record
from lightmem_integrations.storage.transfer.resolve import NumberedRecord, refused
from lightmem_integrations.storage.transfer.tables import (
    BY_NAME,
    DERIVED,
    NAMES,
    AnyColumn,
    Kind,
    target_of,
)
from lightmem_integrations.storage.turns import NewTurn, columns_of
from lightmem_integrations.text.precision import Precision
from lightmem_integrations.text.terms import terms
from lightmem_integrations.validation import checked_turns

_TIMES = EARLIEST.timestamp(), LATEST.timestamp()
_LARGEST = 2**63
_KEY_CHARS = 64  # a key has 32 of them; a guess at what a later one may have


def _one_of(*known: str) -> Callable[[Any], bool]:
    return lambda value: value in known


def _names(value: str) -> bool:
    found = json.loads(value)
    return isinstance(found, list) and all(isinstance(each, str) and each for each in found)


def _mapping(value: str) -> bool:
    return isinstance(json.loads(value), dict)


def _between(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: least <= value <= most


_PRECISIONS = (
    "valid_from_precision", "valid_to_precision", "since_precision", "stated_to_precision",
)  # fmt: skip

# What may stand in a column beyond its type, by its name, or its table and name.
_RULES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "confidence": _between(0, 1),
        "importance": _between(0, 1),
        "offset": _between(-86_399, 86_399),
        "ttl_minutes": lambda value: value > 0,
        "state": _one_of(VERBATIM, COMPRESSED, DROPPED),
        "kind": _one_of(*get_args(FactKind)),
        "facts.author": _one_of("writer", "person"),
        **dict.fromkeys(_PRECISIONS, _one_of(*get_args(Precision))),
        "key": lambda value: 0 < len(value) <= _KEY_CHARS,
        "entities": _names,
        "keywords": _names,
        "speakers": _names,
        "fields": _names,
        "namespace": _names,
        "message": _mapping,
        "metadata": _mapping,
        "documents.value": _mapping,
    }
)


def read_record(line: int, record: Record) -> NumberedRecord:
    """A record with all fields of its kind; the columns that follow from it are left out.

    Raises:
        InvalidImportError: Its kind or one of its fields is not known.
    """
    name = record.get("record")
    kind = BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None:
        raise refused(line, f"is of the kind {short_repr(name)}, which is not known.")
    # Of an older version: what is not there has the value of rows written before it was.
    values = {column.name: _default(column) for column in kind.columns}
    values |= {"record": kind.name} | ({"turns": []} if kind.members is not None else {})
    if unknown := sorted(set(record) - set(values)):
        raise refused(line, f"has the field {short_repr(unknown[0])}, which a {kind.name} has not.")
    return NumberedRecord(line, kind, values | record, {})


def check_record(record: NumberedRecord, settings: Settings, now: dt.datetime) -> None:
    """Check that every value of a record can be stored.

    Raises:
        InvalidImportError: One of them cannot.
    """
    kind, values = record.kind, record.values
    for column in kind.columns:
        value = values[column.name]
        if fault := _fault(kind, column, value):
            raise refused(record.line, f"has {column.name} = {short_repr(value)}, which {fault}.")
    members = values.get("turns", [])
    if not isinstance(members, list) or not all(map(_is_turn, members)):
        raise refused(record.line, "has turns that are not a list of [session, turn].")
    try:
        _check_names(kind, values, settings.max_id_chars)
        if kind.name == "turn":
            _turn(values, settings, now)
    except LightMemError as error:
        raise refused(record.line, f"cannot be stored: {error}") from error


def completed(record: NumberedRecord, settings: Settings, now: dt.datetime) -> NumberedRecord:
    """A checked record with the columns that follow from it."""
    return replace(record, derived=_derived(record.kind, record.values, settings, now))


def _fault(kind: Kind, column: AnyColumn, value: Any) -> str | None:
    """What is wrong with a value, if anything is."""
    if value is None:
        return None if column.nullable else "may not be left out"
    target = target_of(column)
    if target is None:
        return _fault_of_type(column, value) or _fault_of_value(kind, column, value)
    is_name = isinstance(value, str) if len(NAMES[target.name]) == 1 else _is_turn(value)
    if not is_name:
        return f"names no {target.name.removesuffix('s')}"
    return _fault_of_value(kind, column, value) if target.name == "namespaces" else None


def _fault_of_value(kind: Kind, column: AnyColumn, value: Any) -> str | None:
    rule = _RULES.get(f"{kind.table.name}.{column.name}") or _RULES.get(column.name)
    if rule is None and column.type.python_type is float:
        rule = _between(*_TIMES)
    try:
        return None if rule is None or rule(value) else "is out of its range, or of another form"
    except (ValueError, RecursionError):
        return "is no JSON"


def _fault_of_type(column: AnyColumn, value: Any) -> str | None:
    expected = column.type.python_type
    if expected is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if is_number and math.isfinite(value) else "is no number"
    if type(value) is not expected:
        return f"is no {expected.__name__}"
    if expected is int and not -_LARGEST <= value < _LARGEST:
        return "is too large"
    if expected is str and has_lone_surrogates(value):
        return "holds a lone surrogate"
    return None


def _is_turn(value: object) -> bool:
    return (
        isinstance(value, list) and len(value) == 2  # noqa: PLR2004 - a session and a turn
        and all(isinstance(each, str) for each in value)
    )  # fmt: skip


def _default(column: AnyColumn) -> Any:
    if column.name in _PRECISIONS:
        return "day"
    return (
        None
        if column.nullable or target_of(column) is not None
        else _EMPTY.get(column.type.python_type)
    )


_EMPTY: Mapping[type, Any] = MappingProxyType({bool: False, float: 0.0})


def _check_names(kind: Kind, values: Record, longest: int) -> None:
    names = ("agent", "session", "author") if kind.name == "turn" else ("agent", "session")
    for name in names:
        if isinstance(values.get(name), str):
            check_scope_id(values[name], name, longest)
    if kind.name == "session" or (kind.name == "user" and values["space"]):
        check_scope_id(values["name"], "session_id" if kind.name == "session" else "space", longest)
    elif kind.name in ("user", "grant"):
        check_user_id(values["name"], longest)


def _derived(kind: Kind, values: Record, settings: Settings, now: dt.datetime) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind.name == "turn":
        columns = columns_of(_turn(values, settings, now))
        found = {name: columns[name] for name in DERIVED["turns"] if name in columns}
    elif kind.name == "episode":
        lists = (*json.loads(values["keywords"]), *json.loads(values["entities"]))
        found = {"terms": _terms(values["summary"], *lists)}
    elif kind.name == "fact":
        found = {"terms": _terms(values["statement"]), "revision": 1}
    elif kind.name == "claim":
        found = {"terms": _terms(values["statement"])}
    elif kind.name == "grant":
        found = {"member": key_of(values["name"])}
    elif kind.name in ("session", "document"):
        found = {"key": key_of(values["name"])}
        if kind.name == "document":
            found["embedded"] = values["fields"] is None
    return found


def _terms(*texts: str) -> str:
    return " ".join(terms(" ".join(texts)))


def _turn(values: Record, settings: Settings, now: dt.datetime) -> NewTurn:
    """A turn, checked like one that is added."""
    zone = dt.timezone(dt.timedelta(seconds=values["offset"]))
    turn = Turn(
        role=values["role"],
        text=values["text"],
        speaker=values["speaker"],
        time=dt.datetime.fromtimestamp(values["said_at"], zone),
        id=values["name"],
        message=json.loads(values["message"] or "null"),
        metadata=json.loads(values["metadata"] or "{}"),
    )
    return checked_turns(turn, settings, now)[0]
