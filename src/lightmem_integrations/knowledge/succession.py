"""Belief revision: of the beliefs about one thing, which supersedes which, and when each holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lightmem_integrations.knowledge.beliefs import PERSON, Belief
from lightmem_integrations.knowledge.linkage import begun_after
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.claims import Claim

Verdict = Literal["supersede", "reject", "conflict"]


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
    time at all: it ends where it begins. What was over when it was said stands for itself, unless
    something else of that time was said to replace it.
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
    _settle_history([belief for belief in chain if belief.is_history], settings)
    return pairs


def is_replaced(belief: Belief, added: Belief) -> bool:
    """True where the last word on a belief was that what is added is so instead."""
    by = belief.superseded_by
    said = by is not None and by.value_key == added.value_key and belief.said_at <= by.said_at
    return said and bool(belief.claim.line)


def after_replaced(belief: Belief, chain: Sequence[Belief], claim: Claim) -> Claim:
    """A claim of a belief as one that does not put it before what it was said to replace."""
    for one in chain:
        replaced = one.claim.line and one.superseded_by is belief
        if replaced and one.said_at <= claim.said_at:
            claim = begun_after(one.since, claim)
    return claim


def _settle_history(past: Sequence[Belief], settings: ConsolidationSettings) -> None:
    """Let what was over give way to what was said later of the same time, in one line."""
    for belief in past:
        instead = [
            other
            for other in past
            if other.claim.line
            and other.value_key != belief.value_key
            and other.said_at > belief.said_at
            and (other.agent == belief.agent or settings.policy == "latest")
            and _overlap(other, belief)
        ]
        if instead:
            belief.superseded_by = max(instead, key=lambda other: (other.said_at, other.value_key))
            belief.valid_to = belief.since


def _overlap(first: Belief, second: Belief) -> bool:
    ends = [one.stated_to for one in (first, second) if one.stated_to is not None]
    return max(first.since, second.since) < min(ends)


def _rank(agent: str | None, trust: tuple[str, ...]) -> int:
    return trust.index(agent) if agent in trust else len(trust)
