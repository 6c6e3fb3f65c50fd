"""Erasure of a user's memory, or a part of it, from the ledger and from the index."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from lightmem_integrations.engine.store import Store
from lightmem_integrations.engine.tombstones import Tombstone
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.column_cache import turns_revision
from lightmem_integrations.storage.erase.knowledge import turns_behind
from lightmem_integrations.storage.erase.turns import erase_turns
from lightmem_integrations.storage.index_contents import PURGE, mark_purge
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

    The ledger notes in the same transaction that files must be purged. What a crash or an index
    that is down kept from being done, the next call makes good, or the next opening.

    Args:
        store: Where.
        user_id: Whose memory.
        session_id: Only this session.
        turn_ids: Only these turns.
        memory_ids: Only the turns behind these facts and episodes.
        since: Only what was said at this time or later, in seconds since 1970.
        until: Only what was said before this time, in seconds since 1970.
        purge: Rewrite the files of index and ledger now, instead of at the next opening.

    Raises:
        StorageError: The store cannot be written.
    """
    with store.indexer.exclusively():
        receipt, rows = _NOTHING, dict[int, str]()
        with store.ledger.write() as connection:
            user = find_user(connection, user_id)
            session_row = None
            if user is not None and session_id is not None:
                session_row = find_session(connection, user, session_id)
            if user is not None and (session_id is None or session_row is not None):
                receipt, rows = erase_turns(
                    connection,
                    user,
                    session_row=session_row,
                    turn_ids=turn_ids,
                    among=None
                    if memory_ids is None
                    else turns_behind(connection, user, memory_ids),
                    since=since,
                    until=until,
                )
            revision = None
            if user is not None and rows:
                mark_purge(connection)
                revision = turns_revision(connection, user.row)
            keys = None if turn_ids is None and memory_ids is None else set(rows.values())
            if turn_ids is not None and memory_ids is None:
                keys = {key_of(each) for each in turn_ids}  # those not stored yet, too
            store.tombstones.add(
                Tombstone(time.time(), user_id, session_id, keys, since=since, until=until)
            )
        if user is not None and rows:
            store.columns.forget(user.row, revision)
        if purge:
            purged = store.indexer.purge()
        else:
            if user is not None and rows:
                store.indexer.forget(user.key, list(rows))
                store.ledger.empty_log()
            purged = not store.ledger.get(PURGE)
    return replace(receipt, purged=purged)
