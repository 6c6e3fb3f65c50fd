"""Belief revision: of the facts about one thing, which holds when, and which supersedes which.

Pure functions over working copies. What they decide depends on the facts alone, not on the order
in which they were learnt, so that two agents that write at the same moment end in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.claims import Claim, noisy_or, support_of
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.text.temporal import SECONDS_A_DAY

PERSON, WRITER = "person", "writer"

_OFF_DAYS = 4
"""Days by which people are off who tell the same event twice: a guess."""

Verdict = Literal["supersede", "reject", "conflict"]


@dataclass(eq=False, slots=True, kw_only=True)
class Belief:
    """A fact while it is being decided on.

    Attributes:
        claim: Its words, and the agent that said it first.
        recorded_at: Since when it is believed, in seconds since 1970.
        stored: The fact as the ledger has it, if it has.
        author: ``writer`` or ``person``.
        value_key: Its value, as it is compared.
        since: Since when it is true, in seconds since 1970.
        said_at: When it was said last.
        stated_to: The end that was stated.
        confidence: Between 0.01 and 0.99.
        single: Whether its subject has one such value at a time.
        valid_to: Until when it holds, once it is settled.
        superseded_by: The belief that took its place, once it is settled.
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
    confidence: float = 0.0
    single: bool = False
    valid_to: float | None = None
    superseded_by: Belief | None = None
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
        """True if it was over when it was said: then it neither takes a place nor loses it."""
        return self.stated_to is not None and self.stated_to <= self.said_at

    def stands(self, moment: float) -> bool:
        """True if it is so at a moment, as far as is known."""
        ends = [end for end in (self.valid_to, self.stated_to) if end is not None]
        return self.since <= moment and all(moment < end for end in ends)

    def says(self, claim: Claim) -> bool:
        """True if a claim has the same value, and is not of another day."""
        return self.value_key == claim.value_key and not self.is_apart(claim)

    def is_apart(self, claim: Claim) -> bool:
        """True if a claim is another day's plan or event, or tells what came of a plan."""
        kinds = self.claim.kind, claim.kind
        if "plan" in kinds and kinds[0] != kinds[1]:
            return True
        if kinds == ("plan", "plan"):
            return _differ(self.stated_to, claim.stated_to, SECONDS_A_DAY)
        # One that was told without a day begins when it was told.
        dated = self.since != self.said_at and claim.since != claim.said_at
        apart = _differ(self.since, claim.since, _OFF_DAYS * SECONDS_A_DAY)
        return kinds == ("event", "event") and dated and apart

    @property
    def order(self) -> tuple[float, str, float]:
        """Its place in time; by content where the time is the same."""
        return self.since, self.value_key, self.said_at

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its fact that a decision can change, but for its successor."""
        return {
            "single": self.single,
            "valid_from": self.since,
            "valid_to": self.valid_to if self.single else self.stated_to,
            "stated_to": self.stated_to,
            "confidence": self.confidence,
            "supported_at": self.said_at,
        }

    def support(self, claim: Claim) -> None:
        """Take another claim of the same meaning as evidence."""
        if claim.relation is not None and claim.stated_to is not None:
            # Told of what was in force: so it is no history, and has replaced what it replaced.
            claim = replace(claim, said_at=min(claim.said_at, self.said_at))
        # Two claims of one episode are one source that said it twice.
        best = max((known.confidence for known in self.new), default=None)
        self.new.append(claim)
        if best is None:
            self.confidence = noisy_or(self.confidence, claim.confidence)
        elif self.stored is None:
            self.confidence = max(self.confidence, claim.confidence)
        self.since = min(self.since, claim.since)
        ended = claim.stated_to
        if claim.said_at >= self.said_at and ended is not None and ended >= self.since:
            self.stated_to = ended
        self.said_at = max(self.said_at, claim.said_at)

    def rest_on(self, claims: Sequence[Claim]) -> None:
        """Take exactly these claims, stored or new, as evidence."""
        self.new = [claim for claim in claims if claim.row is None]
        self.since, self.said_at, self.stated_to, self.confidence = support_of(claims)


def new_belief(claim: Claim, now: float, author: str = WRITER) -> Belief:
    """A belief that the ledger does not hold yet."""
    return Belief(
        claim=claim, recorded_at=now, author=author, value_key=claim.value_key, since=claim.since,
        said_at=claim.said_at, stated_to=claim.stated_to, confidence=claim.confidence,
        single=claim.single, new=[claim],
    )  # fmt: skip


def stored_belief(fact: StoredFact) -> Belief:
    """A working copy of a fact; ``settle`` fills in what took its place."""
    claim = Claim(
        subject=fact.subject, attribute=fact.attribute, value=fact.value,
        statement=fact.statement, entities=fact.entities, single=fact.single,
        since=fact.valid_from, said_at=fact.supported_at, stated_to=fact.stated_to,
        confidence=fact.confidence, agent=fact.agent, turns=(), kind=fact.kind, doubt=fact.doubt,
        line=fact.line,
    )  # fmt: skip
    return Belief(
        claim=claim, recorded_at=fact.recorded_at, stored=fact, author=fact.author,
        value_key=fact.value_key, since=fact.valid_from, said_at=fact.supported_at,
        stated_to=fact.stated_to, confidence=fact.confidence, single=fact.single,
        valid_to=fact.valid_to,
    )  # fmt: skip


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
        rejected = belief.valid_to == belief.since and belief.agent == claim.agent
        ends = belief.stated_to is not None and claim.kind != "plan"
        at_its_end = ends and claim.stated_to == belief.stated_to
        if in_force or rejected or at_its_end:
            return belief
    later = [belief for belief in chain if belief.since > claim.since and not belief.is_history]
    following = min(later, key=lambda belief: belief.order, default=None)
    # It was true earlier than we knew, unless something else was true in between.
    if following in same and claim.stated_to is None:
        return following
    return None


def decide(
    older: Belief, newer: Belief, weight: dict[str, int], settings: ConsolidationSettings
) -> Verdict:
    """Decide between two contradictory beliefs, of which the second begins no earlier.

    Args:
        older: The one that begins first.
        newer: The other one.
        weight: How many turns speak for each value, by the value as it is compared; only read
            where the policy is ``evidence``.
        settings: The policy.

    Returns:
        ``supersede`` if the newer one takes the older one's place, ``reject`` if the older one
        stays, ``conflict`` if both stand.
    """
    if older.value_key == newer.value_key:
        return "supersede"
    if older.author != newer.author:
        # A correction outweighs all that had been said when it was made, and was learnt since.
        late = newer.recorded_at > older.recorded_at and newer.said_at <= older.recorded_at
        if newer.author == PERSON or late:
            return "supersede" if newer.author == PERSON else "reject"
    by_time: Verdict = "supersede" if newer.since > older.since else "conflict"
    if older.agent == newer.agent or settings.policy == "latest":
        return by_time
    if settings.policy == "ask":
        return "conflict"
    if settings.policy == "trust":
        gain = _rank(older.agent, settings.trust) - _rank(newer.agent, settings.trust)
    else:
        gain = weight.get(newer.value_key, 0) - weight.get(older.value_key, 0)
    return by_time if not gain else "supersede" if gain > 0 else "reject"


def settle(
    chain: Sequence[Belief], weight: dict[str, int], settings: ConsolidationSettings
) -> list[tuple[Belief, Belief]]:
    """Set until when each belief holds and what took its place; returns open conflicts.

    For beliefs about one thing that has one value at a time. One that was refused holds for no
    time at all: it ends where it begins. What was over when it was said stands for itself.
    """
    heads: list[Belief] = []
    pairs: list[tuple[Belief, Belief]] = []
    for belief in sorted(chain, key=lambda belief: belief.order):
        belief.valid_to, belief.superseded_by = belief.stated_to, None
        if belief.is_history:
            continue
        verdicts = [decide(head, belief, weight, settings) for head in heads]
        if "reject" in verdicts:
            belief.superseded_by = heads[verdicts.index("reject")]
            belief.valid_to = belief.since
            continue
        for head, verdict in zip(heads, verdicts, strict=True):
            if verdict == "supersede":
                head.superseded_by = belief
                head.valid_to = min(belief.since, head.stated_to or belief.since)
        heads = [
            head for head, verdict in zip(heads, verdicts, strict=True) if verdict == "conflict"
        ]
        pairs = [pair for pair in pairs if pair[0] in heads and pair[1] in heads]
        pairs += [(head, belief) for head in heads]
        heads.append(belief)
    return pairs


def _differ(first: float | None, second: float | None, seconds: float) -> bool:
    return first is not None and second is not None and abs(first - second) >= seconds


def _rank(agent: str | None, trust: tuple[str, ...]) -> int:
    return trust.index(agent) if agent in trust else len(trust)
