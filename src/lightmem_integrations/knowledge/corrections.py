"""What a person can do about a fact: correct it, retract it, decide a conflict.

Nothing is overwritten: a correction is a new fact that takes the old one's place, and what was
retracted can still be explained.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, update

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.knowledge.beliefs import PERSON
from lightmem_integrations.knowledge.claims import stored_claim
from lightmem_integrations.knowledge.commit import assertion_values, wording
from lightmem_integrations.knowledge.queries import as_records, find_users_fact
from lightmem_integrations.knowledge.retraction import next_revision, retract_fact, settle_again
from lightmem_integrations.knowledge.to_records import shown_conflicts
from lightmem_integrations.records.knowledge import Conflict, Fact
from lightmem_integrations.safety import has_lone_surrogates, short_repr
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.facts import (
    StoredFact,
    insert_assertion,
    insert_fact,
    read_assertions,
    read_facts,
)
from lightmem_integrations.storage.schema.knowledge import conflicts as conflict_table
from lightmem_integrations.storage.users import User, find_user
from lightmem_integrations.text.names import entity_keys

_DEFAULTS = ConsolidationSettings()


def edit(
    store: Store,
    fact_id: str,
    *,
    user_id: str,
    statement: str | None = None,
    value: str | None = None,
    valid_from: dt.datetime | None = None,
    valid_to: dt.datetime | None = None,
    reason: str = "Corrected by a person.",
    settings: ConsolidationSettings = _DEFAULTS,
) -> Fact:
    """Correct a fact: a new one takes its place, with the same evidence; returns the new one.

    What had been said until then cannot bring the old one back; what is said later can change it.

    Args:
        store: Where.
        fact_id: Which fact.
        user_id: Whose.
        statement: The whole as a sentence; by default the old one, with the value replaced.
        value: What is said about it; by default the old one.
        valid_from: Since when it is true; by default as before.
        valid_to: Until when it was true; by default as before.
        reason: Why.
        settings: Policies, for what else is known about it.

    Raises:
        InvalidRequestError: The user has no such fact that stands, or nothing is to be changed.
    """
    if statement is None and value is None and valid_from is None and valid_to is None:
        raise InvalidRequestError("Nothing to edit: pass statement, value, valid_from or valid_to.")
    for name, text in (("statement", statement), ("value", value), ("reason", reason)):
        _check_text(text, name)
    for name, moment in (("valid_from", valid_from), ("valid_to", valid_to)):
        if moment is not None and moment.utcoffset() is None:
            raise InvalidRequestError(f"{name} is {moment.isoformat()}, without a time zone.")
    now = time.time()
    with store.ledger.write() as connection:
        user, old = _standing(connection, user_id, fact_id)
        revision = next_revision(connection, user.row)
        said = read_assertions(connection, user.row, [old.row])[old.row]
        new_value = old.value if value is None else value.strip()
        if statement is None:
            there = bool(old.value) and old.value in old.statement
            statement = (
                old.statement.replace(old.value, new_value)
                if there
                else f"{old.subject}: {old.attribute}: {new_value}"
            )
        since = old.valid_from if valid_from is None else valid_from.timestamp()
        until = old.stated_to if valid_to is None else valid_to.timestamp()
        if until is not None and until < since:
            raise InvalidRequestError("valid_to lies before valid_from; pass the later one as it.")
        claim = replace(
            stored_claim(said[0], single=old.single), row=None, subject=old.subject,
            attribute=old.attribute, value=new_value,
            statement=statement.strip(), since=since, stated_to=until, said_at=now,
            confidence=0.99, agent=old.agent,
            turns=tuple(dict.fromkeys(turn for each in said for turn in each.turns)),
            entities=tuple(each for each in old.entities if each in statement),
        )  # fmt: skip
        words = wording(claim.subject, old.attribute, claim.value, claim.statement, claim.entities)
        values: dict[str, Any] = words | {
            "key": uuid.uuid4().hex, "user": user.row, "single": old.single, "valid_from": since,
            "valid_to": until, "stated_to": until, "recorded_at": now, "confidence": 0.99,
            "supported_at": now, "agent": old.agent, "writer": PERSON, "author": PERSON,
            "revision": revision,
        }  # fmt: skip
        row = insert_fact(connection, values, entity_keys(claim.subject, claim.entities))
        insert_assertion(connection, assertion_values(claim, user.row, row, None, now), claim.turns)
        retract_fact(connection, old, reason, revision, now, successor=row)
        settle_again(connection, user.row, old, settings, revision, now)
        found = read_facts(connection, user.row, [row])
        return as_records(connection, user, found, settings)[0]


def retract(
    store: Store,
    fact_id: str,
    *,
    user_id: str,
    reason: str = "Retracted by a person.",
    settings: ConsolidationSettings = _DEFAULTS,
) -> Fact:
    """Stop believing a fact, without erasing it; what it had replaced holds again.

    Raises:
        InvalidRequestError: The user has no such fact that stands.
    """
    _check_text(reason, "reason")
    now = time.time()
    with store.ledger.write() as connection:
        user, old = _standing(connection, user_id, fact_id)
        _retract(connection, user, old, reason, settings, now)
        found = read_facts(connection, user.row, [old.row], retracted=True)
        return as_records(connection, user, found, settings)[0]


def resolve(
    store: Store,
    conflict_id: str,
    *,
    user_id: str,
    keep: str,
    settings: ConsolidationSettings = _DEFAULTS,
) -> Conflict:
    """Decide a conflict: the fact ``keep`` stays, the other one is retracted.

    Raises:
        InvalidRequestError: The user has no such open conflict, or ``keep`` is not part of it.
    """
    now = time.time()
    with store.ledger.write() as connection:
        user = find_user(connection, user_id)
        options: dict[str, Any] = {"now": now, "half_life_days": settings.half_life_days}
        found = (
            shown_conflicts(connection, user.row, key=conflict_id, only_open=True, **options)
            if user is not None
            else []
        )
        if user is None or not found:
            raise InvalidRequestError(
                f"There is no open conflict {short_repr(conflict_id)} of this user; conflicts() "
                "lists "
                "them."
            )
        sides = (found[0].first.id, found[0].second.id)
        if keep not in sides:
            raise InvalidRequestError(
                f"keep is {short_repr(keep)}; it must be the id of one of the two facts."
            )
        connection.execute(
            update(conflict_table)
            .where(conflict_table.c.key == conflict_id, conflict_table.c.user == user.row)
            .values(resolved_at=now, resolution="Decided by a person.")
        )
        _, loser = _standing(connection, user_id, sides[1] if keep == sides[0] else sides[0])
        _retract(connection, user, loser, "Another fact was kept.", settings, now)
        return shown_conflicts(connection, user.row, key=conflict_id, **options)[0]


def _retract(
    connection: Connection,
    user: User,
    fact: StoredFact,
    reason: str,
    settings: ConsolidationSettings,
    now: float,
) -> None:
    revision = next_revision(connection, user.row)
    retract_fact(connection, fact, reason, revision, now)
    settle_again(connection, user.row, fact, settings, revision, now)


def _standing(connection: Connection, user_id: str, fact_id: str) -> tuple[User, StoredFact]:
    user, fact = find_users_fact(connection, user_id, fact_id)
    if fact.retracted_at is not None:
        raise InvalidRequestError(
            f"The fact {short_repr(fact_id)} was retracted already; explain() says what took its "
            "place."
        )
    return user, fact


def _check_text(text: str | None, name: str) -> None:
    if text is None:
        return
    if not isinstance(text, str) or not text.strip() or "\0" in text or has_lone_surrogates(text):
        raise InvalidRequestError(f"{name} is {short_repr(text)}; pass a text.")
