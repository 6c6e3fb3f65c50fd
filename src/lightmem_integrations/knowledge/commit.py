"""Changes into the ledger, in the caller's transaction: all of them, or none."""

from __future__ import annotations

from sqlalchemy import Connection

from lightmem_integrations.knowledge.beliefs import Belief
from lightmem_integrations.knowledge.changes import Changes
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.storage.claims import insert_claim, move_claims
from lightmem_integrations.storage.conflicts import settle_conflicts
from lightmem_integrations.storage.facts import (
    claim_revision,
    insert_fact,
    set_successor,
    update_fact,
)
from lightmem_integrations.storage.knowledge_vectors import insert_vector


class FactsChanged(Exception):  # noqa: N818 - no error: what was decided is decided anew
    """The user's facts are of a later revision than the changes were decided on."""


def commit(
    connection: Connection, changes: Changes, *, episode: int | None, writer: str, now: float
) -> ConsolidationReport:
    """Write changes; counts the facts that were added, superseded, and left in conflict.

    Raises:
        FactsChanged: Nothing may be committed.
    """
    if not any(belief.new or belief.moved for belief in changes.beliefs):
        return ConsolidationReport()
    if not claim_revision(connection, changes.user_row, changes.revision):
        raise FactsChanged
    return write_changes(
        connection, changes, changes.revision + 1, episode=episode, writer=writer, now=now
    )


def write_changes(
    connection: Connection,
    changes: Changes,
    revision: int,
    *,
    episode: int | None,
    writer: str,
    now: float,
) -> ConsolidationReport:
    """Write changes at a revision that the transaction has claimed; counts as ``commit`` does.

    Raises:
        FactsChanged: Nothing may be committed.
    """
    user_row = changes.user_row
    rows: dict[Belief, int] = {}
    for belief in changes.beliefs:
        if belief.row is not None:
            rows[belief] = belief.row
            continue
        rows[belief] = insert_belief(connection, user_row, belief, writer, revision)
        if belief in changes.embedded:
            insert_vector(connection, user_row, "fact", rows[belief], changes.embedded[belief])
    superseded = 0
    for belief in changes.beliefs:
        superseded += _update(connection, belief, rows, revision, now)
        for claim in belief.new:
            insert_claim(connection, user_row, rows[belief], claim, episode, now)
        moved = [claim.row for claim in belief.moved if claim.row is not None]
        move_claims(connection, user_row, moved, rows[belief])
    both = (sorted((rows[first], rows[second])) for first, second in changes.conflicts)
    pairs = {(smaller, larger) for smaller, larger in both}
    opened = settle_conflicts(connection, user_row, pairs, changes.settled, now)
    added = sum(belief.stored is None for belief in changes.beliefs)
    return ConsolidationReport(facts=added, superseded=superseded, conflicts=opened)


def insert_belief(
    connection: Connection, user_row: int, belief: Belief, writer: str, revision: int
) -> int:
    """Write a belief that the ledger does not hold yet as a fact; returns its row."""
    values = belief.columns | {
        "recorded_at": belief.recorded_at, "writer": writer, "author": belief.author,
        "expires_at": belief.claim.expires_at, "importance": belief.claim.importance,
    }  # fmt: skip
    return insert_fact(connection, user_row, belief.claim, values, revision)


def _update(
    connection: Connection, belief: Belief, rows: dict[Belief, int], revision: int, now: float
) -> bool:
    """Write what changed of a fact; returns whether something took its place just now."""
    stored = belief.stored
    successor = None if belief.superseded_by is None else rows[belief.superseded_by]
    before = None if stored is None else stored.superseded_by
    values = belief.columns | {"superseded_by": successor}
    if stored is not None and belief.claim.line != stored.line:
        values["attribute_key"] = stored.attribute_key + belief.claim.line
    if successor != before:
        values["superseded_at"] = None if successor is None else now
    if stored is None:
        if successor is not None:
            set_successor(connection, rows[belief], successor, now)
    elif any(getattr(stored, name) != value for name, value in values.items()) and not update_fact(
        connection, stored, values, revision
    ):
        raise FactsChanged
    return successor is not None and successor != before
