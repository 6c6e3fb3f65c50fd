"""Erasure of a user's memory, or a part of it, from the ledger and from the index."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.conversation import Receipt
from lightmem_integrations.storage.erase.turns import erase_turns
from lightmem_integrations.storage.index_contents import PURGE
from lightmem_integrations.storage.knowledge_reads import turns_behind
from lightmem_integrations.storage.ledger import put_meta
from lightmem_integrations.storage.users import find_session, find_user

_NOTHING = Receipt(turns=0, sessions=0, vectors=0, purged=True)


def forget(
    store: Store,
    *,
    user_id: str,
    session_id: str | None,
    turn_ids: Collection[str] | None,
    memory_ids: Collection[str] | None,
    since: float | None,
    until: float | None,
    purge: bool,
) -> Receipt:
    """Erase a user's turns that meet every condition, with all that was made of them.

    The ledger notes in the same transaction that the index must be purged, so that a crash in
    between is made good at the next opening.

    Args:
        store: Where.
        user_id: Whose memory.
        session_id: Only this session.
        turn_ids: Only these turns.
        memory_ids: Only the turns behind these facts and episodes.
        since: Only what was said at this time or later, in seconds since 1970.
        until: Only what was said before this time, in seconds since 1970.
        purge: Rewrite the index's files now, instead of at the next opening.

    Raises:
        StorageError: The store cannot be written.
    """
    indexer = store.indexer
    with indexer.exclusively():
        with store.ledger.write() as connection:
            user = find_user(connection, user_id)
            if user is None:
                return _NOTHING
            session_row = None
            if session_id is not None:
                session_row = find_session(connection, user, session_id)
                if session_row is None:
                    return _NOTHING
            receipt, rows = erase_turns(
                connection,
                store.ledger.lexical,
                user,
                session_row=session_row,
                turn_ids=turn_ids,
                among=None if memory_ids is None else turns_behind(connection, user, memory_ids),
                since=since,
                until=until,
            )
            if not rows:
                return _NOTHING
            put_meta(connection, PURGE, "1")
        if purge:
            indexer.rebuild()
        else:
            indexer.forget(user.key, rows)
    store.ledger.compact()
    return replace(receipt, purged=purge)
