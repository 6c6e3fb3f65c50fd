"""Work queue of consolidation: due sessions, leases on users, failures and quarantine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from lightmem_integrations.storage.schema import (
    episode_turns,
    failures,
    leases,
    quarantine,
    turns,
    users,
    work,
)
from lightmem_integrations.storage.sql import (
    count_rows,
    database_clock,
    delete_in,
    insert_rows,
    put_row,
    upsert,
)
from lightmem_integrations.storage.users import lock_users

CONSOLIDATE = "consolidate"
"""The kind of work that makes episodes and facts of a session's turns; its item is the session."""

# Seconds by which a run beside this one may have read its clock later: a guess.
_LATER = 60.0

_SESSION = bindparam("session", type_=BigInteger)
# Made once: every add runs it, and putting it together costs more than running it.
_MAKE_DUE = insert(work).from_select(
    ["kind", "user", "item"],
    select(literal(CONSOLIDATE), bindparam("of_user", type_=BigInteger), _SESSION).where(
        ~exists().where(work.c.kind == CONSOLIDATE, work.c.item == _SESSION)
    ),
)


@dataclass(frozen=True, slots=True)
class Due:
    """A session with turns in no episode yet."""

    user: int
    session: int


def make_due(connection: Connection, user_row: int, session_rows: Collection[int]) -> None:
    """Put sessions on the work list, where they are not on it yet."""
    for session in session_rows:
        connection.execute(_MAKE_DUE, {"of_user": user_row, "session": session})


def due_users(connection: Connection, now: float) -> list[int]:
    """Users with work that may be done now, who waited longest first."""
    query = select(work.c.user, func.min(work.c.id)).where(*_ready(now)).group_by(work.c.user)
    return [row for row, _ in connection.execute(query.order_by(func.min(work.c.id)))]


def due_sessions(connection: Connection, user_row: int, now: float) -> list[Due]:
    """A user's sessions with work that may be done now, oldest session first."""
    query = select(work.c.item).where(work.c.user == user_row, *_ready(now))
    rows = connection.execute(query.order_by(work.c.item)).scalars()
    return [Due(user_row, session) for session in rows]


def clear_if_done(connection: Connection, due: Due) -> None:
    """Take a session off the list, unless turns of it are in no episode yet."""
    lock_users(connection, [due.user])  # who adds a turn now puts it on the list itself
    if connection.execute(select_unread(due, turns.c.id).limit(1)).first() is None:
        connection.execute(
            delete(work).where(work.c.kind == CONSOLIDATE, work.c.item == due.session)
        )


def put_back(
    connection: Connection, due: Due, turn: int, reason: str, *, now: float, first: float,
    longest: float,
) -> int:  # fmt: skip
    """Leave a session alone for a while, each time twice as long; returns how often it failed.

    Args:
        connection: Of a write transaction.
        due: The session.
        turn: First turn of what failed: another one starts the count anew.
        reason: Why.
        now: The time, in seconds since 1970.
        first: Seconds to wait after the first failure.
        longest: Seconds to wait at most.
    """
    known = connection.execute(select(failures).where(failures.c.session == due.session)).first()
    tries = known.tries + 1 if known is not None and known.turn == turn else 1
    again_at = now + min(first * 2.0 ** min(tries - 1, 30), longest)
    put_row(
        connection, failures, session=due.session, user=due.user, turn=turn, tries=tries,
        again_at=again_at, reason=reason,
    )  # fmt: skip
    return int(tries)


def forgive(connection: Connection, due: Due) -> None:
    """Forget that a session failed: it has just succeeded."""
    connection.execute(delete(failures).where(failures.c.session == due.session))


def set_aside(
    connection: Connection, due: Due, rows: Collection[int], reason: str, now: float
) -> int:
    """Put turns in quarantine, where no writer is given them; returns how many.

    They stay as they are, and ``release`` makes them due again.
    """
    there = select(turns.c.id).where(turns.c.id.in_(list(rows)), turns.c.user == due.user)
    known = select(quarantine.c.turn).where(quarantine.c.user == due.user)
    found = connection.execute(there.where(turns.c.id.not_in(known))).scalars().all()
    aside = {"session": due.session, "user": due.user, "reason": reason, "recorded_at": now}
    insert_rows(connection, quarantine, [aside | {"turn": row} for row in found])
    forgive(connection, due)
    clear_if_done(connection, due)
    return len(found)


def resting(connection: Connection, now: float) -> list[int]:
    """The user of each session that is left alone for a while after a failure."""
    query = select(work.c.user).join(failures, failures.c.session == work.c.item)
    return list(connection.execute(query.where(failures.c.again_at > now)).scalars())


def clear_ahead(connection: Connection, now: float, *, lease: float, longest: float) -> int:
    """Undo what was written while the clock was ahead, and would hold users up until it is there.

    Args:
        connection: Of a write transaction.
        now: The time, in seconds since 1970.
        lease: Seconds that a lease may end ahead, of whatever worker.
        longest: Seconds that a retry may lie ahead.

    Returns:
        How many leases and retries lay further ahead.
    """
    latest = now + _LATER
    leased = delete(leases).where(leases.c.until > latest + lease)
    put_off = update(failures).where(failures.c.again_at > latest + longest).values(again_at=now)
    return connection.execute(leased).rowcount + connection.execute(put_off).rowcount


