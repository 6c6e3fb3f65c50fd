"""Fusion of the tiers: turns and facts in one list of hits."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection

from lightmem_integrations.recall.candidates import Ranked, ScoredTurn, Selection
from lightmem_integrations.recall.tiers.facts import ALMOST, CLOSE, FactView, Match
from lightmem_integrations.recall.tiers.hits import statement_hits, turn_hits
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.users import User

_STEERING = 0.5  # about what half a standard deviation of the other features adds; a guess


def fuse(
    connection: Connection, user: User, plan: Plan, selection: Selection | None, facts: FactView
) -> list[Ranked]:
    """The hits, best first.

    Turns that prove a fact close to the question move up a little; a superseded turn moves behind
    its successor. A statement that is all but the answer takes the last place, unless one of the
    turns shown proves it.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        plan: What the question asks for.
        selection: More turns than wanted, so that others can take the place of superseded ones;
            ``None`` where only facts are asked for.
        facts: What the facts say; empty where nothing is consolidated.
    """
    if selection is None:
        return statement_hits(connection, user, facts.matches)
    best = demote_superseded(boost_evidence(selection, facts), facts)[: plan.k]
    added = extra_facts(facts, {selection.row(scored) for scored in best}, plan)
    chosen = replace(selection, best=best[: plan.k - len(added)])
    hits = turn_hits(connection, user, chosen, facts)
    return hits + statement_hits(connection, user, added)


def boost_evidence(selection: Selection, facts: FactView) -> Selection:
    """Raise the turns that prove a fact close to the question a little.

    A fact says in full what its turn says in passing: whose it is, and when it was.
    """
    if not facts.proven:
        return selection
    boosted = []
    for scored in selection.best:
        fact = facts.proven.get(selection.row(scored))
        if fact is None:
            boosted.append(scored)
            continue
        added = _STEERING * (fact.similarity - CLOSE) / (1 - CLOSE)
        parts = {**scored.parts, "fact": round(fact.similarity, 3)}
        boosted.append(replace(scored, score=scored.score + added, parts=parts))
    return replace(selection, best=sorted(boosted, key=lambda scored: -scored.score))


def demote_superseded(selection: Selection, facts: FactView) -> list[ScoredTurn]:
    """The turns by rank, with no superseded one before the one that superseded it."""
    ordered = list(selection.best)
    for scored in selection.best:
        change = facts.outdated.get(selection.row(scored))
        if change is None:
            continue
        old = next(i for i, other in enumerate(ordered) if other.place == scored.place)
        later = (
            i for i in range(old + 1, len(ordered)) if selection.row(ordered[i]) in change.turns
        )
        new = next(later, None)
        if new is not None:
            newer = ordered.pop(new)
            ordered.insert(old, newer)
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
