"""Branches in the ledger: turns that their conversation went on without are superseded.

The history that an application keeps is a path in a tree; the turns that stand are the path that
was last seen. Where another path leaves it, what stood after that point is superseded, and what
the new path holds stands again. What a path lacks before that point was trimmed or summarised.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.storable import WORDING_BYTES, reworded
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.archive import archive_turns, restore_turns
from lightmem_integrations.storage.erase.knowledge import erase_derived
from lightmem_integrations.storage.schema import turns
from lightmem_integrations.storage.sql import in_batches, select_in
from lightmem_integrations.storage.turns import NewTurn, stands, turn_of_row
from lightmem_integrations.storage.work_queue import make_due


@dataclass(frozen=True, slots=True)
class BranchChange:
    """Change of a session's turns with which they follow a branch.

    Attributes:
        superseded: Rows of turns that it went on without.
        restored: Rows of turns that it holds again.
        new: Turns to be written, each under the id of its wording.
        places: Positions of the messages of which a turn of ``new`` is another wording, by its id.
    """

    superseded: Sequence[int] = ()
    restored: Sequence[int] = ()
    new: Sequence[NewTurn] = ()
    places: dict[str, int] = field(default_factory=dict)


def change_of_branch(
    connection: Connection,
    session_row: int,
    branch: Branch,
    known: Sequence[NewTurn],
    new: Sequence[NewTurn],
) -> BranchChange:
    """The change with which a session follows a branch.

    Args:
        connection: A read transaction on the ledger.
        session_row: The session.
        branch: The branch that goes on.
        known: Its turns whose words are known.
        new: The turns to be written.
    """
    mine = turns.c.session == session_row, turns.c.history == branch.history
    if branch.turn_ids is None:
        found = select_in(
            connection,
            select(turns.c.id).where(*mine, stands()),
            turns.c.key,
            [key_of(name) for name in branch.replaced],
        )
        return BranchChange(superseded=[row for (row,) in found], new=new)
    ids = {*branch.turn_ids, *map(_id, (*known, *new))}
    edited, to_write, wording = _worded(connection, session_row, branch.history, known, new)
    newest = select(turns.c.name).where(*mine, stands()).order_by(turns.c.position.desc()).limit(1)
    last = connection.execute(newest).scalar()
    gone = connection.execute(select(turns.c.name).where(*mine, ~stands())).scalars()
    is_reworded = edited or any(name != of for of, name in wording.items())
    if not is_reworded and (last is None or _message(last, ids) in ids) and not any(
        _message(name, ids) in ids for name in gone
    ):  # fmt: skip
        return BranchChange(new=to_write)
    columns = (turns.c.id, turns.c.name, turns.c.position, turns.c.searchable_before)
    rows = connection.execute(select(*columns).where(*mine).order_by(turns.c.position)).all()
    standing = [row for row in rows if row.searchable_before is None]
    shown = {_message(row.name, ids) for row in standing}

    def holds(row: Any) -> bool:
        message = _message(row.name, ids)
        if message in wording:
            return bool(row.name == wording[message])
        return message in ids and (row.searchable_before is None or message not in shown)

    restored = [row.id for row in rows if row.searchable_before is not None and holds(row)]
    common = [row.position for row in standing if _message(row.name, ids) in ids]
    left_at = common[-1] if common else 0 if restored else None
    superseded = [
        row.id
        for row in standing
        if not holds(row)
        and (_message(row.name, ids) in ids or (left_at is not None and row.position > left_at))
    ]
    first = {_message(row.name, ids): row.position for row in reversed(rows)}
    places = {name: first[of] for of, name in wording.items() if name != of and of in first}
    return BranchChange(superseded, restored, [*edited, *to_write], places)


def apply_change(
    connection: Connection, user_row: int, session_row: int, change: BranchChange, now: float
) -> list[int]:
    """Supersede and restore turns; returns the rows that the vector index has to forget.

    What was made of superseded turns goes, as if they had been erased; but they stay, and so does
    what a person refused or corrected on other grounds.
    """
    erase_derived(connection, user_row, change.superseded, now, forgotten=False)
    for batch in in_batches(change.superseded):
        _mark(connection, batch, searchable_before=turns.c.searchable)
    archived = archive_turns(connection, user_row, change.superseded)
    found = select(turns.c.id).where(turns.c.searchable_before)
    again = [row for (row,) in select_in(connection, found, turns.c.id, change.restored)]
    for batch in in_batches(change.restored):
        _mark(connection, batch, searchable_before=None)
    restore_turns(connection, user_row, again)
    if again:
        make_due(connection, user_row, [session_row])
    return archived


def place_wordings(connection: Connection, session_row: int, places: dict[str, int]) -> None:
    """Put other wordings of messages where these stand in their session."""
    for name, position in places.items():
        where = turns.c.session == session_row, turns.c.key == key_of(name)
        connection.execute(update(turns).where(*where).values(position=position))


def _mark(connection: Connection, rows: list[int], **values: Any) -> None:
    connection.execute(update(turns).where(turns.c.id.in_(rows)).values(**values))


def _worded(
    connection: Connection, session_row: int, history: str, known: Sequence[NewTurn],
    new: Sequence[NewTurn],
) -> tuple[list[NewTurn], list[NewTurn], dict[str, str]]:  # fmt: skip
    """Edited turns, and the new ones, as they are to be written; the wording of each message."""
    names = {_id(each): reworded(each.turn).id or "" for each in (*known, *new)}
    keys = [key_of(name) for name in (*names, *names.values())]
    mine = select(turns).where(turns.c.session == session_row)
    stored = {row.name: row for row in select_in(connection, mine, turns.c.key, keys)}
    wording: dict[str, str] = {}

    def worded(each: NewTurn) -> NewTurn:
        message = _id(each)
        first = stored.get(message)
        name = message if first is None or _same(first, each.turn) else names[message]
        wording[message] = name
        row = stored.get(name)
        if row is None:
            return replace(each, turn=replace(each.turn, id=name))
        # As it is stored: its message may hold other figures by now.
        return NewTurn(turn_of_row(row), row.terms, row.message, row.metadata)

    to_write = [worded(each) for each in new]
    edited = [
        turn
        for each in known
        if _id(each) not in wording
        and (first := stored.get(_id(each))) is not None
        and first.history == history
        and (turn := worded(each)).turn.id not in stored
    ]
    return edited, to_write, wording


def _same(row: Row[Any], turn: Turn) -> bool:
    return (row.role, row.speaker, row.text) == (turn.role, turn.speaker, turn.text)


def _message(name: str, ids: Collection[str]) -> str:
    """The id of the message of which a turn is a wording."""
    first, mark, wording = name.rpartition("~")
    is_wording = bool(mark) and len(wording) == 2 * WORDING_BYTES and first in ids
    return first if is_wording else name


def _id(new: NewTurn) -> str:
    return new.turn.id or ""
