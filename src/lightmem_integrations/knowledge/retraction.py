"""Retraction of a fact: what had proved it is refused; what it replaced or ended holds again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from lightmem_integrations.knowledge.beliefs import WRITER, stored_belief, turns_for_values
from lightmem_integrations.knowledge.changes import Changes
from lightmem_integrations.knowledge.commit import write_changes
from lightmem_integrations.knowledge.succession import settle
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.claims import read_claims, refuse
from lightmem_integrations.storage.erase.rewrite import undo_ends
from lightmem_integrations.storage.facts import StoredFact, facts_about, update_fact


def retract_fact(
    connection: Connection,
    fact: StoredFact,
    reason: str,
    settings: ConsolidationSettings,
    revision: int,
    now: float,
    *,
    successor: int | None = None,
) -> None:
    """Stop believing a fact, and settle which facts about its thing hold instead.

    What had been said until now cannot bring it back.

    Args:
        connection: Of a write transaction.
        fact: The fact; one that was retracted before is only given its successor.
        reason: Why.
        settings: Policies.
        revision: The user's revision, claimed by the transaction.
        now: The time, in seconds since 1970.
        successor: Row of the fact that takes its place, if one does.
    """
    retracted: dict[str, Any] = {"retracted_at": now, "reason": reason}
    values = {} if fact.retracted_at is not None else retracted
    if successor is not None:
        values |= {"superseded_by": successor, "superseded_at": now}
    update_fact(connection, fact, values, revision)
    key = fact.subject_key, fact.attribute_key
    refuse(connection, fact.user, fact.row, key, fact.value_key, now)
    if successor is None:
        undo_ends(connection, fact.user, fact.row, revision)
    stored = facts_about(connection, fact.user, *key)
    claims = read_claims(connection, fact.user, [one.row for one in stored])
    chain = [stored_belief(one, claims[one.row]) for one in stored]
    conflicts = settle(chain, turns_for_values(chain, claims), settings)
    changes = Changes(
        fact.user, revision - 1, chain, conflicts, {fact.row, *(one.row for one in stored)}
    )
    write_changes(connection, changes, revision, episode=None, writer=WRITER, now=now)
