"""Tombstones of an open store: those in its ledger, and the filters by which it erased lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sqlalchemy import Connection

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.filters import Filter, values_of
from lightmem_integrations.storage.tombstones import Tombstone, keep_tombstone, read_tombstones
from lightmem_integrations.storage.turns import NewTurn

_KEPT = 1_000
"""Filters kept, the last ones: a guess, far above the erasures during one run."""


class Tombstones:
    """The tombstones of a store; added and asked about within write transactions.

    A filter tells what its values were, so it is kept in this process alone: what other processes
    hold of what it erased, they leave out where it was stored.
    """

    def __init__(self) -> None:
        self._filters: deque[tuple[str, Tombstone, Filter]] = deque(maxlen=_KEPT)

    def add(self, connection: Connection, user_id: str, tombstone: Tombstone) -> None:
        """Keep a tombstone of a user's memory, within the write transaction that erases."""
        keep_tombstone(connection, user_id, tombstone)

    def add_filter(self, user_id: str, tombstone: Tombstone, given: Filter) -> None:
        """Keep in this process what an erasure by a filter covers beyond what was stored."""
        self._filters.append((user_id, tombstone, given))

    def spared(
        self,
        connection: Connection,
        turns: Sequence[NewTurn],
        *,
        user_id: str,
        session_id: str,
        agent_id: str | None,
    ) -> list[NewTurn]:
        """The turns that no tombstone covers, of an erasure after they were said."""
        kept = read_tombstones(connection, user_id)
        filters = [(each, given) for owner, each, given in self._filters if owner == user_id]

        def covered(turn: Turn) -> bool:
            return any(each.covers(turn, session_id) for each in kept) or any(
                each.covers(turn, session_id)
                and given.matches(values_of(turn, session_id, agent_id))
                for each, given in filters
            )

        return [new for new in turns if not covered(new.turn)]
