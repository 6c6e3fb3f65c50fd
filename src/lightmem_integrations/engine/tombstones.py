"""Tombstones of an open store: what was said before an erasure is not written down after it.

An agent's run, a chain and a queue of messages that the store could not take yet may all hold what
is forgotten meanwhile, and record it at their end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.turns import NewTurn

_KEPT = 1_000
"""Tombstones kept, the last ones: a guess, far above the erasures during one run."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Tombstone of one call of ``forget``: it covers also what is not stored yet.

    Attributes:
        at: When, in seconds since 1970.
        user_id: Whose memory.
        session_id: Only this session.
        keys: Only turns with these keys: what was erased, where single turns were named.
        since: Only what was said at this time or later.
        until: Only what was said before this time.
    """

    at: float
    user_id: str
    session_id: str | None
    keys: Collection[str] | None
    since: float | None
    until: float | None

    def covers(self, turn: Turn) -> bool:
        """True if it would have erased a turn of its user and session."""
        said = turn.time.timestamp() if turn.time else self.at
        return (
            said < self.at
            and (self.until is None or said < self.until)
            and (self.since is None or said >= self.since)
            and (self.keys is None or key_of(turn.id or "") in self.keys)
        )


class Tombstones:
    """The last tombstones of a store; added and asked about within write transactions."""

    def __init__(self) -> None:
        self._known: deque[Tombstone] = deque(maxlen=_KEPT)

    def add(self, tombstone: Tombstone) -> None:
        """Keep a tombstone; the oldest goes where there are too many."""
        self._known.append(tombstone)

    def spared(self, turns: Sequence[NewTurn], *, user_id: str, session_id: str) -> list[NewTurn]:
        """The turns that no tombstone covers, of an erasure after they were said."""
        here = [
            each
            for each in self._known
            if each.user_id == user_id and each.session_id in (None, session_id)
        ]
        return [new for new in turns if not any(each.covers(new.turn) for each in here)]
