"""Records read from a ledger, in the order in which their rows were written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from lightmem_integrations.storage.expressions import lasts
from lightmem_integrations.storage.schema import documents, sessions, turns, users
from lightmem_integrations.storage.transfer.tables import (
    BY_NAME,
    KINDS,
    NAMES,
    AnyColumn,
    Kind,
    target_of,
)

Record = dict[str, Any]

_BATCH = 500  # rows read at a time; a guess


def memories(connection: Connection) -> list[tuple[int, str]]:
    """Rows and names of all users and spaces, in the order in which they came."""
    query = select(users.c.id, users.c.name).where(users.c.staged.is_(None)).order_by(users.c.id)
    return [(row, name) for row, name in connection.execute(query)]


def read_memory(connection: Connection, user_row: int) -> Iterator[Record]:
    """The records of a user or a space."""
    for record in _read(connection, BY_NAME["user"], users.c.id == user_row):
        yield record | {"first_row": record["first_row"] or user_row}
    for kind in KINDS:
        if kind.owner is not None:
            yield from _read(connection, kind, kind.owner == user_row)


def read_documents(connection: Connection, now: float) -> Iterator[Record]:
    """The records of all documents whose time is not over."""
    yield from _read(connection, BY_NAME["document"], lasts(documents, now))


def count_records(connection: Connection, user_row: int | None) -> int:
    """How many records are read of a memory, or of all for ``None``; expired documents count."""
    count = 0
    for kind in KINDS:
        query = select(func.count()).select_from(kind.table)
        if user_row is not None:
            if kind.name == "document":
                continue
            owner: ColumnElement[Any] = users.c.id if kind.owner is None else kind.owner
            query = query.where(owner == user_row)
        count += connection.execute(query).scalar_one()
    return count


def _read(connection: Connection, kind: Kind, where: ColumnElement[bool]) -> Iterator[Record]:
    query, make = _prepared(kind)
    read = connection.execute(query.where(where), execution_options={"yield_per": _BATCH})
    with read as found:
        for rows in found.partitions(_BATCH):
            members = _members(connection, kind, [row[0] for row in rows])
            for row in rows:
                made = {"record": kind.name} | make(row)
                yield made if kind.members is None else made | {"turns": members.get(row[0], [])}


@cache
def _prepared(kind: Kind) -> tuple[Select[Any], Callable[[Sequence[Any]], Record]]:
    """The query for a kind's records, whose first column is the row, and what makes them of it."""
    key = kind.table.c.id if "id" in kind.table.c else next(iter(kind.table.primary_key))
    order = kind.table.primary_key if "id" not in kind.table.c else [key]
    selected: list[ColumnElement[Any]] = [key.label("row")]
    source: Any = kind.table
    places: list[tuple[str, slice | int]] = []
    for column in kind.columns:
        target, at = target_of(column), len(selected)
        if target is None:
            selected.append(column.label(f"at_{at}"))
            places.append((column.name, at))
            continue
        source, named = _named(source, column, target)
        selected += [each.label(f"at_{at + n}") for n, each in enumerate(named)]
        places.append((column.name, slice(at, len(selected)) if len(named) > 1 else at))

    def make(row: Sequence[Any]) -> Record:
        return {
            name: row[at] if isinstance(at, int) else (list(row[at]) if row[at.start] else None)
            for name, at in places
        }

    return select(*selected).select_from(source).order_by(*order), make


def _named(source: Any, column: AnyColumn, target: Table) -> tuple[Any, list[ColumnElement[Any]]]:
    """A source joined with the row that a column names, and the columns by which it is called."""
    row = target.alias()
    source = source.outerjoin(row, row.c.id == column)
    if target is not turns:
        return source, [row.c[name.name] for name in NAMES[target.name]]
    session = sessions.alias()
    return source.outerjoin(session, session.c.id == row.c.session), [session.c.name, row.c.name]


def _members(connection: Connection, kind: Kind, rows: Sequence[int]) -> dict[int, list[list[str]]]:
    """The turns tied to rows of a kind, by row, in the order in which they were written."""
    found: dict[int, list[list[str]]] = {}
    if kind.members is None:
        return found
    query = (
        select(kind.members, sessions.c.name, turns.c.name)
        .join(turns, turns.c.id == kind.members.table.c.turn)
        .join(sessions, sessions.c.id == turns.c.session)
        .where(kind.members.in_(rows))
        .order_by(kind.members, turns.c.id)
    )
    for row, session, turn in connection.execute(query):
        found.setdefault(row, []).append([session, turn])
    return found
