"""Transaction time of facts: how they stood at a moment, by what had been told by then alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from lightmem_integrations.storage.claims import Claim, read_claims
from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.schema import evidence, facts, turns
from lightmem_integrations.storage.sql import select_in
from lightmem_integrations.storage.statements import DATED
from lightmem_integrations.storage.support import earlier_end, later_begin, support_of, told_as_over
from lightmem_integrations.text.precision import Precision

_WORDS = ("subject", "attribute", "value", "statement", "entities", "doubt")


@dataclass(frozen=True, slots=True)
class AsTold:
    """A fact as it stood at a moment.

    Attributes:
        kind: What kind of statement it is.
        claim: The claim that it has its words of; ``None`` where it has its own.
        text: The whole as a sentence.
        since: Since when it was true, in seconds since 1970.
        since_precision: How exactly that was known.
        until: Until when it was true; ``None`` while no end was known.
        until_precision: How exactly that was known.
        said_at: When its latest evidence had been said.
        confidence: Between 0 and 1, by what had been told.
        is_history: Whether it was over when it was told: then it takes no place and loses none.
        successor: Row of the fact that had taken its place.
    """

    kind: str
    claim: Claim | None
    text: str
    since: float
    since_precision: Precision
    until: float | None
    until_precision: Precision
    said_at: float
    confidence: float
    is_history: bool
    successor: int | None = None

    def goes_on(self, before: AsTold) -> bool:
        """True if it says what one before it said until then, and still stood."""
        same = self.text == before.text and self.kind not in DATED
        return same and self.until is None and (before.until or self.since) >= self.since


def as_told(
    connection: Connection, user_row: int, rows: Collection[int], as_of: float
) -> dict[int, AsTold]:
    """Facts as they stood at a moment, and those that had taken their places; by row.

    What nobody had told by then is left out. A person's correction or retraction counts from when
    it was made; until then, what it took back stood.

    Args:
        connection: A read transaction on the ledger.
        user_row: Whose.
        rows: Rows of the facts.
        as_of: The moment, in seconds since 1970.
    """
    known = _with_successors(connection, user_row, rows, as_of)
    claims = read_claims(connection, user_row, known)
    told = _told(connection, claims, as_of)
    stood = {
        row: _by_itself(fact, claims[row], told[row])
        for row, fact in known.items()
        if told[row] and (fact.retracted_at is None or fact.retracted_at > as_of)
    }
    return {row: _ended(row, stood, known) for row in stood}


def facts_as_told(
    connection: Connection, user_row: int, rows: Collection[int], as_of: float
) -> list[StoredFact]:
    """Facts with the words and dates that they had at a moment, by row; see `as_told`."""
    stood = as_told(connection, user_row, rows, as_of)
    found = read_facts(connection, user_row, set(rows) & stood.keys(), retracted=True)
    return [_then(fact, stood[fact.row]) for fact in found]


def _then(fact: StoredFact, then: AsTold) -> StoredFact:
    words = {} if then.claim is None else {name: getattr(then.claim, name) for name in _WORDS}
    return replace(
        fact, valid_from=then.since, valid_from_precision=then.since_precision,
        valid_to=then.until, valid_to_precision=then.until_precision, retracted_at=None,
        reason=None, superseded_by=then.successor, confidence=then.confidence,
        supported_at=then.said_at, **words,
    )  # fmt: skip


class Overtaken(NamedTuple):
    """A turn with a fact that it proves, which had ended, and what had taken its place.

    Attributes:
        turn: Row of the turn.
        id: Row of the fact.
        valid_to: Until when it was true, in seconds since 1970.
        valid_to_precision: How exactly that was known.
        newer: Row of the fact in its place, if there was one.
        statement: What that says.
        newer_from: Since when that was true.
        newer_precision: How exactly that was known.
    """

    turn: int
    id: int
    valid_to: float | None
    valid_to_precision: Precision
    newer: int | None = None
    statement: str | None = None
    newer_from: float | None = None
    newer_precision: Precision = "day"


def overtaken_by_then(
    connection: Connection, user_row: int, rows: Collection[int], as_of: float
) -> list[Overtaken]:
    """Of these turns, those that prove what had ended at a moment, by what had been told by then.

    Not a plan that passed: its end is the day that it is for.
    """
    query = (
        select(evidence.c.turn, evidence.c.fact, turns.c.said_at)
        .join(turns, turns.c.id == evidence.c.turn)
        .where(unindexed(evidence.c.user) == user_row)
        .distinct()
        .order_by(evidence.c.fact, evidence.c.turn)
    )
    proven = list(select_in(connection, query, evidence.c.turn, rows))
    stood = as_told(connection, user_row, {each.fact for each in proven}, as_of)
    found = []
    for each in proven:
        fact = stood.get(each.fact)
        if fact is None:
            continue
        ended = Overtaken(each.turn, each.fact, fact.until, fact.until_precision)
        newer = None if fact.successor is None else stood[fact.successor]
        if newer is None:
            passed = fact.until is not None and each.said_at < fact.until <= as_of
            found += [ended] if passed and fact.kind != "plan" else []
        elif newer.since <= as_of and not newer.goes_on(fact):
            overtaken = ended._replace(
                newer=fact.successor, statement=newer.text,
                newer_from=newer.since, newer_precision=newer.since_precision,
            )  # fmt: skip
            found.append(overtaken)
    return found


def _with_successors(
    connection: Connection, user_row: int, rows: Collection[int], as_of: float
) -> dict[int, StoredFact]:
    """Facts, all that took their places since, and what was taken back of the same things."""
    known = _followed(connection, user_row, rows, {})
    things = {_thing(fact) for fact in known.values() if fact.single}
    if not things:
        return known
    query = select(facts.c.id, facts.c.subject_key, facts.c.attribute_key).where(
        facts.c.user == user_row, facts.c.single, facts.c.retracted_at > as_of
    )
    taken_back = [fact.id for fact in connection.execute(query) if _thing(fact) in things]
    return _followed(connection, user_row, taken_back, known)


def _followed(
    connection: Connection, user_row: int, rows: Iterable[int], known: dict[int, StoredFact]
) -> dict[int, StoredFact]:
    """Facts beside those known already, and all that took their places."""
    wanted = set(rows).difference(known)
    while wanted:
        read = read_facts(connection, user_row, wanted, retracted=True)
        known |= {fact.row: fact for fact in read}
        after = {fact.superseded_by for fact in read if fact.superseded_by is not None}
        wanted = after.difference(known)
    return known


def _thing(fact: Any) -> tuple[str, str]:
    """Subject and attribute of a fact, or of a row of one, as they are compared."""
    return fact.subject_key, fact.attribute_key


def _told(
    connection: Connection, claims: Mapping[int, Sequence[Claim]], as_of: float
) -> dict[int, list[Claim]]:
    """The claims of facts that had been told, by fact."""
    proof = {turn for made in claims.values() for claim in made for turn in claim.turns}
    query = select(turns.c.id, turns.c.said_at)
    said_at = dict(select_in(connection, query, turns.c.id, proof))

    def when(claim: Claim) -> float:
        # A person corrects what others said. What ends a fact is dated as that was.
        said = [] if claim.episode is None else [said_at[each] for each in claim.turns]
        return max(said, default=claim.said_at)

    return {row: [claim for claim in made if when(claim) <= as_of] for row, made in claims.items()}


def _by_itself(fact: StoredFact, claims: Sequence[Claim], told: Sequence[Claim]) -> AsTold:
    """A fact by those of its claims that had been told."""
    support = support_of(told)
    ends: tuple[float | None, Precision] = support.stated_to, support.stated_to_precision
    if fact.stated_to not in {claim.stated_to for claim in claims}:
        # An end that no claim names is that of what had its place, and expired.
        ends = fact.stated_to, fact.stated_to_precision
    # A later claim may have put it into other words.
    own = fact.statement in {claim.statement for claim in told}
    return AsTold(
        kind=fact.kind,
        claim=None if own else told[0],
        text=fact.statement if own else told[0].statement,
        since=support.since,
        since_precision=support.since_precision,
        until=ends[0],
        until_precision=ends[1],
        said_at=support.said_at,
        confidence=support.confidence,
        is_history=told_as_over(told),
    )


def _ended(row: int, stood: Mapping[int, AsTold], known: Mapping[int, StoredFact]) -> AsTold:
    """A fact with the end that what had taken its place set, if anything had."""
    this, fact = stood[row], known[row]
    if not fact.single:
        return this
    successor = fact.superseded_by
    while successor is not None and successor not in stood:
        successor = known[successor].superseded_by
    after = [] if successor is None else [successor]
    for other, one in stood.items():
        # What had its place and was taken back since: the fact is linked to what follows.
        back = known[other].retracted_at is not None and _thing(known[other]) == _thing(fact)
        if back and one.since > this.since and not (one.is_history or this.is_history):
            after.append(other)
    if not after:
        return this
    first = min(after, key=lambda one: (stood[one].since, one))
    begin, after_it = ((one.since, one.since_precision) for one in (this, stood[first]))
    ends = this.until, this.until_precision
    until, precision = earlier_end(ends, later_begin(begin, after_it))
    return replace(this, until=until, until_precision=precision, successor=first)