def release(connection: Connection, now: float, user_row: int | None = None) -> None:
    """Make what was set aside, or rests after a failure, due now: of one user or of all."""
    users_of = select(quarantine.c.user).distinct().order_by(quarantine.c.user)
    rows = [user_row] if user_row is not None else connection.execute(users_of).scalars().all()
    lock_users(connection, rows)
    for user in rows:
        mine = delete(quarantine).where(quarantine.c.user == user)
        sessions = connection.execute(mine.returning(quarantine.c.session)).scalars().all()
        make_due(connection, user, sorted(set(sessions)))
        delete_in(connection, failures, failures.c.session, set(sessions))
    whose = [] if user_row is None else [failures.c.user == user_row]
    connection.execute(
        update(failures).where(failures.c.again_at > now, *whose).values(again_at=now)
    )


def count_due(connection: Connection, user_row: int | None = None) -> int:
    """Number of sessions on the work list, of one user or of all."""
    return count_rows(connection, work, work.c.kind == CONSOLIDATE, user=user_row)


def count_unread(
    connection: Connection, user_row: int, now: float, longest: int
) -> tuple[int, int]:
    """Turns of a user that a run would read now, and their characters, ``longest`` of each."""
    due = select(work.c.item).where(work.c.user == user_row, *_ready(now))
    length = func.length(turns.c.text)
    size = func.coalesce(func.sum(case((length > longest, longest), else_=length)), 0)
    waiting = _unread(func.count(), size).where(turns.c.session.in_(due))
    number, characters = connection.execute(waiting).one()
    return number, characters


def user_named(connection: Connection, user_row: int) -> str | None:
    """The id of a user as it was given."""
    return connection.execute(select(users.c.name).where(users.c.id == user_row)).scalar()


def _ready(now: float) -> tuple[ColumnElement[bool], ...]:
    later = select(failures.c.session).where(failures.c.again_at > now)
    return (work.c.kind == CONSOLIDATE, work.c.item.not_in(later))


def select_unread(due: Due, *columns: ColumnElement[Any]) -> Select[Any]:
    """A query for columns of the session's turns that are in no episode and not set aside."""
    return _unread(*columns).where(turns.c.session == due.session, turns.c.user == due.user)


def _unread(*columns: ColumnElement[Any]) -> Select[Any]:
    done = exists().where(episode_turns.c.turn == turns.c.id)
    aside = exists().where(quarantine.c.turn == turns.c.id)
    return select(*columns).select_from(turns).where(turns.c.searchable, ~done, ~aside)


def take_lease(
    connection: Connection, user_row: int, worker: str, *, seconds: float, now: float | None = None
) -> bool:
    """Take the lease on a user, or renew one's own: one statement, of which two cannot both win.

    Args:
        connection: Of a write transaction.
        user_row: Whose memory.
        worker: Who takes it; a name that no other worker has.
        seconds: How long it is held without being renewed.
        now: The time, in seconds since 1970; by default the database's own.

    Returns:
        Whether the worker has it now; ``False`` while another one holds it, or if the user was
        forgotten.
    """
    moment = database_clock(connection) if now is None else literal(now)
    there = select(users.c.id, literal(worker), moment + seconds).where(users.c.id == user_row)
    there = there.with_for_update(key_share=True)  # nobody forgets the user meanwhile
    new = upsert(leases).from_select(["user", "worker", "until"], there)
    taken = new.on_conflict_do_update(
        index_elements=["user"],
        set_={"worker": new.excluded.worker, "until": new.excluded.until},
        where=or_(leases.c.until <= moment, leases.c.worker == worker),
    )
    return connection.execute(taken.returning(leases.c.worker)).first() is not None


def renew_lease(
    connection: Connection, user_row: int, worker: str, *, seconds: float, now: float | None = None
) -> bool:
    """Hold one's lease for longer; ``False`` if it is held no more, be it lost or given back."""
    moment = database_clock(connection) if now is None else literal(now)
    mine = leases.c.user == user_row, leases.c.worker == worker
    return (
        connection.execute(update(leases).where(*mine).values(until=moment + seconds)).rowcount == 1
    )


def seconds_until_lease_ends(connection: Connection) -> float | None:
    """Seconds until the first lease runs out, if it is not renewed; ``None`` where none is held."""
    left = func.min(leases.c.until) - database_clock(connection)
    return connection.execute(select(left)).scalar()


def holds_lease(connection: Connection, user_row: int, worker: str) -> bool:
    """True if nobody else took the lease since; one that ran out unnoticed still counts."""
    query = select(leases.c.worker).where(leases.c.user == user_row)
    return connection.execute(query).scalar() == worker


def drop_lease(connection: Connection, user_row: int, worker: str) -> None:
    """Give one's lease back."""
    connection.execute(delete(leases).where(leases.c.user == user_row, leases.c.worker == worker))


def drop_all_leases(connection: Connection) -> None:
    """End every lease: those who held them are gone."""
    connection.execute(delete(leases))
