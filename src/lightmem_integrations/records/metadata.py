"""Metadata of a turn: what an application says of it by name, to filter by later."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from lightmem_integrations.errors import InvalidTurnError
from lightmem_integrations.safety import has_lone_surrogates, short_repr, typed_repr

Kind = Literal["text", "number", "boolean", "null", "list"]
"""Kind of a metadata value: values of two kinds are never equal, and never compared."""

RESERVED = ("agent_id", "session_id", "speaker", "role", "time")
"""Names that a filter answers by what the store itself knows of a turn."""

PROFILE = "profile"
"""Name of the metadata by which a user's turn is declared a part of the profile, whatever its words
or language: its sentences are an ``instruction``, a ``preference`` or a ``state``."""

LARGEST = 2**63
"""Whole numbers from here on, and below its negative, have no place in a database."""


def kind_of(value: object) -> Kind | None:
    """The kind of a value; ``None`` where metadata holds no such value."""
    if isinstance(value, str):
        return None if has_lone_surrogates(value) else "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "number" if -LARGEST <= value < LARGEST else None
    if isinstance(value, float):
        return "number" if math.isfinite(value) else None
    if value is None:
        return "null"
    scalars = isinstance(value, (list, tuple)) and all(
        not isinstance(each, (list, tuple)) and kind_of(each) for each in value
    )
    return "list" if scalars else None


def checked_metadata(given: object, where: str, max_bytes: int) -> str | None:
    """The metadata of a turn as JSON; ``None`` where there is none.

    Args:
        given: What was given.
        where: Which turn, for the error.
        max_bytes: Size at most, as JSON.

    Raises:
        InvalidTurnError: It is no metadata; the error names the key.
    """
    if not isinstance(given, Mapping):
        raise InvalidTurnError(
            f"{where} has the metadata {typed_repr(given)}. Pass a dict: {{'topic': 'travel'}}."
        )
    for name, value in given.items():
        if fault := _fault(name, value):
            raise InvalidTurnError(f"{where}: metadata {short_repr(name)} {fault}")
    if not given:
        return None
    text = _as_json(given)
    if len(text) > max_bytes:
        largest = max(given, key=lambda name: len(_as_json({name: given[name]})))
        raise InvalidTurnError(
            f"{where}: metadata takes {len(text)} bytes as JSON, most of them in "
            f"{short_repr(largest)}; the limit is {max_bytes}. Keep large data elsewhere and a "
            "reference to it here, or raise Settings.max_metadata_bytes."
        )
    return text.decode()


def metadata_of(given: object, max_bytes: int) -> dict[str, Any]:
    """The ``metadata=`` of a component, checked; nothing for ``None``.

    Raises:
        InvalidTurnError: It is no metadata; the error names the key.
    """
    return dict(
        json.loads(checked_metadata({} if given is None else given, "metadata=", max_bytes) or "{}")
    )


def fitting_metadata(given: Mapping[Any, Any], max_bytes: int) -> dict[str, Any]:
    """What of any data can be kept as metadata, in the order given; the rest is left out."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        fits = _is_name(name) and kind_of(value) is not None
        if fits and len(_as_json(kept | {name: value})) <= max_bytes:
            kept[name] = value
    return kept


def _fault(name: object, value: object) -> str | None:
    """What keeps a value from being metadata, and the remedy; ``None`` if it is."""
    if not _is_name(name):
        return (
            "is no name for it. Names are non-blank strings; filters understand otherwise what "
            f"begins with $, and the turn's own {', '.join(RESERVED)}. Choose another."
        )
    if kind_of(value) is None:
        return (
            f"is {short_repr(value)}; pass valid text, a finite number (a whole one of at most 64 "
            "bits), True, False, None, or a list of these."
        )
    return None


def _is_name(name: object) -> bool:
    text = isinstance(name, str) and name.strip() and not has_lone_surrogates(name)
    return bool(text) and name not in RESERVED and not str(name).startswith("$")


def _as_json(given: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(given), ensure_ascii=False).encode()


def canonical(value: Any) -> str:
    """A list as text that equal lists share: 1 and 1.0 are one number."""
    return json.dumps(
        [
            int(each) if isinstance(each, float) and abs(each) < LARGEST and each == int(each)
            else each
            for each in value
        ]
    )  # fmt: skip
