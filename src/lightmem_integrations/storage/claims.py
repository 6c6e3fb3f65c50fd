"""Claims in the ledger: the statements that episodes or people make, with the turns behind them.

A fact rests on its claims. They are rows of the table ``assertions``, tied to turns by
``evidence``. A refusal is a person's word that what a turn seems to prove is not so.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from lightmem_integrations.records.knowledge import FactKind, Teller
from lightmem_integrations.safety import digest
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    episodes,
    evidence,
    facts,
    refusals,
    sessions,
    turns,
    users,
)
from lightmem_integrations.storage.sql import in_batches, insert_row, insert_rows, select_in
from lightmem_integrations.text.names import name_key
from lightmem_integrations.text.precision import Precision
from lightmem_integrations.text.terms import terms

LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.01, 0.99
"""Nothing is certain either way. How near to it one may come is a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement with its proof. Times are in seconds since 1970.

    Attributes:
        subject: Whom or what it is about.
        attribute: What about the subject.
        value: What is said about it.
        statement: The whole as a sentence.
        entities: Names in it.
        single: Whether the subject has one such value at a time.
        since: When it began to be true, as far as is known: a stated time, or when it was said.
        said_at: When it was said last.
        stated_to: A stated end.
        since_precision: How exactly it is known when it began.
        stated_to_precision: How exactly the stated end is known.
        confidence: Between 0.01 and 0.99.
        agent: Who wrote it down, where one was named.
        kind: What kind of statement it is.
        doubt: What speaks against believing it, in words.
        turns: Rows of the turns that prove it.
        told_by: Who said it, before it is stored; see ``tellers_of_facts``.
        relation: What it does to a known fact, if anything.
        known: Row of that fact.
        expires_at: When the fact is erased that it is the first claim of.
        importance: Of that fact, from 0 to 1.
        line: Ending of the attribute as it is compared, of facts that replaced one of several: "Ann
            learns Spanish" gives way to French, and not "Ann learns Japanese".
        row: Its row, once it is stored.
        episode: Row of the episode that makes it; ``None`` for a person's word, and before it is
            stored.
    """

    subject: str
    attribute: str
    value: str
    statement: str
    entities: tuple[str, ...]
    single: bool
    since: float
    said_at: float
    stated_to: float | None
    confidence: float
    agent: str | None
    turns: tuple[int, ...]
    since_precision: Precision = "day"
    stated_to_precision: Precision = "day"
    kind: FactKind = "state"
    doubt: str | None = None
    told_by: Teller = "user"
    relation: str | None = None
    known: int | None = None
    expires_at: float | None = None
    importance: float = 0.0
    line: str = ""
    row: int | None = None
    episode: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Subject and attribute, as they are compared."""
        return name_key(self.subject), phrase_key(self.attribute) + self.line

    @property
    def is_vague(self) -> bool:
        """True if a date of it is no day, but a week, a month or a year."""
        return {self.since_precision, self.stated_to_precision} != {"day"}

    @property
    def value_key(self) -> str:
        """The value, as it is compared."""
        return phrase_key(self.value)


LINE = "\x1f"
"""Begins the line in an attribute as it is compared; the id of its first fact follows. In older
ledgers it was its row."""

# Index terms leave these out, and "can't swim" is not what "can swim" is.
_UNINDEXED_DENIAL = re.compile("n['\u2019]t\\b|[不没沒]", re.IGNORECASE)

_WORDS = ("subject", "attribute", "value", "statement", "agent", "kind", "doubt")
_SUPPORT = (
    "since", "since_precision", "said_at", "stated_to", "stated_to_precision", "confidence",
)  # fmt: skip


def noisy_or(first: float, second: float) -> float:
    """Confidence in what two independent sources say: that not both are wrong.

    ``1 - (1 - a)(1 - b)``, the noisy-or of Pearl (1988): the order in which evidence comes does
    not matter. Never certain: ``MOST_CONFIDENCE`` at most.
    """
    return bounded(1.0 - (1.0 - first) * (1.0 - second))


def bounded(confidence: float) -> float:
    """A confidence between the least and the most; what is no number counts as the least."""
    if confidence != confidence:  # noqa: PLR0124 - NaN
        return LEAST_CONFIDENCE
    return min(max(confidence, LEAST_CONFIDENCE), MOST_CONFIDENCE)


def phrase_key(phrase: str) -> str:
    """A phrase as it is compared: its index terms and whether it denies, or itself without any."""
    found = " ".join(terms(phrase))
    lost = _UNINDEXED_DENIAL.search(phrase) and not _UNINDEXED_DENIAL.search(found)
    return f"{found} not" if found and lost else found or name_key(phrase)


def insert_claim(
    connection: Connection, user_row: int, fact_row: int, claim: Claim, episode: int | None,
    now: float,
) -> None:  # fmt: skip
    """Write a claim of a fact, with its evidence."""
    row = insert_row(
        connection, assertions, user=user_row, fact=fact_row, episode=episode, recorded_at=now,
        **word_columns(claim), **{name: getattr(claim, name) for name in _SUPPORT},
    )  # fmt: skip
    of_claim = {"assertion": row, "fact": fact_row, "user": user_row}
    turns_once = dict.fromkeys(claim.turns)
    insert_rows(connection, evidence, [of_claim | {"turn": turn} for turn in turns_once])


def word_columns(claim: Claim) -> dict[str, Any]:
    """The columns that hold a claim's words, in the tables of claims and of facts alike."""
    words = {name: getattr(claim, name) for name in _WORDS}
    listed = {"entities": json.dumps(claim.entities)}
    return words | listed | {"terms": " ".join(terms(claim.statement))}


