"""Views of forgetting: what would go, and the receipt of what went."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.errors import NotFoundError
from lightmem_integrations.web.page.view import changes, day_in, page_of, render, whose

_CONDITIONS = ("session", "turn", "memory", "since", "until")


def plan(request: Request) -> Response:
    """What meets the conditions of the address, before anything of it is erased."""
    page = page_of(request)
    if page.read_only:
        raise HTTPException(403, "This page was opened for reading only.")
    named, given = whose(request), _given(dict(request.query_params))
    chosen = bool(given) or "all" in request.query_params
    conditions = _conditions(request, given)
    planned = page.memory.forget(**named, **conditions, dry_run=True) if chosen else None
    return render(
        request,
        "forget.html",
        stats=page.memory.stats(**named),
        given={name: given.get(name, "") for name in _CONDITIONS},
        planned=planned,
        whole=chosen and not given,
        sample=_sample(request, named, given) if planned and planned.turns else (),
    )


@changes
def forget(request: Request, form: FormData) -> Response:
    """What was erased: the receipt. The address after it would name what is gone."""
    memory, named = page_of(request).memory, whose(request, form)
    given = _given({name: value for name, value in form.items() if isinstance(value, str)})
    if not given and "all" not in form:
        raise HTTPException(400, "Nothing was named to be erased.")
    receipt = memory.forget(**named, **_conditions(request, given))
    left = memory.stats(**named).turns > 0 or "space" in named
    return render(
        request,
        "receipt.html",
        receipt=receipt,
        user=named["user_id"] if left else "",
        space=named.get("space", ""),
    )


def _given(asked: dict[str, str]) -> dict[str, str]:
    return {name: asked[name] for name in _CONDITIONS if asked.get(name, "").strip()}


def _conditions(request: Request, given: dict[str, str]) -> dict[str, Any]:
    """What is named, as arguments of ``forget``."""
    found: dict[str, Any] = {}
    if "session" in given:
        found["session_id"] = given["session"]
    if "turn" in given:
        found["turn_ids"] = [given["turn"]]
    if "memory" in given:
        found["memory_ids"] = [given["memory"]]
    for name in ("since", "until"):
        if name in given:
            found[name] = day_in(request, given[name])
    return found


def _sample(request: Request, named: dict[str, Any], given: dict[str, str]) -> tuple[Any, ...]:
    """Turns that would go, where few are named: behind a fact, or a turn itself."""
    memory = page_of(request).memory
    if "memory" in given:
        with suppress(NotFoundError):  # it may be an episode
            return tuple(each.turn for each in memory.explain(given["memory"], **named).evidence)
    if "turn" in given and "session" in given:
        session, turn = given["session"], given["turn"]
        ahead = memory.history(**named, session_id=session, limit=1, before=turn, latest=True)
        after = ahead[0].id if ahead else None
        return memory.history(**named, session_id=session, limit=1, after=after)
    return ()


ROUTES = [Route("/forget", plan, methods=["GET"]), Route("/forget", forget, methods=["POST"])]
