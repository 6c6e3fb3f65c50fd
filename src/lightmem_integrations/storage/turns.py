"""Turns in the ledger: written in one transaction with everything that must happen to them."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from lightmem_integrations.errors import TurnConflictError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import digest, key_of, short_repr
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.schema import sessions, speakers, turns, users, work
from lightmem_integrations.storage.sql import insert_row, insert_rows, select_in
from lightmem_integrations.storage.users import find_user
from lightmem_integrations.storage.work_queue import make_due
from lightmem_integrations.text.guidance import guidance_of

EMBED = "embed"
"""The kind of work that gives a turn its vector and its place in the vector index."""


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A checked turn, ready to be written: id and time are set, its terms are known."""

    turn: Turn
    terms: str
    message: str | None


def insert_turns(
    connection: Connection,
    new: Sequence[NewTurn],
    *,
    user_id: str,
    session_id: str,
    agent_id: str | None,
    history: str | None = None,
) -> list[Turn]:
    """Write turns, their words and the work to embed them; returns them as stored.

    A turn whose id is known and whose content is the same is returned as it was stored.

    Raises:
        TurnConflictError: An id is taken by a turn with other content.
    """
    user = find_user(connection, user_id)
    key = key_of(user_id)
    user_row = user.row if user else insert_row(
        connection, users, key=key, name=user_id, searchable=0, terms=0
    )  # fmt: skip
    key = key_of(session_id)
    session = connection.execute(
        select(sessions.c.id, sessions.c.length).where(
            sessions.c.user == user_row, sessions.c.key == key
        )
    ).first()
    session_row, length = session or (
        insert_row(
            connection, sessions, user=user_row, key=key, name=session_id, length=0, window_from=0
        ),
        0,
    )
    known = _known(connection, session_row, [key_of(_id(each)) for each in new])
    stored: list[Turn] = []
    rows: list[dict[str, Any]] = []
    for each in new:
        row = _row(each)
        if row["key"] in known:
            stored.append(_unchanged(known[row["key"]], row["digest"], each.turn, session_id))
            continue
        length += 1
        row |= {"user": user_row, "session": session_row, "position": length}
        rows.append(row | {"agent": agent_id, "history": history})
        known[row["key"]] = (row["digest"], each.turn)
        stored.append(each.turn)
    if rows:
        _insert_rows(connection, user_row, session_row, length, rows)
    return stored


def read_turns(connection: Connection, session_row: int) -> list[Turn]:
    """All turns of a session, oldest first."""
    query = select(turns).where(turns.c.session == session_row).order_by(turns.c.position)
    return [turn_of_row(row) for row in connection.execute(query)]


def read_window(connection: Connection, session_row: int) -> list[Turn]:
    """The turns that stand in a session's short-term window, oldest first."""
    start = select(sessions.c.window_from).where(sessions.c.id == session_row).scalar_subquery()
    query = select(turns).where(turns.c.session == session_row, turns.c.position > start, stands())
    return [turn_of_row(row) for row in connection.execute(query.order_by(turns.c.position))]


def stands() -> ColumnElement[bool]:
    """True for turns that were not superseded."""
    return turns.c.searchable_before.is_(None)


def restart_window(connection: Connection, session_row: int) -> None:
    """Begin the session's short-term window after its last turn."""
    connection.execute(
        update(sessions).where(sessions.c.id == session_row).values(window_from=sessions.c.length)
    )


def turn_of_row(row: Row[Any]) -> Turn:
    """A turn as it was given, with its id and its time."""
    return Turn(
        role=row.role,
        text=row.text,
        speaker=row.speaker,
        time=moment(row.said_at, row.offset),
        id=row.name,
        message=None if row.message is None else json.loads(row.message),
        searchable=row.searchable,
        superseded=row.searchable_before is not None,
    )


def moment(said_at: float, offset: int = 0) -> dt.datetime:
    """A stored time in the zone in which it was given; ``offset`` in seconds east of UTC."""
    return dt.datetime.fromtimestamp(said_at, dt.timezone(dt.timedelta(seconds=offset)))


