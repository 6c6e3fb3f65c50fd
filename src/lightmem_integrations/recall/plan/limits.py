"""The limits of a request: the rows of the ledger that may come back."""

from __future__ import annotations

from sqlalchemy import Connection

from lightmem_integrations.storage.turn_filter import RowFilter, filter_turns
from lightmem_integrations.storage.users import User, find_session
from lightmem_integrations.validation import Request


def limits_of(connection: Connection, user: User, request: Request) -> RowFilter | None:
    """Look a request's limits up; ``None`` if its session does not exist, so nothing is within."""
    session = excluded_session = None
    if request.session_id is not None:
        session = find_session(connection, user, request.session_id)
        if session is None:
            return None
    if request.exclude_session is not None:
        excluded_session = find_session(connection, user, request.exclude_session)
    return filter_turns(
        connection,
        user,
        session=session,
        since=request.since,
        until=request.until,
        speakers=request.speakers,
        excluded_session=excluded_session,
        excluded_ids=request.exclude,
    )
