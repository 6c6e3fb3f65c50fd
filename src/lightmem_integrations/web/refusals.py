"""Refusals of a server: which status an error has, and the one form in which clients see it."""

from __future__ import annotations

import logging

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from lightmem_integrations.errors import (
    AccessError,
    AuthenticationError,
    LightMemError,
    NotFoundError,
    ReadOnlyError,
    SettingsError,
    TurnConflictError,
)

logger = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[Exception], int, str], ...] = (  # the first that fits
    (AuthenticationError, 401, "unauthenticated"),
    (AccessError, 403, "forbidden"),
    (ReadOnlyError, 403, "read_only"),
    (NotFoundError, 404, "not_found"),
    (TurnConflictError, 409, "conflict"),
    (SettingsError, 503, "unavailable"),  # the server's own, and no argument's
    (ValueError, 422, "invalid_request"),  # ours: a scope, a turn or a request without sense
    (LightMemError, 503, "unavailable"),
)
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
_READ_ONLY = (
    "This server only reads, and nothing was changed. Ask the server of the process that owns the "
    "store, or have this one started without --read-only."
)
_UNAVAILABLE = "Memory is not available at the moment. Try again later."


class Problem(BaseModel):
    """What went wrong.

    Attributes:
        code: For a program, such as ``not_found``.
        message: For a person: what, why, and what to do.
    """

    code: str
    message: str


class Refusal(BaseModel):
    """The body of every response that is not what was asked for."""

    error: Problem = Field(description="What went wrong.")


def refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """A response that refuses, in the one form that all have."""
    body = Refusal(error=Problem(code=code, message=message))
    return JSONResponse(body.model_dump(), status, headers)


def refusal_of(error: LightMemError) -> JSONResponse:
    """The response to an error of ours: its reason if the caller can mend it, else into the log."""
    status, code = next(each[1:] for each in _STATUS if isinstance(error, each[0]))
    if code == "unavailable":  # its reason may name paths and hosts
        logger.error("A request failed: %s: %s", type(error).__name__, error)
        return refusal(status, code, _UNAVAILABLE, {"Retry-After": "5"})
    if code == "read_only":  # ours may name a path
        return refusal(status, code, _READ_ONLY)
    return refusal(status, code, str(error), _CHALLENGE if code == "unauthenticated" else None)
