"""Facts in the ledger: what is believed, what one episode says for it, and the turns that show it.

Whoever changes facts first claims the user's revision, in the same transaction: a compare and set
on everything that was known when the change was planned.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.schema.knowledge import (
    assertions,
    evidence,
    fact_vectors,
    facts,
    mentions,
    revisions,
)
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.vectors import pack


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFact:
    """A fact as the ledger holds it. Times are in seconds since 1970; rows point into its tables.

    ``stated_to`` is the end that was stated; ``valid_to`` may be earlier, where a newer fact ends
    it. ``supported_at``: when its latest evidence was said. ``author``: ``writer`` or ``person``.
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

    def holds(self, at: float) -> bool:
        """Whether it is true at a time, as far as is known today."""
        over = self.valid_to is not None and self.valid_to <= at
        return self.retracted_at is None and self.valid_from <= at and not over


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAssertion:
    """What one episode (or a person: no episode) said of a fact, with the turns that show it."""

    row: int
    fact: int
    episode: int | None
    subject: str
    attribute: str
    value: str
    statement: str
    terms: str
    entities: tuple[str, ...]
    since: float
    said_at: float
    stated_to: float | None
    confidence: float
    agent: str | None
    recorded_at: float
    turns: tuple[int, ...]


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


def insert_fact(
    connection: Connection, values: Mapping[str, Any], entity_keys: Collection[str]
) -> int:
    """Write a new fact and whom it mentions; returns its row."""
    done = connection.execute(insert(facts).values(**values).returning(facts.c.id))
    row = int(done.scalar_one())
    set_mentions(connection, values["user"], row, entity_keys)
    return row


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


def insert_assertion(
    connection: Connection, values: Mapping[str, Any], turn_rows: Sequence[int]
) -> int:
    """Write what one episode says of a fact, with its evidence; returns its row."""
    done = connection.execute(insert(assertions).values(**values).returning(assertions.c.id))
    row = int(done.scalar_one())
    found = [
        {"assertion": row, "turn": turn, "fact": values["fact"], "user": values["user"]}
        for turn in dict.fromkeys(turn_rows)
    ]
    if found:
        connection.execute(insert(evidence), found)
    return row


def move_assertions(connection: Connection, user_row: int, rows: Collection[int], to: int) -> None:
    """Give assertions, with their evidence, to another fact of the user."""
    wanted = list(rows)
    connection.execute(
        update(assertions)
        .where(assertions.c.user == user_row, assertions.c.id.in_(wanted))
        .values(fact=to)
    )
    connection.execute(
        update(evidence)
        .where(evidence.c.user == user_row, evidence.c.assertion.in_(wanted))
        .values(fact=to)
    )


def set_mentions(
    connection: Connection, user_row: int, row: int, entity_keys: Collection[str]
) -> None:
    """Say whom a fact mentions."""
    connection.execute(delete(mentions).where(mentions.c.fact == row, mentions.c.user == user_row))
    found = [{"fact": row, "entity": key, "user": user_row} for key in dict.fromkeys(entity_keys)]
    if found:
        connection.execute(insert(mentions), found)


def set_vector(connection: Connection, user_row: int, row: int, vector: Vectors) -> None:
    """Keep the vector of a fact's statement."""
    connection.execute(delete(fact_vectors).where(fact_vectors.c.fact == row))
    connection.execute(insert(fact_vectors).values(fact=row, user=user_row, vector=pack(vector)))


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
    query = select(facts).where(facts.c.user == user_row, facts.c.revision > after_revision)
    if not retracted:
        query = query.where(facts.c.retracted_at.is_(None))
    if rows is None:
        return [_fact(row) for row in connection.execute(query.order_by(facts.c.id))]
    found = [
        _fact(row)
        for batch in in_batches(rows)
        for row in connection.execute(query.where(facts.c.id.in_(batch)))
    ]
    return sorted(found, key=lambda fact: fact.row)


def find_fact(connection: Connection, user_row: int, key: str) -> StoredFact | None:
    """The user's fact of that public id, retracted or not."""
    row = connection.execute(
        select(facts).where(facts.c.user == user_row, facts.c.key == key)
    ).first()
    return None if row is None else _fact(row)


def predecessors(connection: Connection, user_row: int, row: int) -> list[StoredFact]:
    """Facts that this one replaced directly."""
    query = select(facts).where(facts.c.user == user_row, facts.c.superseded_by == row)
    return [_fact(each) for each in connection.execute(query.order_by(facts.c.valid_from))]


def read_assertions(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> dict[int, list[StoredAssertion]]:
    """What was said for facts, by fact, in the order in which it was said."""
    found: dict[int, list[StoredAssertion]] = {row: [] for row in fact_rows}
    for part in in_batches(fact_rows):
        turn_rows: dict[int, list[int]] = {}
        shown = select(evidence.c.assertion, evidence.c.turn).where(
            evidence.c.user == user_row, evidence.c.fact.in_(part)
        )
        for assertion, turn in connection.execute(shown.order_by(evidence.c.turn)):
            turn_rows.setdefault(assertion, []).append(turn)
        query = select(assertions).where(assertions.c.user == user_row, assertions.c.fact.in_(part))
        for row in connection.execute(query.order_by(assertions.c.said_at, assertions.c.id)):
            values = dict(row._mapping)
            del values["user"]
            values["row"] = values.pop("id")
            values["entities"] = tuple(json.loads(values["entities"]))
            found[row.fact].append(
                StoredAssertion(**values, turns=tuple(turn_rows.get(row.id, ())))
            )
    return found


def count_facts(connection: Connection, user_row: int | None = None) -> int:
    """How many facts there are, superseded and retracted ones among them."""
    query = select(func.count()).select_from(facts)
    if user_row is not None:
        query = query.where(facts.c.user == user_row)
    return int(connection.execute(query).scalar_one())


def _fact(row: Row[Any]) -> StoredFact:
    values = dict(row._mapping)
    values["row"] = values.pop("id")
    values["entities"] = tuple(json.loads(values["entities"]))
    return StoredFact(**values)
