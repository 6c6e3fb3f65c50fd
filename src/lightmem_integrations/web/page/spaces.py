"""View of the spaces that several users share: who may read and write each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.web.page.view import page_of, render, searched


def show(request: Request) -> Response:
    """The spaces, some at a time, with their members; each is looked at as one of these."""
    spaces = page_of(request).memory.spaces
    shown, about = searched(request, spaces.names())
    listed = [(each, spaces.members(each)) for each in shown]
    return render(request, "spaces.html", spaces=listed, **about)


ROUTES = [Route("/spaces", show)]
