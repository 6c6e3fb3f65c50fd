"""Users and their sessions in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.schema import sessions, users


@dataclass(frozen=True, slots=True)
class User:
    """A user as the ledger knows one: its row, its key, and what BM25 needs to know.

    ``indexed``: the vector index holds its turns, but for those that wait.
    """

    row: int
    key: str
    searchable: int
    terms: int
    indexed: bool


_USER = select(users).where(users.c.key == bindparam("key"))


def find_user(connection: Connection, user_id: str) -> User | None:
    """The user of that id, or ``None`` if nothing was ever stored for it."""
    row = connection.execute(_USER, {"key": key_of(user_id)}).first()
    if row is None or row.name != user_id:
        return None
    return User(row.id, row.key, row.searchable, row.terms, row.indexed)


def row_of(connection: Connection, user_id: str) -> int:
    """The row of the user of that id; 0, which is nobody's, if nothing was ever stored for it."""
    user = find_user(connection, user_id)
    return 0 if user is None else user.row


def find_session(connection: Connection, user: User, session_id: str) -> int | None:
    """The row of a user's session, or ``None``."""
    return connection.execute(
        select(sessions.c.id).where(
            sessions.c.user == user.row, sessions.c.key == key_of(session_id)
        )
    ).scalar()


def list_users(connection: Connection) -> tuple[str, ...]:
    """Ids of all users that have anything stored, in the order in which they came."""
    return tuple(connection.execute(select(users.c.name).order_by(users.c.id)).scalars())


def list_sessions(connection: Connection, user: User) -> tuple[str, ...]:
    """Ids of a user's sessions, in the order in which they began."""
    query = select(sessions.c.name).where(sessions.c.user == user.row)
    return tuple(connection.execute(query.order_by(sessions.c.id)).scalars())
