"""Another try for a call that failed for a reason that may pass, within a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lightmem_integrations.errors import LightMemError, ModelError

T = TypeVar("T")

# Guesses; the waits are in seconds.
ATTEMPTS = 4
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 8.0
_REQUEST_TIMEOUT, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 408, 409, 429, 500


def retrying(call: Callable[[float | None], T], *, what: str, seconds: float | None = None) -> T:
    """Call until it works: rate limits, server errors and broken connections are tried again.

    Waits between tries grow exponentially, with jitter.

    Args:
        call: Is given the seconds that are left, or ``None``.
        what: Names the model in errors.
        seconds: How long all tries may take together; ``None`` for as long as four tries need.

    Raises:
        ModelError: It failed for good, or time is up; the cause is the last failure.
    """
    from tenacity import (
        RetryError,
        Retrying,
        retry_if_exception,
        stop_after_attempt,
        stop_before_delay,
        wait_random_exponential,
    )

    until = None if seconds is None else time.monotonic() + seconds
    stop = stop_after_attempt(ATTEMPTS)
    tries = Retrying(
        retry=retry_if_exception(passing),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
        stop=stop if seconds is None else stop | stop_before_delay(seconds),
    )
    try:
        return tries(lambda: call(None if until is None else max(until - time.monotonic(), 0.001)))
    except RetryError as error:
        last = error.last_attempt.exception()
        raise ModelError(
            f"{what} failed {error.last_attempt.attempt_number} times: {last}"
        ) from last
    except LightMemError:
        raise
    except Exception as error:
        raise ModelError(f"{what} failed: {error}") from error


def passing(error: BaseException) -> bool:
    """True for a failure that may pass: the same call may work later."""
    import httpx

    status = status_of(error)
    if status is not None:
        return status in (_REQUEST_TIMEOUT, _CONFLICT, _TOO_MANY) or status >= _SERVER_ERROR
    return isinstance(error, (TimeoutError, ConnectionError, httpx.TransportError))


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status in an error of a client, which names it in one of two ways."""
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
