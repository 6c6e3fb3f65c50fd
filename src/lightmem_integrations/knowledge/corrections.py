"""Corrections that a person makes, within a write transaction: a new fact, or one fewer."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, update

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.knowledge.beliefs import PERSON
from lightmem_integrations.knowledge.claims import stored_claim
from lightmem_integrations.knowledge.commit import assertion_values, wording
from lightmem_integrations.knowledge.retraction import next_revision, retract_fact, settle_again
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
from lightmem_integrations.text.names import entity_keys


@dataclass(frozen=True, slots=True)
class Correction:
    """Parts of a fact to be changed, and why; ``None`` leaves a part as it is."""

    statement: str | None
    value: str | None
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    reason: str

    def check(self) -> None:
        """Refuse a correction that changes nothing, or that cannot be stored.

        Raises:
            InvalidRequestError: As said.
        """
        parts = (self.statement, self.value, self.valid_from, self.valid_to)
        if all(part is None for part in parts):
            raise InvalidRequestError(
                "Nothing to edit: pass statement, value, valid_from or valid_to."
            )
        for name, text in (("statement", self.statement), ("value", self.value)):
            if text is not None:
                check_text(text, name)
        check_text(self.reason, "reason")
        for name, moment in (("valid_from", self.valid_from), ("valid_to", self.valid_to)):
            if moment is not None and moment.utcoffset() is None:
                raise InvalidRequestError(f"{name} is {moment.isoformat()}, without a time zone.")


def correct(
    connection: Connection,
    old: StoredFact,
    change: Correction,
    settings: ConsolidationSettings,
    now: float,
) -> StoredFact:
    """Put a corrected fact in the place of one that stands; returns the new one.

    Raises:
        InvalidRequestError: It would end before it begins.
    """
    revision = next_revision(connection, old.user)
    said = read_assertions(connection, old.user, [old.row])[old.row]
    value = old.value if change.value is None else change.value.strip()
    statement = _new_statement(old, value) if change.statement is None else change.statement.strip()
    since = old.valid_from if change.valid_from is None else change.valid_from.timestamp()
    until = old.stated_to if change.valid_to is None else change.valid_to.timestamp()
    if until is not None and until < since:
        raise InvalidRequestError("valid_to lies before valid_from; pass the later one as it.")
    claim = replace(
        stored_claim(said[0], single=old.single), row=None, subject=old.subject,
        attribute=old.attribute, value=value, statement=statement, since=since, stated_to=until,
        said_at=now, confidence=0.99, agent=old.agent,
        turns=tuple(dict.fromkeys(turn for each in said for turn in each.turns)),
        entities=tuple(name for name in old.entities if name in statement),
    )  # fmt: skip
    words = wording(claim.subject, old.attribute, claim.value, claim.statement, claim.entities)
    values: dict[str, Any] = words | {
        "key": uuid.uuid4().hex, "user": old.user, "single": old.single, "valid_from": since,
        "valid_to": until, "stated_to": until, "recorded_at": now, "confidence": 0.99,
        "supported_at": now, "agent": old.agent, "writer": PERSON, "author": PERSON,
        "revision": revision,
    }  # fmt: skip
    row = insert_fact(connection, values, entity_keys(claim.subject, claim.entities))
    insert_assertion(connection, assertion_values(claim, old.user, row, None, now), claim.turns)
    retract_fact(connection, old, change.reason, revision, now, successor=row)
    settle_again(connection, old.user, old, settings, revision, now)
    return read_facts(connection, old.user, [row])[0]


def stop_believing(
    connection: Connection,
    fact: StoredFact,
    reason: str,
    settings: ConsolidationSettings,
    now: float,
) -> None:
    """Retract a fact that stands, and settle what holds instead."""
    revision = next_revision(connection, fact.user)
    retract_fact(connection, fact, reason, revision, now)
    settle_again(connection, fact.user, fact, settings, revision, now)


def decide_conflict(connection: Connection, user_row: int, key: str, now: float) -> None:
    """Close a conflict in a person's name."""
    connection.execute(
        update(conflict_table)
        .where(conflict_table.c.key == key, conflict_table.c.user == user_row)
        .values(resolved_at=now, resolution="Decided by a person.")
    )


def check_text(text: object, name: str) -> None:
    """Refuse what is no text, or cannot be stored.

    Raises:
        InvalidRequestError: As said.
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text or has_lone_surrogates(text):
        raise InvalidRequestError(f"{name} is {short_repr(text)}; pass a text.")


def _new_statement(old: StoredFact, value: str) -> str:
    if old.value and old.value in old.statement:
        return old.statement.replace(old.value, value)
    return f"{old.subject}: {old.attribute}: {value}"
