"""Fusion of the tiers: turns and facts in one list of hits."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection

from lightmem_integrations.recall.candidates import Found, ScoredTurn, Selection
from lightmem_integrations.recall.select.versions import VERSION
from lightmem_integrations.recall.tiers.facts import ALMOST, CLOSE, FactView, Match
from lightmem_integrations.recall.tiers.hits import statement_hits, turn_hits
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.users import User

_STEERING = 0.5  # about what half a standard deviation of the other features adds; a guess


def fuse(
    connection: Connection,
    user: User,
    plan: Plan,
    selection: Selection | None,
    facts: FactView,
    *,
    max_tokens: int,
) -> Found:
    """The hits, and what is ranked behind them.

    Turns that prove a fact close to the question move up a little; of a superseded turn and its
    successor, the one that is asked for stands first. Versions of a thing keep their order. A
    statement that is all but the answer takes the last place, unless one of the
    turns shown proves it.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        plan: What the question asks for.
        selection: More turns than wanted, so that others can take the place of superseded ones;
            ``None`` where only facts are asked for.
        facts: What the facts say; empty where nothing is consolidated.
        max_tokens: Size of the text that is made of it.
    """
    if selection is None:
        return Found(statement_hits(connection, user, facts.matches))
    best = order_superseded(boost_evidence(selection, facts), facts, plan)
    added = extra_facts(facts, {selection.row(scored) for scored in best[: plan.k]}, plan)
    own = plan.k - len(added)
    ranked = replace(selection, best=[*best, *selection.further])
    turns = turn_hits(connection, user, ranked, facts, k=own, max_tokens=max_tokens)
    return Found([*turns[:own], *statement_hits(connection, user, added)], turns[own:])


def boost_evidence(selection: Selection, facts: FactView) -> Selection:
    """Raise the turns that prove a fact close to the question a little.

    A fact says in full what its turn says in passing: whose it is, and when it was. Versions are
    in their order already: a fact that was missed in one of them would put the others first.
    """
    if not facts.proven:
        return selection
    boosted = []
    for scored in selection.best:
        fact = facts.proven.get(selection.row(scored))
        if fact is None or VERSION in scored.parts:
            boosted.append(scored)
            continue
        added = _STEERING * (fact.similarity - CLOSE) / (1 - CLOSE)
        parts = {**scored.parts, "fact": round(fact.similarity, 3)}
        boosted.append(replace(scored, score=scored.score + added, parts=parts))
    return replace(selection, best=sorted(boosted, key=lambda scored: -scored.score))


def order_superseded(selection: Selection, facts: FactView, plan: Plan) -> list[ScoredTurn]:
    """The turns by rank, with no superseded one before the one that superseded it.

    For what was or has changed it is the other way round. Versions stay as they are.
    """
    ordered = list(selection.best)
    past = plan.time in ("past", "change")
    for scored in selection.best:
        change = facts.outdated.get(selection.row(scored))
        if change is None or VERSION in scored.parts:
            continue
        old = next(i for i, other in enumerate(ordered) if other.place == scored.place)
        newer = [i for i, other in enumerate(ordered) if selection.row(other) in change.turns]
        if past and newer and newer[0] < old:
            ordered.insert(newer[0], ordered.pop(old))
        elif not past and (behind := [i for i in newer if i > old]):
            ordered.insert(old, ordered.pop(behind[0]))
    return ordered


def extra_facts(facts: FactView, shown: Set[int], plan: Plan) -> Sequence[Match]:
    """Statements worth a place of their own, best first: none of the turns shown proves them.

    Only what is all but the answer, and one in five hits at most (a guess): each takes the place of
    a turn.

    Args:
        facts: What the facts say.
        shown: Rows of the turns that are shown.
        plan: What the question asks for.
    """
    added = [
        match
        for match in facts.matches
        if match.similarity >= ALMOST and shown.isdisjoint(match.statement.turns)
    ]
    return added[: plan.k // 5]
