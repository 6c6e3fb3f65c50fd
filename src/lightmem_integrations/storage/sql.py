"""Statements that every table needs: rows in, rows counted, and lists of any length as values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select

# A statement may bind 32,766 values (SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32). Far fewer, as
# one may bind a batch several times; that 500 is enough to make a batch's overhead vanish is a
# guess.
_SIZE = 500

T = TypeVar("T")


def in_batches(values: Collection[T], size: int = _SIZE) -> Iterator[list[T]]:
    """Split values into lists of at most ``size``, in order; none at all for no values."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def select_in(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Collection[Any]
) -> Iterator[Any]:
    """Rows of a query in which a column has one of these values, in the query's order by batch."""
    for batch in in_batches(values):
        yield from connection.execute(query.where(column.in_(batch)))


def delete_in(
    connection: Connection,
    table: Table,
    column: ColumnElement[Any],
    values: Collection[Any],
    *where: ColumnElement[bool],
) -> int:
    """Delete the rows in which a column has one of these values; returns how many."""
    return sum(
        connection.execute(delete(table).where(column.in_(batch), *where)).rowcount
        for batch in in_batches(values)
    )


def insert_row(connection: Connection, table: Table, **values: Any) -> int:
    """Write a row; returns its row id."""
    done = connection.execute(insert(table).values(**values).returning(table.c.id))
    return int(done.scalar_one())


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def put_row(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row in place of the one with the same primary key, if there is one."""
    connection.execute(insert(table).prefix_with("OR REPLACE").values(**values))


def count_rows(
    connection: Connection, table: Table, *where: ColumnElement[bool], user: int | None = None
) -> int:
    """Number of rows that meet conditions, of one user, by row id, or of all."""
    query = select(func.count()).select_from(table).where(*where)
    query = query if user is None else query.where(table.c.user == user)
    return int(connection.execute(query).scalar_one())
