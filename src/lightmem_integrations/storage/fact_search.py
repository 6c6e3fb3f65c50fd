"""Searches in a user's facts: rows first, so that only the part that is shown is read whole."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, not_, select

from lightmem_integrations.errors import NotFoundError
from lightmem_integrations.records.fact_search import FactSearch
from lightmem_integrations.safety import check_names, short_repr
from lightmem_integrations.storage.facts import find_fact, valid_at
from lightmem_integrations.storage.schema import facts
from lightmem_integrations.storage.tellers import told_by
from lightmem_integrations.storage.transcripts import Part

_WORDS = facts.c.statement + " " + facts.c.subject + " " + facts.c.attribute + " " + facts.c.value


def search_facts(
    connection: Connection, user_row: int, search: FactSearch, at: float, *, include_past: bool
) -> list[int]:
    """Rows of a user's facts that meet a search, ascending.

    Args:
        connection: To read with.
        user_row: Whose facts.
        search: What they meet.
        at: The moment, in seconds since 1970.
        include_past: Also those that do not hold then.
    """
    holds = and_(facts.c.retracted_at.is_(None), valid_at(at))
    query = select(facts.c.id).where(facts.c.user == user_row)
    if search.past:
        query = query.where(not_(holds))
    elif not include_past:
        query = query.where(holds)
    if search.kind is not None:
        query = query.where(facts.c.kind == search.kind)
    if search.pinned:
        query = query.where(facts.c.pinned)
    if search.doubted:
        query = query.where(facts.c.doubt.is_not(None))
    if search.told_by is not None:
        query = query.where(told_by(user_row, search.told_by))
    return sorted(_with_words(connection, query, search.words))


def has_words(text: str, words: str) -> bool:
    """True if all these words occur in a text, in upper or lower case."""
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())


def _with_words(connection: Connection, query: Select[Any], words: str) -> list[int]:
    if not words.split():
        return list(connection.execute(query).scalars())
    # Not in SQL: SQLite knows upper and lower case of ASCII alone, and no database folds them.
    rows = connection.execute(query.add_columns(_WORDS))
    return [row for row, text in rows if has_words(text, words)]


def part_of(
    connection: Connection, user_row: int, rows: Sequence[int], part: Part
) -> Sequence[int]:
    """Part of a user's facts, by rows in ascending order.

    Raises:
        NotFoundError: The part begins or ends with a fact that the user does not have.
    """
    if part.after is not None:
        rows = rows[bisect_right(rows, _row(connection, user_row, part.after)) :]
    if part.before is not None:
        rows = rows[: bisect_left(rows, _row(connection, user_row, part.before))]
    if part.limit is None:
        return rows
    return rows[-part.limit :] if part.latest else rows[: part.limit]


def _row(connection: Connection, user_row: int, fact_id: str) -> int:
    (fact_id,) = check_names([fact_id], "after or before")
    fact = find_fact(connection, user_row, fact_id)
    if fact is None:
        raise NotFoundError(
            f"This user has no fact {short_repr(fact_id)}. Pass the id of a fact of facts()."
        )
    return fact.row
