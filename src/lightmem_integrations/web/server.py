"""The server: one ASGI app with the HTTP API and MCP over one memory, for many users."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightmem_integrations import __version__
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.web.api.routes import router
from lightmem_integrations.web.authentication import BearerAuthentication, UserOf
from lightmem_integrations.web.limits import REQUESTS_PER_MINUTE, RateLimit
from lightmem_integrations.web.mcp.messages import error_answer
from lightmem_integrations.web.mcp.server import memory_server
from lightmem_integrations.web.refusals import refusal, refusal_of
from lightmem_integrations.web.security import LOOPBACK, MAX_BODY_BYTES, Guard

logger = logging.getLogger(__name__)

OPEN_PATHS = ("/health", "/ready", "/openapi.json")
"""Paths that anybody may ask for: they tell nothing of anybody's memory."""

_READY_SECONDS = 5.0  # a guess: who asks waits no longer, and then sends requests elsewhere
_DESCRIPTION = (
    "Long-term memory. The bearer token says whose memory a request is about; nothing else in it "
    "does. The same memory is at /mcp for clients of the Model Context Protocol."
)


def server(
    memory: LightMem,
    *,
    user_of: UserOf | str,
    hosts: Collection[str] = LOOPBACK,
    requests_per_minute: int = REQUESTS_PER_MINUTE,
    max_body_bytes: int = MAX_BODY_BYTES,
    read_only: bool = False,
) -> ASGIApp:
    """ASGI app over an open memory. Whoever opened the memory closes it, after the app.

    Args:
        memory: The open store.
        user_of: Whose a bearer token is: ``TokenFile(...)``, ``SignedTokens(...)`` or a function
            of your own. A user id instead lets everybody in as that user, without a token.
        hosts: Names, without a port, under which it is asked for.
        requests_per_minute: How much one user may ask for.
        max_body_bytes: Size of a request's body at most.
        read_only: Refuse what changes a memory, and offer no tool that does.

    Raises:
        InvalidRequestError: ``requests_per_minute`` is not a positive number.
    """
    protocol = StreamableHTTPSessionManager(
        memory_server(memory, lambda request: str(request.state.user_id), read_only=read_only),
        # No request needs an earlier one: any process may answer it, and none is kept open.
        json_response=True,
        stateless=True,
        max_request_body_size=max_body_bytes,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with protocol.run():
            yield

    app = FastAPI(
        title="lightmem",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            LightMemError: _refuse,
            RequestValidationError: _refuse_arguments,
            HTTPException: _refuse_request,
            Exception: _refuse_after_failure,
        },
    )
    app.state.memory = memory
    app.state.read_only = read_only
    app.state.probes = anyio.CapacityLimiter(
        1
    )  # beside the threads of requests, which may all wait
    app.include_router(router)
    app.add_api_route("/health", health, tags=["state"])
    app.add_api_route("/ready", ready, tags=["state"])
    app.router.routes.append(Route("/mcp", _Protocol(protocol), methods=["POST"]))
    limit = RateLimit(requests_per_minute)
    inner = BearerAuthentication(app, user_of=user_of, limit=limit, open_paths=OPEN_PATHS)
    return Guard(inner, hosts=hosts, max_body_bytes=max_body_bytes, refuse=_refuse_early)


async def health() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


async def ready(request: Request) -> JSONResponse:
    """Whether the store answers as well."""
    memory: LightMem = request.app.state.memory
    try:
        with anyio.fail_after(_READY_SECONDS):
            await anyio.to_thread.run_sync(
                lambda: memory.spaces.of(user_id="ready"),
                abandon_on_cancel=True,
                limiter=request.app.state.probes,
            )
    except (LightMemError, TimeoutError) as error:
        logger.warning("The store does not answer: %s: %s", type(error).__name__, error)
        return refusal(503, "unavailable", "The store does not answer.", {"Retry-After": "5"})
    return JSONResponse({"status": "ready"})


class _Protocol:
    """MCP as an ASGI app; a bound method would be taken for a function of a request."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await Request(scope, receive).body()
        refused = error_answer(message)
        if refused is not None:
            answer = Response(refused, 400, media_type="application/json")
            await answer(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": message}]

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        await self._manager.handle_request(scope, again, send)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LightMemError)  # noqa: S101 - it is registered for no other
    return refusal_of(error)


async def _refuse_arguments(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    reasons = [_reason(each) for each in error.errors()]
    return refusal(422, "invalid_request", " ".join(reasons))


def _reason(found: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        whose = " The token says whose memory it is." * (found["loc"][-1] in ("user_id", "user"))
        return f"{place}: nothing takes this argument.{whose}"
    if found["type"] == "json_invalid" and found["loc"][0] == "body":
        at, why = found["loc"][-1], found["ctx"]["error"]
        return f"The body is no JSON: {why}, at character {at}."
    return f"{place}: {found['msg']}."


async def _refuse_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "bad_request")
    return refusal(error.status_code, code, f"{error.detail}.", dict(error.headers or {}))


async def _refuse_after_failure(_: Request, __: Exception) -> JSONResponse:
    # It is logged further out.
    return refusal(500, "failure", "Something went wrong; the server's log says what.")


def _refuse_early(status: int, message: str) -> JSONResponse:
    if status == 421:  # noqa: PLR2004
        message += " Whoever runs it can allow the name, with --allow-host."
    codes = {403: "foreign_origin", 413: "too_large", 421: "foreign_host", 500: "failure"}
    return refusal(status, codes.get(status, "bad_request"), message)
