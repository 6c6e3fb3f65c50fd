"""Views of what is known of a user: facts, what proves and contradicts them, and corrections."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.records.fact_search import FactSearch
from lightmem_integrations.records.knowledge import Fact
from lightmem_integrations.text.precision import iso_date
from lightmem_integrations.web.page.validity import Scale
from lightmem_integrations.web.page.view import (
    FEW,
    MANY,
    addressed,
    back_to,
    changes,
    page_of,
    render,
    text_of,
    whose,
)

_STATES = ("current", "past", "all", "conflicts")


def show(request: Request) -> Response:
    """A user's facts that meet the filters of the address, the latest first, or its conflicts."""
    memory, named, asked = page_of(request).memory, whose(request), request.query_params
    state = asked.get("show", "current")
    state = state if state in _STATES else "current"
    disputed = memory.conflicts(**named, limit=1).total
    shown = _conflicts if state == "conflicts" else _filtered
    values = shown(request, named, state)
    return render(request, "facts.html", state=state, states=_STATES, disputed=disputed, **values)


def _conflicts(request: Request, named: dict[str, Any], _: str) -> dict[str, Any]:
    """A page of the conflicts, the decided ones too, the latest first."""
    older_than = request.query_params.get("older") or None
    memory = page_of(request).memory
    found = memory.conflicts(**named, only_open=False, limit=FEW + 1, before=older_than)
    shown = found[-FEW:][::-1]
    both = [fact for each in shown for fact in (each.first, each.second)]
    return {
        "conflicts": shown,
        "found": found.total,
        "scale": Scale.of(both),
        "newer": older_than is not None,
        "older": len(found) > FEW,
    }


def _filtered(request: Request, named: dict[str, Any], state: str) -> dict[str, Any]:
    """The facts to show, a page of them, with the filters by which they were chosen."""
    asked, now = request.query_params, dt.datetime.now(dt.timezone.utc)
    given = {name: asked.get(name, "").strip() for name in ("q", "kind", "told", "only")}
    kind: Any = given["kind"] or None  # which there are the memory knows
    told: Any = given["told"] or None
    search = FactSearch(
        words=given["q"],
        kind=kind,
        told_by=told,
        pinned=given["only"] == "pinned",
        doubted=given["only"] == "doubted",
        past=state == "past",
    )
    newer_than, older_than = asked.get("newer") or None, asked.get("older") or None
    found = page_of(request).memory.facts(
        **named,
        include_past=state != "current",
        search=search,
        limit=MANY + 1,
        after=newer_than,
        before=older_than,
        latest=newer_than is None,
    )
    more = len(found) > MANY
    shown = (found[:MANY] if newer_than else found[-MANY:])[::-1]
    return {
        "facts": [(fact, holds(fact, now)) for fact in shown],
        "scale": Scale.of(shown),
        "given": given,
        "found": found.total,
        "filtered": any(given.values()),
        "newer": more if newer_than else older_than is not None,
        "older": newer_than is not None or more,
    }


def holds(fact: Fact, now: dt.datetime) -> bool:
    """Whether a fact is believed and true at a moment."""
    over = fact.valid_to is not None and fact.valid_to <= now
    return fact.retracted_at is None and fact.valid_from <= now and not over


def explain(request: Request) -> Response:
    """One fact: what proves it, what it replaced, what contradicts it, and how to correct it."""
    memory, named = page_of(request).memory, whose(request)
    found = memory.explain(request.query_params.get("id", ""), **named)
    now, fact = dt.datetime.now(dt.timezone.utc), found.fact
    others = [other for each in found.conflicts for other in (each.first, each.second)]
    return render(
        request,
        "fact.html",
        found=found,
        fact=fact,
        holds=holds(fact, now),
        stands=fact.retracted_at is None,
        restorable=fact.retracted_at is not None and fact.superseded_by is None,
        scale=Scale.of([fact, *found.history, *others]),
        done=request.query_params.get("done", ""),
    )


@changes
def edit(request: Request, form: FormData) -> Response:
    """A corrected fact in the place of the old one, or a retracted one that is believed again."""
    memory, named, fact_id = page_of(request).memory, whose(request, form), text_of(form, "fact")
    fact = memory.explain(fact_id, **named).fact
    restored = fact.retracted_at is not None
    statement = text_of(form, "statement")
    given: dict[str, Any] = {}
    if statement and (restored or statement != fact.statement):
        given["statement"] = statement
    for name, day, precision in (
        ("valid_from", fact.valid_from, fact.valid_from_precision),
        ("valid_to", fact.valid_to, fact.valid_to_precision),
    ):
        said = text_of(form, name)
        if said and said != (day and iso_date(day, precision)):
            given[name] = said
    if not given:
        return back_to("/facts/fact", **addressed(named), id=fact_id, done="same")
    reason = text_of(form, "reason")
    given |= {"reason": reason} if reason else {}
    new = memory.edit(fact_id, **named, **given)
    done = "restored" if restored else "corrected"
    return back_to("/facts/fact", **addressed(named), id=new.id, done=done)


@changes
def retract(request: Request, form: FormData) -> Response:
    """A fact that is not believed any more."""
    named, fact_id, reason = whose(request, form), text_of(form, "fact"), text_of(form, "reason")
    page_of(request).memory.retract(fact_id, **named, **({"reason": reason} if reason else {}))
    return back_to("/facts/fact", **addressed(named), id=fact_id, done="retracted")


@changes
def resolve(request: Request, form: FormData) -> Response:
    """A conflict that is decided: one fact stays, the other is retracted."""
    named, kept = whose(request, form), text_of(form, "keep")
    page_of(request).memory.resolve(text_of(form, "conflict"), **named, keep=kept)
    return back_to("/facts/fact", **addressed(named), id=kept, done="kept")


@changes
def pin(request: Request, form: FormData) -> Response:
    """A fact that is pinned from now on, or no longer."""
    memory, named, fact_id = page_of(request).memory, whose(request, form), text_of(form, "fact")
    pinned = bool(text_of(form, "pinned"))
    (memory.pin if pinned else memory.unpin)(**named, memory_ids=[fact_id])
    done = "pinned" if pinned else "unpinned"
    return back_to("/facts/fact", **addressed(named), id=fact_id, done=done)


ROUTES = [
    Route("/facts", show),
    Route("/facts/fact", explain),
    Route("/facts/edit", edit, methods=["POST"]),
    Route("/facts/retract", retract, methods=["POST"]),
    Route("/facts/resolve", resolve, methods=["POST"]),
    Route("/facts/pin", pin, methods=["POST"]),
]
