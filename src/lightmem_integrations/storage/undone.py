"""Another try for a unit of work that the database undid for the sake of others'.

Of two writers that wait for each other (a deadlock), or that cannot both be as if alone (a
serialization failure), one is undone wholly, and works when it begins anew.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from lightmem_integrations.errors import TransactionConflictError

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 4
_PAUSE = 0.05
"""Seconds before the second try at most, doubled for each further one: guesses."""


def done_again(work: Callable[P, T]) -> Callable[P, T]:
    """Let a unit of work begin anew, a few times, where the database undid it.

    It must be one write transaction; what else it does must do no harm when it is done twice.
    """

    @functools.wraps(work)
    def tried(*given: P.args, **named: P.kwargs) -> T:
        for attempt in range(_TRIES - 1):
            try:
                return work(*given, **named)
            except TransactionConflictError:
                time.sleep(random.uniform(0, _PAUSE * 2**attempt))  # noqa: S311 - not all at once
        return work(*given, **named)

    return tried
