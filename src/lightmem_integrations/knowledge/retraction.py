"""What follows when a fact is no longer believed: what is refused, and what holds instead."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from lightmem_integrations.knowledge.beliefs import settle, stored_belief
from lightmem_integrations.knowledge.claims import refusal_digest
from lightmem_integrations.knowledge.commit import settle_conflicts
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.facts import (
    StoredFact,
    claim_revision,
    read_assertions,
    read_facts,
    revision_of,
    update_fact,
)
from lightmem_integrations.storage.schema.knowledge import evidence, facts, refusals


def retract_fact(
    connection: Connection,
    fact: StoredFact,
    reason: str,
    revision: int,
    now: float,
    successor: int | None = None,
) -> None:
    """Mark a fact as no longer believed, and refuse it to what had been said until now."""
    values: dict[str, Any] = {"retracted_at": now, "reason": reason}
    if successor is not None:
        values |= {"superseded_by": successor, "superseded_at": now}
    update_fact(connection, fact, values, revision)
    digest = refusal_digest(fact.user, fact.subject_key, fact.attribute_key, fact.value_key)
    proof = select(evidence.c.turn).where(evidence.c.fact == fact.row, evidence.c.user == fact.user)
    connection.execute(
        insert(refusals),
        [
            {"user": fact.user, "turn": turn, "digest": digest, "refused_at": now}
            for turn in connection.execute(proof.distinct()).scalars()
        ],
    )


def settle_again(
    connection: Connection,
    user_row: int,
    fact: StoredFact,
    settings: ConsolidationSettings,
    revision: int,
    now: float,
) -> None:
    """Say anew what holds when about a thing, after one of its facts went or came."""
    same = select(facts.c.id).where(
        facts.c.user == user_row,
        facts.c.subject_key == fact.subject_key,
        facts.c.attribute_key == fact.attribute_key,
        facts.c.single,
    )
    stored = read_facts(connection, user_row, connection.execute(same).scalars().all())
    chain = [stored_belief(each) for each in stored]
    said = read_assertions(connection, user_row, [each.row for each in stored])
    turns: dict[str, set[int]] = {}
    for each in stored:
        turns.setdefault(each.value_key, set()).update(
            turn for one in said[each.row] for turn in one.turns
        )
    weight = {value: len(rows) for value, rows in turns.items()}
    pairs = settle(chain, weight, settings)
    rows = {belief: one.row for belief, one in zip(chain, stored, strict=True)}
    for belief, one in zip(chain, stored, strict=True):
        successor = None if belief.superseded_by is None else rows[belief.superseded_by]
        values: dict[str, Any] = {"valid_to": belief.valid_to, "superseded_by": successor}
        if successor != one.superseded_by:
            values["superseded_at"] = None if successor is None else now
        if any(getattr(one, name) != value for name, value in values.items()):
            update_fact(connection, one, values, revision)
    found = {(min(rows[a], rows[b]), max(rows[a], rows[b])) for a, b in pairs}
    settle_conflicts(connection, user_row, found, {fact.row, *rows.values()}, now)


def next_revision(connection: Connection, user_row: int) -> int:
    """Claim the user's next revision, within a write transaction that read nothing before it."""
    revision, _ = revision_of(connection, user_row)
    claim_revision(connection, user_row, revision)
    return revision + 1
