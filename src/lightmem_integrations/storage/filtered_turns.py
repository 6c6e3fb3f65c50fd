"""Filters of turns, looked up in the ledger: comparison by comparison, then put together as sets.

One statement for a whole filter takes several times as long: SQLite then looks at each turn of the
user, and hands over each row that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    select,
    true,
)

from lightmem_integrations.arrays import Rows
from lightmem_integrations.records.filters import ORDERS, And, Compare, Filter, Not, Or
from lightmem_integrations.storage.column_types import Scalar
from lightmem_integrations.storage.expressions import listed, place_in, unindexed
from lightmem_integrations.storage.schema import (
    episode_turns,
    evidence,
    sessions,
    turn_metadata,
    turns,
)
from lightmem_integrations.storage.sql import select_in
from lightmem_integrations.storage.turn_metadata import as_stored

_COLUMNS: dict[str, Column[Any]] = {
    "agent_id": turns.c.agent,
    "session_id": sessions.c.name,
    "speaker": turns.c.speaker,
    "role": turns.c.role,
    "time": turns.c.said_at,
}
_SCATTERED = 10
"""So many times as many rows as are sought are read rather than each by itself: a guess."""
_LAST = select(func.max(turns.c.id)).where(turns.c.user == bindparam("user"))


def rows_meeting(connection: Connection, user_row: int, condition: Filter) -> Rows:
    """Rows of all turns of a user that meet a filter, ascending.

    Args:
        connection: To read with.
        user_row: Whose turns.
        condition: From ``filter_of``.
    """
    return combined(condition, lambda each: rows_compared(connection, user_row, each))


def combined(condition: Filter, compared: Callable[[Compare | None], Rows]) -> Rows:
    """Rows that meet a filter, of those that meet its comparisons; all of them ascending.

    Args:
        condition: From ``filter_of``.
        compared: Gives the rows of a comparison, and for ``None`` those of all turns.
    """
    if isinstance(condition, Compare):
        return compared(condition)
    if isinstance(condition, Or):
        rows = np.sort(np.concatenate([combined(each, compared) for each in condition.filters]))
        # Several times as quick as np.unique.
        return rows[np.diff(rows, prepend=-1) > 0]
    parts = condition.filters if isinstance(condition, And) else (condition,)
    met = [combined(each, compared) for each in parts if not isinstance(each, Not)]
    rows = reduce(_both, met) if met else compared(None)
    for each in parts:
        if isinstance(each, Not):
            rows = np.setdiff1d(rows, combined(each.filter, compared), assume_unique=True)
    return rows


def rows_compared(
    connection: Connection, user_row: int, comparison: Compare | None, after: int = 0
) -> Rows:
    """Rows of all turns of a user that meet a comparison, ascending.

    Args:
        connection: To read with.
        user_row: Whose turns.
        comparison: From ``filter_of``; ``None`` for all turns.
        after: Only rows greater than this one.
    """
    key = None if comparison is None else comparison.key
    if comparison is not None and key not in _COLUMNS:
        bound = {"user": user_row, "name": key, "after": after}
        found = [
            _rows(connection, _of_metadata(*which, later=after > 0), bound | asked)
            for which, asked in _lookups(comparison)
        ]
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)
    everybody = select(listed(turns.c.id)).where(turns.c.user == user_row)
    if after:
        everybody = everybody.where(turns.c.id > after)
    statement = everybody
    if comparison is not None:
        column = _COLUMNS[comparison.key]
        meets = _of_column(column, comparison.operator, comparison.value)
        meets = and_(column.is_not(None), meets)
        if column is turns.c.said_at and not after:
            # Both values of ``searchable``, so that SQLite finds turns by the index of times.
            meets = and_(meets, turns.c.searchable.in_([False, True]))
        if column is sessions.c.name:
            named = select(sessions.c.id).where(sessions.c.user == user_row, meets)
            statement = everybody.where(turns.c.session.in_(named))
        else:
            statement = statement.where(meets)
    return np.sort(_rows(connection, statement))


def last_row(connection: Connection, user_row: int) -> int:
    """Row of the turn of a user that was written last; 0 for none."""
    return int(connection.execute(_LAST, {"user": user_row}).scalar() or 0)


def facts_meeting(connection: Connection, user_row: int, condition: Filter) -> set[int]:
    """Rows of a user's facts that a turn proves which meets a filter."""
    return _resting(connection, user_row, evidence.c.fact, condition)


