"""View of the spaces that several users share: who may read and write each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.web.page.view import FEW, number, page_of, render


def show(request: Request) -> Response:
    """The spaces, some at a time, with their members; each is looked at as one of these."""
    spaces, sought = page_of(request).memory.spaces, request.query_params.get("q", "").strip()
    found = [each for each in spaces.names() if sought.casefold() in each.casefold()]
    at = number(request, "page")
    return render(
        request,
        "spaces.html",
        spaces=[(each, spaces.members(each)) for each in found[(at - 1) * FEW : at * FEW]],
        sought=sought,
        found=len(found),
        at=at,
        last=max(1, -(-len(found) // FEW)),
    )


ROUTES = [Route("/spaces", show)]
