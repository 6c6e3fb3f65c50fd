"""Beliefs: facts while it is decided which of them hold, and what their claims say together.

Pure functions over working copies. What they decide depends on the facts alone, not on the order
in which they were learnt, so that two agents that write at the same moment end in the same place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lightmem_integrations.knowledge.same_time import began_apart, ended_apart
from lightmem_integrations.storage.claims import Claim, noisy_or
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.support import earlier_end, later_begin, support_of, told_as_over
from lightmem_integrations.text.precision import Precision

PERSON, WRITER = "person", "writer"

_OFF_DAYS = 4
"""Days by which people are off who tell the same event twice: a guess."""


@dataclass(eq=False, slots=True, kw_only=True)
class Belief:
    """A fact while it is being decided on.

    Attributes:
        claim: Its words, and the agent that said it first.
        recorded_at: Since when it is believed, in seconds since 1970.
        stored: The fact as the ledger has it, if it has.
        author: ``writer`` or ``person``.
        value_key: Its value, as it is compared.
        since: The earliest that a claim names, in seconds since 1970: its place among others.
        said_at: When it was said last.
        stated_to: The end that was stated.
        begins: When it began by all its claims: a month gives way to a day that lies in it.
        begins_precision: How exactly that is known.
        stated_to_precision: How exactly the stated end is known.
        confidence: Between 0.01 and 0.99.
        single: Whether its subject has one such value at a time.
        valid_to: Until when it holds, once it is settled.
        superseded_by: The belief that took its place, once it is settled.
        vague: Whether a claim for it names no more than a week, a month or a year.
        first_said_at: When it was said first, as far as that is looked at.
        was_over: Whether it was over then.
        new: Claims for it that the ledger does not have.
        moved: Claims for it that the ledger has for another fact.
    """

    claim: Claim
    recorded_at: float
    stored: StoredFact | None = None
    author: str = WRITER
    value_key: str = ""
    since: float = 0.0
    said_at: float = 0.0
    stated_to: float | None = None
    begins: float = 0.0
    begins_precision: Precision = "day"
    stated_to_precision: Precision = "day"
    confidence: float = 0.0
    single: bool = False
    valid_to: float | None = None
    superseded_by: Belief | None = None
    vague: bool = False
    first_said_at: float = 0.0
    was_over: bool = False
    new: list[Claim] = field(default_factory=list)
    moved: list[Claim] = field(default_factory=list)

    @property
    def row(self) -> int | None:
        """Its row in the ledger, if it has one."""
        return None if self.stored is None else self.stored.row

    @property
    def agent(self) -> str | None:
        """The agent that said it first."""
        return self.claim.agent

    @property
    def is_history(self) -> bool:
        """True if it was over when it was said: then it neither takes a place nor loses it.

        What was told in force and ended has taken the place that it took, whenever that is told.
        """
        return self.was_over and self.stated_to is not None and self.stated_to <= self.said_at

    def stands(self, moment: float) -> bool:
        """True if it is so at a moment, as far as is known."""
        ends = [end for end in (self.valid_to, self.stated_to) if end is not None]
        return self.begins <= moment and all(moment < end for end in ends)

    def says(self, claim: Claim) -> bool:
        """True if a claim has the same value, and is not of another day."""
        return self.value_key == claim.value_key and not self.is_apart(claim)

    def is_apart(self, claim: Claim) -> bool:
        """True if a claim is another day's plan or event, or tells what came of a plan."""
        kinds = self.claim.kind, claim.kind
        if "plan" in kinds and kinds[0] != kinds[1]:
            return True
        if kinds == ("plan", "plan"):
            if self.stated_to is None or claim.stated_to is None:
                return False
            return ended_apart(
                (self.stated_to, self.stated_to_precision),
                (claim.stated_to, claim.stated_to_precision),
            )
        # One that was told without a day begins when it was told.
        dated = self.since != self.said_at and claim.since != claim.said_at
        if kinds != ("event", "event") or not dated:
            return False
        return began_apart(self.began, (claim.since, claim.since_precision), _OFF_DAYS)

    @property
    def order(self) -> tuple[float, str, float]:
        """Its place in time; by content where the time is the same."""
        return self.since, self.value_key, self.said_at

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its fact that a decision can change, but for its successor."""
        ends, ends_precision = self._ends()
        return {
            "single": self.single,
            "valid_from": self.begins,
            "valid_from_precision": self.begins_precision,
            "valid_to": ends,
            "valid_to_precision": ends_precision,
            "stated_to": self.stated_to,
            "stated_to_precision": self.stated_to_precision,
            "confidence": self.confidence,
            "supported_at": self.said_at,
        }

    def _ends(self) -> tuple[float | None, Precision]:
        """When it ends by all that is known, and how exactly that is."""
        stated, begins = (self.stated_to, self.stated_to_precision), self.began
        if not self.single or self.superseded_by is None:
            return stated
        if self.valid_to == self.since:
            return begins
        return earlier_end(stated, later_begin(begins, self.superseded_by.began))

    @property
    def began(self) -> tuple[float, Precision]:
        """When it began, and how exactly that is known."""
        return self.begins, self.begins_precision

    def support(self, claim: Claim, known: Sequence[Claim] = ()) -> None:
        """Take another claim of the same meaning as evidence.

        Args:
            claim: The claim.
            known: Where it or the claim is vague: the claims for it that the ledger has.
        """
        if claim.relation is not None and claim.stated_to is not None:
            # Told of what was in force: so it is no history, and has replaced what it replaced.
            claim = replace(claim, said_at=min(claim.said_at, self.said_at))
        # Two claims of one episode are one source that said it twice.
        best = max((one.confidence for one in self.new), default=None)
        self.new.append(claim)
        if best is None:
            self.confidence = noisy_or(self.confidence, claim.confidence)
        elif self.stored is None:
            self.confidence = max(self.confidence, claim.confidence)
        self.since = min(self.since, claim.since)
        self.vague = self.vague or claim.is_vague
        self.begins = self.since
        claims, ended = [*known, *self.new], claim.stated_to
        if self.vague:
            found = support_of(claims)
            self.begins, self.begins_precision = found.since, found.since_precision
        # An end that no claim names is that of what had its place, and expired.
        if self.vague and self.stated_to in {None, *(one.stated_to for one in claims)}:
            self.stated_to, self.stated_to_precision = found.stated_to, found.stated_to_precision
        elif claim.said_at >= self.said_at and ended is not None and ended >= self.since:
            self.stated_to, self.stated_to_precision = ended, claim.stated_to_precision
        self.said_at = max(self.said_at, claim.said_at)
        if claim.said_at <= self.first_said_at:
            earlier = claim.said_at < self.first_said_at
            self.was_over = told_as_over([claim]) and (earlier or self.was_over)
            self.first_said_at = claim.said_at

    def rest_on(self, claims: Sequence[Claim]) -> None:
        """Take exactly these claims, stored or new, as evidence."""
        self.new = [claim for claim in claims if claim.row is None]
        self.since = min(claim.since for claim in claims)
        self.vague = any(claim.is_vague for claim in claims)
        found = support_of(claims)
        self.begins, self.begins_precision = found.since, found.since_precision
        self.stated_to, self.stated_to_precision = found.stated_to, found.stated_to_precision
        self.said_at, self.confidence = found.said_at, found.confidence
        self.first_said_at = min(claim.said_at for claim in claims)
        self.was_over = told_as_over(claims)


def new_belief(claim: Claim, now: float, author: str = WRITER) -> Belief:
    """A belief that the ledger does not hold yet."""
    return Belief(
        claim=claim, recorded_at=now, author=author, value_key=claim.value_key, since=claim.since,
        said_at=claim.said_at, stated_to=claim.stated_to, confidence=claim.confidence,
        first_said_at=claim.said_at, was_over=told_as_over([claim]),
        begins=claim.since, begins_precision=claim.since_precision, vague=claim.is_vague,
        stated_to_precision=claim.stated_to_precision, single=claim.single, new=[claim],
    )  # fmt: skip


def stored_belief(fact: StoredFact, claims: Collection[Claim] = ()) -> Belief:
    """A working copy of a fact; ``settle`` fills in what took its place.

    Args:
        fact: The fact.
        claims: All that it rests on, where it is to be settled and `asks_for_claims`, or one of
            them is vague.
    """
    claim = Claim(
        subject=fact.subject, attribute=fact.attribute, value=fact.value,
        statement=fact.statement, entities=fact.entities, single=fact.single,
        since=fact.valid_from, said_at=fact.supported_at, stated_to=fact.stated_to,
        confidence=fact.confidence, agent=fact.agent, turns=(), kind=fact.kind, doubt=fact.doubt,
        since_precision=fact.valid_from_precision, stated_to_precision=fact.stated_to_precision,
        line=fact.line,
    )  # fmt: skip
    vague = any(one.is_vague for one in claims)
    return Belief(
        claim=claim, recorded_at=fact.recorded_at, stored=fact, author=fact.author,
        value_key=fact.value_key, said_at=fact.supported_at,
        since=min([fact.valid_from, *(one.since for one in claims if vague)]),
        begins=fact.valid_from, begins_precision=fact.valid_from_precision, vague=vague,
        stated_to=fact.stated_to, stated_to_precision=fact.stated_to_precision,
        valid_to=fact.valid_to,
        confidence=fact.confidence, single=fact.single,
        first_said_at=min((one.said_at for one in claims), default=-math.inf),
        was_over=told_as_over(claims) if claims else asks_for_claims(fact),
    )  # fmt: skip


def asks_for_claims(fact: StoredFact) -> bool:
    """True for what had ended when it was said last: only its claims tell if it had at first."""
    return fact.stated_to is not None and fact.stated_to <= fact.supported_at


def turns_for_values(
    chain: Sequence[Belief], stored: Mapping[int, Sequence[Claim]]
) -> dict[str, int]:
    """Count the turns that speak for each value of a chain, by the value as it is compared.

    Args:
        chain: Beliefs about one thing.
        stored: The claims that the ledger has for them, by the row of the fact.
    """
    turns: dict[str, set[int]] = {}
    for belief in chain:
        known = () if belief.row is None else stored.get(belief.row, ())
        said = turns.setdefault(belief.value_key, set())
        said.update(turn for claim in (*known, *belief.new) for turn in claim.turns)
    return {value: len(rows) for value, rows in turns.items()}


def joinable(chain: Sequence[Belief], claim: Claim) -> Belief | None:
    """The existing belief with the same value whose validity covers the claim's time, or None."""
    same = [belief for belief in chain if belief.says(claim)]
    for belief in same:
        if claim.stated_to is not None and belief.stated_to is None and claim.since < belief.since:
            continue  # it had the value once before, and again now
        in_force = belief.since <= claim.since and (
            belief.valid_to is None or claim.since < belief.valid_to
        )
        by = belief.superseded_by
        refused = by is not None and by.since <= belief.since == belief.valid_to
        rejected = refused and not belief.is_history and belief.agent == claim.agent
        at_its_end = claim.kind != "plan" and _has_ended_with(belief, claim)
        if in_force or rejected or at_its_end:
            return belief
    later = [belief for belief in chain if belief.since > claim.since and not belief.is_history]
    following = min(later, key=lambda belief: belief.order, default=None)
    # It was true earlier than we knew, unless something else was true in between.
    if following in same and claim.stated_to is None:
        return following
    return None


def _has_ended_with(belief: Belief, claim: Claim) -> bool:
    """True if both are over, and of one time: by the same end, or by all that is told of it."""
    if belief.stated_to is None or claim.stated_to is None:
        return False
    ended = belief.stated_to, belief.stated_to_precision
    claimed = claim.stated_to, claim.stated_to_precision
    begun = claim.since, claim.since_precision
    return belief.stated_to == claim.stated_to or not (
        began_apart(belief.began, begun, 1) or ended_apart(ended, claimed)
    )
