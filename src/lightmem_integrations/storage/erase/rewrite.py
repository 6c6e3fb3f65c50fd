"""Facts after an erasure or a retraction: in the words, and with the times, of what is left."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, func, select, update

from lightmem_integrations.storage.claims import LINE, phrase_key, read_claims
from lightmem_integrations.storage.facts import read_facts, reword_fact, update_fact
from lightmem_integrations.storage.schema import assertions, evidence, facts
from lightmem_integrations.storage.sql import delete_in, select_in
from lightmem_integrations.storage.support import earlier_end, later_begin, support_of
from lightmem_integrations.text.names import name_key


def reword_facts(
    connection: Connection, user_row: int, rows: Collection[int], revision: int
) -> None:
    """Put facts into the words of their first claim that is left; all that are left support it."""
    left = read_claims(connection, user_row, rows)
    for fact in read_facts(connection, user_row, rows, retracted=True):
        claims = left[fact.row]
        same = [claim for claim in claims if claim.value_key == fact.value_key]
        first = min(same or claims, key=lambda claim: claim.row or 0)
        support = support_of(claims)
        over = fact.valid_to if fact.superseded_by is not None else None
        valid_to, valid_to_precision = earlier_end(
            (support.stated_to, support.stated_to_precision), (over, fact.valid_to_precision)
        )
        values = {
            "valid_from": support.since,
            "valid_from_precision": support.since_precision,
            "valid_to": valid_to,
            "valid_to_precision": valid_to_precision,
            "stated_to": support.stated_to,
            "stated_to_precision": support.stated_to_precision,
            "confidence": support.confidence,
            "supported_at": support.said_at,
            "author": "person" if first.episode is None else "writer",
        }
        reword_fact(connection, fact, first, values, revision)


def rename_chains(
    connection: Connection, user_row: int, chains: Collection[tuple[str, str]], revision: int
) -> None:
    """Name the thing that facts are about, where only erased claims named it so, as others do.

    What replaces a fact stands under its subject and attribute, and keeps its own for this.
    """
    for subject_key, attribute_key in chains:
        chain = (
            facts.c.user == user_row, facts.c.subject_key == subject_key,
            facts.c.attribute_key == attribute_key,
        )  # fmt: skip
        named = (
            select(assertions.c.subject, assertions.c.attribute)
            .join(facts, facts.c.id == assertions.c.fact)
            .where(*chain, assertions.c.user == user_row, assertions.c.episode.is_not(None))
            .group_by(assertions.c.subject, assertions.c.attribute)
            .order_by(func.min(assertions.c.id))
        )
        said = connection.execute(named).all()
        keys_said = [(name_key(each.subject), phrase_key(each.attribute)) for each in said]
        attribute, *line = attribute_key.partition(LINE)
        if not said or (subject_key, attribute) in keys_said:
            continue
        names = {"subject": said[0].subject, "attribute": said[0].attribute}
        subject, about = keys_said[0]
        keys = {"subject_key": subject, "attribute_key": "".join((about, *line))}
        rows = connection.execute(select(facts.c.id).where(*chain)).scalars().all()
        for fact in read_facts(connection, user_row, rows, retracted=True):
            update_fact(connection, fact, names | keys, revision)
            same = assertions.c.fact == fact.row, assertions.c.episode.is_(None)
            connection.execute(update(assertions).where(*same).values(**names))


def undo_ends(connection: Connection, user_row: int, fact_row: int, revision: int) -> None:
    """Let facts go on that the statement of another fact had ended: it is evidence of them too."""
    same = assertions.alias()
    query = (
        select(assertions.c.id, assertions.c.fact)
        .join(
            same,
            and_(
                same.c.episode == assertions.c.episode, same.c.statement == assertions.c.statement
            ),
        )
        .where(assertions.c.user == user_row, assertions.c.fact != fact_row)
        .where(same.c.user == user_row, same.c.fact == fact_row)
        .where(assertions.c.stated_to.is_not(None))
    )
    ends: dict[int, int] = dict(connection.execute(query).all())
    claims = read_claims(connection, user_row, set(ends.values()))
    going_on = {
        row for row, known in claims.items() if any(claim.row not in ends for claim in known)
    }
    undone = [claim for claim, row in ends.items() if row in going_on]
    delete_in(connection, evidence, evidence.c.assertion, undone)
    delete_in(connection, assertions, assertions.c.id, undone)
    reword_facts(connection, user_row, going_on, revision)


def relink_successors(
    connection: Connection, user_row: int, gone: Collection[int], revision: int
) -> None:
    """Relink each fact that an erased one superseded to the next successor that is left, if any.

    A belief is not settled anew here: the floors below ``knowledge`` know no policy. What is said
    next about the thing settles it.
    """
    after = {fact.row: fact for fact in read_facts(connection, user_row, gone, retracted=True)}
    query = select(facts.c.id).where(facts.c.user == user_row)
    before = select_in(connection, query, facts.c.superseded_by, gone)
    rows = [row for (row,) in before if row not in after]
    for fact in read_facts(connection, user_row, rows, retracted=True):
        row = fact.superseded_by
        while row in after:
            row = after[row].superseded_by
        valid_to, precision = fact.stated_to, fact.stated_to_precision
        if row is not None:
            since = select(facts.c.valid_from, facts.c.valid_from_precision).where(
                facts.c.id == row
            )
            begun = connection.execute(since).one()
            own = fact.valid_from, fact.valid_from_precision
            valid_to, precision = earlier_end((valid_to, precision), later_begin(tuple(begun), own))
        values = {
            "superseded_by": row,
            "superseded_at": None if row is None else fact.superseded_at,
            "valid_to": valid_to,
            "valid_to_precision": precision,
        }
        update_fact(connection, fact, values, revision)
