"""View of the store: its users, how much is stored of each, and how it fares."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.records.report import Stats
from lightmem_integrations.web.page.view import FEW, number, page_of, render


def show(request: Request) -> Response:
    """The users, a page of them at a time, with the store's figures above them."""
    memory, sought = page_of(request).memory, request.query_params.get("q", "").strip()
    found = [each for each in memory.users() if sought.casefold() in each.casefold()]
    at = number(request, "page")
    shown = found[(at - 1) * FEW : at * FEW]
    return render(
        request,
        "users.html",
        stats=memory.stats(),
        spaces=memory.spaces.names(),
        users=[(each, health(each)) for each in memory.stats_of(*shown)],
        found=len(found),
        sought=sought,
        at=at,
        last=max(1, -(-len(found) // FEW)),
    )


def health(stats: Stats) -> str:
    """How a user's memory fares, in a word or two; the worst first."""
    if stats.set_aside:
        return "turns set aside"
    if stats.failing:
        return "consolidation fails"
    return "catching up" if stats.pending or stats.due else "well"


ROUTES = [Route("/", show)]
