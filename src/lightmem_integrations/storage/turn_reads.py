"""Turns as recall needs them: joined back to their user, with the turns said around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from operator import itemgetter
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    select,
)

from lightmem_integrations.arrays import Objects, Vectors, objects
from lightmem_integrations.records.conversation import Source, Turn
from lightmem_integrations.storage.expressions import among_rows, of_same_user, unindexed
from lightmem_integrations.storage.schema import (
    episode_turns,
    episodes,
    sessions,
    speakers,
    turns,
    vectors,
)
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.turns import moment, stands, turn_of_row
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.vector_bytes import unpack_vectors
from lightmem_integrations.text.guidance import Guidance
from lightmem_integrations.text.terms import hashed


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Turns of one user as columns, sorted by session and position.

    Attributes:
        rows: Row ids, which are also their ids in the vector index.
        sessions: Rows of their sessions.
        positions: Their places in the session, from 1.
        said_at: When they were said, in seconds since 1970, UTC.
        searchable: Whether recall may return them; their neighbours may be unsearchable.
        roles: Who spoke, in the words of chat models.
        speakers: Names; empty where only the role is known.
        texts: What was said.
        terms: Index terms, as `hashed` gives them.
        vectors: Sentence vectors, one row for each turn; zeros for those without one yet.
        embedded: Which of them have a vector.
        tokens: Compacted token vectors as bytes, where the embedder gives them.
        guidance: Kinds of `Guidance` that they give, 0 for none.
        importance: How much they count at least, from 0 to 1.
        pinned: Whether they are shown before others.
        cues: What in them may answer a question; ``None`` where nobody looked yet.
    """

    rows: NDArray[np.int64]
    sessions: NDArray[np.int64]
    positions: NDArray[np.int64]
    said_at: NDArray[np.float64]
    searchable: NDArray[np.bool_]
    roles: Objects
    speakers: Objects
    texts: Objects
    terms: Objects
    vectors: Vectors
    embedded: NDArray[np.bool_]
    tokens: Objects
    guidance: NDArray[np.int8]
    importance: NDArray[np.float32]
    pinned: NDArray[np.bool_]
    cues: Objects

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: NDArray[np.int64]) -> Turns:
        """The turns at these places, in their order."""
        return Turns(*(getattr(self, field.name)[places] for field in fields(self)))

    @classmethod
    def together(cls, parts: Sequence[Turns]) -> Turns:
        """Turns of several parts, in the order of the parts."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*map(np.concatenate, columns))


def neighbourhood(connection: Connection, user: User, rows: Collection[int], around: int) -> Turns:
    """Turns of this user among ``rows`` and those said up to ``around`` places before and after.

    The join with the user is what keeps users apart: a row that the index names by mistake, or
    that is somebody else's, does not come back.
    """
    read: list[Any] = []
    for batch in in_batches(rows):
        bound = {"rows": batch, "user": user.row, "around": around}
        read += connection.execute(_AROUND, bound).all()
    read = list({_row(turn): turn for turn in read}.values())  # batches may share neighbours
    return as_columns(read)


def as_columns(read: Sequence[Any]) -> Turns:
    """Turns of rows with `COLUMNS` and, where wanted, the vector behind them."""
    read = sorted(read, key=_place)
    columns = dict(
        zip(_NAMES, zip(*read, strict=True) if read else [()] * len(_NAMES), strict=False)
    )
    blobs = columns.get("vector", (None,) * len(read))
    embedded = np.array([blob is not None for blob in blobs], np.bool_)
    known = unpack_vectors([blob for blob in blobs if blob is not None])
    vectors = known
    if not embedded.all():
        vectors = np.zeros((len(read), known.shape[1]), np.float32)
        vectors[embedded] = known
    return Turns(
        rows=np.array(columns["id"], np.int64),
        sessions=np.array(columns["session"], np.int64),
        positions=np.array(columns["position"], np.int64),
        said_at=np.array(columns["said_at"], np.float64),
        searchable=np.array(columns["searchable"], np.bool_),
        roles=objects([*map(intern, columns["role"])]),
        speakers=objects([intern(speaker or "") for speaker in columns["speaker"]]),
        texts=objects(columns["text"]),
        terms=objects([hashed(terms.split()) for terms in columns["terms"]]),
        vectors=vectors,
        embedded=embedded,
        tokens=objects(columns["tokens"]),
        guidance=np.array([kind or 0 for kind in columns["guidance"]], np.int8),
        importance=np.array(columns["importance"], np.float32),
        pinned=np.array(columns["pinned"], np.bool_),
        cues=np.full(len(read), None, np.object_),
    )


def standing_instructions(connection: Connection, user: User, limit: int) -> list[int]:
    """Rows of the searchable turns in which a user gave a standing instruction, newest first."""
    query = select(turns.c.id).where(
        turns.c.user == user.row, turns.c.guidance == Guidance.STANDING, turns.c.searchable
    )
    return list(connection.execute(query.order_by(turns.c.id.desc()).limit(limit)).scalars())


def newest_turns(connection: Connection, user: User, limit: int | None) -> list[int]:
    """Rows of a user's last searchable turns, or of all, the newest first."""
    query = select(turns.c.id).where(turns.c.user == user.row, turns.c.searchable)
    return list(connection.execute(query.order_by(turns.c.id.desc()).limit(limit)).scalars())


