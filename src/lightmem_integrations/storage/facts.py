"""Facts in the ledger, each the words of its first claim and the times that its claims support.

Whoever changes facts first claims the user's revision, in the same transaction: a compare and set
on everything that was known when the change was planned.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.storage.claims import LINE, Claim, word_columns
from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.schema import fact_vectors, facts, mentions, revisions
from lightmem_integrations.storage.sql import insert_row, insert_rows, select_in
from lightmem_integrations.text.names import entity_keys
from lightmem_integrations.text.precision import Precision

STANDING = and_(facts.c.retracted_at.is_(None), facts.c.superseded_by.is_(None))
"""True for a fact that nobody retracted, and that no other took the place of."""


def valid_at(at: float | ColumnElement[float]) -> ColumnElement[bool]:
    """True for a fact that had begun and was not over at a time, as far as is known today."""
    return and_(facts.c.valid_from <= at, or_(facts.c.valid_to.is_(None), facts.c.valid_to > at))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFact:
    """A fact as the ledger holds it. Times are in seconds since 1970; rows point into its tables.

    ``stated_to`` is the end that was stated; ``valid_to`` may be earlier, where a newer fact ends
    it. Each of the three dates has its precision, how exactly it is known. ``supported_at``: when
    its latest evidence was said. ``author``: ``writer`` or ``person``.
    """

    row: int
    key: str
    user: int
    subject: str
    attribute: str
    value: str
    statement: str
    terms: str
    subject_key: str
    attribute_key: str
    value_key: str
    entities: tuple[str, ...]
    single: bool
    valid_from: float
    valid_to: float | None
    stated_to: float | None
    recorded_at: float
    superseded_by: int | None
    superseded_at: float | None
    retracted_at: float | None
    reason: str | None
    confidence: float
    supported_at: float
    agent: str | None
    writer: str
    author: str
    version: int
    revision: int
    kind: FactKind
    doubt: str | None
    expires_at: float | None
    pinned: bool
    importance: float
    valid_from_precision: Precision
    valid_to_precision: Precision
    stated_to_precision: Precision

    @property
    def line(self) -> str:
        """See ``Claim.line``."""
        return "".join(self.attribute_key.partition(LINE)[1:])

    def holds(self, at: float) -> bool:
        """True if the fact is valid at a time, as far as is known today."""
        over = self.valid_to is not None and self.valid_to <= at
        return self.retracted_at is None and self.valid_from <= at and not over


def revision_of(connection: Connection, user_row: int) -> tuple[int, int]:
    """The number of the last change to a user's facts, and that of the last erasure; 0 if none."""
    row = connection.execute(
        select(revisions.c.revision, revisions.c.erased).where(revisions.c.user == user_row)
    ).first()
    return (0, 0) if row is None else (row.revision, row.erased)


def claim_revision(
    connection: Connection, user_row: int, expected: int, *, erased: bool = False
) -> bool:
    """Raise the user's revision by one if it is still as expected; ``False`` if it is not."""
    values = {"revision": expected + 1} | ({"erased": expected + 1} if erased else {})
    done = connection.execute(
        update(revisions)
        .where(revisions.c.user == user_row, revisions.c.revision == expected)
        .values(**values)
    )
    if done.rowcount:
        return True
    there = connection.execute(select(revisions.c.user).where(revisions.c.user == user_row)).first()
    if expected or there:
        return False
    connection.execute(insert(revisions).values(user=user_row, **({"erased": 0} | values)))
    return True


def next_revision(connection: Connection, user_row: int, *, erased: bool = False) -> int:
    """Claim the user's next revision, within a write transaction: nobody else can between."""
    revision, _ = revision_of(connection, user_row)
    claim_revision(connection, user_row, revision, erased=erased)
    return revision + 1


def insert_fact(
    connection: Connection, user_row: int, claim: Claim, values: Mapping[str, Any], revision: int
) -> int:
    """Write a new fact in the words of a claim, and whom it mentions; returns its row.

    Args:
        connection: Of a write transaction.
        user_row: Whose fact.
        claim: Its words, and the agent that made it.
        values: The columns that do not follow from these.
        revision: The user's revision that this transaction claimed.
    """
    fact_row = insert_row(
        connection, facts, key=uuid.uuid4().hex, user=user_row, version=1, revision=revision,
        **_words(claim), **values,
    )  # fmt: skip
    _set_mentions(connection, user_row, fact_row, claim)
    return fact_row


