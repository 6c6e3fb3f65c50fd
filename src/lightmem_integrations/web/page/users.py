"""View of the store: its users, how much is stored of each, and how it fares."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.records.report import Stats
from lightmem_integrations.web.page.view import page_of, render, searched


def show(request: Request) -> Response:
    """The users, a page of them at a time, with the store's figures above them."""
    memory = page_of(request).memory
    shown, about = searched(request, memory.users())
    return render(
        request,
        "users.html",
        stats=memory.stats(),
        spaces=memory.spaces.names(),
        users=[(each, health(each)) for each in memory.stats_of(*shown)],
        **about,
    )


def health(stats: Stats) -> str:
    """How a user's memory fares, in a word or two; the worst first."""
    if stats.set_aside:
        return "turns set aside"
    if stats.failing:
        return "consolidation fails"
    return "catching up" if stats.pending or stats.due else "well"


ROUTES = [Route("/", show)]
