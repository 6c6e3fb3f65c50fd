"""Erasure: turns leave the ledger with everything that was made of them, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.erase.knowledge import erase_derived
from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.filtered_turns import rows_meeting
from lightmem_integrations.storage.schema import metadata, sessions, speakers, turns, users, work
from lightmem_integrations.storage.sql import count_rows, delete_in, insert_rows, select_in
from lightmem_integrations.storage.turn_metadata import erase_metadata
from lightmem_integrations.storage.turn_vectors import forget_vectors
from lightmem_integrations.storage.turns import said_within
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.work_queue import CONSOLIDATE


def erase_turns(
    connection: Connection,
    user: User,
    now: float,
    *,
    session_row: int | None = None,
    turn_ids: Collection[str] | None = None,
    among: Collection[int] | None = None,
    since: float | None = None,
    until: float | None = None,
    author: str | None = None,
    filter: Filter | None = None,  # noqa: A002
    undone: bool = False,
) -> tuple[Receipt, dict[int, str]]:
    """Erase the turns of a user that meet every condition given; all of them if none is.

    What was made of them goes with them: see ``erase_derived``. ``among`` names rows of turns.
    ``author``: only what this user added to a space. ``undone``: the caller undoes it at once, so
    what changes no count is left out.

    Sessions that are empty afterwards are erased too, and so is a user without any session; a
    space stays.

    Returns:
        The counts of what was erased, and the keys of the turns by their rows, which the index
        still holds.
    """
    conditions = said_within(session_row, since, until)
    if author is not None:
        conditions.append(turns.c.author == author)
    found = _chosen(connection, user, conditions, turn_ids, among)
    if filter is not None:
        met = set(rows_meeting(connection, user.row, filter).tolist())
        found = [row for row in found if row.id in met]
    rows = [row.id for row in found]
    lexical.remove(connection, user.row, [(row.id, row.terms) for row in found if row.searchable])
    episodes, facts = erase_derived(connection, user.row, rows, now)
    had_vectors = forget_vectors(connection, rows)
    erase_metadata(connection, user.row, rows)
    delete_in(connection, turns, turns.c.id, rows)
    gone = _delete_empty_sessions(connection, user)
    if not undone:
        lexical.compact(connection)
        _delete_empty_user(connection, user)
    receipt = Receipt(
        turns=len(rows), sessions=gone, vectors=had_vectors, purged=False, episodes=episodes,
        facts=facts,
    )  # fmt: skip
    return receipt, {row.id: row.key for row in found}


def _chosen(
    connection: Connection,
    user: User,
    conditions: Sequence[ColumnElement[bool]],
    turn_ids: Collection[str] | None,
    among: Collection[int] | None,
) -> list[Row[Any]]:
    """Turns of a user that meet conditions, have one of these ids, and are among these rows."""
    query = select(turns.c.id, turns.c.key, turns.c.terms, turns.c.searchable).where(*conditions)
    if turn_ids is None and among is None:
        return list(connection.execute(query.where(turns.c.user == user.row)))
    # Looked up by what names them: SQLite is kept from walking all turns of the user.
    keys = None if turn_ids is None else {key_of(each) for each in turn_ids}
    if among is None:
        return list(
            select_in(connection, query.where(turns.c.user == user.row), turns.c.key, keys or ())
        )
    query = query.where(unindexed(turns.c.user) == user.row)
    found = select_in(connection, query, turns.c.id, among)
    return [row for row in found if keys is None or row.key in keys]


def _delete_empty_sessions(connection: Connection, user: User) -> int:
    connection.execute(
        delete(work).where(
            work.c.kind == CONSOLIDATE, work.c.user == user.row, ~_filled(work.c.item, user)
        )
    )
    done = connection.execute(
        delete(sessions).where(sessions.c.user == user.row, ~_filled(sessions.c.id, user))
    )
    return done.rowcount


def _filled(session: ColumnElement[int], user: User) -> ColumnElement[bool]:
    """Whether a session has a turn: looked up session by session."""
    held = select(turns.c.id).where(turns.c.session == session)
    return held.where(unindexed(turns.c.user) == user.row).exists()


def _delete_empty_user(connection: Connection, user: User) -> None:
    if user.space or count_rows(connection, sessions, user=user.row):
        recount_user(connection, user.row)
        return
    erase_user(connection, user.row)


def erase_user(connection: Connection, user_row: int) -> None:
    """Erase a user whose turns are all gone, with what any table still keeps about them."""
    for table in reversed(metadata.sorted_tables):
        for column in table.c:
            if column.references(users.c.id):
                connection.execute(delete(table).where(column == user_row))
    connection.execute(delete(users).where(users.c.id == user_row))


def recount_user(connection: Connection, user_row: int) -> None:
    """Count a user's turns, words and speakers anew, after some were erased."""
    rows = connection.execute(
        select(turns.c.terms).where(turns.c.user == user_row, turns.c.searchable)
    ).scalars()
    lengths = [len(terms.split()) for terms in rows]
    connection.execute(
        update(users)
        .where(users.c.id == user_row)
        .values(searchable=len(lengths), terms=sum(lengths))
    )
    connection.execute(delete(speakers).where(speakers.c.user == user_row))
    said = connection.execute(
        select(turns.c.speaker, func.count())
        .where(turns.c.user == user_row, turns.c.speaker.is_not(None))
        .group_by(turns.c.speaker)
    )
    counted = [{"user": user_row, "name": name, "turns": count} for name, count in said]
    insert_rows(connection, speakers, counted)