def digest_of(turn: Turn, message: str | None) -> str:
    """Digest of what makes two turns the same: role, speaker, text, message, not the time."""
    content = json.dumps([turn.role, turn.speaker, turn.text, message])
    return digest(content, 16)


def _id(new: NewTurn) -> str:
    if new.turn.id is None:
        raise AssertionError("turns get their id before they come here")
    return new.turn.id


def _unchanged(known: tuple[str, Turn], digest: str, turn: Turn, session_id: str) -> Turn:
    if known[0] != digest:
        raise TurnConflictError(
            f"Session {short_repr(session_id)} already has a turn {short_repr(turn.id)} with "
            "other content. "
            "Nothing was stored. Give the new turn an id of its own, or forget the old one first."
        )
    return known[1]


def _known(
    connection: Connection, session_row: int, keys: list[str]
) -> dict[str, tuple[str, Turn]]:
    query = select(turns).where(turns.c.session == session_row)
    found = select_in(connection, query, turns.c.key, keys)
    return {row.key: (row.digest, turn_of_row(row)) for row in found}


def _row(new: NewTurn) -> dict[str, Any]:
    """The columns of a turn that follow from itself."""
    turn = new.turn
    if turn.time is None:
        raise AssertionError("turns get their time before they come here")
    offset = turn.time.utcoffset() or dt.timedelta()
    return {
        "key": key_of(_id(new)),
        "name": turn.id,
        "role": turn.role,
        "speaker": turn.speaker,
        "text": turn.text,
        "terms": new.terms,
        "guidance": guidance_of(turn.text) if turn.role == "user" else None,
        "said_at": turn.time.timestamp(),
        "offset": round(offset.total_seconds()),
        "recorded_at": time.time(),
        "message": new.message,
        "searchable": turn.searchable,
        "digest": digest_of(turn, new.message),
        "version": 1,
    }


def _insert_rows(
    connection: Connection,
    user_row: int,
    session_row: int,
    length: int,
    rows: list[dict[str, Any]],
) -> None:
    # Ids are read back by position: bulk inserts may return them in any order.
    connection.execute(insert(turns), rows)
    first = rows[0]["position"]
    ids = dict(
        connection.execute(
            select(turns.c.position, turns.c.id).where(
                turns.c.session == session_row, turns.c.position >= first
            )
        ).all()
    )
    found = [(ids[row["position"]], row) for row in rows if row["searchable"]]
    lexical.add(connection, user_row, [(row_id, row["terms"]) for row_id, row in found])
    if found:
        queue_embedding(connection, user_row, [row_id for row_id, _ in found])
        make_due(connection, user_row, [session_row])
    connection.execute(update(sessions).where(sessions.c.id == session_row).values(length=length))
    count_searchable(connection, user_row, [row["terms"] for _, row in found])
    for speaker, said in Counter(row["speaker"] for row in rows if row["speaker"]).items():
        first_time = upsert(speakers).values(user=user_row, name=speaker, turns=said)
        again = {"turns": speakers.c.turns + said}
        connection.execute(first_time.on_conflict_do_update(set_=again))


def queue_embedding(connection: Connection, user_row: int, rows: Sequence[int]) -> None:
    """Put a user's turns on the work list of those that wait for their vectors."""
    insert_rows(connection, work, [{"kind": EMBED, "user": user_row, "item": row} for row in rows])


def count_searchable(
    connection: Connection, user_row: int, terms_of: Sequence[str], sign: int = 1
) -> None:
    """Count turns, given their terms, as searchable (``sign`` 1) or no longer so (-1)."""
    connection.execute(
        update(users)
        .where(users.c.id == user_row)
        .values(
            searchable=users.c.searchable + sign * len(terms_of),
            terms=users.c.terms + sign * sum(len(terms.split()) for terms in terms_of),
        )
    )
