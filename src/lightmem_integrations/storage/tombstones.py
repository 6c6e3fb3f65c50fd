"""Tombstones: what was said before an erasure is not written down after it.

An agent's run, a chain and a queue of messages that the store could not take yet may all hold what
is forgotten meanwhile, here or in another process, and record it at their end. A tombstone holds no
word of what was forgotten, and digests of whose it was.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.schema import tombstones

_KEPT_SECONDS = 86_400.0
"""A day: a guess, far above the time that a run, or a server that is down, takes."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Tombstone of one call of ``forget``: it covers also what is not stored yet.

    Attributes:
        at: When, in seconds since 1970.
        session: Only the session with this key.
        author: Only what the user with this key added to a space.
        since: Only what was said at this time or later.
        until: Only what was said before this time.
        keys: Only turns with these keys: what was erased, where single turns were named.
    """

    at: float
    session: str | None = None
    author: str | None = None
    since: float | None = None
    until: float | None = None
    keys: Collection[str] | None = None

    def covers(self, turn: Turn, session_id: str) -> bool:
        """True if it would have erased a turn of its user."""
        said = turn.time.timestamp() if turn.time else self.at
        return (
            said < self.at
            and (self.session is None or self.session == key_of(session_id))
            and (self.until is None or said < self.until)
            and (self.since is None or said >= self.since)
            and (self.author is None or self.author == key_of(turn.author or ""))
            and (self.keys is None or key_of(turn.id or "") in self.keys)
        )


def keep_tombstone(connection: Connection, user_id: str, tombstone: Tombstone) -> None:
    """Write a tombstone of a user's memory, in the transaction that erases; old ones go."""
    old = tombstones.c.erased_at < tombstone.at - _KEPT_SECONDS
    connection.execute(delete(tombstones).where(old))
    keys = tombstone.keys
    connection.execute(
        insert(tombstones).values(
            memory=key_of(user_id), erased_at=tombstone.at, session=tombstone.session,
            author=tombstone.author, since=tombstone.since, until=tombstone.until,
            turns=None if keys is None else json.dumps(sorted(keys)),
        )
    )  # fmt: skip


def read_tombstones(connection: Connection, user_id: str) -> list[Tombstone]:
    """The tombstones of a user's memory."""
    query = select(tombstones).where(tombstones.c.memory == key_of(user_id))
    return [
        Tombstone(
            row.erased_at, row.session, row.author, row.since, row.until,
            None if row.turns is None else frozenset(json.loads(row.turns)),
        )
        for row in connection.execute(query)
    ]  # fmt: skip
