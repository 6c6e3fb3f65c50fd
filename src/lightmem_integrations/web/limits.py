"""Rate limits: how much one user may ask of a server."""

from __future__ import annotations

import time
from collections.abc import Callable

from lightmem_integrations.safety import check_count

REQUESTS_PER_MINUTE = 1_200
"""Of one user: about what two cores recall in a minute at most, so that nobody has them alone."""

_USERS_KEPT = 10_000
"""Users of whom what is left is known, before those at rest are let go: a guess."""


class RateLimit:
    """Token bucket for each user: a minute's requests at once, and then as they come back.

    Args:
        per_minute: Requests of one user.
        now: A clock, in seconds.

    Raises:
        InvalidRequestError: ``per_minute`` is not a positive number.
    """

    def __init__(
        self, per_minute: int = REQUESTS_PER_MINUTE, now: Callable[[], float] = time.monotonic
    ) -> None:
        check_count(per_minute, "per_minute")
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._now = now
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, user_id: str) -> float:
        """Seconds until the user may ask again; 0 if now, and then this request is counted."""
        left, now = self._at(user_id), self._now()
        if left < 1:
            return (1 - left) / self._per_second
        if user_id not in self._left and len(self._left) >= _USERS_KEPT:
            self._left = {
                each: state for each, state in self._left.items() if self._at(each) < self._most
            }
        self._left[user_id] = left - 1, now
        return 0.0

    def _at(self, user_id: str) -> float:
        now = self._now()
        left, since = self._left.get(user_id, (self._most, now))
        return min(self._most, left + (now - since) * self._per_second)
