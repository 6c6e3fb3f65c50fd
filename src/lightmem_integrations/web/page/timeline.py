"""Views of what a user said: sessions, their turns, verbatim, and the episodes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.knowledge import Episode
from lightmem_integrations.web.page.view import (
    MANY,
    addressed,
    back_to,
    changes,
    day_in,
    page_of,
    render,
    searched,
    text_of,
    whose,
)

_BEFORE = 10  # turns shown ahead of the one that was jumped to; a guess


def show(request: Request) -> Response:
    """A user's sessions, the latest first, or the turns of the one that the address names."""
    memory, named = page_of(request).memory, whose(request)
    session = request.query_params.get("session")
    if session:
        return _session(request, named, session)
    names, about = searched(request, memory.sessions(**named)[::-1])
    shown = []
    for each in names:
        first = memory.history(**named, session_id=each, limit=1)
        last = memory.history(**named, session_id=each, limit=1, latest=True)
        shown.append({"id": each, "first": first, "last": last})
    stats = memory.stats(**named)
    return render(request, "timeline.html", stats=stats, sessions=shown, **about)


def _session(request: Request, named: dict[str, Any], session: str) -> Response:
    memory, asked = page_of(request).memory, request.query_params
    chosen = {**named, "session_id": session}
    since, speaker = asked.get("since", ""), asked.get("speaker", "").strip()
    conditions: list[dict[str, Any]] = []
    if since:
        conditions.append({"time": {"$gte": day_in(request, since).isoformat()}})
    if speaker:
        conditions.append({"speaker": speaker})
    if conditions:
        chosen["filter"] = {"$and": conditions}
    turn, before, after = (asked.get(name) or None for name in ("turn", "before", "after"))
    earlier = later = False
    turns: Sequence[Turn]
    ahead: Sequence[Turn]
    if turn is not None:
        ahead = memory.history(**chosen, limit=_BEFORE + 1, before=turn, latest=True)
        earlier, ahead = len(ahead) > _BEFORE, ahead[-_BEFORE:]
        from_here = ahead[-1].id if ahead else None
        turns = (*ahead, *memory.history(**chosen, limit=MANY + 1 - len(ahead), after=from_here))
        later, turns = len(turns) > MANY, turns[:MANY]
    elif before is not None or "end" in asked:
        turns = memory.history(**chosen, limit=MANY + 1, before=before, latest=True)
        earlier, later, turns = len(turns) > MANY, before is not None, turns[-MANY:]
    else:
        turns = memory.history(**chosen, limit=MANY + 1, after=after)
        earlier, later, turns = after is not None, len(turns) > MANY, turns[:MANY]
    return render(
        request,
        "session.html",
        session=session,
        turns=turns,
        begins=_episodes(request, named, session, turns, whole=not (earlier or later)),
        target=turn,
        earlier=earlier,
        later=later,
        since=since,
        speaker=speaker,
        filtered=bool(conditions),
    )


def _episodes(
    request: Request, named: dict[str, Any], session: str, turns: Sequence[Turn], *, whole: bool
) -> dict[str | None, Episode]:
    """Episodes by the first turn of theirs that is shown."""
    times = [turn.time for turn in turns if turn.time is not None]
    if not times:
        return {}
    within: dict[str, Any] = {"session_id": session}
    if not whole:  # a long session has thousands of them: few turns are as old as those shown
        within = {"time": {"$gte": min(times).isoformat(), "$lte": max(times).isoformat()}}
    shown, begins = {turn.id for turn in turns}, dict[str | None, Episode]()
    for episode in page_of(request).memory.episodes(**named, filter=within):
        first = next((turn.id for turn in episode.turns if turn.id in shown), None)
        if first is not None:
            begins[first] = episode
    return begins


@changes
def pin(request: Request, form: FormData) -> Response:
    """A turn that is pinned from now on, or no longer."""
    memory, named = page_of(request).memory, whose(request, form)
    session, turn = text_of(form, "session"), text_of(form, "turn")
    mark = memory.pin if text_of(form, "pinned") else memory.unpin
    mark(**named, session_id=session, turn_ids=[turn])
    return back_to("/timeline", **addressed(named), session=session, turn=turn)


ROUTES = [Route("/timeline", show), Route("/turns/pin", pin, methods=["POST"])]
