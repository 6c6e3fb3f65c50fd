"""Archived turns: compression leaves them where they are, out of every search."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.new_turns import count_searchable, queue_embedding
from lightmem_integrations.storage.schema import turns
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.turn_vectors import forget_vectors


def archive_turns(connection: Connection, user_row: int, rows: Collection[int]) -> list[int]:
    """Take turns out of every search; returns those that were in it.

    The vector index has to be told as well, once this is committed.
    """
    found: list[int] = []
    for batch in in_batches(rows):
        part = _switch(connection, user_row, batch, searchable=False)
        lexical.remove(connection, user_row, part)
        found += [row for row, _ in part]
    forget_vectors(connection, found)
    return found


def restore_turns(connection: Connection, user_row: int, rows: Collection[int]) -> None:
    """Make archived turns searchable again; they wait for their vectors like new ones."""
    for batch in in_batches(rows):
        part = _switch(connection, user_row, batch, searchable=True)
        lexical.add(connection, user_row, part)
        queue_embedding(connection, user_row, [row for row, _ in part])


def _switch(
    connection: Connection, user_row: int, rows: list[int], *, searchable: bool
) -> list[tuple[int, str]]:
    found = connection.execute(
        select(turns.c.id, turns.c.terms).where(
            turns.c.user == user_row, turns.c.id.in_(rows), turns.c.searchable.is_(not searchable)
        )
    ).all()
    changed = [row for row, _ in found]
    connection.execute(
        update(turns)
        .where(turns.c.id.in_(changed))
        .values(searchable=searchable, version=turns.c.version + 1)
    )
    terms_of = [terms for _, terms in found]
    count_searchable(connection, user_row, terms_of, 1 if searchable else -1)
    return [(row, terms) for row, terms in found]
