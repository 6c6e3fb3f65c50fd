"""The façade's part for those who answer for a store: what is in it, and erasing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from lightmem_integrations.aio import Closing, awaitable
from lightmem_integrations.engine import erasure as governance
from lightmem_integrations.engine.store import Store
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.records.conversation import Receipt, Stats
from lightmem_integrations.safety import check_scope_id, check_user_id
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.users import find_user, list_sessions, list_users
from lightmem_integrations.validation import check_moment, check_names


class Governed(Closing):
    """A store whose owner can look over it and erase from it.

    Attributes:
        settings: Numbers that can be turned.
    """

    settings: Settings
    _store: Store
    _embedder: Embedder

    def forget(
        self,
        *,
        user_id: str,
        session_id: str | None = None,
        turn_ids: Collection[str] | None = None,
        memory_ids: Collection[str] | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        purge: bool = True,
    ) -> Receipt:
        """Erase a user's memory, or the part of it that meets every condition given.

        Args:
            user_id: Whose memory.
            session_id: Only this session.
            turn_ids: Only these turns.
            memory_ids: Only the turns behind these facts and episodes, by their ids. The facts and
                episodes go with their turns.
            since: Only what was said at this time or later.
            until: Only what was said before this time.
            purge: Rewrite the index's files now, so that no byte is left in them; this takes
                longer the more the store holds. ``False`` leaves that to the next opening.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
            InvalidRequestError: Another argument makes no sense.
            StorageError: The store cannot be written; what was not erased is still there.
        """
        self._check(user_id, session_id)
        first, last = check_moment(since, "since"), check_moment(until, "until")
        ids = None if turn_ids is None else check_names(turn_ids, "turn_ids")
        memories = None if memory_ids is None else check_names(memory_ids, "memory_ids")
        return governance.forget(
            self._store,
            user_id=user_id,
            session_id=session_id,
            turn_ids=ids,
            memory_ids=memories,
            since=first,
            until=last,
            purge=purge,
        )

    def users(self) -> tuple[str, ...]:
        """Ids of all users that have anything stored, in the order in which they came."""
        self._store.check_usable()
        with self._store.ledger.read() as connection:
            return list_users(connection)

    def sessions(self, *, user_id: str) -> tuple[str, ...]:
        """Ids of a user's sessions, in the order in which they began.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        self._check(user_id)
        with self._store.ledger.read() as connection:
            user = find_user(connection, user_id)
            return () if user is None else list_sessions(connection, user)

    def stats(self, *, user_id: str | None = None) -> Stats:
        """How much is stored, of one user or in all.

        Raises:
            ScopeError: ``user_id`` is given and names nobody.
        """
        if user_id is None:
            self._store.check_usable()
        else:
            self._check(user_id)
        return governance.stats(self._store, user_id=user_id, embedder=self._embedder.name)

    def index_pending(self) -> int:
        """Give every turn that still waits its vector, now; returns how many waited.

        Raises:
            ModelError: The embedder failed.
            StorageError: The ledger or the index does not answer.
        """
        self._store.check_usable()
        waited = self._store.indexer.waiting()
        self._store.indexer.catch_up()
        self._store.indexer.prepare()
        return waited

    def reindex(self) -> int:
        """Build the vector index anew from the ledger; returns how many vectors it holds.

        Raises:
            ModelError: The embedder failed.
            StorageError: The ledger or the index does not answer.
        """
        self._store.check_usable()
        vectors = self._store.indexer.rebuild()
        return vectors + self.index_pending()

    aforget = awaitable(forget)
    ausers = awaitable(users)
    asessions = awaitable(sessions)
    astats = awaitable(stats)
    aindex_pending = awaitable(index_pending)
    areindex = awaitable(reindex)

    def _check(self, user_id: object, session_id: object = None) -> None:
        self._store.check_usable()
        check_user_id(user_id, self.settings.max_id_chars)
        if session_id is not None:
            check_scope_id(session_id, "session_id", self.settings.max_id_chars)
