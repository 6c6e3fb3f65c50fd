"""A user at a glance, facts as a timeline, and a store with its users."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from lightmem_integrations.display import clipped, counted
from lightmem_integrations.inline.markup import (
    BLUE,
    GREY,
    QUIET,
    RED,
    Markup,
    View,
    bar,
    element,
    folded,
    joined,
    table,
    view,
)
from lightmem_integrations.records.knowledge import Conflicts, Fact, Facts
from lightmem_integrations.records.report import Stats
from lightmem_integrations.text.precision import short_date

# Facts, sessions and users that are shown, the newest: guesses at what fits on a screen.
_FACTS, _SESSIONS, _USERS = 20, 10, 50
_HOLDS = ("current", "planned")


def store_view(stats: Stats, users: Sequence[str]) -> View:
    """The view of a store: its size and state, and who is remembered."""
    rest = len(users) - _USERS
    rows = [(user,) for user in users[:_USERS]] + ([(f"and {rest:,} more",)] if rest > 0 else [])
    return view(stats.grid(), _figures(stats), folded(counted(len(users), "user"), table(rows)))


def user_view(stats: Stats, sessions: Sequence[str], facts: Facts, conflicts: Conflicts) -> View:
    """The view of a user: counts, what is in doubt, the newest facts in time, the last sessions."""
    doubts = [f"{counted(len(conflicts), 'open conflict')}: conflicts() shows both sides"]
    return view(
        stats.grid(),
        _figures(stats),
        *(element("div", doubt, style=f"color:{RED}") for doubt in doubts if conflicts),
        _timeline(facts) if facts else element("div", *facts.grid().notes, style=QUIET),
        folded(
            f"Sessions: the last {min(_SESSIONS, len(sessions))} of {len(sessions):,}",
            table((clipped(session),) for session in reversed(sessions[-_SESSIONS:])),
        ),
    )


def facts_view(facts: Facts) -> View:
    """The view of facts: when each was true, what holds first, the newest first."""
    return view(facts.grid(), _timeline(facts))


def state_of(fact: Fact, now: dt.datetime) -> str:
    """Whether a fact holds: ``current``, ``past``, ``planned``, ``superseded`` or ``retracted``."""
    if fact.retracted_at is not None:
        return "retracted"
    if fact.superseded_by is not None:
        return "superseded"
    if fact.valid_to is not None and fact.valid_to <= now:
        return "past"
    return "planned" if fact.valid_from > now or fact.kind == "plan" else "current"


def spans(facts: Sequence[Fact], now: dt.datetime) -> list[tuple[float, float]]:
    """Where the time in which each fact is true begins on a common axis, and its share of that."""
    ends = [fact.valid_to or now for fact in facts]
    begins = min((fact.valid_from for fact in facts), default=now)
    whole = (max([now, *ends], default=now) - begins).total_seconds() or 1.0
    return [
        (
            (fact.valid_from - begins).total_seconds() / whole,
            max((end - fact.valid_from).total_seconds(), 0.0) / whole,
        )
        for fact, end in zip(facts, ends, strict=True)
    ]


def _timeline(facts: Sequence[Fact]) -> Markup:
    now = dt.datetime.now(dt.timezone.utc)
    holds = {fact.id: state_of(fact, now) in _HOLDS for fact in facts}
    newest = sorted(facts, key=lambda fact: (holds[fact.id], fact.valid_from), reverse=True)
    newest = newest[:_FACTS]
    rows = []
    for fact, (start, share) in zip(newest, spans(newest, now), strict=True):
        state = state_of(fact, now)
        days = [short_date(fact.valid_from, fact.valid_from_precision)]
        if fact.valid_to is not None:
            days.append(short_date(fact.valid_to, fact.valid_to_precision))
        when = " to ".join(days)
        struck = "text-decoration:line-through" if state == "retracted" else ""
        shown = element("span", clipped(fact.statement), style=struck)
        known = f"{state}, confidence {fact.confidence:.2f}" + (", pinned" if fact.pinned else "")
        colour = BLUE if state in _HOLDS else GREY
        told = joined([element("div", when), element("div", known, style=QUIET)])
        rows.append((shown, bar(share, start=start, colour=colour, name=when), told))
    return table(rows)


def _figures(stats: Stats) -> Markup:
    figures = [
        ("sessions", stats.sessions), ("turns", stats.turns), ("episodes", stats.episodes),
        ("facts", stats.facts), ("not embedded yet", stats.pending),
        ("set aside", stats.set_aside),
    ]  # fmt: skip
    tiles = (
        element(
            "span",
            element("strong", f"{count:,}"),
            element("span", f" {name}", style=QUIET),
            style="margin-right:1.5em;display:inline-block",
        )
        for name, count in figures
    )
    return element("div", *tiles, style="margin:.4em 0")
