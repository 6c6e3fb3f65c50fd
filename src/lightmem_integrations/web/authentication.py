"""Authentication of requests: the bearer token says whose memory it is, and nothing else does."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightmem_integrations.errors import AuthenticationError, LightMemError
from lightmem_integrations.web.limits import RateLimit
from lightmem_integrations.web.refusals import refusal, refusal_of

UserOf = Callable[[str], str]
"""The user of a bearer token; it may block, and raises ``AuthenticationError`` for nobody's."""

_THREADS = 4  # a guess: to fetch an issuer's keys must not keep recalls waiting, nor these it


class BearerAuthentication:
    """ASGI middleware: writes ``user_id`` into the request's state, or refuses the request.

    Args:
        app: What stands behind it.
        user_of: Whose token it is. A ``str`` is the one user of a server that asks for no token.
        limit: How much one user may ask for.
        open_paths: Paths that anybody may ask for.
    """

    def __init__(
        self, app: ASGIApp, *, user_of: UserOf | str, limit: RateLimit, open_paths: Collection[str]
    ) -> None:
        self._app = app
        self._user_of = user_of
        self._limit = limit
        self._open_paths = frozenset(open_paths)
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        try:
            user_id = await self._user(Headers(scope=scope).getlist("authorization"))
        except LightMemError as error:
            await refusal_of(error)(scope, receive, send)
            return
        seconds = math.ceil(self._limit.wait(user_id))
        if seconds:
            message = f"Too many requests of this user; the next is answered in {seconds} s."
            answer = refusal(429, "too_many_requests", message, {"Retry-After": str(seconds)})
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["user_id"] = user_id
        await self._app(scope, await _read(receive), send)

    async def _user(self, given: list[str]) -> str:
        if isinstance(self._user_of, str):
            return self._user_of
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthenticationError("A bearer token is needed: Authorization: Bearer TOKEN.")
        return await anyio.to_thread.run_sync(self._user_of, token.strip(), limiter=self._threads)


async def _read(receive: Receive) -> Receive:
    """The same, its body read: a body that is too large fails here, where no framework takes it."""
    body = bytearray()
    message = await receive()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            message = {"type": "http.request", "body": bytes(body)}
            break
        message = await receive()
    waiting = [message]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
