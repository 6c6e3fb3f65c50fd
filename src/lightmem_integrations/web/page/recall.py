"""View of a recall: the text as the model gets it, why each hit is there, and what was cut."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmem_integrations.errors import LightMemError
from lightmem_integrations.inline.parts import Part, parts_of, ranks_of
from lightmem_integrations.inline.recall import plan_words
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.records.conversation import TIERS, Hit, Recall
from lightmem_integrations.web.page.view import MANY, day_in, number, page_of, render, whose

_SIDES = ("", "2")  # what the fields of each side end with
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a hit as a bar on an axis from 0 to 100 that all hits share.

    Attributes:
        part: The part.
        x: Where the bar begins.
        width: How long it is.
    """

    part: Part
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Settings of one side, as its fields hold them."""

    k: int
    tokens: int
    day: str
    session: str
    spaces: str
    tier: str


@dataclass(frozen=True)
class Side:
    """One way to ask, and what it gave.

    Attributes:
        end: What the names of its fields end with.
        asked: Its settings.
        recall: What was found; ``None`` where nothing was asked or it could not be.
        problem: Why it could not be, in words.
    """

    end: str
    asked: Asked
    recall: Recall | None = None
    problem: str = ""

    @property
    def plan(self) -> list[str]:
        """What was made of the question, in words."""
        return [] if self.recall is None else plan_words(self.recall.plan)

    @property
    def zero(self) -> float:
        """Where the axis of the bars has its zero."""
        least, most = self._ends
        return 100 * -least / (most - least)

    def bars(self, hit: Hit) -> list[Bar]:
        """The parts of a hit, those that count most first."""
        least, most = self._ends
        return [
            Bar(
                part,
                100 * (min(part.counts or 0.0, 0.0) - least) / (most - least),
                100 * abs(part.counts or 0.0) / (most - least),
            )
            for part in parts_of(hit)
        ]

    def place(self, hit: Hit) -> int | None:
        """The rank of the same hit on this side, from 1, if it is there."""
        hits = () if self.recall is None else self.recall.hits
        ranks = (rank for rank, each in enumerate(hits, start=1) if each.source == hit.source)
        return next(ranks, None)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        hits = () if self.recall is None else self.recall.hits
        counts = [part.counts or 0.0 for hit in hits for part in parts_of(hit)]
        least, most = min([0.0, *counts]), max([0.0, *counts])
        return least, most if most > least else least + 1.0


def show(request: Request) -> Response:
    """A question, asked in one way or in two beside each other."""
    memory, named, given = page_of(request).memory, whose(request), request.query_params
    question, compared = given.get("q", "").strip(), "k2" in given
    sides = [Side(end, _asked(request, end)) for end in _SIDES[: 1 + compared]]
    if question:
        sides = [_answered(request, named, question, side) for side in sides]
    return render(
        request,
        "recall.html",
        status=400 if any(side.problem for side in sides) else 200,
        question=question,
        sides=sides,
        ranks_of=ranks_of,
        grants=memory.spaces.of(user_id=named["user_id"]),
        sessions=memory.sessions(**named, limit=MANY, latest=True),
        days=_days(memory, named),
    )


def _asked(request: Request, end: str) -> Asked:
    given, settings = request.query_params, page_of(request).memory.settings
    return Asked(
        number(request, f"k{end}", settings.k),
        number(request, f"tokens{end}", settings.max_tokens),
        *(given.get(f"{name}{end}", "") for name in ("day", "session", "spaces", "tier")),
    )


def _answered(request: Request, named: Mapping[str, Any], question: str, side: Side) -> Side:
    memory, asked, space = page_of(request).memory, side.asked, named.get("space")
    also = [space] if space else []
    try:
        recall = memory.recall(
            question,
            user_id=named["user_id"],
            k=asked.k,
            max_tokens=asked.tokens,
            as_of=_end_of(request, asked.day) if asked.day else None,
            session_id=asked.session or None,
            tiers=[tier for tier in TIERS if asked.tier in ("", tier)],
            spaces="all" if asked.spaces == "all" else [*also, *filter(None, [asked.spaces])],
        )
    except LightMemError as error:
        return Side(side.end, asked, problem=str(error))
    return Side(side.end, asked, recall)


def _days(memory: LightMem, named: Mapping[str, Any]) -> tuple[int, int] | None:
    """The days since 1970 of the user's first turn and of today, as a slider counts them."""
    for session_id in memory.sessions(**named, limit=1):
        for turn in memory.history(session_id=session_id, limit=1, **named):
            if turn.time is not None:
                return int(turn.time.timestamp() // _DAY_SECONDS), int(time.time() // _DAY_SECONDS)
    return None


def _end_of(request: Request, day: str) -> dt.datetime:
    """The last moment of a day: what was said on it was known on it."""
    return day_in(request, day).replace(hour=23, minute=59, second=59, microsecond=999_999)


ROUTES = [Route("/recall", show)]
