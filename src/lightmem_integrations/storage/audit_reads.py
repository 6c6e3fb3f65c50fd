"""Reads for an audit: what is known and said of one user or of all, row by row, never all at once.

The number of statements is the same for one user as for thousands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, func, select

from lightmem_integrations.storage.episodes import DROPPED
from lightmem_integrations.storage.expressions import bytes_in, listed, of_same_user
from lightmem_integrations.storage.facts import STANDING, StoredFact, fact_of_row, valid_at
from lightmem_integrations.storage.schema import (
    conflicts,
    episode_vectors,
    episodes,
    evidence,
    fact_vectors,
    facts,
    sessions,
    turns,
    users,
    vectors,
)
from lightmem_integrations.storage.sql import select_in

_BATCH = 1_000
"""Rows that are read at once: a guess."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose a memory is: a user's, or a space's."""

    user_id: str | None
    space: str | None


def memories(connection: Connection, user: int | None) -> dict[int, Whose]:
    """Memories by row, in the order in which they came, without those being imported."""
    query = select(users.c.id, users.c.name, users.c.space).where(users.c.staged.is_(None))
    query = query if user is None else query.where(users.c.id == user)
    return {
        row: Whose(None, name) if space else Whose(name, None)
        for row, name, space in connection.execute(query.order_by(users.c.id))
    }


def standing_facts(
    connection: Connection, user: int | None
) -> Iterator[tuple[StoredFact, bytes | None]]:
    """Facts that were neither retracted nor superseded, with their vectors, one user's together."""
    query = (
        select(facts, fact_vectors.c.vector)
        .outerjoin(fact_vectors, of_same_user(fact_vectors.c.fact, facts))
        .where(STANDING)
        .order_by(facts.c.user, facts.c.revision, facts.c.id)
    )
    for row in _rows(connection, query, facts, user):
        yield fact_of_row(row), row.vector


def proof_of_facts(connection: Connection, user: int | None, at: float) -> Iterator[Row[Any]]:
    """Facts that hold at a moment, each with the terms of every turn that proves it.

    ``said`` is ``None`` in the one row of a fact that no turn is left for. The rows of a fact
    follow each other.
    """
    query = (
        select(facts.c.id, facts.c.user, facts.c.key, facts.c.subject, facts.c.statement,
               facts.c.terms, facts.c.author, turns.c.terms.label("said"))
        .select_from(facts)
        .outerjoin(evidence, of_same_user(evidence.c.fact, facts))
        .outerjoin(turns, of_same_user(evidence.c.turn, turns))
        .where(STANDING, valid_at(at))
        .order_by(facts.c.id)
    )  # fmt: skip
    return _rows(connection, query, facts, user)


def memories_with_repeated_facts(connection: Connection, user: int | None) -> list[int]:
    """Rows of the users of whom two facts stand with the same words about the same subject."""
    same = facts.c.user, facts.c.subject_key, facts.c.kind, facts.c.value_key, facts.c.terms
    repeated = select(facts.c.user).where(STANDING).group_by(*same).having(func.count() > 1)
    repeated = repeated if user is None else repeated.where(facts.c.user == user)
    return sorted(set(connection.execute(repeated).scalars()))


def open_conflicts(connection: Connection, user: int | None) -> Iterator[Row[Any]]:
    """Open conflicts, with the rows, public ids and statements of both facts."""
    first, second = facts.alias("first_fact"), facts.alias("second_fact")
    query = (
        select(conflicts.c.user, conflicts.c.key, conflicts.c.first, conflicts.c.second,
               first.c.key.label("first_key"), second.c.key.label("second_key"),
               first.c.statement.label("first_statement"),
               second.c.statement.label("second_statement"))
        .join(first, of_same_user(conflicts.c.first, first))
        .join(second, of_same_user(conflicts.c.second, second))
        .where(conflicts.c.resolved_at.is_(None))
        .order_by(conflicts.c.id)
    )  # fmt: skip
    return _rows(connection, query, conflicts, user)