def _around() -> Select[Any]:
    hit = turns.alias("hit")
    away = bindparam("around", type_=BigInteger)
    # Row ids first: each turn is then read once, though several hits may lie around it.
    near = (
        select(turns.c.id)
        .select_from(hit)
        .join(
            turns,
            and_(
                turns.c.session == hit.c.session,
                turns.c.user == hit.c.user,
                turns.c.position.between(hit.c.position - away, hit.c.position + away),
            ),
        )
        .where(among_rows(hit.c.id), stands())
    )
    return beside_vectors(*COLUMNS, vectors.c.vector).where(turns.c.id.in_(near))


def beside_vectors(*columns: ColumnElement[Any]) -> Select[Any]:
    """A query for columns of turns, and of their vectors where they have one."""
    of_turn = of_same_user(vectors.c.turn, turns)
    return select(*columns).outerjoin_from(turns, vectors, of_turn)


COLUMNS = (
    turns.c.id,
    turns.c.session,
    turns.c.position,
    turns.c.said_at,
    turns.c.searchable,
    turns.c.role,
    turns.c.speaker,
    turns.c.text,
    turns.c.terms,
    turns.c.guidance,
    turns.c.importance,
    turns.c.pinned,
    vectors.c.tokens,
)
# Built once: building a statement takes SQLAlchemy longer than SQLite takes to answer it.
_AROUND = _around()
_NAMES = _AROUND.selected_columns.keys()
# By position: a row looks a name up far more slowly than a number.
_row = itemgetter(_NAMES.index("id"))
_place = itemgetter(*map(_NAMES.index, ("session", "position", "id")))


@dataclass(frozen=True, slots=True)
class Provenance:
    """A turn as it was given, when it was said, and where."""

    turn: Turn
    when: dt.datetime
    source: Source


def _verbatim() -> Select[Any]:
    return (
        select(turns, sessions.c.name.label("session_name"), episodes.c.key.label("episode_key"))
        .join(sessions, of_same_user(turns.c.session, sessions))
        .outerjoin(episode_turns, of_same_user(episode_turns.c.turn, turns))
        .outerjoin(episodes, of_same_user(episode_turns.c.episode, episodes))
        .where(among_rows(turns.c.id))
    )


_PROVENANCE = _verbatim()


def provenance(connection: Connection, user: User, rows: Collection[int]) -> dict[int, Provenance]:
    """The verbatim turns behind rows, by row; again only those of this user."""
    found = connection.execute(_PROVENANCE, {"rows": list(rows), "user": user.row})
    return {
        row.id: Provenance(
            turn_of_row(row),
            moment(row.said_at, row.offset),
            Source(
                session_id=row.session_name,
                turn_ids=(row.name,),
                episode_id=row.episode_key,
                agent_id=row.agent,
            ),
        )
        for row in found
    }


def texts_with_others(
    connection: Connection, user: User, rows: Collection[int]
) -> list[tuple[str, frozenset[str]]]:
    """Texts of this user's turns, each with the other speakers of the turns just around it."""
    near = turns.alias("near")
    beside = and_(
        unindexed(near.c.user) == turns.c.user,
        near.c.session == turns.c.session,
        near.c.position.in_([turns.c.position - 1, turns.c.position + 1]),
        near.c.speaker != turns.c.speaker,
    )
    found = connection.execute(
        select(turns.c.id, turns.c.text, near.c.speaker)
        .outerjoin(near, beside)
        .where(turns.c.id.in_(list(rows)), turns.c.user == user.row)
    ).all()
    texts = {row.id: row.text for row in found}
    others: dict[int, set[str]] = {row: set() for row in texts}
    for row in found:
        others[row.id].update([row.speaker] if row.speaker else [])
    return [(text, frozenset(others[row])) for row, text in texts.items()]


_LAST_SAID = select(func.max(turns.c.said_at)).where(
    turns.c.user == bindparam("user"), turns.c.searchable.is_(True)
)


def last_said(connection: Connection, user: User) -> dt.datetime:
    """Time at which the user's latest searchable turn was said."""
    return moment(connection.execute(_LAST_SAID, {"user": user.row}).scalar() or 0.0)


_SPEAKERS = (
    select(speakers.c.name)
    .where(speakers.c.user == bindparam("user"))
    .order_by(speakers.c.turns.desc())
    .limit(200)  # a guess: far more than anybody asks about by name
)


def known_speakers(connection: Connection, user: User) -> list[str]:
    """Names of the speakers in a user's memory, the most frequent first, at most 200."""
    return list(connection.execute(_SPEAKERS, {"user": user.row}).scalars())
