"""Fusion of the tiers: turns and facts in one list of hits."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from lightmem_integrations.recall.candidates import Found, ScoredTurn, Selection
from lightmem_integrations.recall.plan.purpose import BROAD
from lightmem_integrations.recall.tiers.fact_view import ALMOST, FactView, Match, asks_for_old
from lightmem_integrations.recall.tiers.hits import (
    read_told,
    shown_rows,
    statement_hits,
    turn_hits,
)
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.users import User

_SHORT_FACT = 45  # three times the tokens of a short statement: a third of the text is for them
# Else so many tokens of the text to a fact, since they take the room of turns: 8 of 1,000 tokens.
# By `python benchmarks/knowledge.py`, with 5, 8 and all that fit, whole answers in one line are
# .765, .765 and .753, and evidence that is shown .862, .856 and .844.
_ROOM_FOR_A_FACT = 125
_FEWEST_FACTS = 4  # a guess


def fuse(
    connection: Connection,
    user: User,
    plan: Plan,
    selection: Selection | None,
    facts: FactView,
    *,
    max_tokens: int,
    now: float,
) -> Found:
    """The hits, what is ranked behind them, and what is known.

    Of a superseded turn and its successor, the one that is asked for stands first. A statement that
    is all but the answer takes the last place, unless one of the turns shown proves it.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        plan: What the question asks for.
        selection: More turns than wanted, so that others can take the place of superseded ones;
            ``None`` where only facts are asked for.
        facts: What the facts say; empty where nothing is consolidated.
        max_tokens: Size of the text that is made of it.
        now: When it is asked, in seconds since 1970: then a plan is one, or was one.
    """
    most = max(max_tokens // _ROOM_FOR_A_FACT, _FEWEST_FACTS)
    most = max_tokens // _SHORT_FACT if plan.purpose in BROAD else most
    matches = facts.matches(plan)
    known = sorted(facts.known(plan), key=lambda match: not match.statement.pinned)[:most]
    chosen = [*matches, *known, *facts.events]
    rows = {row for match in chosen for row in match.statement.turns}
    fitting: list[int] = []
    if selection is not None:
        best = order_superseded(selection, [*selection.best, *selection.further], facts, plan)
        selection = replace(selection, best=best)
        fitting = shown_rows(selection, plan.k, max_tokens)
    told = read_told(connection, user, rows.union(fitting), now)
    stated = statement_hits(chosen, told, facts.outdated, now)
    shown: dict[str, Any] = {
        "known": [stated[match] for match in known if match in stated],
        "events": [stated[match] for match in facts.events if match in stated],
        "events_of": facts.events_of,
    }
    if selection is None:
        return Found([stated[match] for match in matches if match in stated], **shown)
    first = {selection.row(scored) for scored in selection.best[: plan.k]}
    added = extra_facts(matches, first, plan)
    own = plan.k - len(added)
    turns = turn_hits(selection, {row: told[row] for row in fitting if row in told}, facts, plan)
    hits = [*turns[:own], *(stated[match] for match in added if match in stated)]
    return Found(hits, turns[own:], **shown)


def order_superseded(
    selection: Selection, ranked: Sequence[ScoredTurn], facts: FactView, plan: Plan
) -> list[ScoredTurn]:
    """The turns by rank, with no superseded one before the one that superseded it.

    For what was or has changed it is the other way round. It counts where nothing that the turn
    proves bears more on the question than what was superseded, and then more than any guess.
    """
    ordered = list(ranked)
    by_row = {selection.row(scored): scored for scored in ranked}
    changes = [
        (row, change)
        for row, change in facts.outdated.items()
        if row in by_row and facts.bears(row, change.fact)
    ]
    # So that of three, each finds the two others in order.
    backwards = plan.time in ("past", "change")
    for row, change in sorted(changes, key=lambda each: each[1].until, reverse=backwards):
        old = ordered.index(by_row[row])
        newer = sorted(ordered.index(by_row[turn]) for turn in change.turns if turn in by_row)
        if newer and asks_for_old(plan, change.until):
            ordered.insert(min(newer[0], old), ordered.pop(old))
        elif newer and newer[0] > old:
            ordered.insert(old, ordered.pop(newer[0]))
    return ordered


def extra_facts(matches: Sequence[Match], shown: Set[int], plan: Plan) -> Sequence[Match]:
    """Statements worth a place of their own, best first: none of the turns shown proves them.

    Only what is all but the answer, and one in five hits at most (a guess): each takes the place of
    a turn.

    Args:
        matches: What the facts say.
        shown: Rows of the turns that are shown.
        plan: What the question asks for.
    """
    added = [
        match
        for match in matches
        if match.similarity >= ALMOST and shown.isdisjoint(match.statement.turns)
    ]
    return added[: plan.k // 5]
