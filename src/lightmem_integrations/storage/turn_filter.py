"""The turns that a recall may return, as rows of the ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, or_, select

from lightmem_integrations.arrays import Rows
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.expiry import NOTHING, Expired
from lightmem_integrations.storage.schema import turns
from lightmem_integrations.storage.turns import said_within
from lightmem_integrations.storage.users import User


@dataclass(frozen=True, slots=True, eq=False)
class RowFilter:
    """Rows of one user's turns, ascending, and what of the rest is over.

    Attributes:
        allowed: The only ones that may come back; ``None`` for all.
        excluded: Those that must not come back, allowed or not.
        over: What has expired. Its turns are among those excluded.
    """

    allowed: Rows | None = None
    excluded: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    over: Expired = NOTHING

    def without(self, over: Expired) -> RowFilter:
        """The same without what has expired."""
        if over == NOTHING:
            return self
        gone = np.fromiter(over.turns, np.int64, len(over.turns))
        return replace(self, excluded=np.union1d(self.excluded, gone), over=over)

    def remaining(self) -> Rows | None:
        """The allowed rows less the excluded ones; ``None`` where all are allowed."""
        if self.allowed is None:
            return None
        return np.setdiff1d(self.allowed, self.excluded, assume_unique=True)

    def admits(self, rows: Rows) -> NDArray[np.bool_]:
        """Mask of the rows that may come back."""
        admitted = ~np.isin(rows, self.excluded)
        return admitted if self.allowed is None else admitted & np.isin(rows, self.allowed)


def filter_turns(
    connection: Connection,
    user: User,
    *,
    session: int | None = None,
    since: float | None = None,
    until: float | None = None,
    speakers: Collection[str] = (),
    excluded_session: int | None = None,
    excluded_ids: Collection[str] = (),
    met: Rows | None = None,
) -> RowFilter:
    """Look up the turns that meet conditions; ``None`` and empty collections set none.

    Args:
        connection: A read transaction on the ledger.
        user: Whose turns.
        session: Row of the only session to look in.
        since: Earliest time, in seconds since 1970.
        until: First time that is too late, in seconds since 1970.
        speakers: Whose turns may come back.
        excluded_session: Row of a session to leave out.
        excluded_ids: Turn ids to leave out.
        met: The only rows that may come back, of those that met a filter.
    """
    allowed = said_within(session, since, until)
    if speakers:
        allowed.append(turns.c.speaker.in_(list(speakers)))
    excluded: list[ColumnElement[bool]] = []
    if excluded_session is not None:
        excluded.append(turns.c.session == excluded_session)
    if excluded_ids:
        excluded.append(turns.c.key.in_([key_of(turn_id) for turn_id in excluded_ids]))
    only = _rows(connection, user, *allowed) if allowed else None
    if met is not None:
        only = met if only is None else np.intersect1d(only, met, assume_unique=True)
    return RowFilter(only, _rows(connection, user, or_(*excluded))) if excluded else RowFilter(only)


def _rows(connection: Connection, user: User, *conditions: ColumnElement[bool]) -> Rows:
    found = connection.execute(
        select(turns.c.id)
        .where(turns.c.user == user.row, turns.c.searchable, *conditions)
        .order_by(turns.c.id)
    ).scalars()
    return np.fromiter(found, np.int64)
