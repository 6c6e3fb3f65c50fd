"""A ledger copied as it stands into another one: every table, with its row ids, batch by batch.

A mark in the target says that it is not whole yet, and of which state of the source it is a copy.
How far that came is seen by the greatest row: a batch is there with its words, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from lightmem_integrations.errors import LedgerError
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.index_contents import HOLDER, KIND, PURGE, mark_purge
from lightmem_integrations.storage.ledger import Ledger, get_meta, put_meta
from lightmem_integrations.storage.schema import (
    leases,
    meta,
    metadata,
    turn_metadata,
    turns,
    users,
)
from lightmem_integrations.storage.sql import count_rows
from lightmem_integrations.storage.turn_metadata import insert_metadata

UNFINISHED = "copy.unfinished"
"""Under this name the target of a copy keeps what it is a copy of, until it holds all of that."""

# Of a ledger, whatever is copied into it.
_OWN = ("version", "least_version", PURGE, HOLDER, KIND, UNFINISHED)

# Claims are of workers on the source, and the value of metadata has another form in PostgreSQL.
_LEFT_OUT = frozenset({"work.claimed_by", "work.claimed_until", "turn_metadata.value"})

# Leases are of workers, too. Whoever is referenced comes first.
_TABLES = [table for table in metadata.sorted_tables if table not in (leases, meta)]
COMPARED = [*_TABLES, meta]
COPIED = [table for table in _TABLES if table is not turn_metadata]  # written with the turns

_BATCH = 200  # rows read, and written in one transaction; a guess


@dataclass(frozen=True, slots=True)
class Contents:
    """What a table holds: how many rows, and a checksum of them in whatever order they come."""

    rows: int
    checksum: str


def contents(connection: Connection, table: Table) -> Iterator[Contents]:
    """Count a table's rows and sum them up: as far as was read with each batch, whole at last.

    Values are compared as Python sees them, whichever database keeps them.
    """
    rows = total = 0
    query: Select[Any] = select(*_columns(table))
    query = query.where(meta.c.name.not_in(_OWN)) if table is meta else query
    for batch in _batches(connection, query):
        for row in batch:
            # Of version 2, as later ones write references to what they happen to have met before.
            values = marshal.dumps(tuple(row), 2)
            total += int.from_bytes(hashlib.blake2b(values, digest_size=16).digest(), "big")
        rows += len(batch)
        yield Contents(rows, f"{total % 2**128:032x}")
    yield Contents(rows, f"{total % 2**128:032x}")


def count_all(connection: Connection, tables: Sequence[Table]) -> int:
    """Number of rows of several tables."""
    return sum(count_rows(connection, table) for table in tables)


def last_recorded(connection: Connection) -> float | None:
    """When the turn came in that was stored last, in seconds since 1970; ``None`` without turns."""
    return connection.execute(select(func.max(turns.c.recorded_at))).scalar()


def check_whole(ledger: Ledger) -> None:
    """Refuse to open what is an unfinished copy.

    Raises:
        LedgerError: It is.
    """
    mark = ledger.get(UNFINISHED)
    if mark:
        raise LedgerError(
            f"The store {ledger.name!r} is an unfinished copy of {json.loads(mark)[0]!r}, and "
            "may lack some of it. `lightmem copy SOURCE TARGET` goes on where it was stopped."
        )


def begin_copy(target: Ledger, source: str, state: str) -> None:
    """Mark an empty ledger as the copy of a source, or go on with one.

    Args:
        target: The ledger.
        source: Where the source lies.
        state: A digest of all that it holds. What was copied of another state is erased.

    Raises:
        LedgerError: The target holds a memory of its own.
    """
    with target.write() as connection:
        mark = get_meta(connection, UNFINISHED)
        if mark and json.loads(mark)[1] == state:
            return
        if mark:
            _empty(connection)
        elif any(connection.execute(select(table).limit(1)).first() for table in _TABLES):
            raise LedgerError(
                f"{target.name!r} holds a memory of its own, and a copy overwrites nothing. Name a "
                "folder, a database or a schema (?schema=) that holds none."
            )
        put_meta(connection, UNFINISHED, json.dumps([source, state]))


def copy_table(source: Connection, target: Ledger, table: Table) -> Iterator[int]:
    """Copy what the target lacks of a table; yields how many rows of it the target has by now."""
    column = _ascending(table)
    with target.write() as connection:
        last = int(connection.execute(select(func.max(column))).scalar() or 0)
        if "id" not in table.c and len(table.primary_key) > 1:  # a batch may have ended within
            connection.execute(delete(table).where(column == last))
            last -= 1
        done = count_rows(connection, table)
    yield done
    query: Select[Any] = select(*_columns(table)).where(column > last).order_by(column)
    # With what it returns, many rows are one statement, and their triggers run once.
    write = insert(table).returning(column)
    for batch in _batches(source, query):
        with target.write() as connection:
            connection.execute(write, [dict(row._mapping) for row in batch]).all()
            if table is turns:
                _add_derived(connection, batch)
        done += len(batch)
        yield done


def end_copy(source: Connection, connection: Connection) -> None:
    """Copy what is known of the store itself, and numbers that writing the rows changed."""
    values = source.execute(select(meta).where(meta.c.name.not_in(_OWN))).all()
    for name, value in values:
        put_meta(connection, name, value)
    mark_purge(connection)  # nothing is in the vector index yet: that is made at the next opening
    restored = update(users).where(users.c.id == bindparam("row"))
    restored = restored.values({name: bindparam(f"its_{name}") for name in _COUNTED})
    query = select(users.c.id.label("row"), *(users.c[n].label(f"its_{n}") for n in _COUNTED))
    for batch in _batches(source, query):
        connection.execute(restored, [dict(row._mapping) for row in batch])
    if connection.dialect.name == "postgresql":
        for table in _TABLES:
            if "id" in table.c:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                last = select(func.max(table.c.id)).scalar_subquery()
                connection.execute(select(func.setval(sequence, last)))


def note_whole(connection: Connection) -> None:
    """Take the mark away: the target holds all that the source does."""
    connection.execute(delete(meta).where(meta.c.name == UNFINISHED))


_COUNTED = ("revision", "rewritten")  # by triggers on turns and vectors


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if str(column) not in _LEFT_OUT]


def _ascending(table: Table) -> Column[Any]:
    """The column in whose order a table is copied: one of numbers, which all databases sort alike.

    It is the key, or the first part of it that is a number.
    """
    if "id" in table.c:
        return table.c.id
    return next(column for column in table.primary_key if isinstance(column.type, Integer))


@contextmanager
def lasting_read(ledger: Ledger) -> Iterator[Connection]:
    """A read transaction that may last as long as a copy takes."""
    with ledger.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SET LOCAL statement_timeout TO 0;"
                "SET LOCAL idle_in_transaction_session_timeout TO 0"
            )
        yield connection


def _batches(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as found:
        yield from found.partitions()


def _add_derived(connection: Connection, batch: Sequence[Row[Any]]) -> None:
    """Write what is looked up of turns: their words, and their metadata value by value."""
    for user, found in groupby(batch, lambda row: row.user):
        of_user = list(found)
        words = [(row.id, row.terms) for row in of_user if row.searchable]
        lexical.add(connection, user, words)
        described = [(row.id, json.loads(row.metadata)) for row in of_user if row.metadata]
        insert_metadata(connection, user, described)


def _empty(connection: Connection) -> None:
    """Erase what a copy of another state of the source has left."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in (*_TABLES, leases))
        connection.exec_driver_sql(f"TRUNCATE {names}, lexical CASCADE")
    else:
        connection.exec_driver_sql("INSERT INTO lexical(lexical) VALUES ('delete-all')")
        for table in reversed(_TABLES):
            connection.execute(delete(table))
    connection.execute(delete(meta).where(meta.c.name.not_in(_OWN)))
