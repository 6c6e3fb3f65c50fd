"""View of a user's profile: what always stands in a prompt, and what proves each line of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.web.page.view import page_of, render, whose


def show(request: Request) -> Response:
    """The profile, as the model gets it, and line by line."""
    memory, named = page_of(request).memory, whose(request)
    most = memory.settings.profile_tokens
    return render(request, "profile.html", profile=memory.profile(**named), most=most)


ROUTES = [Route("/profile", show)]
