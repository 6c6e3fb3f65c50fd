"""The facts about one thing, side by side: which holds when, and which took whose place.

Pure functions over working copies. What they decide depends on the facts alone, not on the order
in which they were learnt, so that two agents that write at the same moment end in the same place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lightmem_integrations.knowledge.claims import Claim
from lightmem_integrations.knowledge.confidence import united
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.facts import StoredFact

PERSON, WRITER = "person", "writer"

Verdict = Literal["supersede", "reject", "conflict"]


@dataclass(eq=False, slots=True, kw_only=True)
class Belief:
    """A fact while it is being decided on; ``stored`` is how the ledger has it, if it has."""

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
    def agent(self) -> str | None:
        """Who said it first."""
        return self.claim.agent

    @property
    def is_history(self) -> bool:
        """Whether it was over when it was said: then it neither takes a place nor loses it."""
        return self.stated_to is not None and self.stated_to <= self.said_at

    @property
    def order(self) -> tuple[float, str, float]:
        """Where it stands in time; by content where the time is the same."""
        return self.since, self.value_key, self.said_at

    def support(self, claim: Claim) -> None:
        """Take another claim of the same meaning as evidence."""
        # Two claims of one episode are one source that said it twice.
        best = max((each.confidence for each in self.new), default=None)
        self.new.append(claim)
        if best is None:
            self.confidence = united(self.confidence, claim.confidence)
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
        self.since = min(claim.since for claim in claims)
        self.said_at = max(claim.said_at for claim in claims)
        ends = {claim.said_at: claim.stated_to for claim in claims if claim.stated_to is not None}
        self.stated_to = ends[max(ends)] if ends else None
        self.confidence = 0.0
        for claim in claims:
            self.confidence = united(self.confidence, claim.confidence)


def new_belief(claim: Claim, now: float) -> Belief:
    """A belief that the ledger does not hold yet."""
    return Belief(
        claim=claim, recorded_at=now, value_key=claim.value_key, since=claim.since,
        said_at=claim.said_at, stated_to=claim.stated_to, confidence=claim.confidence,
        single=claim.single, new=[claim],
    )  # fmt: skip


def stored_belief(fact: StoredFact) -> Belief:
    """A working copy of a fact; whose place it took is filled in by ``settle``."""
    claim = Claim(
        subject=fact.subject, attribute=fact.attribute, value=fact.value,
        statement=fact.statement, entities=fact.entities, single=fact.single,
        since=fact.valid_from, said_at=fact.supported_at, stated_to=fact.stated_to,
        confidence=fact.confidence, agent=fact.agent, turns=(),
    )  # fmt: skip
    return Belief(
        claim=claim, recorded_at=fact.recorded_at, stored=fact, author=fact.author,
        value_key=fact.value_key, since=fact.valid_from, said_at=fact.supported_at,
        stated_to=fact.stated_to, confidence=fact.confidence, single=fact.single,
        valid_to=fact.valid_to,
    )  # fmt: skip


def joinable(chain: Sequence[Belief], claim: Claim) -> Belief | None:
    """The belief of a settled chain that says the same for the time of the claim."""
    same = [each for each in chain if each.value_key == claim.value_key]
    for each in same:
        if claim.stated_to is not None and each.stated_to is None and claim.since < each.since:
            continue  # it had the value once before, and again now
        in_force = each.since <= claim.since and (
            each.valid_to is None or claim.since < each.valid_to
        )
        rejected = each.valid_to == each.since and each.agent == claim.agent
        at_its_end = each.stated_to is not None and claim.stated_to == each.stated_to
        if in_force or rejected or at_its_end:
            return each
    later = [each for each in chain if each.since > claim.since and not each.is_history]
    following = min(later, key=lambda each: each.order, default=None)
    # It was true earlier than we knew, unless something else was true in between.
    if following in same and claim.stated_to is None:
        return following
    return None


def decide(
    older: Belief, newer: Belief, weight: dict[str, int], settings: ConsolidationSettings
) -> Verdict:
    """What becomes of two contradictory beliefs, of which the second begins no earlier.

    ``weight``: how many turns speak for each value.
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
    for each in sorted(chain, key=lambda each: each.order):
        each.valid_to, each.superseded_by = each.stated_to, None
        if each.is_history:
            continue
        verdicts = [decide(head, each, weight, settings) for head in heads]
        if "reject" in verdicts:
            each.superseded_by = heads[verdicts.index("reject")]
            each.valid_to = each.since
            continue
        for head, verdict in zip(heads, verdicts, strict=True):
            if verdict == "supersede":
                head.superseded_by = each
                head.valid_to = min(each.since, head.stated_to or each.since)
        heads = [
            head for head, verdict in zip(heads, verdicts, strict=True) if verdict == "conflict"
        ]
        pairs = [pair for pair in pairs if pair[0] in heads and pair[1] in heads]
        pairs += [(head, each) for head in heads]
        heads.append(each)
    return pairs


def _rank(agent: str | None, trust: tuple[str, ...]) -> int:
    return trust.index(agent) if agent in trust else len(trust)
