"""Reads of knowledge for recall: facts, and the summaries of compressed episodes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    or_,
    select,
)

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.records.conversation import Tier
from lightmem_integrations.records.knowledge import FactKind, Teller
from lightmem_integrations.storage.claims import tellers_of_facts
from lightmem_integrations.storage.episodes import COMPRESSED
from lightmem_integrations.storage.schema import (
    episode_turns,
    episode_vectors,
    episodes,
    evidence,
    fact_vectors,
    facts,
)
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.vector_bytes import unpack_vectors

_ALWAYS = 1e12  # seconds since 1970: later than anything
MOST = 5_000
"""So many statements of a user are compared, the newest: one by one, as they are few. A guess."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement before anybody asked for its words: what can be compared of it."""

    tier: Tier
    row: int
    subject: str
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Fact or summary, as recall reads it: something known that is not a turn.

    Attributes:
        tier: ``ltm`` for a fact, ``mtm`` for the summary of an episode.
        row: Its row among those of its tier.
        key: Its public id.
        text: The statement or the summary.
        since: Since when it is true, or when the episode began, in seconds since 1970.
        until: Until when it was true; ``None`` while it is.
        successor: Row of the fact that took its place.
        agent: Who wrote it, where one was named.
        kind: What kind of statement a fact is.
        told_by: Who told a fact.
        doubt: What speaks against believing it, in words.
        turns: Rows of the turns that prove it, or that it sums up.
    """

    tier: Tier
    row: int
    key: str
    text: str
    since: float
    until: float | None = None
    successor: int | None = None
    agent: str | None = None
    kind: FactKind = "state"
    told_by: Teller = "user"
    doubt: str | None = None
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outdated:
    """A turn's statement that was superseded: until when it held, and what holds instead."""

    until: float
    instead: str
    turns: tuple[int, ...]


def entries(
    connection: Connection, user: User, tiers: Collection[Tier], as_of: float | None
) -> tuple[list[Entry], Vectors]:
    """A user's statements with their vectors, ``(statements, dimension)``; the newest `MOST`.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        tiers: ``ltm`` for facts, ``mtm`` for summaries of compressed episodes.
        as_of: Only what was true or said by then, in seconds since 1970.
    """
    found: list[Entry] = []
    blobs: list[bytes] = []
    for tier in tiers:
        read = connection.execute(_QUERIES[tier], _parameters(user, as_of)).all()
        found += [Entry(tier, row, subject, terms) for row, subject, terms, _ in read]
        blobs += [blob for *_, blob in read]
    return found, unpack_vectors(blobs)


def read_statements(
    connection: Connection, user: User, chosen: Sequence[tuple[Tier, int]], as_of: float | None
) -> list[Statement]:
    """Statements by tier and row, in the order given; what is gone by now is left out."""
    found: dict[tuple[Tier, int], Statement] = {}
    for tier in {tier for tier, _ in chosen}:
        rows = [row for its_tier, row in chosen if its_tier == tier]
        asked = _parameters(user, as_of) | {"rows": rows}
        proof: dict[int, list[int]] = {}
        for row, turn in connection.execute(_PROOF[tier], asked):
            proof.setdefault(row, []).append(turn)
        tellers = tellers_of_facts(connection, user.row, rows) if tier == "ltm" else {}
        for read in connection.execute(_DETAILS[tier], asked).mappings():
            row = read["row"]
            found[tier, row] = Statement(
                tier=tier, turns=tuple(proof.get(row, ())), told_by=tellers.get(row, "user"), **read
            )
    return [found[each] for each in chosen if each in found]


