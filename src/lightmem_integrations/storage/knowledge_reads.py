"""Reads of knowledge for recall: facts, and the summaries of compressed episodes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    literal,
    not_,
    null,
    or_,
    select,
)

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.records.conversation import Tier
from lightmem_integrations.storage.as_told import as_told, overtaken_by_then
from lightmem_integrations.storage.episodes import COMPRESSED
from lightmem_integrations.storage.expiry import NOTHING, Expired
from lightmem_integrations.storage.expressions import among_rows, of_same_user, unindexed
from lightmem_integrations.storage.schema import (
    episode_turns,
    episode_vectors,
    episodes,
    evidence,
    fact_vectors,
    facts,
    turns,
)
from lightmem_integrations.storage.statements import DATED, Entry, Outdated, Statement
from lightmem_integrations.storage.tellers import BY_ASSISTANT, teller
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.vector_bytes import unpack_vectors
from lightmem_integrations.text.terms import terms

_ALWAYS = 1e12  # seconds since 1970: later than anything
MOST = 5_000
"""So many statements of a user are compared, the newest: one by one, as they are few. A guess."""


def entries(
    connection: Connection, user: User, tier: Tier, as_of: float | None
) -> tuple[list[Entry], Vectors]:
    """A user's statements with their vectors, ``(statements, dimension)``; the newest `MOST`.

    What waits for its vector has one of zeros.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        tier: ``ltm`` for facts, ``mtm`` for summaries of compressed episodes.
        as_of: Only what was true or said by then, in seconds since 1970.
    """
    asked = _parameters(user, as_of)
    read = list(connection.execute(_QUERIES[tier], asked))
    if tier == "ltm" and (waiting := connection.execute(_WAITING, asked).all()):
        read = sorted([*read, *waiting], key=lambda each: -each.id)[:MOST]
    *compared, blobs = zip(*read, strict=True) if read else ((), ())
    return list(map(Entry, repeat(tier), *compared)), unpack_vectors(blobs)


def read_statements(
    connection: Connection, user: User, chosen: Sequence[tuple[Tier, int]], as_of: float | None
) -> list[Statement]:
    """Statements by tier and row, in the order given; what is gone by now is left out."""
    found: dict[tuple[Tier, int], Statement] = {}
    for tier in {tier for tier, _ in chosen}:
        rows = [row for its_tier, row in chosen if its_tier == tier]
        asked = _parameters(user, as_of) | {"rows": rows}
        proof: dict[int, dict[int, int]] = {}
        for row, turn, by_assistant in connection.execute(_PROOF[tier], asked):
            proof.setdefault(row, {})[turn] = by_assistant
        for read in connection.execute(_DETAILS[tier], asked).mappings():
            turns_of_it = proof.get(read["row"], {})
            told_by = teller(turns_of_it.values())
            found[tier, read["row"]] = Statement(
                tier=tier, turns=tuple(turns_of_it), told_by=told_by, **read
            )
        if tier == "ltm" and as_of is not None:
            stood = as_told(connection, user.row, rows, as_of)
            for row in rows:
                statement, then = found.pop((tier, row), None), stood.get(row)
                if statement is not None and then is not None and then.since <= as_of:
                    if then.text != statement.text:
                        # Else words that were told later would find it.
                        words = " ".join(terms(then.text))
                        statement = replace(statement, text=then.text, terms=words, tokens=None)
                    found[tier, row] = replace(
                        statement, successor=then.successor,
                        since=then.since, since_precision=then.since_precision,
                        until=then.until, until_precision=then.until_precision,
                    )  # fmt: skip
    return [found[each] for each in chosen if each in found]


def outdated(
    connection: Connection, user: User, rows: Collection[int], as_of: float | None,
    over: Expired = NOTHING,
) -> dict[int, list[Outdated]]:  # fmt: skip
    """Of these turns, those that prove what ended after they were said, with what holds instead.

    A turn that proves what holds instead, too, is not outdated. What has expired changes nothing.
    """
    if not rows:
        return {}
    moment = _parameters(user, as_of)
    overtaken: Sequence[Any]
    if as_of is None:
        overtaken = connection.execute(_OVERTAKEN, moment | {"rows": list(rows)}).all()
    else:
        overtaken = overtaken_by_then(connection, user.row, rows, as_of)
    read: list[Any] = [
        each for each in overtaken if not (over.hides(each.id) or over.hides(each.newer or 0))
    ]
    newer = {each.newer for each in read if each.newer is not None}
    proof: dict[int, list[int]] = {}
    for row, turn, _ in (
        connection.execute(_PROOF["ltm"], moment | {"rows": list(newer)}) if newer else ()
    ):
        proof.setdefault(row, []).append(turn)
    found: dict[int, list[Outdated]] = {}
    for each in read:
        turns = tuple(proof.get(each.newer, ()))
        ended, begun = each.valid_to, each.newer_from
        if each.turn in turns or (ended is None and begun is None):
            continue
        until, precision = begun, each.newer_precision
        if begun is None or (ended is not None and ended < begun):
            until, precision = ended, each.valid_to_precision
        change = Outdated(
            each.id, until, precision, each.statement or "", begun or 0.0,
            each.newer_precision or "day", turns,
        )  # fmt: skip
        found.setdefault(each.turn, []).append(change)
    return found


def _parameters(user: User, as_of: float | None) -> dict[str, Any]:
    return {"user": user.row, "as_of": _ALWAYS if as_of is None else as_of}


def _believed(table: FromClause) -> ColumnElement[bool]:
    as_of: BindParameter[float] = bindparam("as_of")
    retracted = table.c.retracted_at
    return and_(table.c.valid_from <= as_of, or_(retracted.is_(None), retracted > as_of))


_FACTS = select(
    facts.c.id, facts.c.subject, facts.c.terms, facts.c.kind, facts.c.attribute,
    facts.c.superseded_by, facts.c.importance,
).where(_believed(facts)).limit(MOST)  # fmt: skip
_QUERIES: dict[Tier, Select[Any]] = {
    "ltm": _FACTS.add_columns(fact_vectors.c.vector)
    .join(fact_vectors, of_same_user(fact_vectors.c.fact, facts))
    # SQLite is to walk the vectors from the last one and stop, where it would sort all facts.
    .where(fact_vectors.c.user == bindparam("user"), unindexed(facts.c.user) == bindparam("user"))
    .order_by(fact_vectors.c.fact.desc()),
    "mtm": select(episodes.c.id, episodes.c.speakers, episodes.c.terms, episode_vectors.c.vector)
    .outerjoin(episode_vectors, of_same_user(episode_vectors.c.episode, episodes))
    .where(episodes.c.user == bindparam("user"), episodes.c.state == COMPRESSED)
    .where(episodes.c.ends <= bindparam("as_of"))
    .order_by(episodes.c.id.desc())
    .limit(MOST),
}
_WAITING = (
    _FACTS.add_columns(null())
    .where(facts.c.user == bindparam("user"))
    .where(
        facts.c.id.not_in(
            select(fact_vectors.c.fact).where(fact_vectors.c.user == bindparam("user"))
        )
    )
    .order_by(facts.c.id.desc())
)
_DETAILS: dict[Tier, Select[Any]] = {
    "ltm": select(
        facts.c.id.label("row"),
        facts.c.key,
        facts.c.statement.label("text"),
        facts.c.valid_from.label("since"),
        facts.c.valid_to.label("until"),
        facts.c.valid_from_precision.label("since_precision"),
        facts.c.valid_to_precision.label("until_precision"),
        facts.c.superseded_by.label("successor"),
        facts.c.agent,
        facts.c.kind,
        facts.c.doubt,
        facts.c.pinned,
        facts.c.terms,
        fact_vectors.c.tokens,
    )
    .outerjoin(fact_vectors, of_same_user(fact_vectors.c.fact, facts))
    .where(among_rows(facts.c.id), _believed(facts)),
    "mtm": select(
        episodes.c.id.label("row"),
        episodes.c.key,
        episodes.c.summary.label("text"),
        episodes.c.begins.label("since"),
    ).where(among_rows(episodes.c.id)),
}
_PROOF: dict[Tier, Select[Any]] = {
    "ltm": select(evidence.c.fact, evidence.c.turn, BY_ASSISTANT)
    .join(turns, of_same_user(evidence.c.turn, turns))
    .join(facts, of_same_user(evidence.c.fact, facts))
    .where(among_rows(evidence.c.fact))
    .where(turns.c.said_at <= bindparam("as_of"))
    .distinct()
    .order_by(evidence.c.turn),
    "mtm": select(episode_turns.c.episode, episode_turns.c.turn, literal(0))
    .where(among_rows(episode_turns.c.episode))
    .order_by(episode_turns.c.turn),
}
_NEWER = facts.alias("newer")
_ENDED = and_(
    facts.c.superseded_by.is_(None),
    facts.c.kind != "plan",  # whose end is the day that it is for
    facts.c.valid_to > turns.c.said_at,
    facts.c.valid_to <= bindparam("as_of"),
    _believed(facts),
)
# What was between them is forgotten or retracted.
_STILL_SO = and_(
    _NEWER.c.statement == facts.c.statement,
    _NEWER.c.kind.not_in(DATED),
    _NEWER.c.valid_to.is_(None),
    _NEWER.c.valid_from <= facts.c.valid_to,
)
_OVERTAKEN = (
    select(
        evidence.c.turn,
        facts.c.id,
        facts.c.valid_to,
        facts.c.valid_to_precision,
        _NEWER.c.id.label("newer"),
        _NEWER.c.statement,
        _NEWER.c.valid_from.label("newer_from"),
        _NEWER.c.valid_from_precision.label("newer_precision"),
    )
    .select_from(evidence)
    .join(facts, of_same_user(evidence.c.fact, facts))
    .join(turns, of_same_user(evidence.c.turn, turns))
    .outerjoin(_NEWER, and_(of_same_user(facts.c.superseded_by, _NEWER), _believed(_NEWER)))
    .where(among_rows(evidence.c.turn))
    .where(or_(and_(_NEWER.c.id.is_not(None), not_(_STILL_SO)), _ENDED))
    .distinct()
    .order_by(facts.c.id)
)
