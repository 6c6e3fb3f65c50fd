"""Turns in the ledger: written in one transaction with everything that must happen to them."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, insert, select

from lightmem_integrations.errors import TurnConflictError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.metadata import PROFILE
from lightmem_integrations.safety import digest, key_of, short_repr
from lightmem_integrations.storage.new_turns import follow
from lightmem_integrations.storage.schema import sessions, turns
from lightmem_integrations.storage.sql import in_batches, insert_row, select_in
from lightmem_integrations.storage.turn_metadata import insert_metadata
from lightmem_integrations.storage.users import find_user, insert_user
from lightmem_integrations.text.guidance import Guidance, declared, guidance_of, wishes


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A checked turn, ready to be written: id and time are set, its terms are known."""

    turn: Turn
    terms: str
    message: str | None
    metadata: str | None = None


def insert_turns(
    connection: Connection,
    new: Sequence[NewTurn],
    *,
    user_id: str,
    session_id: str,
    agent_id: str | None,
    now: float,
    history: str | None = None,
) -> list[Turn]:
    """Write turns, their words and the work to embed them; returns them as stored.

    A turn whose id is known and whose content is the same is returned as it was stored.

    Raises:
        TurnConflictError: An id is taken by a turn with other content.
    """
    user = find_user(connection, user_id)
    user_row = user.row if user else insert_user(connection, user_id)
    key = key_of(session_id)
    keys = [key_of(_id(each)) for each in new]
    session_row, length, known = _opened(connection, user_row, key, keys)
    if session_row is None:
        session_row = insert_row(
            connection, sessions, user=user_row, key=key, name=session_id, length=0, window_from=0
        )
    stored: list[Turn] = []
    rows: list[dict[str, Any]] = []
    for each in new:
        row = columns_of(each)
        if row["key"] in known:
            stored.append(_unchanged(known[row["key"]], row["digest"], each.turn, session_id))
            continue
        length += 1
        row |= {"user": user_row, "session": session_row, "position": length, "recorded_at": now}
        rows.append(row | {"agent": agent_id, "history": history})
        known[row["key"]] = (row["digest"], each.turn)
        stored.append(each.turn)
    if rows:
        _insert_rows(connection, user_row, session_row, length, rows)
    return stored


def said_within(
    session_row: int | None, since: float | None, until: float | None
) -> list[ColumnElement[bool]]:
    """Conditions on turns: of a session, said at a time or later, and before another one."""
    found = [] if session_row is None else [turns.c.session == session_row]
    found += [] if since is None else [turns.c.said_at >= since]
    return found + ([] if until is None else [turns.c.said_at < until])


def stands() -> ColumnElement[bool]:
    """True for turns that were not superseded."""
    return turns.c.searchable_before.is_(None)


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
        metadata={} if row.metadata is None else json.loads(row.metadata),
        expires_at=None if row.expires_at is None else moment(row.expires_at, row.offset),
        pinned=row.pinned,
        importance=row.importance,
        author=row.author,
    )


def moment(said_at: float, offset: int = 0) -> dt.datetime:
    """A stored time in the zone in which it was given; ``offset`` in seconds east of UTC."""
    return dt.datetime.fromtimestamp(said_at, dt.timezone(dt.timedelta(seconds=offset)))


def digest_of(turn: Turn, message: str | None) -> str:
    """Digest of a turn's content: role, speaker, text, message; not its time or metadata."""
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


def _opened(
    connection: Connection, user_row: int, key: str, keys: list[str]
) -> tuple[int | None, int, dict[str, tuple[str, Turn]]]:
    """A session's row and length, and those of these turns that it has: of none, one statement."""
    found: list[Row[Any]] = []
    for batch in in_batches(keys):
        found += connection.execute(_OPENED, {"of": user_row, "key": key, "keys": batch})
    query = select(turns).where(turns.c.user == user_row)
    known = select_in(connection, query, turns.c.id, [row.turn for row in found if row.turn])
    of_keys = {row.key: (row.digest, turn_of_row(row)) for row in known}
    return (found[0].id, found[0].length, of_keys) if found else (None, 0, of_keys)


def columns_of(new: NewTurn) -> dict[str, Any]:
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
        "author": turn.author,
        "text": turn.text,
        "terms": new.terms,
        **(guidance_columns(turn.text, turn.metadata) if turn.role == "user" else _NO_GUIDANCE),
        "said_at": turn.time.timestamp(),
        "offset": round(offset.total_seconds()),
        "message": new.message,
        "metadata": new.metadata,
        "searchable": turn.searchable,
        "digest": digest_of(turn, new.message),
        "expires_at": None if turn.expires_at is None else turn.expires_at.timestamp(),
        "pinned": turn.pinned,
        "importance": turn.importance,
        "version": 1,
    }


def _insert_rows(
    connection: Connection,
    user_row: int,
    session_row: int,
    length: int,
    rows: list[dict[str, Any]],
) -> None:
    # By position: bulk inserts may return ids in any order.
    ids: dict[int, int] = dict(connection.execute(_INSERT_TURNS, rows).all())
    described = [(ids[row["position"]], row["metadata"]) for row in rows if row["metadata"]]
    insert_metadata(connection, user_row, [(row, json.loads(each)) for row, each in described])
    found = [(ids[row["position"]], row["terms"]) for row in rows if row["searchable"]]
    said = Counter(row["speaker"] for row in rows if row["speaker"])
    follow(connection, user_row, session_row, length=length, found=found, said=said)


# Made once: every add runs it.
_OPENED = (
    select(sessions.c.id, sessions.c.length, turns.c.id.label("turn"))
    .select_from(
        sessions.outerjoin(
            turns,
            and_(
                turns.c.session == sessions.c.id,
                turns.c.user == sessions.c.user,
                turns.c.key.in_(bindparam("keys", expanding=True)),
            ),
        )
    )
    .where(sessions.c.user == bindparam("of"), sessions.c.key == bindparam("key"))
)
_INSERT_TURNS = insert(turns).returning(turns.c.position, turns.c.id)
_NO_GUIDANCE = {"guidance": None, "wishes": None}
_DECLARED = {
    "instruction": Guidance.STANDING,
    "preference": Guidance.PREFERENCE,
    "state": Guidance.STATE,
}


def guidance_columns(text: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the guidance that a user's turn gives: a profile then reads no text."""
    name = metadata.get(PROFILE)
    kind = _DECLARED.get(name) if isinstance(name, str) else None
    found = wishes(text) if kind is None else declared(text, kind)
    stored = [[each.guidance, each.revokes, each.text] for each in found]
    return {
        "guidance": guidance_of(text) if kind in (None, Guidance.STATE) else kind,
        "wishes": json.dumps(stored) if stored else None,
    }
