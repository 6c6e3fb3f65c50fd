"""Exact duplicates: facts that say the same in the same words, and how they are merged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.knowledge.beliefs import PERSON, stored_belief
from lightmem_integrations.storage.audit_reads import memories_with_repeated_facts
from lightmem_integrations.storage.claims import insert_claim, noisy_or, read_claims
from lightmem_integrations.storage.conflicts import read_conflicts
from lightmem_integrations.storage.expiry import expired
from lightmem_integrations.storage.facts import (
    StoredFact,
    next_revision,
    read_facts,
    update_fact,
)
from lightmem_integrations.storage.support import begin_of, later_begin
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.text.temporal import SECONDS_A_DAY

_MERGED = "It says the same as another fact, and was merged into it."


def exact_duplicates(
    facts: Sequence[StoredFact], disputed: Collection[int]
) -> list[list[StoredFact]]:
    """Groups of facts that say the same, word for word; the first of each is the one that stays.

    That is a pinned one, else a person's, one that nothing speaks against, one of what has one
    value at a time; else the newest. Facts in an open conflict are in no group: that is decided
    first. Nor are facts that end at different times, and events and plans of different days.

    Args:
        facts: Facts of one user that hold.
        disputed: Rows of those in an open conflict.
    """
    groups: dict[tuple[object, ...], list[StoredFact]] = {}
    for fact in facts:
        if fact.row not in disputed:
            day = fact.valid_from // SECONDS_A_DAY if fact.kind in {"event", "plan"} else None
            same = (
                fact.subject_key, fact.kind, fact.value_key, _plain(fact.statement),
                fact.stated_to, fact.expires_at, day,
            )  # fmt: skip
            groups.setdefault(same, []).append(fact)
    return [sorted(group, key=_stays, reverse=True) for group in groups.values() if len(group) > 1]


def merge_duplicates(store: Store, user_row: int | None) -> int:
    """Merge exact duplicates of one user, by row, or of all; returns how many facts went.

    The one that stays gets the evidence of the others. Those are retracted in its favour, with
    their own evidence, and stand in its history. Turns are not touched.

    Raises:
        ReadOnlyError: The store is only read.
        StorageError: The store cannot be written; what was not merged is as it was.
    """
    store.ledger.check_writable()
    with store.ledger.read() as connection:
        rows = memories_with_repeated_facts(connection, user_row)
    merged = 0
    for row in rows:  # one at a time: who waits for one user holds up no other
        with store.ledger.write() as connection:
            merged += _merge_of(connection, store, row)
    return merged


def _merge_of(connection: Connection, store: Store, user_row: int) -> int:
    now = store.ledger.now()
    lock_users(connection, [user_row])
    over = expired(connection, user_row, store.settings, now)
    standing = [
        fact
        for fact in read_facts(connection, user_row)
        if fact.superseded_by is None and fact.holds(now) and not over.hides(fact.row)
    ]
    open_ones = read_conflicts(connection, user_row, only_open=True)
    disputed = {row for each in open_ones for row in (each.first, each.second)}
    groups = exact_duplicates(standing, disputed)
    if groups:
        revision = next_revision(connection, user_row)
        for group in groups:
            _merge(connection, group[0], group[1:], revision, now)
    return sum(len(group) - 1 for group in groups)


def _merge(
    connection: Connection,
    kept: StoredFact,
    others: Sequence[StoredFact],
    revision: int,
    now: float,
) -> None:
    claims = read_claims(connection, kept.user, [kept.row, *(each.row for each in others)])
    proven = {turn for claim in claims[kept.row] for turn in claim.turns}
    replaced = any(
        fact.superseded_by == kept.row for fact in read_facts(connection, kept.user, retracted=True)
    )
    said_at, confidence = kept.supported_at, kept.confidence
    together = [stored_belief(kept).claim]
    for claim in (claim for other in others for claim in claims[other.row]):
        if proven.issuperset(claim.turns):
            continue
        # It was not so while what it replaced was so.
        begun = claim.since, claim.since_precision
        if replaced:
            begun = later_begin(begun, (kept.valid_from, kept.valid_from_precision))
        brought = replace(claim, since=begun[0], since_precision=begun[1])
        together.append(brought)
        insert_claim(connection, kept.user, kept.row, brought, claim.episode, now)
        proven.update(claim.turns)
        said_at = max(said_at, claim.said_at)
        confidence = noisy_or(confidence, claim.confidence)
    since, precision = begin_of(together)
    merged = {
        "valid_from": since, "valid_from_precision": precision,
        "supported_at": said_at, "confidence": confidence,
        "pinned": any(each.pinned for each in (kept, *others)),
        "importance": max(each.importance for each in (kept, *others)),
    }  # fmt: skip
    update_fact(connection, kept, merged, revision)
    gone = {"retracted_at": now, "reason": _MERGED, "superseded_by": kept.row, "superseded_at": now}
    for other in others:
        update_fact(connection, other, gone, revision)


def _stays(fact: StoredFact) -> tuple[bool, bool, bool, bool, int]:
    return fact.pinned, fact.author == PERSON, fact.doubt is None, fact.single, fact.row


def _plain(statement: str) -> str:
    return " ".join(statement.split()).casefold().rstrip(".")
