"""Lifetime of a turn: when it is erased by itself, or that it never is."""

from __future__ import annotations

import datetime as dt

from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import check_moment, check_share, short_repr


def check_lifetime(turn: Turn, where: str, said: dt.datetime) -> None:
    """Check until when a turn is kept, and how much it counts.

    Args:
        turn: The turn, which may hold anything there.
        where: Which turn it is, for messages.
        said: When it was said.

    Raises:
        InvalidTurnError: It makes no sense.
    """
    try:
        check_moment(turn.expires_at, "expires_at")
        check_share(turn.importance, "importance")
    except InvalidRequestError as error:
        raise InvalidTurnError(f"{where}: {error}") from error
    if not isinstance(turn.pinned, bool):
        raise InvalidTurnError(f"{where}: pinned is {short_repr(turn.pinned)}; pass True or False.")
    if turn.expires_at is None:
        return
    if turn.pinned:
        raise InvalidTurnError(
            f"{where} is pinned and expires at {turn.expires_at.isoformat()}; leave one of them "
            "out."
        )
    if turn.expires_at <= said:
        raise InvalidTurnError(
            f"{where} expires at {turn.expires_at.isoformat()}, before it is said at "
            f"{said.isoformat(timespec='seconds')}. Pass a later time, or leave it out."
        )
