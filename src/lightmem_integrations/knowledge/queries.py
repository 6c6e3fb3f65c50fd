"""What a person can ask of a memory: what is known, why, and what contradicts what."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.knowledge.to_records import (
    shown_conflicts,
    shown_episodes,
    shown_evidence,
    shown_facts,
    whole_history,
)
from lightmem_integrations.records.knowledge import Conflict, Episode, Explanation, Fact
from lightmem_integrations.safety import short_repr
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.episodes import read_episodes
from lightmem_integrations.storage.fact_search import linked_facts
from lightmem_integrations.storage.facts import StoredFact, find_fact, read_facts
from lightmem_integrations.storage.users import User, find_user

_DEFAULTS = ConsolidationSettings()


def list_facts(
    store: Store,
    *,
    user_id: str,
    current: bool = True,
    settings: ConsolidationSettings = _DEFAULTS,
) -> list[Fact]:
    """A user's facts; ``current``: only those that hold now."""
    now = time.time()
    with store.ledger.read() as connection:
        user = find_user(connection, user_id)
        if user is None:
            return []
        stored = read_facts(connection, user.row, retracted=not current)
        if current:
            stored = [each for each in stored if holds(each, now)]
        return as_records(connection, user, stored, settings)


def list_episodes(store: Store, *, user_id: str) -> list[Episode]:
    """A user's episodes, oldest first."""
    with store.ledger.read() as connection:
        user = find_user(connection, user_id)
        if user is None:
            return []
        return shown_episodes(connection, user.row, read_episodes(connection, user.row))


def holds(fact: StoredFact, at: float) -> bool:
    """Whether a fact is true at a time, as far as is known today."""
    over = fact.valid_to is not None and fact.valid_to <= at
    return fact.retracted_at is None and fact.valid_from <= at and not over


def believed(fact: StoredFact, at: float) -> StoredFact | None:
    """The fact as it was believed at a time; ``None`` if it was not yet, or no longer."""
    if fact.recorded_at > at or (fact.retracted_at is not None and fact.retracted_at <= at):
        return None
    if fact.superseded_at is None or fact.superseded_at <= at:
        return replace(fact, retracted_at=None, reason=None)
    return replace(
        fact, superseded_by=None, superseded_at=None, valid_to=fact.stated_to,
        retracted_at=None, reason=None,
    )  # fmt: skip


def explain(
    store: Store, fact_id: str, *, user_id: str, settings: ConsolidationSettings = _DEFAULTS
) -> Explanation:
    """Why a fact is believed, or no longer is.

    Raises:
        InvalidRequestError: The user has no such fact.
    """
    now, half_life = time.time(), settings.half_life_days
    with store.ledger.read() as connection:
        user, fact = find_users_fact(connection, user_id, fact_id)
        history = whole_history(connection, user.row, fact)
        near = linked_facts(connection, user.row, [fact.row])
        known = {each.row: each for each in read_facts(connection, user.row, near)}
        related = [known[row] for row in near if known[row].superseded_by is None]
        return Explanation(
            fact=as_records(connection, user, [fact], settings)[0],
            evidence=tuple(shown_evidence(connection, user.row, [fact.row])),
            history=tuple(as_records(connection, user, history, settings)),
            related=tuple(as_records(connection, user, related, settings)),
            conflicts=tuple(
                shown_conflicts(
                    connection, user.row, now=now, half_life_days=half_life, fact_rows=[fact.row]
                )
            ),
        )


def list_conflicts(
    store: Store,
    *,
    user_id: str,
    only_open: bool = True,
    settings: ConsolidationSettings = _DEFAULTS,
) -> list[Conflict]:
    """Contradictions between a user's facts, the oldest first."""
    with store.ledger.read() as connection:
        user = find_user(connection, user_id)
        if user is None:
            return []
        return shown_conflicts(
            connection, user.row, now=time.time(), half_life_days=settings.half_life_days,
            only_open=only_open,
        )  # fmt: skip


def find_users_fact(connection: Connection, user_id: str, fact_id: str) -> tuple[User, StoredFact]:
    """A user's fact by its public id.

    Raises:
        InvalidRequestError: The user has no such fact.
    """
    user = find_user(connection, user_id)
    fact = None if user is None else find_fact(connection, user.row, fact_id)
    if user is None or fact is None:
        raise InvalidRequestError(f"This user has no fact {short_repr(fact_id)}.")
    return user, fact


def as_records(
    connection: Connection,
    user: User,
    stored: Collection[StoredFact],
    settings: ConsolidationSettings,
) -> list[Fact]:
    """Facts as records, with their confidence as of now."""
    return shown_facts(
        connection, user.row, list(stored), now=time.time(),
        half_life_days=settings.half_life_days,
    )  # fmt: skip
