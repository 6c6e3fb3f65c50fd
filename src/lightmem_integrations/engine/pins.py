"""Pins and importance: what no lifetime, decay or capacity takes away, and what counts for more."""

from __future__ import annotations

from collections.abc import Collection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.safety import check_names, short_repr
from lightmem_integrations.storage.expiry import expired
from lightmem_integrations.storage.pins import (
    expiring_proof,
    mark_facts,
    mark_turns,
    pinnable_facts,
    pinnable_turns,
)
from lightmem_integrations.storage.undone import done_again
from lightmem_integrations.storage.users import find_session, find_user


@done_again
def mark(
    store: Store,
    user_id: str,
    session_id: str | None,
    turn_ids: Collection[str] | None,
    memory_ids: Collection[str] | None,
    *,
    pinned: bool | None = None,
    importance: float | None = None,
) -> int:
    """Mark what meets every condition given; returns how many turns and facts that are.

    Args:
        store: Where.
        user_id: Whose memory.
        session_id: Only turns of this session, and of the facts named those that they prove.
        turn_ids: Only these turns, and of the facts named those that they prove.
        memory_ids: These facts, and the turns of these episodes.
        pinned: Whether to pin it from now on, or to unpin it; ``None`` to leave that as it is.
        importance: What it counts from now on, from 0 to 1; ``None`` to leave that as it is.

    Raises:
        InvalidRequestError: No condition is given or one is no list of ids, or something has an end
            of its own.
        StorageError: The store cannot be written.
    """
    if session_id is None and turn_ids is None and memory_ids is None:
        what = "weigh" if pinned is None else "pin" if pinned else "unpin"
        raise InvalidRequestError(
            f"Nothing is named to {what}: pass memory_ids, turn_ids or session_id."
        )
    turn_ids = None if turn_ids is None else check_names(turn_ids, "turn_ids")
    memory_ids = None if memory_ids is None else check_names(memory_ids, "memory_ids")
    with store.ledger.write() as connection:
        user = find_user(connection, user_id)
        session = find_session(connection, user, session_id)
        if user is None or (session_id is not None and session is None):
            return 0
        over = expired(connection, user.row, store.settings, store.ledger.now())
        turns = pinnable_turns(connection, user.row, session, turn_ids, memory_ids)
        turns = {row: turn for row, turn in turns.items() if row not in over.turns}
        facts = pinnable_facts(connection, user.row, session, turn_ids, memory_ids or ())
        facts = [fact for fact in facts if not over.hides(fact.row)]
        if pinned:
            ends = [turn for turn in turns.values() if turn.expires_at is not None]
            proof = expiring_proof(connection, [fact.row for fact in facts])
            named = [f"turn {short_repr(turn.name)}" for turn in (*ends, *proof)]
            named += [f"fact {short_repr(each.key)}" for each in facts if each.expires_at]
            if named:
                raise InvalidRequestError(
                    f"The {named[0]} expires at a time of its own, so it cannot be pinned, nor "
                    "what it proves. Nothing was pinned. Add the turn anew without expires_at, or "
                    "pin something else."
                )
        given = {"pinned": pinned, "importance": importance}
        marks = {name: value for name, value in given.items() if value is not None}
        mark_turns(connection, user.row, turns, marks)
        mark_facts(connection, user.row, facts, marks)
    store.indexer.wake()  # what was archived is searched again
    return len(turns) + len(facts)
