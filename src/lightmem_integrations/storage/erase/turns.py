"""Erasure: turns leave the ledger with everything that was made of them, in one transaction."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.erase.knowledge import erase_derived, erase_user
from lightmem_integrations.storage.filtered_turns import rows_meeting
from lightmem_integrations.storage.schema import sessions, speakers, turns, users, work
from lightmem_integrations.storage.sql import count_rows, delete_in, insert_rows
from lightmem_integrations.storage.turn_metadata import erase_metadata
from lightmem_integrations.storage.turn_vectors import forget_vectors
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
) -> tuple[Receipt, dict[int, str]]:
    """Erase the turns of a user that meet every condition given; all of them if none is.

    What was made of them goes with them: see ``erase_derived``. ``among`` names rows of turns.
    ``author``: only what this user added to a space.

    Sessions that are empty afterwards are erased too, and so is a user without any session; a
    space stays.

    Returns:
        The counts of what was erased, and the keys of the turns by their rows, which the index
        still holds.
    """
    conditions: list[ColumnElement[bool]] = [turns.c.user == user.row]
    if session_row is not None:
        conditions.append(turns.c.session == session_row)
    if since is not None:
        conditions.append(turns.c.said_at >= since)
    if until is not None:
        conditions.append(turns.c.said_at < until)
    if author is not None:
        conditions.append(turns.c.author == author)
    found = connection.execute(
        select(turns.c.id, turns.c.key, turns.c.terms, turns.c.searchable).where(*conditions)
    ).all()
    if turn_ids is not None:
        keys = {key_of(each) for each in turn_ids}
        found = [row for row in found if row.key in keys]
    if among is not None:
        found = [row for row in found if row.id in among]
    if filter is not None:
        met = set(rows_meeting(connection, user.row, filter).tolist())
        found = [row for row in found if row.id in met]
    rows = [row.id for row in found]
    lexical.remove(connection, user.row, [(row.id, row.terms) for row in found if row.searchable])
    episodes, facts = erase_derived(connection, user.row, rows, now)
    had_vectors = forget_vectors(connection, rows)
    erase_metadata(connection, user.row, rows)
    delete_in(connection, turns, turns.c.id, rows)
    lexical.compact(connection)
    gone = _delete_empty_sessions(connection, user)
    _delete_empty_user(connection, user)
    receipt = Receipt(
        turns=len(rows), sessions=gone, vectors=had_vectors, purged=False, episodes=episodes,
        facts=facts,
    )  # fmt: skip
    return receipt, {row.id: row.key for row in found}


def _delete_empty_sessions(connection: Connection, user: User) -> int:
    filled = select(turns.c.session).where(turns.c.user == user.row)
    connection.execute(
        delete(work).where(
            work.c.kind == CONSOLIDATE, work.c.user == user.row, work.c.item.not_in(filled)
        )
    )
    done = connection.execute(
        delete(sessions).where(sessions.c.user == user.row, sessions.c.id.not_in(filled))
    )
    return done.rowcount


def _delete_empty_user(connection: Connection, user: User) -> None:
    if user.space or count_rows(connection, sessions, user=user.row):
        recount_user(connection, user.row)
        return
    erase_user(connection, user.row)


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
