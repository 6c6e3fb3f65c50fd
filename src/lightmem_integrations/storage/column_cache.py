"""Cache of columns: the turns of the users asked about last, held for their next question.

They hold for one revision of a user's turns, a number that triggers in the ledger raise at every
write, whichever process writes: each recall reads it in its own transaction. What was only added
since is added to the columns; after any other change they are read anew.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, select

from lightmem_integrations.storage.schema import users
from lightmem_integrations.storage.turn_columns import (
    BYTES_A_TURN,
    TurnColumns,
    extended_columns,
    read_columns,
)
from lightmem_integrations.storage.users import User

T = TypeVar("T")

_ENTRY_BYTES = 1_000
"""Of a user of whom nothing is held; a guess."""

_REVISION = select(users.c.revision, users.c.rewritten).where(users.c.id == bindparam("user"))


def turns_revision(connection: Connection, user_row: int) -> int | None:
    """Revision of a user's turns; ``None`` if there is no such user."""
    found = revisions_of_turns(connection, user_row)
    return None if found is None else found[0]


def revisions_of_turns(connection: Connection, user_row: int) -> tuple[int, int] | None:
    """Revision of a user's turns, and that at which more than adding was done to them."""
    found = connection.execute(_REVISION, {"user": user_row}).first()
    return None if found is None else (found.revision, found.rewritten)


@dataclass(eq=False, slots=True)
class _Entry:
    """What is held of a user: for revisions from ``least`` on, up to so many turns."""

    least: float = 0
    most_turns: float = math.inf
    columns: TurnColumns | None = None
    bytes: int = _ENTRY_BYTES
    lock: threading.Lock = field(default_factory=threading.Lock)


class ColumnCache:
    """Columns of the users asked about last; the least recently asked about go first.

    Args:
        most_bytes: What all of them may take together, about.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, connection: Connection, user: User) -> TurnColumns | None:
        """The columns as this read transaction sees them; ``None`` where they would not fit.

        Args:
            connection: A read transaction on the ledger.
            user: Whose turns.
        """
        if user.searchable * BYTES_A_TURN > self._most:
            return None
        found = revisions_of_turns(connection, user.row)
        if found is None:
            return None
        revision, rewritten = found
        with self._lock:
            entry = self._entries.setdefault(user.row, _Entry())
            self._entries.move_to_end(user.row)
        with entry.lock:
            known = entry.columns
            if revision < entry.least or (known is not None and revision < known.revision):
                return None  # this transaction began before the last change
            if known is not None and known.revision == revision:
                return known
            if known is None or known.revision < rewritten:
                if user.searchable >= entry.most_turns:
                    return None
                entry.columns = None  # before the new ones are read: they take as much room
                known = read_columns(connection, user.row, revision, self._most)
            else:
                known = extended_columns(connection, user.row, known, revision)
            if known.bytes > self._most:
                entry.columns, entry.bytes = None, _ENTRY_BYTES
                entry.most_turns = math.inf if known.tokens_held else user.searchable
            else:
                entry.columns, entry.bytes = known, _ENTRY_BYTES + known.bytes
                with self._lock:
                    make_room(self._entries, self._most, attrgetter("bytes"))
        return known

    def forget(self, user_row: int, revision: int | None) -> None:
        """Let go of a user's columns of before this revision, also of those being read just now.

        Args:
            user_row: Whose turns were erased.
            revision: Of the turns that are left; ``None`` if nothing is left of the user.
        """
        with self._lock:
            self._entries[user_row] = _Entry(least=math.inf if revision is None else revision)

    def clear(self) -> None:
        """Let go of all columns."""
        with self._lock:
            self._entries.clear()


def make_room(held: OrderedDict[Any, T], most: int, size: Callable[[T], int]) -> None:
    """Let the least recently used go until what is held has no more than a size in all."""
    taken = sum(map(size, held.values()))
    while taken > most and held:
        taken -= size(held.popitem(last=False)[1])
