"""Columns that many tables of the ledger have, and the declaration of a table from columns."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData()

KEY = String(32)
"""A key: what ``key_of`` returns, a digest of this length, or a random public id."""


def table(name: str, *items: SchemaItem) -> Table:
    """Declare a table of the ledger.

    Where it has row ids, one is never given out twice (AUTOINCREMENT): what outlived its row, such
    as an entry of the vector index, can never be taken for somebody else's.
    """
    numbered = any(isinstance(item, Column) and item.autoincrement is True for item in items)
    return Table(name, metadata, *items, sqlite_autoincrement=numbered)


def row_id() -> Column[int]:
    """The row id of a table."""
    return Column("id", Integer, primary_key=True, autoincrement=True)


def public_key() -> Column[str]:
    """A key by which a row is known outside of its table."""
    return Column("key", KEY, nullable=False, unique=True)


def reference(name: str, to: str, *, primary: bool = False, optional: bool = False) -> Column[int]:
    """A column of row ids of another table; ``primary``: of the table's own primary key."""
    target = ForeignKey(f"{to}.id")
    if primary:
        return Column(name, Integer, target, primary_key=True, autoincrement=False)
    return Column(name, Integer, target, nullable=optional)


def user() -> Column[int]:
    """The user whose row it is."""
    return reference("user", "users")


def texts(*names: str, optional: bool = False) -> list[Column[str]]:
    """Columns of text."""
    return [Column(name, Text, nullable=optional) for name in names]


def keys(*names: str) -> list[Column[str]]:
    """Columns of keys and digests."""
    return [Column(name, KEY, nullable=False) for name in names]


def words(name: str, longest: int) -> Column[str]:
    """A column of one word out of a few."""
    return Column(name, String(longest), nullable=False)


def numbers(*names: str, optional: bool = False) -> list[Column[int]]:
    """Columns of whole numbers."""
    return [Column(name, Integer, nullable=optional) for name in names]


def counts(*names: str, start: int = 0) -> list[Column[int]]:
    """Columns that count from ``start``."""
    return [Column(name, Integer, nullable=False, default=start) for name in names]


def reals(*names: str, optional: bool = False) -> list[Column[float]]:
    """Columns of real numbers; those of times hold seconds since 1970, UTC."""
    return [Column(name, Double, nullable=optional) for name in names]


def flag(name: str) -> Column[bool]:
    """A column that is true or false."""
    return Column(name, Boolean, nullable=False)


def blob(name: str, *, optional: bool = False) -> Column[bytes]:
    """A column of bytes."""
    return Column(name, LargeBinary, nullable=optional)
