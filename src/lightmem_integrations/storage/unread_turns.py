"""Turns in no episode yet, as a Writer reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.records.conversation import Role
from lightmem_integrations.storage.schema import turns, vectors
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.storage.vector_bytes import unpack_vector
from lightmem_integrations.storage.work_queue import Due, select_unread


@dataclass(frozen=True, slots=True)
class WriterTurn:
    """One turn as the Writer reads it. Its pointer is its place in the sequence, from 0.

    Attributes:
        row: Its row in the ledger.
        role: Who speaks, as the framework says it.
        speaker: Who speaks, by name; the role where none was given.
        text: Its text.
        time: When it was said, in the zone in which it was given.
        session: Row of its session.
        position: Its place in the session.
        agent: Who wrote it down, where one was named.
        vector: Its vector, where it has one already.
        version: Tells whether the turn changed since it was read.
    """

    row: int
    role: Role
    speaker: str
    text: str
    time: dt.datetime
    session: int
    position: int
    agent: str | None = None
    vector: Vectors | None = None
    version: int = 1


_READ = (
    turns.c.id, turns.c.role, turns.c.speaker, turns.c.text, turns.c.said_at, turns.c.offset,
    turns.c.session, turns.c.position, turns.c.agent, turns.c.version, vectors.c.vector,
)  # fmt: skip


def unread(connection: Connection, due: Due, limit: int) -> list[WriterTurn]:
    """The session's first turns in no episode yet, in the order in which they were said."""
    query = (
        select_unread(due, *_READ)
        .outerjoin(vectors, vectors.c.turn == turns.c.id)
        .order_by(turns.c.position)
        .limit(limit)
    )
    return [_writer_turn(row) for row in connection.execute(query)]


def turns_before(connection: Connection, first: WriterTurn, count: int) -> list[WriterTurn]:
    """The last turns that were said in a session before a turn, oldest first."""
    query = (
        select(*_READ)
        .outerjoin(vectors, vectors.c.turn == turns.c.id)
        .where(turns.c.session == first.session, turns.c.position < first.position)
        .where(turns.c.searchable)
        .order_by(turns.c.position.desc())
        .limit(count)
    )
    return [_writer_turn(row) for row in connection.execute(query)][::-1]


def unchanged(connection: Connection, due: Due, read: Sequence[WriterTurn]) -> bool:
    """True if turns are as they were read: all still there, and in no episode."""
    rows = [turn.row for turn in read]
    query = select_unread(due, turns.c.id, turns.c.version).where(turns.c.id.in_(rows))
    versions: dict[int, int] = dict(connection.execute(query).all())
    return versions == {turn.row: turn.version for turn in read}


def is_over(connection: Connection, due: Due, now: float, gap_seconds: float) -> bool:
    """True if nothing more is expected in a session: a pause, or another session after it.

    A last turn that lies as far ahead was written with a wrong clock, and is no sign of life.
    """
    last = func.max(turns.c.said_at)
    mine = connection.execute(select(last).where(turns.c.session == due.session)).scalar()
    others = connection.execute(
        select(last).where(turns.c.user == due.user, turns.c.session != due.session)
    ).scalar()
    return mine is None or abs(now - mine) > gap_seconds or (others is not None and others > mine)


def _writer_turn(row: Any) -> WriterTurn:
    return WriterTurn(
        row=row.id,
        role=row.role,
        speaker=row.speaker or row.role,
        text=row.text,
        time=moment(row.said_at, row.offset),
        session=row.session,
        position=row.position,
        agent=row.agent,
        vector=None if row.vector is None else unpack_vector(row.vector),
        version=row.version,
    )
