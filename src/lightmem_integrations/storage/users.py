"""Users, spaces and their sessions in the ledger.

A space's memory is kept as a user's is. The layers below ``LightMem`` know it by an id that no user
can have, so that all they do for a user they do for a space, and never take one for the other.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from lightmem_integrations.errors import TransactionConflictError
from lightmem_integrations.safety import key_of, short_repr
from lightmem_integrations.storage.schema import sessions, turns, users
from lightmem_integrations.storage.sql import MOST_ROWS, in_batches, insert_new, select_in

# Half a surrogate pair, which ``check_user_id`` refuses: it begins no user's id.
_SPACE = "\udc00"

_TRIES = 5
"""To write a user whom other processes write and erase at this moment: a guess."""


@dataclass(frozen=True, slots=True)
class User:
    """A user as the ledger knows one: its row, its key, and what BM25 needs to know.

    ``indexed``: the vector index holds its turns, but for those that wait. ``space``: it is the
    memory of a space.
    """

    row: int
    key: str
    searchable: int
    terms: int
    indexed: bool
    space: bool


_USERS: Select[Any] = select(
    users.c.id, users.c.key, users.c.name, users.c.searchable, users.c.terms, users.c.indexed,
    users.c.space,
)  # fmt: skip
_USER = _USERS.where(users.c.key == bindparam("key"))
_LOCKED = _USER.with_for_update(key_share=True)  # nothing to SQLite, which has one writer


def memory_of_space(space: str) -> str:
    """Id of a space's memory, in place of a user's id."""
    return _SPACE + space


def is_space(memory: str) -> bool:
    """True for the id of a space's memory."""
    return memory.startswith(_SPACE)


def insert_user(connection: Connection, user_id: str) -> int:
    """Write a user, or a space, of whom nothing is stored yet; returns the row."""
    name = user_id.removeprefix(_SPACE)
    for _ in range(_TRIES):
        row = insert_new(
            connection, users, key=key_of(user_id), name=name, space=name != user_id, searchable=0,
            terms=0,
        )  # fmt: skip
        if row is not None:
            return row
        # Another process was quicker; what it wrote may be erased before it is read here.
        user = find_user(connection, user_id)
        if user is not None:
            return user.row
    raise TransactionConflictError(
        f"The user {short_repr(name)} was written and erased again and again meanwhile; try again."
    )


def find_user(connection: Connection, user_id: str) -> User | None:
    """The user or space of that id, or ``None`` if nothing was ever stored for it.

    In a write transaction nobody else writes that memory from here to its end, whichever process
    it is: so what is read of it meanwhile holds, and rows get their ids in the order in which
    others see them.
    """
    writes = connection.get_execution_options().get("writes", False)
    row = connection.execute(_LOCKED if writes else _USER, {"key": key_of(user_id)}).first()
    if row is None or _SPACE * row.space + row.name != user_id:
        return None
    return _user_of(row)


def find_users(connection: Connection, user_ids: Collection[str]) -> dict[str, User]:
    """Of these users and spaces those for which anything was ever stored, by their ids."""
    rows = select_in(connection, _USERS, users.c.key, [key_of(each) for each in user_ids])
    found = {_SPACE * row.space + row.name: _user_of(row) for row in rows}
    return {user_id: found[user_id] for user_id in user_ids if user_id in found}


def _user_of(row: Row[Any]) -> User:
    return User(row.id, row.key, row.searchable, row.terms, row.indexed, row.space)


def lock_users(connection: Connection, rows: Collection[int]) -> None:
    """Let nobody else write these users' memories until the transaction ends; see `find_user`.

    In one order whoever asks, so that no two writers wait for each other.
    """
    held = select(users.c.id).order_by(users.c.id).with_for_update(key_share=True)
    for batch in in_batches(sorted(set(rows))):
        connection.execute(held.where(users.c.id.in_(batch)))


def every_memory(connection: Connection, *where: ColumnElement[bool]) -> dict[int, str]:
    """Ids of the memories of users and of spaces by their rows, in the order in which they came."""
    query = select(users.c.id, users.c.name, users.c.space).where(*where).order_by(users.c.id)
    return {row: _SPACE * space + name for row, name, space in connection.execute(query)}


def row_of(connection: Connection, user_id: str) -> int:
    """The row of the user of that id; 0, which is nobody's, if nothing was ever stored for it."""
    user = find_user(connection, user_id)
    return 0 if user is None else user.row


def find_session(connection: Connection, user: User | None, session_id: str | None) -> int | None:
    """The row of a user's session; ``None`` if there is none, or nobody or no session is named."""
    if user is None or session_id is None:
        return None
    return connection.execute(
        select(sessions.c.id).where(
            sessions.c.user == user.row, sessions.c.key == key_of(session_id)
        )
    ).scalar()


def list_users(connection: Connection) -> tuple[str, ...]:
    """Ids of all users that have anything stored, in the order in which they came."""
    query = select(users.c.name).where(~users.c.space, users.c.staged.is_(None))
    return tuple(connection.execute(query.order_by(users.c.id)).scalars())


def list_sessions(
    connection: Connection, user: User, without: Set[int], limit: int | None = None, *,
    latest: bool = False,
) -> tuple[str, ...]:  # fmt: skip
    """Ids of a user's sessions with more than these rows of turns, in the order of their begin.

    Args:
        connection: A transaction on the ledger.
        user: Whose.
        without: Rows of turns that do not count.
        limit: So many at most: the first ones.
        latest: The last ones, instead of the first.
    """
    query = select(sessions.c.id, sessions.c.name).where(sessions.c.user == user.row)
    query = query.order_by(sessions.c.id.desc() if latest else sessions.c.id)
    if not without:
        query = query.limit(None if limit is None else min(limit, MOST_ROWS))
    names: dict[int, str] = dict(connection.execute(query).all())
    if without:
        held = select(turns.c.id, turns.c.session).where(turns.c.user == user.row)
        filled = {session for row, session in connection.execute(held) if row not in without}
        names = {row: name for row, name in names.items() if row in filled}
    found = tuple(names.values())[:limit]
    return found[::-1] if latest else found
