"""Erasure of a user or a space: every row that any table keeps about them."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from lightmem_integrations.storage.schema import metadata, users


def erase_user(connection: Connection, user_row: int) -> None:
    """Erase a user whose turns are all gone, with what any table still keeps about them."""
    for table in reversed(metadata.sorted_tables):
        for column in table.c:
            if column.references(users.c.id):
                connection.execute(delete(table).where(column == user_row))
    connection.execute(delete(users).where(users.c.id == user_row))