def reword_fact(
    connection: Connection, fact: StoredFact, claim: Claim, values: Mapping[str, Any], revision: int
) -> None:
    """Put a fact into the words of another of its claims, with whom that mentions.

    A fact keeps what it is about, as that is compared; its vector goes where its
    sentence is another one, and is made anew by the next consolidation.
    """
    kept = {name: getattr(fact, name) for name in ("subject_key", "attribute_key")}
    update_fact(connection, fact, _words(claim) | kept | dict(values), revision)
    _set_mentions(connection, fact.user, fact.row, claim)
    if claim.statement != fact.statement:
        connection.execute(delete(fact_vectors).where(fact_vectors.c.fact == fact.row))


def update_fact(
    connection: Connection, fact: StoredFact, values: Mapping[str, Any], revision: int
) -> bool:
    """Change a fact that is still of the version read; ``False`` if it is not."""
    done = connection.execute(
        update(facts)
        .where(facts.c.id == fact.row, facts.c.user == fact.user, facts.c.version == fact.version)
        .values(**values, version=fact.version + 1, revision=revision)
    )
    return bool(done.rowcount)


def set_successor(connection: Connection, row: int, successor: int, now: float) -> None:
    """Say which fact took the place of a new one."""
    connection.execute(
        update(facts).where(facts.c.id == row).values(superseded_by=successor, superseded_at=now)
    )


def read_facts(
    connection: Connection,
    user_row: int,
    rows: Collection[int] | None = None,
    *,
    after_revision: int = 0,
    retracted: bool = False,
) -> list[StoredFact]:
    """A user's facts, superseded ones among them, in the order in which they were recorded.

    Args:
        connection: To read with.
        user_row: Whose facts.
        rows: Only these.
        after_revision: Only those that changed after this revision.
        retracted: Also those that were retracted.
    """
    query = select(facts).where(facts.c.revision > after_revision)
    if not retracted:
        query = query.where(facts.c.retracted_at.is_(None))
    if rows is None:
        return _read(connection, query.where(facts.c.user == user_row))
    # SQLite is kept from walking all facts of the user to find a few by their rows.
    query = query.where(unindexed(facts.c.user) == user_row)
    found = map(fact_of_row, select_in(connection, query, facts.c.id, rows))
    return sorted(found, key=lambda fact: fact.row)


def find_fact(connection: Connection, user_row: int, key: str) -> StoredFact | None:
    """The user's fact of that public id, retracted or not."""
    found = _read(connection, select(facts).where(facts.c.user == user_row, facts.c.key == key))
    return found[0] if found else None


def facts_about(
    connection: Connection, user_row: int, subject_key: str, attribute_key: str
) -> list[StoredFact]:
    """Facts that stand about one thing that has one value at a time."""
    query = select(facts).where(
        facts.c.user == user_row,
        facts.c.subject_key == subject_key,
        facts.c.attribute_key == attribute_key,
        facts.c.single,
        facts.c.retracted_at.is_(None),
    )
    return _read(connection, query)


def _read(connection: Connection, query: Select[Any]) -> list[StoredFact]:
    return [fact_of_row(row) for row in connection.execute(query.order_by(facts.c.id))]


def fact_of_row(row: Row[Any]) -> StoredFact:
    """A fact of a row with all columns of the table, and maybe its vector."""
    values = dict(row._mapping)
    values.pop("vector", None)
    values["row"] = values.pop("id")
    values["entities"] = tuple(json.loads(values["entities"]))
    return StoredFact(**values)


def _words(claim: Claim) -> dict[str, Any]:
    """The columns of a fact that follow from a claim."""
    subject_key, attribute_key = claim.key
    keys = {"subject_key": subject_key, "attribute_key": attribute_key}
    return word_columns(claim) | keys | {"value_key": claim.value_key}


def _set_mentions(connection: Connection, user_row: int, row: int, claim: Claim) -> None:
    connection.execute(delete(mentions).where(mentions.c.fact == row, mentions.c.user == user_row))
    named = entity_keys(claim.subject, claim.entities)
    rows = [{"fact": row, "entity": key, "user": user_row} for key in named]
    insert_rows(connection, mentions, rows)
