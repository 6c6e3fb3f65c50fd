"""Re-indexing of texts: what older rules cut into terms is cut anew when a ledger is opened.

Turns are all looked through, for their words and, those of users, for guidance. Of what was made
of them only what is beyond ASCII is cut: the rules for the rest never changed. Each batch is a
transaction of its own, and what is up to date is left alone: an interrupted run is simply begun
again. Meanwhile other processes answer from the words of before, which a question has as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Table,
    func,
    select,
    true,
    update,
)

from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.claims import LINE, phrase_key
from lightmem_integrations.storage.expressions import bytes_in
from lightmem_integrations.storage.schema import assertions, episodes, facts, turns, users
from lightmem_integrations.storage.turns import guidance_columns
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.text.inflections import turn_terms
from lightmem_integrations.text.terms import terms

_BATCH = 500  # rows; a guess
_Refresh = Callable[[Connection, Row[Any]], object]


def refresh_terms(engine: Engine) -> None:
    """Bring what is stored about every text to the rules of today."""
    lasting = engine.execution_options(writes=True)

    def refresh(table: Table, old: ColumnElement[bool], each: _Refresh) -> None:
        last: int | None = 0
        while last is not None:
            with lasting.begin() as connection:
                behind = select(table.c.id, table.c.user).where(table.c.id > last, old)
                found = connection.execute(behind.order_by(table.c.id).limit(_BATCH)).all()
                lock_users(connection, [user for _, user in found])
                # As they are now: another process may refresh them, or erase them, meanwhile.
                rows = select(table).where(table.c.id.in_([row for row, _ in found]))
                for row in connection.execute(rows.order_by(table.c.id)).all():
                    each(connection, row)
                last = found[-1].id if found else None

    refresh(turns, true(), _turn)
    refresh(turns, turns.c.role == "user", _guidance)
    refresh(facts, _beyond_ascii(facts.c.statement), _fact)
    refresh(assertions, _beyond_ascii(assertions.c.statement), _assertion)
    refresh(episodes, episodes.c.terms != "", _episode)  # of one that was dropped nothing is left


def _beyond_ascii(text: Column[Any]) -> ColumnElement[bool]:
    return bytes_in(text) > func.length(text)


def _turn(connection: Connection, row: Row[Any]) -> None:
    cut = turn_terms(row.text)
    new = " ".join(cut)
    if new == row.terms:
        return
    _put(connection, turns, row, terms=new)
    if row.searchable:
        lexical.remove(connection, row.user, [(row.id, row.terms)])
        lexical.add(connection, row.user, [(row.id, new)])
        more = len(cut) - len(row.terms.split())
        counted = update(users).where(users.c.id == row.user)
        connection.execute(counted.values(terms=users.c.terms + more))


def _guidance(connection: Connection, row: Row[Any]) -> None:
    found = guidance_columns(row.text, json.loads(row.metadata or "{}"))
    if any(row._mapping[name] != value for name, value in found.items()):
        _put(connection, turns, row, **found)


def _fact(connection: Connection, row: Row[Any]) -> None:
    line = "".join(row.attribute_key.partition(LINE)[1:])
    _put(
        connection, facts, row, terms=" ".join(terms(row.statement)),
        attribute_key=phrase_key(row.attribute) + line, value_key=phrase_key(row.value),
    )  # fmt: skip


def _assertion(connection: Connection, row: Row[Any]) -> None:
    _put(connection, assertions, row, terms=" ".join(terms(row.statement)))


def _episode(connection: Connection, row: Row[Any]) -> None:
    parts = [row.summary, *json.loads(row.keywords), *json.loads(row.entities)]
    _put(connection, episodes, row, terms=" ".join(terms(" ".join(parts))))


def _put(connection: Connection, table: Table, row: Row[Any], **values: str | int | None) -> None:
    connection.execute(update(table).where(table.c.id == row.id).values(**values))