def episodes_meeting(connection: Connection, user_row: int, condition: Filter) -> set[int]:
    """Rows of a user's episodes with a turn that meets a filter."""
    return _resting(connection, user_row, episode_turns.c.episode, condition)


def _resting(
    connection: Connection, user_row: int, what: Column[Any], condition: Filter
) -> set[int]:
    within = set(rows_meeting(connection, user_row, condition).tolist())
    if not within:
        return set()
    table = what.table.c
    pairs = select(what, table.turn).where(unindexed(table.user) == user_row)
    first, last = min(within), max(within)
    if _SCATTERED * len(within) < last - first:
        return {found for found, _ in select_in(connection, pairs, table.turn, within)}
    # Turns of one session lie side by side: those far off need not be looked at.
    near = pairs.where(table.turn.between(first, last))
    return {found for found, turn in connection.execute(near) if turn in within}


def _both(some: Rows, others: Rows) -> Rows:
    return np.intersect1d(some, others, assume_unique=True)


def _of_column(column: Column[Any], sign: str, value: Any) -> ColumnElement[bool]:
    if sign in ORDERS:
        ordered: ColumnElement[bool] = ORDERS[sign](column, value)
        return ordered
    if sign == "$exists":
        return true()
    if sign == "$contains":
        return place_in(column, value) > 0
    return column.in_(value if sign == "$in" else [value])


def _lookups(condition: Compare) -> list[tuple[tuple[bool, str], dict[str, Any]]]:
    """What rows of metadata meet a comparison: no row is in two of these.

    Each is whether it is of a list's elements, and an operator, with what that is asked about.
    """
    sign, value = condition.operator, condition.value
    if sign == "$exists":
        return [((False, sign), {})]
    if sign == "$in":
        by_kind: dict[str, list[Any]] = {}
        for kind, stored in map(as_stored, value):
            by_kind.setdefault(kind, []).append(stored)
        return [((False, sign), {"kind": kind, "value": each}) for kind, each in by_kind.items()]
    kind, stored = as_stored(value)
    asked = {"kind": kind, "value": stored}
    if sign == "$contains":
        inside = [((False, sign), asked)] if kind == "text" else []
        return [((True, "$eq"), asked), *inside]
    return [((False, sign), asked)]


@cache
def _of_metadata(element: bool, sign: str, *, later: bool) -> Select[Any]:  # noqa: FBT001
    """Turns with a value that meets an operator, along the table's key; later ones only, or all.

    Kept: to put a statement together takes longer than to look up few rows.
    """
    table = turn_metadata.c
    value = bindparam("value", type_=Scalar(), expanding=sign == "$in")
    met: dict[str, ColumnElement[bool]] = {
        "$exists": true(),
        "$in": table.value.in_(value),
        "$contains": place_in(table.value, value) > 0,
        "$eq": table.value == value,
        **{each: compare(table.value, value) for each, compare in ORDERS.items()},
    }
    return select(listed(table.turn)).where(
        table.user == bindparam("user"),
        table.name == bindparam("name"),
        table.element == element,
        true() if sign == "$exists" else table.kind == bindparam("kind"),
        met[sign],
        table.turn > bindparam("after") if later else true(),
    )


def _rows(
    connection: Connection, as_text: Select[Any], bound: Mapping[str, Any] | None = None
) -> Rows:
    # As one text: to hand over each row takes SQLite and SQLAlchemy five times as long.
    text = connection.execute(as_text, bound).scalar() or ""
    return np.fromstring(text, np.int64, sep=",")
