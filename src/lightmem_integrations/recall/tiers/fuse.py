"""All tiers in one list of hits: turns by rank, marked where they no longer hold, and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows, Vectors
from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.recall.pack import Ranked
from lightmem_integrations.recall.select.select import Scored
from lightmem_integrations.recall.tiers.facts import (
    boost_evidence,
    demote_superseded,
    extra_facts,
    matches,
    nearest_facts,
)
from lightmem_integrations.recall.tiers.hits import statement_hits, turn_hits
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.knowledge_reads import outdated
from lightmem_integrations.storage.turn_filter import Filter
from lightmem_integrations.storage.users import User
from lightmem_integrations.validation import Request

_MOST = 10  # statements looked at for one question


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the stages before found.

    Attributes:
        plan: What the question asks for.
        vector: Its vector, or ``None``.
        limits: What may come back.
        excluded: Rows of turns that must not.
        candidates: Turns; ``None`` where only facts were asked for.
        best: More of them than wanted, best first.
    """

    plan: Plan
    vector: Vectors | None
    limits: Filter
    excluded: Rows
    candidates: Candidates | None = None
    best: Sequence[Scored] = ()


def with_knowledge(
    connection: Connection, user: User, request: Request, found: Found
) -> list[Ranked]:
    """The hits, best first.

    Turns come first, those that prove a fact close to the question a little higher, one that was
    overtaken behind the one that overtook it. A statement that is all but the answer, and rests on
    none of these turns, takes the last place.
    """
    known = matches(
        connection,
        user,
        found.plan,
        found.vector,
        tiers=request.tiers,
        limits=found.limits,
        excluded=found.excluded,
        as_of=request.as_of,
        count=min(request.k, _MOST),
    )
    if found.candidates is None:
        return statement_hits(connection, user, known)
    if not known:
        return turns_only(connection, user, request, found)
    turns, proven = found.candidates.turns, nearest_facts(known)
    best = boost_evidence(found.best, turns, proven)
    rows = [int(turns.rows[each.place]) for each in best]
    changed = outdated(connection, user, rows, request.as_of)
    best = demote_superseded(best, turns, changed)[: request.k]
    added = extra_facts(known, {int(turns.rows[each.place]) for each in best}, found.plan)
    best = best[: request.k - len(added)]
    hits = turn_hits(connection, user, found.candidates, best, changed, proven)
    return hits + statement_hits(connection, user, added, below=hits)


def turns_only(connection: Connection, user: User, request: Request, found: Found) -> list[Ranked]:
    """The turns alone, by rank."""
    if found.candidates is None:
        return []
    return turn_hits(connection, user, found.candidates, found.best[: request.k])
