"""The limits of a request as rows of the ledger: turns that may come back, and that must not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows
from lightmem_integrations.storage.turn_filter import Filter
from lightmem_integrations.storage.users import User, find_session
from lightmem_integrations.validation import Request


@dataclass(frozen=True, slots=True, eq=False)
class RowFilter:
    """Rows of one user's turns, ascending.

    Attributes:
        allowed: The only ones within the request's limits; ``None`` for all.
        excluded: Those that must not come back, whatever the limits.
    """

    allowed: Rows | None = None
    excluded: Rows = field(default_factory=lambda: np.zeros(0, np.int64))

    def remaining(self) -> Rows | None:
        """The allowed rows less the excluded ones; ``None`` where all are allowed."""
        if self.allowed is None:
            return None
        return np.setdiff1d(self.allowed, self.excluded, assume_unique=True)

    def admits(self, rows: Rows) -> NDArray[np.bool_]:
        """Mask of the rows that may come back."""
        admitted = ~np.isin(rows, self.excluded)
        return admitted if self.allowed is None else admitted & np.isin(rows, self.allowed)


def row_filter(connection: Connection, user: User, request: Request) -> RowFilter | None:
    """Look a request's limits up; ``None`` if its session does not exist, so nothing is within."""
    session = without = None
    if request.session_id is not None:
        session = find_session(connection, user, request.session_id)
        if session is None:
            return None
    if request.exclude_session is not None:
        without = find_session(connection, user, request.exclude_session)
    limits = Filter(
        session=session,
        since=request.since,
        until=request.until,
        speakers=request.speakers,
        excluded_session=without,
        excluded_ids=request.exclude,
    )
    return RowFilter(limits.allowed_rows(connection, user), limits.excluded_rows(connection, user))
