"""The page as an ASGI application: its routes, who gets in, and how errors look."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from lightmem_integrations.errors import (
    AccessError,
    InvalidRequestError,
    LightMemError,
    NotFoundError,
    ReadOnlyError,
    ScopeError,
)
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.web.page import (
    audit,
    erasure,
    facts,
    metrics,
    profile,
    recall,
    spaces,
    timeline,
    users,
)
from lightmem_integrations.web.page.session import Session, token_in
from lightmem_integrations.web.page.view import FOLDER, Page, page_of, render, templates
from lightmem_integrations.web.security import Guard

logger = logging.getLogger(__name__)

_STATUS: dict[type[LightMemError], int] = {
    NotFoundError: 404,
    AccessError: 403,
    InvalidRequestError: 400,
    ReadOnlyError: 403,
    ScopeError: 400,
}
_TITLES = {
    400: "That cannot be done",
    401: "This page needs its address",
    403: "Not allowed",
    404: "Nothing here",
    405: "That cannot be done",
    503: "The store does not answer",
}


def page(memory: LightMem, *, token: str, read_only: bool = False) -> Starlette:
    """The page over an open memory, to be served on loopback.

    Args:
        memory: What is looked at; whoever opened it closes it.
        token: Random text that the first address must carry, as ``?token=...``.
        read_only: Hide and refuse whatever changes the memory.
    """
    templates()  # before somebody waits for a view
    modules = (users, timeline, facts, recall, profile, erasure, spaces, metrics, audit)
    views: list[Route] = [route for module in modules for route in module.ROUTES]
    app = Starlette(
        routes=[*views, Mount("/static", StaticFiles(directory=FOLDER / "static"))],
        middleware=[Middleware(Guard, broken=_broken), Middleware(_Door)],
        exception_handlers={HTTPException: _refused, LightMemError: _refused},
    )
    app.state.page = Page(memory, read_only, Session(token))
    return app


class _Door:
    """Lets nobody in without the token, or the cookie that it became; style is no secret."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it."""
        refused = None if scope["type"] != "http" else self._refusal(Request(scope))
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        session, given = page_of(request).session, token_in(request.query_params)
        if given is not None:
            if session.opens(given):
                return session.begin(request)
            return _shut(request, 403, "The token in the address is not the one of this page.")
        if request.scope["path"].startswith("/static/") or session.knows(request):
            return None
        return _shut(request, 401, "Open the address that the command printed: it holds a token.")


def _shut(request: Request, status: int, detail: str) -> Response:
    """An error for a stranger, who learns nothing of the store."""
    return _error(request, status, detail, user="", place="")


def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        missing = error.detail == "Not Found"
        detail = "There is no page at this address." if missing else error.detail
        return _error(request, error.status_code, detail)
    kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
    status = next(kinds, 503)
    if status == 503:  # noqa: PLR2004
        logger.warning("The store does not answer (%s).", type(error).__name__)
    return _error(request, status, str(error))


def _broken(scope: Scope) -> Response:
    detail = "The program that serves this page has logged what went wrong."
    return _error(Request(scope), 500, detail)


def _error(request: Request, status: int, detail: str, **shown: str) -> Response:
    title = _TITLES.get(status, "Something went wrong")
    values = {"title": title, "detail": detail, "code": status} | shown
    return render(request, "error.html", status=status, **values)
