"""Taken back: what turns say and a person corrected or retracted since."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    exists,
    not_,
    or_,
    select,
)

from lightmem_integrations.storage.expressions import among_rows, of_same_user
from lightmem_integrations.storage.schema import evidence, facts

_NEWER = facts.alias("newer")
_SAME = facts.alias("same")


class TakenBack(NamedTuple):
    """What a person says never held: retracted, or corrected to another statement.

    Attributes:
        statement: Of the fact.
        corrected: What the person put in its place; ``None`` if nothing.
    """

    statement: str
    corrected: str | None


def taken_back(
    connection: Connection, user_row: int, rows: Collection[int], at: float
) -> dict[int, list[TakenBack]]:
    """Of these turns, those that prove what a person has taken back, the last of it last.

    Not what was told again since it was retracted, or what another fact says still.

    Args:
        connection: A read transaction on the ledger.
        user_row: Whose.
        rows: Rows of the turns.
        at: Only what had been taken back by then, in seconds since 1970.
    """
    found: dict[int, list[TakenBack]] = {}
    asked = {"user": user_row, "rows": list(rows), "at": at}
    for turn, _, statement, corrected in connection.execute(_TAKEN_BACK, asked) if rows else ():
        found.setdefault(turn, []).append(TakenBack(statement, corrected))
    return found


def _stands(table: FromClause) -> ColumnElement[bool]:
    return or_(table.c.retracted_at.is_(None), table.c.retracted_at > bindparam("at"))


_SAID_ELSEWHERE = exists().where(
    _SAME.c.user == bindparam("user"),
    _SAME.c.subject_key == facts.c.subject_key,
    _SAME.c.value_key == facts.c.value_key,
    _stands(_SAME),
)
_TAKEN_BACK = (
    select(evidence.c.turn, facts.c.id, facts.c.statement, _NEWER.c.statement.label("corrected"))
    .select_from(evidence)
    .join(facts, of_same_user(evidence.c.fact, facts))
    .outerjoin(
        _NEWER,
        and_(of_same_user(facts.c.superseded_by, _NEWER), _NEWER.c.author == "person"),
    )
    .where(among_rows(evidence.c.turn), facts.c.retracted_at <= bindparam("at"))
    .where(
        or_(
            and_(_stands(_NEWER), _NEWER.c.statement != facts.c.statement),
            and_(facts.c.superseded_by.is_(None), not_(_SAID_ELSEWHERE)),
        )
    )
    .distinct()
    .order_by(facts.c.id)
)
