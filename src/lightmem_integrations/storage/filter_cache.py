"""Cache of filters: the rows that met those asked for last, held for the next question.

They hold for one revision of a user's turns, as columns do: what was only added since is looked
up alone, and after any other change all is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows
from lightmem_integrations.records.filters import Compare, Filter
from lightmem_integrations.storage.column_cache import make_room, revisions_of_turns
from lightmem_integrations.storage.filtered_turns import combined, last_row, rows_compared
from lightmem_integrations.storage.users import User

_MOST_ROWS = 1_000_000
"""Rows held, 8 MB: a guess; those that met 200 filters of a user with 10,000 turns, by half."""


@dataclass(frozen=True, slots=True)
class _Met:
    """The rows that met a filter at a revision, of those up to ``last``."""

    revision: int
    last: int
    rows: Rows


class FilterCache:
    """The rows that met the filters asked for last; the least recently asked for go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str], _Met] = OrderedDict()
        self._lock = threading.Lock()

    def rows_meeting(self, connection: Connection, user: User, condition: Filter) -> Rows:
        """Rows of all turns of a user that meet a filter, as this read transaction sees them.

        Args:
            connection: A read transaction on the ledger.
            user: Whose turns.
            condition: From ``filter_of``.
        """
        revisions = revisions_of_turns(connection, user.row) or (0, 0)
        return combined(
            condition, lambda each: self._compared(connection, user.row, each, *revisions)
        )

    def _compared(
        self,
        connection: Connection,
        user_row: int,
        comparison: Compare | None,
        revision: int,
        rewritten: int,
    ) -> Rows:
        key = user_row, repr(comparison)  # not by itself: 1 == True
        with self._lock:
            known = self._known.get(key)
            if known is not None and known.revision == revision:
                self._known.move_to_end(key)
                return known.rows
        last = last_row(connection, user_row)
        if known is None or known.revision < rewritten or known.revision > revision:
            rows = rows_compared(connection, user_row, comparison)
        else:
            added = rows_compared(connection, user_row, comparison, after=known.last)
            rows = np.concatenate([known.rows, added])
        with self._lock:
            self._known[key] = _Met(revision, last, rows)
            self._known.move_to_end(key)
            make_room(self._known, _MOST_ROWS, lambda met: len(met.rows))
        return rows
