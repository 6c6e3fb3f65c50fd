"""Facts after an erasure: in the words of what is left, and without what took their place."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from lightmem_integrations.storage.facts import (
    StoredFact,
    read_assertions,
    read_facts,
    set_mentions,
    update_fact,
)
from lightmem_integrations.storage.schema.knowledge import fact_vectors, facts
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.text.names import entity_keys


def rewrite(connection: Connection, user_row: int, rows: Collection[int], revision: int) -> None:
    """Say facts in the words of the first source that is left; their confidence is that of all."""
    said = read_assertions(connection, user_row, rows)
    for fact in read_facts(connection, user_row, rows, retracted=True):
        left = said[fact.row]
        first = min(left, key=lambda each: each.row)
        doubt = 1.0
        for each in left:
            doubt *= 1.0 - each.confidence
        ends = [each for each in left if each.stated_to is not None]
        stated_to = max(ends, key=lambda each: each.said_at).stated_to if ends else None
        until = [fact.valid_to if fact.superseded_by is not None else None, stated_to]
        values = {
            "subject": first.subject,
            "attribute": first.attribute,
            "value": first.value,
            "statement": first.statement,
            "terms": first.terms,
            "entities": json.dumps(first.entities),
            "valid_from": min(each.since for each in left),
            "valid_to": min((each for each in until if each is not None), default=None),
            "stated_to": stated_to,
            "confidence": min(1.0 - doubt, 0.99),
            "supported_at": max(each.said_at for each in left),
            "agent": first.agent,
            "author": "person" if first.episode is None else "writer",
        }
        update_fact(connection, fact, values, revision)
        set_mentions(connection, user_row, fact.row, entity_keys(first.subject, first.entities))
        if first.statement != fact.statement:
            # Made anew by the next consolidation; until then it is found by its words.
            connection.execute(delete(fact_vectors).where(fact_vectors.c.fact == fact.row))


def relink_successors(
    connection: Connection, user_row: int, gone: Collection[int], revision: int
) -> None:
    """Let facts be followed by what followed the erased ones, or by nothing."""
    after = {fact.row: fact for fact in read_facts(connection, user_row, gone, retracted=True)}
    followers: list[StoredFact] = []
    for batch in in_batches(gone):
        query = select(facts.c.id).where(
            facts.c.user == user_row,
            facts.c.superseded_by.in_(batch),
            facts.c.id.not_in(batch),
        )
        rows = [row for row in connection.execute(query).scalars() if row not in after]
        followers += read_facts(connection, user_row, rows, retracted=True)
    for fact in followers:
        row = fact.superseded_by
        while row in after:
            row = after[row].superseded_by
        ends = [] if fact.stated_to is None else [fact.stated_to]
        if row is not None:
            since = select(facts.c.valid_from).where(facts.c.id == row)
            ends.append(max(float(connection.execute(since).scalar_one()), fact.valid_from))
        connection.execute(
            update(facts)
            .where(facts.c.id == fact.row)
            .values(
                superseded_by=row,
                superseded_at=None if row is None else fact.superseded_at,
                valid_to=min(ends, default=None),
                version=fact.version + 1,
                revision=revision,
            )
        )
