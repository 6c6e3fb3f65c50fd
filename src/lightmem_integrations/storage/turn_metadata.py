"""Metadata of turns in the ledger, value by value, as filters look them up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from lightmem_integrations.records.metadata import Kind, canonical, kind_of
from lightmem_integrations.storage.schema import turn_metadata
from lightmem_integrations.storage.sql import delete_in, insert_rows


def insert_metadata(
    connection: Connection, user_row: int, of_turns: Iterable[tuple[int, Mapping[str, Any]]]
) -> None:
    """Write the metadata of new turns, given by their rows."""
    rows = [
        {"user": user_row, "turn": turn, "name": name, "element": element, "kind": kind,
         "value": value}
        for turn, metadata in of_turns
        for name, given in metadata.items()
        for element, kind, value in _values(given)
    ]  # fmt: skip
    insert_rows(connection, turn_metadata, rows)


def erase_metadata(connection: Connection, user_row: int, rows: Collection[int]) -> None:
    """Erase the metadata of turns."""
    mine = turn_metadata.c.user == user_row
    delete_in(connection, turn_metadata, turn_metadata.c.turn, rows, mine)


def as_stored(value: Any) -> tuple[Kind, str | float]:
    """The kind of a value that was checked, and its form in the ledger."""
    kind = kind_of(value)
    if kind is None:
        raise AssertionError("metadata is checked before it comes here")
    return kind, canonical(value) if kind == "list" else int(value or 0) if kind in (
        "boolean",
        "null",
    ) else value


def _values(given: Any) -> set[tuple[bool, Kind, str | float]]:
    """A value, and of a list each element once."""
    elements = {(True, *as_stored(each)) for each in given} if isinstance(given, list) else set()
    return elements | {(False, *as_stored(given))}
