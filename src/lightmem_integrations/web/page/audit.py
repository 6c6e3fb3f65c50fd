"""View of an audit: what of one memory, or of the whole store, is junk, with ways to look at it."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.records.audit import CHECKS, NAMES, Check, Finding
from lightmem_integrations.web.page.view import (
    FEW,
    addressed,
    back_to,
    changes,
    link,
    page_of,
    render,
    text_of,
    whose,
)


def show(request: Request) -> Response:
    """The figures, and the first findings of each check."""
    named = whose(request) if request.query_params.get("user") else {}
    found = page_of(request).memory.audit(**named, limit=FEW)
    listed: dict[Check, list[tuple[Finding, list[str]]]] = {check: [] for check in CHECKS}
    for each in found.findings:
        listed[each.check].append((each, _links(each, named)))
    return render(request, "audit.html", audit=found, listed=listed, names=NAMES)


@changes
def merge(request: Request, form: FormData) -> Response:
    """Facts that say the same word for word, merged."""
    named = whose(request, form) if text_of(form, "user") else {}
    page_of(request).memory.audit(**named, limit=1, fix=True)
    return back_to("/audit", **(addressed(named) if named else {}))


def _links(finding: Finding, named: dict[str, Any]) -> list[str]:
    """Addresses of what is meant, as far as this view may open it: not of a space by nobody."""
    user = named.get("user_id") or finding.user_id
    if user is None:
        return []
    where = {"user": user, "space": finding.space}
    if finding.session_ids:
        said = zip(finding.session_ids, finding.ids, strict=True)
        return [link("/timeline", **where, session=each, turn=turn) for each, turn in said]
    if finding.check == "never_recalled":
        return [link("/timeline", **where)]
    return [link("/facts/fact", **where, id=each) for each in finding.ids]


ROUTES = [Route("/audit", show), Route("/audit/merge", merge, methods=["POST"])]