def move_claims(connection: Connection, user_row: int, rows: Collection[int], to: int) -> None:
    """Give claims, by their rows, with their evidence to another fact of the user."""
    for part in in_batches(rows):
        for table, column in ((assertions, assertions.c.id), (evidence, evidence.c.assertion)):
            connection.execute(
                update(table).where(table.c.user == user_row, column.in_(part)).values(fact=to)
            )


def read_claims(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> dict[int, list[Claim]]:
    """The claims of facts, by fact, in the order in which they were said."""
    found: dict[int, list[Claim]] = {row: [] for row in fact_rows}
    proof: dict[int, list[int]] = {}
    said = select(evidence.c.assertion, evidence.c.turn).where(evidence.c.user == user_row)
    said = said.order_by(evidence.c.turn)
    for claim, turn in select_in(connection, said, evidence.c.fact, fact_rows):
        proof.setdefault(claim, []).append(turn)
    query = (
        select(assertions, facts.c.single)
        .join(facts, facts.c.id == assertions.c.fact)
        .where(assertions.c.user == user_row)
        .order_by(assertions.c.said_at, assertions.c.id)
    )
    for row in select_in(connection, query, assertions.c.fact, fact_rows):
        found[row.fact].append(_claim(row, tuple(proof.get(row.id, ()))))
    return found


def facts_told_vaguely(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> set[int]:
    """Of these facts, those of which a claim names no more than a week, month or year."""
    vague = or_(assertions.c.since_precision != "day", assertions.c.stated_to_precision != "day")
    query = select(assertions.c.fact).where(assertions.c.user == user_row, vague)
    return {row for (row,) in select_in(connection, query, assertions.c.fact, fact_rows)}


def read_evidence(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> Sequence[Row[Any]]:
    """The turns that prove facts, oldest first, a turn as often as claims rest on it.

    Rows of turns, and beside them ``session_name``, ``episode_key`` and ``state`` of the turn's
    episode, and ``evident_at``: when the claim was recorded.
    """
    query = (
        select(turns, sessions.c.name.label("session_name"), episodes.c.key.label("episode_key"),
               episodes.c.state, assertions.c.recorded_at.label("evident_at"))
        .select_from(evidence)
        .join(assertions, assertions.c.id == evidence.c.assertion)
        .join(turns, turns.c.id == evidence.c.turn)
        .join(sessions, sessions.c.id == turns.c.session)
        .outerjoin(episode_turns, episode_turns.c.turn == turns.c.id)
        .outerjoin(episodes, episodes.c.id == episode_turns.c.episode)
        .where(
            evidence.c.user == user_row,
            turns.c.user == user_row,
            evidence.c.fact.in_(list(fact_rows)),
        )
        .order_by(turns.c.said_at, turns.c.id, assertions.c.id)
    )  # fmt: skip
    return connection.execute(query).all()


def zones_of_facts(
    connection: Connection, user_row: int, rows: Iterable[int]
) -> dict[int, list[dt.tzinfo]]:
    """The zones in which facts were said, from west to east; in others their days would be others.

    UTC of what rests on no turn.
    """
    query = (
        select(evidence.c.fact, turns.c.offset)
        .join(turns, turns.c.id == evidence.c.turn)
        .where(evidence.c.user == user_row)
        .distinct()
    )
    offsets: dict[int, list[int]] = {row: [] for row in rows}
    for fact, offset in select_in(connection, query, evidence.c.fact, list(offsets)):
        offsets[fact].append(offset)
    return {
        row: [dt.timezone(dt.timedelta(seconds=each)) for each in sorted(found or [0])]
        for row, found in offsets.items()
    }


def refuse(
    connection: Connection,
    user_row: int,
    fact_row: int,
    key: tuple[str, str],
    value_key: str,
    now: float,
) -> None:
    """Remember that a person refused a fact, with every turn that seems to prove it.

    Holds a digest instead of words, and goes with the turn.
    """
    refused = _digest(connection, user_row, key, value_key)
    proof = select(evidence.c.turn).where(evidence.c.fact == fact_row, evidence.c.user == user_row)
    refusal = {"user": user_row, "digest": refused, "refused_at": now}
    rows = [refusal | {"turn": turn} for turn in connection.execute(proof.distinct()).scalars()]
    insert_rows(connection, refusals, rows)


def refused_at(connection: Connection, user_row: int, claim: Claim) -> float | None:
    """Time of the last refusal of what a claim says; ``None`` if nobody refused it."""
    query = select(func.max(refusals.c.refused_at)).where(
        refusals.c.user == user_row,
        refusals.c.digest == _digest(connection, user_row, claim.key, claim.value_key),
    )
    return connection.execute(query).scalar()


def _digest(connection: Connection, user_row: int, key: tuple[str, str], value_key: str) -> str:
    first = func.coalesce(users.c.first_row, users.c.id)
    row = connection.execute(select(first).where(users.c.id == user_row)).scalar()
    subject, attribute = key
    words = [row, subject, attribute.partition(LINE)[0], value_key]
    return digest(json.dumps(words), 16)


def _claim(row: Row[Any], proof: tuple[int, ...]) -> Claim:
    same = {name: getattr(row, name) for name in (*_WORDS, *_SUPPORT, "single", "episode")}
    return Claim(**same, entities=tuple(json.loads(row.entities)), turns=proof, row=row.id)
