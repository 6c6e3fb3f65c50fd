"""Erasure of a user's memory, or a part of it, from the ledger and from the index."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.report import Receipt
from lightmem_integrations.safety import check_flags, key_of
from lightmem_integrations.storage.column_cache import turns_revision
from lightmem_integrations.storage.counts import count_memory
from lightmem_integrations.storage.erase.knowledge import erase_facts, turns_behind
from lightmem_integrations.storage.erase.turns import erase_turns
from lightmem_integrations.storage.expiry import NOTHING, expired, memories_with_expired
from lightmem_integrations.storage.facts import revision_of
from lightmem_integrations.storage.grants import erase_membership
from lightmem_integrations.storage.index_contents import PURGE, mark_purge
from lightmem_integrations.storage.tombstones import Tombstone
from lightmem_integrations.storage.transfer.write import erase_stage
from lightmem_integrations.storage.undone import done_again
from lightmem_integrations.storage.users import User, find_session, find_user


class _Left(NamedTuple):
    """Revisions of the turns and facts that are left; ``None`` if nothing is left of the user."""

    turns: int | None = None
    facts: int | None = None


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
    author: str | None = None,
    filter: Filter | None = None,  # noqa: A002
    purge: bool,
    dry_run: bool = False,
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
        author: Only what this user added, where the memory is a space's.
        filter: Only what meets it.
        purge: Rewrite the files of index and ledger now, instead of at the next opening.
        dry_run: Undo it at once, and only tell what it would have been.

    Raises:
        InvalidRequestError: ``purge`` or ``dry_run`` is neither true nor false.
        StorageError: The store cannot be written.
    """
    check_flags(purge=purge, dry_run=dry_run)
    limits = (session_id, turn_ids, memory_ids, since, until, author, filter)
    whole = all(limit is None for limit in limits)

    @done_again
    def erased() -> tuple[User | None, Receipt, dict[int, str], _Left]:
        now, receipt, rows = store.ledger.now(), _NOTHING, dict[int, str]()
        with store.ledger.write() as connection:
            user = find_user(connection, user_id)
            session_row = find_session(connection, user, session_id)
            if user is not None and (session_id is None or session_row is not None):
                if dry_run and whole:
                    counted = count_memory(connection, user.row)
                    receipt = Receipt(**counted, purged=False, remains=())
                    return user, receipt, rows, _Left()
                among = None if memory_ids is None else turns_behind(connection, user, memory_ids)
                with _undone(connection) if dry_run else nullcontext():
                    receipt, rows = erase_turns(
                        connection,
                        user,
                        now,
                        session_row=session_row,
                        turn_ids=turn_ids,
                        among=among,
                        since=since,
                        until=until,
                        author=author,
                        filter=filter,
                        undone=dry_run,
                    )
            if dry_run:
                return user, receipt, rows, _Left()
            if whole:
                erase_stage(connection, user_id)
            if (whole and erase_membership(connection, user_id)) or rows:
                mark_purge(connection)
            left = _left(connection, user) if user is not None else _Left()
            names = set(rows.values())
            keys = None if turn_ids is None and memory_ids is None else names
            if turn_ids is not None and memory_ids is None:
                keys = {key_of(each) for each in turn_ids}  # those not stored yet, too
            tombstone = Tombstone(
                now,
                session=None if session_id is None else key_of(session_id),
                author=None if author is None else key_of(author),
                since=since,
                until=until,
                keys=keys,
            )
            if filter is not None:
                store.tombstones.add_filter(user_id, tombstone, filter)
                tombstone = replace(tombstone, keys=names)
            store.tombstones.add(connection, user_id, tombstone)
        return user, receipt, rows, left

    with store.indexer.exclusively():
        user, receipt, rows, left = erased()
        if dry_run:
            return replace(receipt, purged=False)
        purged = _leave_index(store, user, rows, left, purge=purge)
    return _told(store, receipt, purged=purged)


def sweep(store: Store, user_id: str | None = None, *, purge: bool) -> Receipt:
    """Erase what is over of everybody's memory, or of one user's, as ``forget`` does.

    Args:
        store: Where.
        user_id: Only this user's memory.
        purge: Rewrite the files of index and ledger now, instead of at the next opening.

    Raises:
        InvalidRequestError: ``purge`` is neither true nor false.
        StorageError: The store cannot be written.
    """
    check_flags(purge=purge)
    with store.ledger.read() as connection:
        memories = memories_with_expired(connection, store.settings, store.ledger.now())
    chosen = [each for each in memories if user_id in (None, each)]
    done = sum((_sweep_memory(store, each) for each in chosen), _NOTHING)
    if purge and store.ledger.get(PURGE):
        with store.indexer.exclusively():
            store.indexer.purge()
    return _told(store, done, purged=not store.ledger.get(PURGE))


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    """Undo what is done within, in a transaction that goes on."""
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def _told(store: Store, receipt: Receipt, *, purged: bool) -> Receipt:
    """A receipt that says what is left in files, where something was erased."""
    erased = any((receipt.turns, receipt.facts, not purged))
    remains = store.ledger.remains(purged=purged) if erased else ()
    return replace(receipt, purged=purged and not remains, remains=remains)


@done_again
def _sweep_memory(store: Store, user_id: str) -> Receipt:
    with store.indexer.exclusively():
        now, receipt, rows = store.ledger.now(), _NOTHING, dict[int, str]()
        with store.ledger.write() as connection:
            user = find_user(connection, user_id)
            over = NOTHING if user is None else expired(connection, user.row, store.settings, now)
            if user is None or over == NOTHING:
                return _NOTHING
            facts = erase_facts(connection, user.row, over.facts, now)
            if over.turns:
                receipt, rows = erase_turns(connection, user, now, among=over.turns)
                tombstone = Tombstone(now, keys=set(rows.values()))
                store.tombstones.add(connection, user_id, tombstone)
            mark_purge(connection)
            left = _left(connection, user)
        _leave_index(store, user, rows, left, purge=False)
    return replace(receipt, facts=receipt.facts + facts)


def _left(connection: Connection, user: User) -> _Left:
    revision = turns_revision(connection, user.row)
    return _Left() if revision is None else _Left(revision, revision_of(connection, user.row)[0])


def _leave_index(
    store: Store, user: User | None, rows: Mapping[int, str], left: _Left, *, purge: bool
) -> bool:
    """Let memory and index forget what was erased; returns whether no file holds a byte of it."""
    if user is not None:
        store.statements.forget(user.row, left.facts)
    if user is not None and rows:
        store.columns.forget(user.row, left.turns)
    if purge:
        return store.indexer.purge()
    if user is not None and rows:
        store.indexer.forget(user.key, list(rows))
        store.ledger.empty_log()
    return not store.ledger.get(PURGE)
