"""ASGI middleware against what other sites, other programs and large bodies do to a local server.

The page and the servers share it. It stands outermost, so that errors pass it too.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a browser on the same machine asks for a server on it."""

MAX_BODY_BYTES = 1_000_000  # a guess: a fact is a sentence, a turn a message
# Nothing else: frameworks make a request's URL of it, and of "127.0.0.1/static/?" another path.
_HOST = re.compile(r"(?P<name>[\w.-]+|\[[\w:.%]+\])(:\d*)?")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    # With no-referrer a browser would send "Origin: null" with our own forms, too.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_BROKEN = "Something went wrong; the server's log says what."
_TOO_LARGE = "That is larger than what is read at once."


class _TooLargeError(Exception):
    """More was sent than is read."""


class Guard:
    """Refuses what a foreign site could have sent, and lets no error out but its status.

    The name in ``Host`` must be one of those given: a foreign name that was rebound to this
    machine is refused. Who asks for a change must come from this origin, or be no browser. Every
    response carries a strict Content Security Policy, is kept by no cache, and stands in no frame.

    Args:
        app: What is guarded.
        hosts: Names, without a port, under which it may be asked for.
        max_body_bytes: Size of a request's body at most.
        broken: The response in place of an error that nothing else answered.
        refuse: A response of a status, with its reason; by default a plain text.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = LOOPBACK,
        max_body_bytes: int = MAX_BODY_BYTES,
        broken: Callable[[Scope], ASGIApp] | None = None,
        refuse: Callable[[int, str], Response] | None = None,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._max_body_bytes = max_body_bytes
        self._refuse = refuse or _refuse
        self._broken = broken or (lambda _: self._refuse(500, _BROKEN))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            # Also a WebSocket's handshake: no browser asks for leave before it opens one.
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        try:
            await self._app(scope, self._limited(receive), answer)
        except _TooLargeError:
            if not begun:
                await self._refuse(413, _TOO_LARGE)(scope, receive, answer)
        except Exception:
            logger.exception("A request failed.")  # its path may hold ids, and lines of its own
            if not begun:
                await self._broken(scope)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            return self._refuse(421, "This server is not known under that name (Host).")
        origins = headers.getlist("origin")
        own = {f"{scope['scheme']}://{hosts[0]}".lower()}
        if scope["method"] not in _READS and {each.lower() for each in origins} - own:
            return self._refuse(403, "Changes are taken from this page alone (Origin).")
        if "transfer-encoding" in headers and "content-length" in headers:
            # What stands in front may see the end of the body elsewhere, and another request in it.
            refused = self._refuse(400, "A body has one length (Content-Length).")
            refused.headers["connection"] = "close"
            return refused
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body_bytes:
            return self._refuse(413, _TOO_LARGE)
        return None

    def _limited(self, receive: Receive) -> Receive:
        """The same, until more was sent than is read: not every body says its length."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body_bytes:
                raise _TooLargeError
            return message

        return limited


def _name(host: str) -> str:
    """Name in a ``Host`` header, without its port; empty for what is none."""
    found = _HOST.fullmatch(host)
    return found["name"].lower() if found else ""


def _refuse(status: int, reason: str) -> Response:
    return PlainTextResponse(reason, status)