def outdated(
    connection: Connection, user: User, rows: Collection[int], as_of: float | None
) -> dict[int, Outdated]:
    """Of these turns, those that prove something which a newer fact took the place of."""
    if not rows:
        return {}
    moment = _parameters(user, as_of)
    found = connection.execute(_OVERTAKEN, moment | {"rows": list(rows)}).all()
    newer = list({overtaken.id for overtaken in found})
    proof: dict[int, list[int]] = {}
    for row, turn in connection.execute(_PROOF["ltm"], moment | {"rows": newer}) if newer else ():
        proof.setdefault(row, []).append(turn)
    return {
        turn: Outdated(since, statement, tuple(proof.get(row, ())))
        for turn, row, statement, since in {
            overtaken.turn: overtaken for overtaken in found
        }.values()
        if turn not in proof.get(row, ())
    }


def _parameters(user: User, as_of: float | None) -> dict[str, Any]:
    return {"user": user.row, "as_of": _ALWAYS if as_of is None else as_of}


def _is_one_of(column: ColumnElement[int]) -> ColumnElement[bool]:
    return column.in_(bindparam("rows", expanding=True))


def _is_the_users(column: ColumnElement[int]) -> ColumnElement[bool]:
    # "+ 0" keeps SQLite from walking everything of the user's to find a few by their rows.
    return column + 0 == bindparam("user")


def _believed(table: FromClause) -> ColumnElement[bool]:
    as_of: BindParameter[float] = bindparam("as_of")
    retracted = table.c.retracted_at
    return and_(table.c.valid_from <= as_of, or_(retracted.is_(None), retracted > as_of))


_QUERIES: dict[Tier, Select[Any]] = {
    "ltm": select(facts.c.id, facts.c.subject, facts.c.terms, fact_vectors.c.vector)
    .join(fact_vectors, fact_vectors.c.fact == facts.c.id)
    .where(facts.c.user == bindparam("user"), _believed(facts))
    .order_by(facts.c.id.desc())
    .limit(MOST),
    "mtm": select(episodes.c.id, episodes.c.speakers, episodes.c.terms, episode_vectors.c.vector)
    .join(episode_vectors, episode_vectors.c.episode == episodes.c.id)
    .where(episodes.c.user == bindparam("user"), episodes.c.state == COMPRESSED)
    .where(episodes.c.ends <= bindparam("as_of"))
    .order_by(episodes.c.id.desc())
    .limit(MOST),
}
_DETAILS: dict[Tier, Select[Any]] = {
    "ltm": select(
        facts.c.id.label("row"),
        facts.c.key,
        facts.c.statement.label("text"),
        facts.c.valid_from.label("since"),
        facts.c.valid_to.label("until"),
        facts.c.superseded_by.label("successor"),
        facts.c.agent,
        facts.c.kind,
        facts.c.doubt,
    ).where(_is_one_of(facts.c.id), _is_the_users(facts.c.user), _believed(facts)),
    "mtm": select(
        episodes.c.id.label("row"),
        episodes.c.key,
        episodes.c.summary.label("text"),
        episodes.c.begins.label("since"),
    ).where(_is_one_of(episodes.c.id), _is_the_users(episodes.c.user)),
}
_PROOF: dict[Tier, Select[Any]] = {
    "ltm": select(evidence.c.fact, evidence.c.turn)
    .where(_is_one_of(evidence.c.fact), _is_the_users(evidence.c.user))
    .distinct()
    .order_by(evidence.c.turn),
    "mtm": select(episode_turns.c.episode, episode_turns.c.turn)
    .where(_is_one_of(episode_turns.c.episode), _is_the_users(episode_turns.c.user))
    .order_by(episode_turns.c.turn),
}
_NEWER = facts.alias("newer")
_OVERTAKEN = (
    select(evidence.c.turn, _NEWER.c.id, _NEWER.c.statement, _NEWER.c.valid_from)
    .select_from(evidence)
    .join(facts, facts.c.id == evidence.c.fact)
    .join(_NEWER, _NEWER.c.id == facts.c.superseded_by)
    .where(_is_one_of(evidence.c.turn), _is_the_users(evidence.c.user), _believed(_NEWER))
)
