"""View of the calls in this process: how long they took, what failed or went on without a part."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.web.page.view import page_of, render


def show(request: Request) -> Response:
    """Counts and latencies since the memory was opened here."""
    return render(request, "metrics.html", metrics=page_of(request).memory.metrics())


ROUTES = [Route("/metrics", show)]
