"""The facts of one episode into the ledger, in the caller's transaction: all of them, or none."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from lightmem_integrations.knowledge.beliefs import Belief
from lightmem_integrations.knowledge.claims import Claim, phrase_key
from lightmem_integrations.knowledge.integrate import Plan
from lightmem_integrations.storage.facts import (
    claim_revision,
    insert_assertion,
    insert_fact,
    move_assertions,
    set_vector,
    update_fact,
)
from lightmem_integrations.storage.schema.knowledge import conflicts, facts
from lightmem_integrations.text.names import entity_keys, name_key
from lightmem_integrations.text.terms import terms


class Outdated(Exception):  # noqa: N818 - no error: what was planned is planned anew
    """What a plan rests on has changed since."""


def write_facts(
    connection: Connection,
    user_row: int,
    plan: Plan,
    *,
    episode: int | None,
    writer: str,
    now: float,
) -> dict[str, int]:
    """Carry out a plan; returns how many facts were added, superseded, and left in conflict.

    Raises:
        Outdated: The user's facts changed since it was made; nothing may be committed.
    """
    if not any(each.new or each.moved for each in plan.beliefs):
        return {"facts": 0, "superseded": 0, "conflicts": 0}
    if not claim_revision(connection, user_row, plan.revision):
        raise Outdated
    revision = plan.revision + 1
    rows: dict[Belief, int] = {}
    for belief in plan.beliefs:
        if belief.stored is not None:
            rows[belief] = belief.stored.row
        else:
            values = _new_values(belief, user_row, writer, revision)
            keys = entity_keys(belief.claim.subject, belief.claim.entities)
            rows[belief] = insert_fact(connection, values, keys)
            if id(belief) in plan.vectors:
                set_vector(connection, user_row, rows[belief], plan.vectors[id(belief)])
    superseded = 0
    for belief in plan.beliefs:
        successor = None if belief.superseded_by is None else rows[belief.superseded_by]
        superseded += _bring_up_to_date(connection, belief, rows[belief], successor, revision, now)
        for claim in belief.new:
            values = assertion_values(claim, user_row, rows[belief], episode, now)
            insert_assertion(connection, values, claim.turns)
        moved = [claim.row for claim in belief.moved if claim.row is not None]
        if moved:
            move_assertions(connection, user_row, moved, rows[belief])
    pairs = {_pair(rows[first], rows[second]) for first, second in plan.conflicts}
    opened = settle_conflicts(connection, user_row, pairs, plan.settled, now)
    added = sum(each.stored is None for each in plan.beliefs)
    return {"facts": added, "superseded": superseded, "conflicts": opened}


def settle_conflicts(
    connection: Connection, user_row: int, pairs: set[tuple[int, int]], among: set[int], now: float
) -> int:
    """Open conflicts between these pairs; close those of ``among`` that are none any more."""
    query = select(conflicts).where(conflicts.c.user == user_row, conflicts.c.first.in_(among))
    known = {(row.first, row.second): row for row in connection.execute(query)}
    for pair, row in known.items():
        if (pair in pairs) == (row.resolved_at is None):
            continue
        decided = {"resolved_at": now, "resolution": "Decided by what was said since."}
        anew = {"resolved_at": None, "resolution": None}
        connection.execute(
            update(conflicts)
            .where(conflicts.c.id == row.id)
            .values(**(anew if pair in pairs else decided))
        )
    for first, second in sorted(pairs - set(known)):
        connection.execute(
            insert(conflicts).values(
                key=uuid.uuid4().hex, user=user_row, first=first, second=second, opened_at=now
            )
        )
    return len(pairs - set(known))


def assertion_values(
    claim: Claim, user_row: int, fact: int, episode: int | None, now: float
) -> dict[str, Any]:
    """A claim as a row of what was said for a fact."""
    return {
        "user": user_row,
        "fact": fact,
        "episode": episode,
        "subject": claim.subject,
        "attribute": claim.attribute,
        "value": claim.value,
        "statement": claim.statement,
        "terms": " ".join(terms(claim.statement)),
        "entities": json.dumps(claim.entities),
        "since": claim.since,
        "said_at": claim.said_at,
        "stated_to": claim.stated_to,
        "confidence": claim.confidence,
        "agent": claim.agent,
        "recorded_at": now,
    }


def wording(
    subject: str, attribute: str, value: str, statement: str, entities: Sequence[str]
) -> dict[str, Any]:
    """The columns of a fact that follow from its words."""
    return {
        "subject": subject,
        "attribute": attribute,
        "value": value,
        "statement": statement,
        "terms": " ".join(terms(statement)),
        "subject_key": name_key(subject),
        "attribute_key": phrase_key(attribute),
        "value_key": phrase_key(value),
        "entities": json.dumps(list(entities)),
    }


def _new_values(belief: Belief, user_row: int, writer: str, revision: int) -> dict[str, Any]:
    claim = belief.claim
    words = wording(claim.subject, claim.attribute, claim.value, claim.statement, claim.entities)
    return words | {
        "key": uuid.uuid4().hex,
        "user": user_row,
        "single": belief.single,
        "valid_from": belief.since,
        "valid_to": belief.valid_to if belief.single else belief.stated_to,
        "stated_to": belief.stated_to,
        "recorded_at": belief.recorded_at,
        "confidence": belief.confidence,
        "supported_at": belief.said_at,
        "agent": claim.agent,
        "writer": writer,
        "author": belief.author,
        "revision": revision,
    }


def _bring_up_to_date(
    connection: Connection,
    belief: Belief,
    row: int,
    successor: int | None,
    revision: int,
    now: float,
) -> int:
    """Write what changed of a fact; returns 1 if something took its place just now."""
    stored = belief.stored
    values: dict[str, Any] = {
        "single": belief.single,
        "valid_from": belief.since,
        "valid_to": belief.valid_to if belief.single else belief.stated_to,
        "stated_to": belief.stated_to,
        "confidence": belief.confidence,
        "supported_at": belief.said_at,
        "superseded_by": successor,
    }
    before = None if stored is None else stored.superseded_by
    replaced = successor is not None and successor != before
    if successor != before:
        values["superseded_at"] = None if successor is None else now
    if stored is None:
        if successor is not None:
            _set_successor(connection, row, successor, now)
    elif any(getattr(stored, name) != value for name, value in values.items()) and not update_fact(
        connection, stored, values, revision
    ):
        raise Outdated
    return int(replaced)


def _set_successor(connection: Connection, row: int, successor: int, now: float) -> None:
    connection.execute(
        update(facts).where(facts.c.id == row).values(superseded_by=successor, superseded_at=now)
    )


def _pair(first: int, second: int) -> tuple[int, int]:
    return min(first, second), max(first, second)
