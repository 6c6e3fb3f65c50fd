"""SQL that databases spell differently: lists of rows as one text, places and bytes in texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Text,
    and_,
    bindparam,
    cast,
    func,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


def listed(rows: ColumnElement[Any]) -> ColumnElement[str]:
    """Row ids of a group as one text, with commas: quicker to hand over than each as a row."""
    return func.aggregate_strings(cast(rows, Text), ",")


def of_same_user(reference: Column[Any], table: FromClause) -> ColumnElement[bool]:
    """True where a column names a row of a table: of its own user, so in one partition."""
    whose = reference.table.c.user == table.c.user
    return and_(reference == table.c.id, whose)


def among_rows(reference: Column[Any]) -> ColumnElement[bool]:
    """True where a column names one of the ``rows`` bound, in a row of the ``user`` bound."""
    # SQLite is kept from walking everything of the user's to find a few by their rows.
    whose = unindexed(reference.table.c.user) == bindparam("user")
    return and_(reference.in_(bindparam("rows", expanding=True)), whose)


def lasts(table: FromClause, at: float | ColumnElement[float]) -> ColumnElement[bool]:
    """True for what is not past its time then."""
    return or_(table.c.expires_at.is_(None), table.c.expires_at > at)


class place_in(GenericFunction[int]):  # noqa: N801 - SQLAlchemy names functions so
    """Place of one text in another, from 1; 0 if it does not occur. Upper case is not lower."""

    type = BigInteger()
    inherit_cache = True
    name = "instr"


class bytes_in(GenericFunction[int]):  # noqa: N801
    """Bytes that a text takes in UTF-8."""

    type = BigInteger()
    inherit_cache = True
    name = "octet_length"


class unindexed(GenericFunction[int]):  # noqa: N801
    """A number that SQLite is not to look for in an index: it would take the wrong one.

    PostgreSQL knows better, and which partition to look at.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(unindexed)
def _as_it_is(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(unindexed, "sqlite")
def _calculated(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)}) + 0"


@compiles(place_in, "postgresql")
def _place(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(bytes_in, "sqlite")
def _bytes(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    # Its own octet_length came with SQLite 3.43.
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"
