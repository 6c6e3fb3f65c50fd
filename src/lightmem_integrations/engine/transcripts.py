"""Transcripts: what was said in sessions, verbatim, but for what has expired."""

from __future__ import annotations

from lightmem_integrations.engine.store import Store
from lightmem_integrations.records.conversation import Turns
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.storage.expiry import expired
from lightmem_integrations.storage.transcripts import (
    Part,
    read_turns,
    read_window,
    restart_window,
)
from lightmem_integrations.storage.users import find_session, find_user, list_sessions

_FEW = 5  # sessions that are named, of which there may be any number: a guess


def sessions_of(
    store: Store, user_id: str, limit: int | None = None, *, latest: bool = False
) -> tuple[str, ...]:
    """Ids of a user's sessions, in the order in which they began; the first or the last of them."""
    with store.ledger.read() as connection:
        user = find_user(connection, user_id)
        if user is None:
            return ()
        over = expired(connection, user.row, store.settings, store.ledger.now())
        return list_sessions(connection, user, over.turns, limit, latest=latest)


def transcript(
    store: Store,
    user_id: str,
    session_id: str,
    filter: Filter | None = None,  # noqa: A002
    part: Part | None = None,
    *,
    recent: bool = False,
) -> Turns:
    """Turns of a session, oldest first.

    Args:
        store: Where.
        user_id: Whose memory.
        session_id: Which session.
        filter: Only those that meet it.
        part: Only this part of them.
        recent: Only those that stand in its short-term window.

    Raises:
        InvalidRequestError: The part begins or ends with a turn that the session does not have.
    """
    with store.ledger.read() as connection:
        user = find_user(connection, user_id)
        row = find_session(connection, user, session_id)
        if user is None or (row is None and recent):
            return Turns()
        over = expired(connection, user.row, store.settings, store.ledger.now()).turns
        if row is None:
            return Turns((), list_sessions(connection, user, over, _FEW, latest=True))
        if recent:
            return Turns(read_window(connection, row, over))
        return Turns(read_turns(connection, user, row, filter, part, without=over))


def begin_anew(store: Store, user_id: str, session_id: str) -> None:
    """Begin a session's short-term window after its last turn."""
    with store.ledger.write() as connection:
        user = find_user(connection, user_id)
        row = find_session(connection, user, session_id)
        if row is not None:
            restart_window(connection, row)
