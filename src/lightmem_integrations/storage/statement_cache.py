"""Cache of statements: what recall compares of the facts of the users asked about last.

It holds for one state of a user's facts: their revision, which whoever changes one raises in the
same transaction, whichever process it is, and the number of their vectors, which may be made later.
Each recall reads that state in its own transaction.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from sqlalchemy import Connection, bindparam, func, select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.records.conversation import Tier
from lightmem_integrations.storage.column_cache import make_room
from lightmem_integrations.storage.expiry import NOTHING, Expired
from lightmem_integrations.storage.facts import revision_of
from lightmem_integrations.storage.knowledge_reads import entries
from lightmem_integrations.storage.schema import fact_vectors
from lightmem_integrations.storage.statements import Entry
from lightmem_integrations.storage.users import User

SHARE = 4
"""Of the memory for turns, a fourth for facts: room for the 5,000 that are compared of one user
(10 MiB with 384 numbers), and half as many."""

_ENTRY_BYTES = 500
"""Of a fact beside its vector: its words and the objects that hold them. `tracemalloc` counted 451
of facts whose words take 36 characters."""

_VECTORS = (
    select(func.count()).select_from(fact_vectors).where(fact_vectors.c.user == bindparam("user"))
)


@dataclass(frozen=True, slots=True)
class _Held:
    """Facts of one user as they were at a state; nothing is held below the revision ``least``."""

    state: tuple[int, int] | None = None
    known: tuple[list[Entry], Vectors] = ([], np.zeros((0, 0), np.float32))
    bytes: int = _ENTRY_BYTES
    least: float = 0


class StatementCache:
    """Facts of the users asked about last; the least recently asked about go first.

    Args:
        most_bytes: What all of them may take together, about.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._lock = threading.Lock()

    def entries(
        self, connection: Connection, user: User, tiers: Collection[Tier], as_of: float | None,
        over: Expired = NOTHING,
    ) -> tuple[list[Entry], Vectors]:  # fmt: skip
        """A user's statements with their vectors, as ``knowledge_reads.entries`` reads them.

        What is known today is held, an earlier time is read from the ledger.

        Args:
            connection: A read transaction on the ledger.
            user: Whose.
            tiers: ``ltm`` for facts, ``mtm`` for summaries of compressed episodes.
            as_of: Only what was true or said by then, in seconds since 1970.
            over: What has expired, and is left out.
        """
        parts = [
            self._facts(connection, user)
            if tier == "ltm" and as_of is None
            else entries(connection, user, tier, as_of)
            for tier in tiers
        ]
        known, vectors = parts[0] if len(parts) == 1 else _together(parts)
        if over == NOTHING:
            return known, vectors
        left = [i for i, each in enumerate(known) if not over.hides_statement(each.tier, each.row)]
        return [known[i] for i in left], vectors[left]

    def forget(self, user_row: int, revision: int | None) -> None:
        """Let go of a user's facts of before this revision, also of those being read just now.

        Args:
            user_row: Whose facts were erased.
            revision: Of the facts that are left; ``None`` if nothing is left of the user.
        """
        with self._lock:
            least = math.inf if revision is None else revision
            self._held[user_row] = _Held(least=least)
            make_room(self._held, self._most, attrgetter("bytes"))

    def clear(self) -> None:
        """Let go of all facts."""
        with self._lock:
            self._held.clear()

    def _facts(self, connection: Connection, user: User) -> tuple[list[Entry], Vectors]:
        revision, _ = revision_of(connection, user.row)
        if not revision:
            return _Held().known  # no fact was ever written
        state = revision, connection.execute(_VECTORS, {"user": user.row}).scalar_one()
        with self._lock:
            held = self._held.get(user.row, _Held())
            if held.state == state:
                self._held.move_to_end(user.row)
                return held.known
        known = entries(connection, user, "ltm", None)
        size = _ENTRY_BYTES * (1 + len(known[0])) + known[1].nbytes
        with self._lock:
            held = self._held.get(user.row, held)
            # Whose transaction began before the last change gives nothing to hold.
            newest = held.state is None or held.state <= state
            if size <= self._most and newest and held.least <= revision:
                self._held[user.row] = _Held(state, known, size, held.least)
                self._held.move_to_end(user.row)
                make_room(self._held, self._most, attrgetter("bytes"))
        return known


def _together(parts: Sequence[tuple[list[Entry], Vectors]]) -> tuple[list[Entry], Vectors]:
    known = [entry for entries_of, _ in parts for entry in entries_of]
    # Of a part that waits for all its vectors not even their length is known.
    vectors = np.zeros((len(known), max((v.shape[1] for _, v in parts), default=0)), np.float32)
    at = 0
    for _, some in parts:
        vectors[at : at + len(some), : some.shape[1]] = some
        at += len(some)
    return known, vectors
