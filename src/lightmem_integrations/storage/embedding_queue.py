"""The queue of turns that wait for their vector: whose turns come next, and which process has them.

Where several processes work on one ledger, each claims what it is about to embed, for a short while
by the database's clock. No claim is needed for what is right: who embeds a turn that another one
claimed does the same work again. The claims of a process that died run out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, bindparam, func, or_, select, update

from lightmem_integrations.storage.new_turns import EMBED
from lightmem_integrations.storage.schema import work
from lightmem_integrations.storage.sql import database_clock
from lightmem_integrations.storage.turn_vectors import (
    UnindexedTurn,
    select_pending,
    turns_on_list,
    waits,
)

# Users on the list in the order of their rows, each found by one step in its index: a plain
# DISTINCT would read all that waits.
_EMBED = work.c.kind == EMBED
_AFTER = bindparam("after", type_=BigInteger)
_FIRST = select(func.min(work.c.user).label("user")).where(_EMBED, work.c.user > _AFTER)
_CHAIN = _FIRST.cte("listed", recursive=True)
_FOLLOWING = select(func.min(work.c.user)).where(_EMBED, work.c.user > _CHAIN.c.user)
_LISTED = _CHAIN.union_all(
    select(_FOLLOWING.scalar_subquery()).where(_CHAIN.c.user.is_not(None))
)  # fmt: skip
_USERS = select(_LISTED.c.user).where(_LISTED.c.user.is_not(None)).limit(bindparam("most"))


def turns_of_user(
    connection: Connection, user_row: int, limit: int, without: Collection[int] = ()
) -> list[UnindexedTurn]:
    """A user's turns without a vector, the newest first, claimed or not."""
    return turns_on_list(connection, _of_user(connection, user_row, limit, without))


def turns_of_all(
    connection: Connection, limit: int, without: Collection[int] = (), *, after: int = 0,
    worker: str | None = None, seconds: float = 0.0,
) -> list[UnindexedTurn]:  # fmt: skip
    """Turns without a vector, of as many users as wait, the newest of each; users take turns.

    Args:
        connection: Of a write transaction, where they are claimed.
        limit: How many at most.
        without: Rows of turns that are left out.
        after: The user's row after which to begin: of the last turn of the call before.
        worker: Who claims them, where anybody does; what another one holds is left out.
        seconds: How long the claims hold.
    """
    rows = _of_users(connection, limit, without, after, worker)
    if worker is not None and rows:
        until = database_clock(connection) + seconds
        claimed = update(work).where(_EMBED, work.c.item.in_(rows))
        connection.execute(claimed.values(claimed_by=worker, claimed_until=until))
    return turns_on_list(connection, rows)


def _of_users(
    connection: Connection, limit: int, without: Collection[int], after: int, worker: str | None
) -> list[int]:
    for begin in {after: None, 0: None}:  # to the last user, and then from the first one on
        last = begin
        while users := connection.scalars(_USERS, {"after": last, "most": limit}).all():
            share, found = math.ceil(limit / len(users)), list[int]()
            for user in users:
                found += _of_user(
                    connection, user, min(share, limit - len(found)), without, worker
                )  # fmt: skip
                if len(found) == limit:
                    break
            if found:
                return found
            last = users[-1]
    return []


def _of_user(
    connection: Connection, user: int, limit: int, without: Collection[int],
    worker: str | None = None,
) -> list[int]:  # fmt: skip
    query = select_pending(work.c.item, without, embedded=False).where(work.c.user == user)
    if worker is not None:
        ended = work.c.claimed_until <= database_clock(connection)
        # Its own are left of a batch that failed where it could not be given back.
        free = or_(work.c.claimed_until.is_(None), ended, work.c.claimed_by == worker)
        query = query.where(free)
        query = query.with_for_update(skip_locked=True)
    return list(connection.scalars(query.limit(limit)))


def renew_claims(connection: Connection, rows: Sequence[int], worker: str, seconds: float) -> None:
    """Hold one's claims on turns for longer; those that are lost, or being erased, stay so."""
    _change(connection, rows, worker, worker, seconds)


def give_back(connection: Connection, rows: Sequence[int], worker: str) -> None:
    """End one's claims on turns."""
    _change(connection, rows, worker, None, None)


def _change(
    connection: Connection, rows: Sequence[int], worker: str, holder: str | None,
    seconds: float | None,
) -> None:  # fmt: skip
    # Waiting for nobody: who erases these turns has locked them in an order of its own.
    mine = select(work.c.item).where(_EMBED, work.c.item.in_(rows), work.c.claimed_by == worker)
    held = connection.scalars(mine.with_for_update(skip_locked=True)).all()
    until = None if seconds is None else database_clock(connection) + seconds
    changed = update(work).where(_EMBED, work.c.item.in_(held))
    connection.execute(changed.values(claimed_by=holder, claimed_until=until))


def still_waiting(
    connection: Connection, rows: Collection[int], worker: str | None = None
) -> set[int]:
    """Those of the turns that still wait for their vector; with ``worker``, and are its own."""
    query = select(work.c.item).where(*waits((), embedded=False), work.c.item.in_(list(rows)))
    if worker is not None:
        query = query.where(work.c.claimed_by == worker)
    return set(connection.scalars(query))


def seconds_until_free(connection: Connection) -> float | None:
    """Seconds until the first claim runs out, if it is not renewed; ``None`` where nobody has one.

    One that ran out already counts as well, with 0 or less.
    """
    left = func.min(work.c.claimed_until) - database_clock(connection)
    return connection.scalar(select(left).where(_EMBED, work.c.claimed_until.is_not(None)))
