"""Grants in the ledger: which users read a space's memory, and which also write there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, delete, select

from lightmem_integrations.records.access import Grant
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.erase.turns import erase_user
from lightmem_integrations.storage.schema import grants, users
from lightmem_integrations.storage.sql import put_row
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.storage.users import find_user, insert_user, memory_of_space


def put_grant(
    connection: Connection, space: str, user_id: str, *, writes: bool, now: float
) -> None:
    """Let a user read a space, or also write there, in place of what they might until now."""
    memory = memory_of_space(space)
    found = find_user(connection, memory)
    row = insert_user(connection, memory) if found is None else found.row
    member = key_of(user_id)
    put_row(
        connection, grants, space=row, member=member, name=user_id, writes=writes, granted_at=now
    )


def erase_grant(connection: Connection, space: str, user_id: str) -> bool:
    """Take a user's grant on a space away; returns whether there was one."""
    found = find_user(connection, memory_of_space(space))
    if found is None:
        return False
    mine = grants.c.space == found.row, grants.c.member == key_of(user_id)
    return bool(connection.execute(delete(grants).where(*mine)).rowcount)


def read_grants(
    connection: Connection, *, space: str | None = None, user_id: str | None = None
) -> list[Grant]:
    """Grants on a space, of a user, or of that user on that space, in the order of spaces."""
    query = _GRANTS
    if space is not None:
        query = query.where(users.c.key == key_of(memory_of_space(space)))
    if user_id is not None:
        query = query.where(grants.c.member == key_of(user_id))
    return [
        Grant(space=at, user_id=name, write=bool(writes), granted_at=moment(granted_at))
        for at, name, writes, granted_at in connection.execute(query)
    ]


def list_spaces(connection: Connection) -> tuple[str, ...]:
    """Names of all spaces, in the order in which they were made."""
    query = select(users.c.name).where(users.c.space).order_by(users.c.id)
    return tuple(connection.execute(query).scalars())


def erase_membership(connection: Connection, user_id: str) -> bool:
    """Erase what lets a user into spaces or, of a space, itself; returns whether there was any."""
    found = find_user(connection, user_id)
    if found is not None and found.space:
        erase_user(connection, found.row)
        return True
    mine = delete(grants).where(grants.c.member == key_of(user_id))
    return bool(connection.execute(mine).rowcount)


_GRANTS: Select[Any] = (
    select(users.c.name, grants.c.name, grants.c.writes, grants.c.granted_at)
    .join(users, (users.c.id == grants.c.space) & users.c.space)
    .order_by(grants.c.space, grants.c.granted_at, grants.c.name)
)
