"""Spaces: memories that several users share, and who may read and write each of them."""

from __future__ import annotations

from lightmem_integrations.aio import awaitable
from lightmem_integrations.engine import erasure
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import AccessError, InvalidRequestError
from lightmem_integrations.records.access import Grant, Grants, SpacesRead
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.safety import (
    check_flags,
    check_names,
    check_scope_id,
    check_user_id,
    short_repr,
)
from lightmem_integrations.storage.grants import erase_grant, list_spaces, put_grant, read_grants
from lightmem_integrations.storage.users import memory_of_space


class Spaces:
    """Spaces of a store, such as teams, projects and households, and the grants on them.

    A space is a memory of its own. The application decides who is let in: whoever can call this can
    grant anything to anybody, as whoever can name a ``user_id`` can read that user's memory. Every
    method has a twin to await, its name with an ``a`` before it.

    Args:
        store: An open store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def grant(self, space: str, *, user_id: str, write: bool = False) -> Grant:
        """Let a user read a space or, with ``write``, also add, correct and forget there.

        The first grant makes the space. Another one for the same user takes the place of theirs.

        Raises:
            ScopeError: ``space`` or ``user_id`` names nothing.
            InvalidRequestError: ``write`` is neither true nor false.
            StorageError: The store cannot be written.
        """
        check_flags(write=write)
        space, user_id = self._space(space), self._user(user_id)
        with self._store.ledger.write() as connection:
            put_grant(connection, space, user_id, writes=write, now=self._store.ledger.now())
            return read_grants(connection, space=space, user_id=user_id)[0]

    def revoke(self, space: str, *, user_id: str) -> bool:
        """Let a user no longer into a space, from the next call on; returns whether they were.

        What they added stays: to erase it, ``forget(user_id=..., space=...)`` before.

        Raises:
            ScopeError: ``space`` or ``user_id`` names nothing.
            StorageError: The store cannot be written.
        """
        space, user_id = self._space(space), self._user(user_id)
        with self._store.ledger.write() as connection:
            return erase_grant(connection, space, user_id)

    def members(self, space: str) -> Grants:
        """The grants on a space, oldest first.

        Raises:
            ScopeError: ``space`` names nothing.
        """
        space = self._space(space)
        with self._store.ledger.read() as connection:
            return Grants(read_grants(connection, space=space))

    def of(self, *, user_id: str) -> Grants:
        """The grants of a user: which spaces they may read, and where they may also write.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        user_id = self._user(user_id)
        with self._store.ledger.read() as connection:
            return Grants(read_grants(connection, user_id=user_id))

    def names(self) -> tuple[str, ...]:
        """Names of all spaces, in the order in which they were made."""
        self._store.check_usable()
        with self._store.ledger.read() as connection:
            return list_spaces(connection)

    def delete(self, space: str, *, purge: bool = True) -> Receipt:
        """Erase a space: its memory, as ``forget`` erases a user's, and all grants on it.

        Args:
            space: Which.
            purge: As in ``forget``.

        Raises:
            ScopeError: ``space`` names nothing.
            StorageError: The store cannot be written; what was not erased is still there.
        """
        return erasure.forget(
            self._store, user_id=memory_of_space(self._space(space)), session_id=None,
            turn_ids=None, memory_ids=None, since=None, until=None, purge=purge,
        )  # fmt: skip

    def memory_of(self, space: object, user_id: str, *, write: bool = False) -> str:
        """The id of a space's memory, for a user who may read it, or also write it.

        Raises:
            ScopeError: ``space`` names nothing.
            AccessError: The user may not. It reads the same where there is no such space.
        """
        space = self._space(space)
        with self._store.ledger.read() as connection:
            mine = read_grants(connection, space=space, user_id=user_id)
        if not mine or (write and not mine[0].write):
            does, option = ("write", ", write=True") if write else ("read", "")
            raise AccessError(
                f"User {short_repr(user_id)} may not {does} the space {short_repr(space)}. Whoever "
                f"may decide it grants that: memory.spaces.grant(space, user_id=...{option})."
            )
        return memory_of_space(space)

    def readable(self, spaces: SpacesRead, user_id: str) -> tuple[str, ...]:
        """Names of the spaces that a user asks for, each once; with ``all``, those they may read.

        Raises:
            InvalidRequestError: ``spaces`` is neither ``all`` nor a list of names.
            AccessError: The user may not read one of them.
        """
        if not isinstance(spaces, str):
            names = tuple(dict.fromkeys(check_names(spaces, "spaces")))
            for name in names:
                self.memory_of(name, user_id)
            return names
        if spaces != "all":
            raise InvalidRequestError(
                f"spaces is {short_repr(spaces)}; pass a list of names, such as "
                f"[{short_repr(spaces)}], or 'all' for every space that the user may read."
            )
        return tuple(grant.space for grant in self.of(user_id=user_id))

    agrant = awaitable(grant)
    arevoke = awaitable(revoke)
    amembers = awaitable(members)
    aof = awaitable(of)
    anames = awaitable(names)
    adelete = awaitable(delete)

    def _space(self, space: object) -> str:
        self._store.check_usable()
        return check_scope_id(space, "space", self._store.settings.max_id_chars)

    def _user(self, user_id: object) -> str:
        return check_user_id(user_id, self._store.settings.max_id_chars)
