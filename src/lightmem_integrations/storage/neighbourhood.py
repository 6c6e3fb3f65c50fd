"""Turns as recall needs them: joined back to their user, with the turns said around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from lightmem_integrations.records import Turn
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.index import Vectors
from lightmem_integrations.storage.lexical import Rows
from lightmem_integrations.storage.schema import sessions, speakers, turns, vectors
from lightmem_integrations.storage.turns import User, moment, to_turn
from lightmem_integrations.storage.vectors import unpack_all

_AT_ONCE = 800  # bound parameters of one statement; SQLite allows no more than some 32,000


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn of one user as it stands in the ledger.

    Attributes:
        row: Its row id, which is also its id in the vector index.
        session: Row of its session.
        position: Its place in the session, from 1.
        searchable: Whether recall may return it; its neighbours may be unsearchable.
        terms: Its index terms, separated by blanks.
        said_at: When it was said, in seconds since 1970, UTC.
        vector: Its sentence vector, once it has one.
        tokens: Its compacted token vectors as bytes, where the embedder gives them.
    """

    row: int
    session: int
    position: int
    searchable: bool
    role: str
    speaker: str | None
    text: str
    terms: str
    said_at: float
    offset: int
    vector: Vectors | None
    tokens: bytes | None

    @property
    def when(self) -> dt.datetime:
        """When it was said, in the zone in which it was given."""
        return moment(self.said_at, self.offset)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recall may return at most. ``None`` and empty collections mean no limit.

    Attributes:
        session: Row of the only session to look in.
        since: Earliest time, in seconds since 1970.
        until: First time that is too late, in seconds since 1970.
        speakers: Whose turns may come back.
        without_session: Row of a session to leave out.
        without_ids: Turn ids to leave out.
    """

    session: int | None = None
    since: float | None = None
    until: float | None = None
    speakers: Collection[str] = ()
    without_session: int | None = None
    without_ids: Collection[str] = ()

    @property
    def narrow(self) -> bool:
        """Whether only some of a user's turns may come back."""
        return bool(self._within())

    def _within(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.session is not None:
            found.append(turns.c.session == self.session)
        if self.since is not None:
            found.append(turns.c.said_at >= self.since)
        if self.until is not None:
            found.append(turns.c.said_at < self.until)
        if self.speakers:
            found.append(turns.c.speaker.in_(list(self.speakers)))
        return found

    def _without(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.without_session is not None:
            found.append(turns.c.session == self.without_session)
        if self.without_ids:
            found.append(turns.c.key.in_([key_of(each) for each in self.without_ids]))
        return found

    def rows_within(self, connection: Connection, user: User) -> Rows | None:
        """Rows of the searchable turns that may come back, ascending; ``None`` for all."""
        within = self._within()
        return _rows(connection, user, *within) if within else None

    def rows_without(self, connection: Connection, user: User) -> Rows:
        """Rows of the turns that must not come back, ascending."""
        without = self._without()
        return _rows(connection, user, or_(*without)) if without else np.zeros(0, np.int64)


def _rows(connection: Connection, user: User, *conditions: ColumnElement[bool]) -> Rows:
    found = connection.execute(
        select(turns.c.id)
        .where(turns.c.user == user.row, turns.c.searchable, *conditions)
        .order_by(turns.c.id)
    ).scalars()
    return np.fromiter(found, np.int64)


def neighbourhood(
    connection: Connection, user: User, rows: Collection[int], around: int
) -> list[StoredTurn]:
    """Turns of this user among ``rows`` and those said up to ``around`` places before and after.

    The join with the user is what keeps users apart: a row that the index names by mistake, or
    that is somebody else's, does not come back.

    Returns:
        Each turn once, by session and position.
    """
    found: list[tuple[Any, ...]] = []
    wanted = list(rows)
    for start in range(0, len(wanted), _AT_ONCE):
        found += _read_around(connection, user, wanted[start : start + _AT_ONCE], around)
    matrix = iter(unpack_all([row[10] for row in found if row[10] is not None]))
    stored = {
        row[0]: StoredTurn(*(*row[:10], None if row[10] is None else next(matrix), row[11]))
        for row in found
    }
    return sorted(stored.values(), key=lambda each: (each.session, each.position))


def _read_around(
    connection: Connection, user: User, rows: list[int], around: int
) -> Sequence[tuple[Any, ...]]:
    hit = turns.alias("hit")
    # Row ids first: each turn is then read once, though several hits may lie around it.
    near = (
        select(turns.c.id)
        .select_from(hit)
        .join(
            turns,
            and_(
                turns.c.session == hit.c.session,
                turns.c.position.between(hit.c.position - around, hit.c.position + around),
            ),
        )
        .where(hit.c.id.in_(rows), hit.c.user == user.row)
    )
    query = (
        select(
            turns.c.id,
            turns.c.session,
            turns.c.position,
            turns.c.searchable,
            turns.c.role,
            turns.c.speaker,
            turns.c.text,
            turns.c.terms,
            turns.c.said_at,
            turns.c.offset,
            vectors.c.vector,
            vectors.c.tokens,
        )
        .select_from(turns)
        .outerjoin(vectors, vectors.c.turn == turns.c.id)
        .where(turns.c.id.in_(near))
    )
    return connection.execute(query).tuples().all()


@dataclass(frozen=True, slots=True)
class Provenance:
    """A turn as it was given, and where it was said."""

    turn: Turn
    session_id: str
    agent_id: str | None


def provenance(connection: Connection, user: User, rows: Collection[int]) -> dict[int, Provenance]:
    """The verbatim turns behind rows, by row; again only those of this user."""
    found = connection.execute(
        select(turns, sessions.c.name.label("session_name"))
        .join(sessions, sessions.c.id == turns.c.session)
        .where(turns.c.id.in_(list(rows)), turns.c.user == user.row)
    )
    return {row.id: Provenance(to_turn(row), row.session_name, row.agent) for row in found}


def last_said(connection: Connection, user: User) -> dt.datetime:
    """When the user's latest searchable turn was said."""
    query = select(func.max(turns.c.said_at)).where(turns.c.user == user.row, turns.c.searchable)
    return moment(connection.execute(query).scalar() or 0.0, 0)


def known_speakers(connection: Connection, user: User, limit: int = 200) -> list[str]:
    """Who speaks in a user's memory, the most frequent first."""
    query = (
        select(speakers.c.name)
        .where(speakers.c.user == user.row)
        .order_by(speakers.c.turns.desc())
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