def episodes_without_access(connection: Connection, user: int | None) -> Iterator[Row[Any]]:
    """Episodes that no recall brought back, as far as was written down."""
    query = select(
        episodes.c.id, episodes.c.user, episodes.c.key, episodes.c.summary, episodes.c.ends
    ).where(episodes.c.state != DROPPED, episodes.c.accesses == 0)
    return _rows(connection, query.order_by(episodes.c.id), episodes, user)


def searched_turns(connection: Connection, user: int | None) -> Iterator[Row[Any]]:
    """Turns that recall may find, with their texts."""
    query = select(turns.c.id, turns.c.user, turns.c.text).where(turns.c.searchable)
    return _rows(connection, query.order_by(turns.c.id), turns, user)


def repeated_turns(connection: Connection, user: int | None, least: int) -> Iterator[Row[Any]]:
    """Texts that one speaker of a user said in several turns that recall may find.

    ``rows`` lists the turns, by row and with commas between.

    Args:
        connection: To read with.
        user: Row of the user; ``None`` for all.
        least: Index terms that a text has at least.
    """
    long_enough = func.length(turns.c.terms) - func.length(func.replace(turns.c.terms, " ", ""))
    same = turns.c.user, turns.c.role, turns.c.speaker, turns.c.text
    query = (
        select(turns.c.user, turns.c.text, listed(turns.c.id).label("rows"))
        .where(turns.c.searchable, long_enough >= least - 1)
        .group_by(*same)
        .having(func.count() > 1)
        .order_by(func.min(turns.c.id))
    )
    return _rows(connection, query, turns, user)


def names_of_turns(connection: Connection, rows: list[int]) -> dict[int, tuple[str, str]]:
    """The id of each turn and that of its session, by row."""
    query = select(turns.c.id, turns.c.name, sessions.c.name.label("session_name")).join(
        sessions, of_same_user(turns.c.session, sessions)
    )
    return {
        row.id: (row.name, row.session_name)
        for row in select_in(connection, query, turns.c.id, rows)
    }


def sizes(connection: Connection, user: int | None) -> dict[int, dict[str, int]]:
    """What is kept of each user, by row: ``turns``, ``facts``, ``episodes`` and their ``bytes``.

    Bytes are those of texts and vectors; what the database adds, such as its indexes, is not
    counted by user.
    """
    message, metadata = (
        func.coalesce(bytes_in(turns.c[name]), 0) for name in ("message", "metadata")
    )
    tokens, of_facts = (
        func.coalesce(func.length(table.c.tokens), 0) for table in (vectors, fact_vectors)
    )
    counted: list[tuple[str | None, FromClause, ColumnElement[Any], list[ColumnElement[bool]]]] = [
        ("turns", turns, bytes_in(turns.c.text) + message + metadata, []),
        (None, vectors, func.length(vectors.c.vector) + tokens, []),
        ("facts", facts, bytes_in(facts.c.statement), []),
        (None, fact_vectors, func.length(fact_vectors.c.vector) + of_facts, []),
        ("episodes", episodes, bytes_in(episodes.c.summary), [episodes.c.state != DROPPED]),
        (None, episode_vectors, func.length(episode_vectors.c.vector), []),
    ]
    found: dict[int, dict[str, int]] = defaultdict(
        lambda: {"turns": 0, "facts": 0, "episodes": 0, "bytes": 0}
    )
    for name, table, size, where in counted:
        query = select(table.c.user, func.count().label("number"), func.sum(size).label("held"))
        for each in _rows(connection, query.where(*where).group_by(table.c.user), table, user):
            found[each.user]["bytes"] += int(each.held)
            if name is not None:
                found[each.user][name] += each.number
    return found


def _rows(
    connection: Connection, query: Select[Any], table: FromClause, user: int | None
) -> Iterator[Row[Any]]:
    """Rows of a query, of one user or of all, read in batches."""
    query = query if user is None else query.where(table.c.user == user)
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as found:
        yield from found
