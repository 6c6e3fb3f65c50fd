"""The numbered steps that bring an older ledger up to date."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, insert, literal, select, update

from lightmem_integrations.errors import LedgerError
from lightmem_integrations.storage.schema import documents as schema_documents
from lightmem_integrations.storage.schema import knowledge as schema_consolidation
from lightmem_integrations.storage.schema import shared as schema_shared
from lightmem_integrations.storage.schema.turns import (
    meta,
    metadata,
    sessions,
    speakers,
    turns,
    users,
    vectors,
    work,
)
from lightmem_integrations.storage.work_queue import CONSOLIDATE


def _first(connection: Connection) -> None:
    # Named one by one: tables of later steps live in the same metadata.
    metadata.create_all(connection, tables=[meta, users, sessions, turns, speakers, vectors, work])


def _second(connection: Connection) -> None:
    """Consolidation: its tables; and what was said before is due for it."""
    metadata.create_all(connection, tables=list(schema_consolidation.TABLES))
    connection.execute(
        insert(work).from_select(
            ["kind", "user", "item"],
            select(literal(CONSOLIDATE), turns.c.user, turns.c.session)
            .where(turns.c.searchable)
            .distinct(),
        )
    )


def _third(connection: Connection) -> None:
    """Documents: JSON values under namespaces."""
    metadata.create_all(connection, tables=list(schema_documents.TABLES))


def _fourth(connection: Connection) -> None:
    """Shared knowledge: its tables."""
    metadata.create_all(connection, tables=list(schema_shared.TABLES))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _second, _third, _fourth)
"""Step n brings a ledger from version n to n + 1. Steps are added at the end, never changed."""


def migrate(engine: Engine) -> None:
    """Bring the ledger to this version, each step in its own transaction.

    Raises:
        LedgerError: The ledger was written by a newer version of this library.
    """
    with engine.begin() as connection:
        meta.create(connection, checkfirst=True)
        row = connection.execute(select(meta.c.value).where(meta.c.name == "version")).first()
        version = int(row[0]) if row else 0
        if row is None:
            connection.execute(meta.insert().values(name="version", value="0"))
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"The ledger is of version {version}; this library knows versions up to "
            f"{len(MIGRATIONS)}. Update lightmem-integrations."
        )
    for number in range(version, len(MIGRATIONS)):
        with engine.begin() as connection:
            MIGRATIONS[number](connection)
            connection.execute(
                update(meta).where(meta.c.name == "version").values(value=str(number + 1))
            )
