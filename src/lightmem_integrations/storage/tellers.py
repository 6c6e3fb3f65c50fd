"""Who told a fact, by the turns that prove it; see ``records.knowledge.Fact.told_by``."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from lightmem_integrations.records.knowledge import Teller
from lightmem_integrations.storage.expressions import of_same_user
from lightmem_integrations.storage.schema import evidence, facts, turns
from lightmem_integrations.storage.sql import select_in

_NAMED = func.lower(turns.c.speaker) == func.lower(facts.c.subject)
BY_ASSISTANT = case(
    (and_(turns.c.role == "assistant", or_(turns.c.speaker.is_(None), ~_NAMED)), 1), else_=0
)
"""1 for a turn in which an assistant tells of others than itself, by `turns` and `facts`."""


def told_by(user_row: int, wanted: Teller) -> ColumnElement[bool]:
    """True for a user's fact that this teller told: see `teller`."""
    ever, not_always = _proven(user_row, BY_ASSISTANT == 1), _proven(user_row, BY_ASSISTANT == 0)
    if wanted == "user":  # also what no turn proves
        return ~ever
    return and_(ever, ~not_always if wanted == "assistant" else not_always)


def _proven(user_row: int, by: ColumnElement[bool]) -> ColumnElement[bool]:
    """True for a fact that such a turn proves: looked up fact by fact, up to the first one."""
    proof = select(evidence.c.turn).join(turns, of_same_user(evidence.c.turn, turns))
    proof = proof.where(evidence.c.fact == facts.c.id, evidence.c.user == user_row, by)
    return proof.correlate(facts).exists()


def tellers_of_facts(
    connection: Connection, user_row: int, rows: Iterable[int], as_of: float = math.inf
) -> dict[int, Teller]:
    """Who had told each fact by a moment, in seconds since 1970."""
    query = (
        select(evidence.c.fact, func.min(BY_ASSISTANT), func.max(BY_ASSISTANT))
        .join(turns, turns.c.id == evidence.c.turn)
        .join(facts, facts.c.id == evidence.c.fact)
        .where(evidence.c.user == user_row)
        .group_by(evidence.c.fact)
    )
    if as_of < math.inf:
        query = query.where(turns.c.said_at <= as_of)
    found = select_in(connection, query, evidence.c.fact, list(rows))
    return {row: teller([always, ever]) for row, always, ever in found}


def teller(by_assistant: Collection[int]) -> Teller:
    """Who told a fact, by `BY_ASSISTANT` of the turns that prove it."""
    if not any(by_assistant):
        return "user"
    return "assistant" if all(by_assistant) else "both"
