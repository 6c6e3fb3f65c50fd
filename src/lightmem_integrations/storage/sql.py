"""Statements that every table needs: rows in, rows counted, and lists of any length as values."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    Table,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql

# A statement may bind 32,766 values (SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32). Far fewer, as
# one may bind a batch several times; that 500 is enough to make a batch's overhead vanish is a
# guess.
_SIZE = 500

MOST_ROWS = 2**62
"""More rows than a table has: what is asked for beyond does not fit a database's integers."""

T = TypeVar("T")

upsert = postgresql.insert
"""An insert that may say what happens if the row is there: SQLite takes the same words."""


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


def insert_new(connection: Connection, table: Table, **values: Any) -> int | None:
    """Write a row, unless a unique column has its value already; returns its row id, if it did."""
    write = upsert(table).values(**values).on_conflict_do_nothing()
    return connection.execute(write.returning(table.c.id)).scalar()


def put_row(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row in place of the one with the same primary key, if there is one."""
    write = upsert(table).values(**values)
    key = key_columns(connection, table)
    others = {name: write.excluded[name] for name in values if name not in {c.name for c in key}}
    connection.execute(write.on_conflict_do_update(index_elements=key, set_=others))


def key_columns(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table's primary key: in PostgreSQL what is a user's has the user in it."""
    key: list[ColumnElement[Any]] = list(table.primary_key.columns)
    whose = table.c.get("user")
    if connection.dialect.name == "postgresql" and whose is not None and whose not in set(key):
        key.append(whose)
    return key


def count_rows(
    connection: Connection, table: Table, *where: ColumnElement[bool], user: int | None = None
) -> int:
    """Number of rows that meet conditions, of one user, by row id, or of all."""
    query = select(func.count()).select_from(table).where(*where)
    query = query if user is None else query.where(table.c.user == user)
    return int(connection.execute(query).scalar_one())


def database_clock(connection: Connection) -> ColumnElement[float]:
    """Seconds since 1970 by the clock of the database, at the moment when a statement runs."""
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal(time.time())
