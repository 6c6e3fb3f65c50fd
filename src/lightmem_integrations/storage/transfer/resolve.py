"""Rows to write, made of records: with row ids in place of what records call the rows they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from lightmem_integrations.errors import InvalidImportError
from lightmem_integrations.safety import key_of, short_repr
from lightmem_integrations.storage.schema import sessions, turns
from lightmem_integrations.storage.sql import select_in
from lightmem_integrations.storage.transfer.read import Record
from lightmem_integrations.storage.transfer.tables import LATER, Kind, target_of


@dataclass(frozen=True, slots=True)
class NumberedRecord:
    """A checked record of a file, with its line there and the columns that follow from it."""

    line: int
    kind: Kind
    values: Record
    derived: Mapping[str, Any]


def refused(line: int, reason: str) -> InvalidImportError:
    """The error for a line of a file."""
    return InvalidImportError(f"Line {line} {reason} Nothing was imported.")


def there_already(record: NumberedRecord) -> InvalidImportError:
    """The error for a record that names itself as another one does."""
    what = f"holds a {record.kind.name} that an earlier line or the store has already."
    return refused(record.line, what)


def own_columns(record: NumberedRecord) -> dict[str, Any]:
    """The columns of a row that name no other row."""
    own = [column.name for column in record.kind.columns if target_of(column) is None]
    return {name: record.values[name] for name in own} | dict(record.derived)


def resolved(
    connection: Connection, user: int, batch: Sequence[NumberedRecord]
) -> list[dict[str, Any]]:
    """Rows to write, with row ids in place of names."""
    rows = [own_columns(each) for each in batch]
    for column in batch[0].kind.columns:
        target = target_of(column)
        if target is None:
            continue
        if column is LATER:  # what a record names that comes later: resolved at the end
            continue
        named = [(each.line, each.values[column.name]) for each in batch]
        found = find_rows(connection, user, target, named)
        for row, (_, name) in zip(rows, named, strict=True):
            row[column.name] = None if name is None else found[hashable(name)]
    return rows


def find_rows(
    connection: Connection, user: int, target: Table, named: Sequence[tuple[int, Any]]
) -> dict[Any, int]:
    """Rows of a user by what records call them.

    Raises:
        InvalidImportError: One of them is not there.
    """
    wanted = {hashable(name): line for line, name in reversed(named) if name is not None}
    found: dict[Any, int] = {}
    if target is turns:
        in_sessions = find_rows(
            connection, user, sessions, [(n, name[0]) for n, name in named if name]
        )
        keys = {key_of(name): name for _, name in wanted}
        query = select(turns.c.session, turns.c.key, turns.c.id).where(turns.c.user == user)
        of = {row: name for name, row in in_sessions.items()}
        for session, key, row in select_in(connection, query, turns.c.key, keys):
            if session in of:
                found[of[session], keys[key]] = row
    else:
        keys = {key_of(name) if target is sessions else name: name for name in wanted}
        of_key = select(target.c.key, target.c.id).where(target.c.user == user)
        found = {keys[key]: row for key, row in select_in(connection, of_key, target.c.key, keys)}
    for name, line in wanted.items():
        if name not in found:
            what = target.name.removesuffix("s")
            raise refused(
                line, f"names the {what} {short_repr(name)}, which no line before it holds."
            )
    return found


def hashable(name: Any) -> Any:
    """What a record calls a row, as a key."""
    return tuple(name) if isinstance(name, list) else name
