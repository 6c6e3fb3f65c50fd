"""Conditions on the turns that a recall may return, as rows of the ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Connection, or_, select

from lightmem_integrations.arrays import Rows
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.schema.turns import turns
from lightmem_integrations.storage.users import User


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on the turns of one recall. ``None`` and empty collections set none.

    Attributes:
        session: Row of the only session to look in.
        since: Earliest time, in seconds since 1970.
        until: First time that is too late, in seconds since 1970.
        speakers: Whose turns may come back.
        excluded_session: Row of a session to leave out.
        excluded_ids: Turn ids to leave out.
    """

    session: int | None = None
    since: float | None = None
    until: float | None = None
    speakers: Collection[str] = ()
    excluded_session: int | None = None
    excluded_ids: Collection[str] = ()

    def _allowed(self) -> list[ColumnElement[bool]]:
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

    def _excluded(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.excluded_session is not None:
            found.append(turns.c.session == self.excluded_session)
        if self.excluded_ids:
            found.append(turns.c.key.in_([key_of(each) for each in self.excluded_ids]))
        return found

    def allowed_rows(self, connection: Connection, user: User) -> Rows | None:
        """Rows of the searchable turns that may come back, ascending; ``None`` for all."""
        allowed = self._allowed()
        return _rows(connection, user, *allowed) if allowed else None

    def excluded_rows(self, connection: Connection, user: User) -> Rows:
        """Rows of the turns that must not come back, ascending."""
        excluded = self._excluded()
        return _rows(connection, user, or_(*excluded)) if excluded else np.zeros(0, np.int64)


def _rows(connection: Connection, user: User, *conditions: ColumnElement[bool]) -> Rows:
    found = connection.execute(
        select(turns.c.id)
        .where(turns.c.user == user.row, turns.c.searchable, *conditions)
        .order_by(turns.c.id)
    ).scalars()
    return np.fromiter(found, np.int64)
