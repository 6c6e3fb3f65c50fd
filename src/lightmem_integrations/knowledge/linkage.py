"""Record linkage of a claim with the known fact that it is about: in its terms, or in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lightmem_integrations.knowledge.beliefs import stored_belief
from lightmem_integrations.storage.claims import LINE, Claim
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.text.denial import agree
from lightmem_integrations.text.names import name_key
from lightmem_integrations.text.precision import FINEST_FIRST, is_finer, period_from
from lightmem_integrations.text.terms import terms

THING = ("subject", "attribute", "value", "line")
"""What of a claim says which fact it is for."""

_AFTER = 1.0
"""Seconds by which a fact begins after the one that it replaces, where it is said to begin before:
a guess."""


def in_terms_of(fact: StoredFact, claim: Claim) -> Claim:
    """A claim as one for a known fact that says the same in other words."""
    named = {name: getattr(fact, name) for name in THING}
    return replace(claim, single=fact.single, **named)


def in_place_of(fact: StoredFact, claim: Claim) -> Claim:
    """A claim as one that takes a known fact's place, which it cannot before that began.

    What was over by then, or when it was said, takes no place, and keeps its own beginning.
    """
    over = claim.stated_to is not None and claim.stated_to <= max(claim.said_at, fact.valid_from)
    if claim.said_at >= fact.supported_at and not over:
        claim = begun_after(fact.valid_from, claim)
    return replace(
        claim, subject=fact.subject, attribute=fact.attribute, single=True,
        line=fact.line if fact.single else f"{LINE}{fact.key}",
    )  # fmt: skip


def of_known_plan(plan: StoredFact, claim: Claim) -> Claim:
    """A claim that a plan is over, moved or called off, as one that takes its place.

    It does not end the plan: its end would pass for its day. That it is off is no plan, and no
    more evidence of it, but what happened when that was told. What replaces it says another thing,
    also under the same value and for the same day.
    """
    off = claim.relation == "ends" and claim.kind == "plan" and claim.statement != plan.statement
    if off:
        claim = replace(
            claim, kind="event", since=claim.said_at, since_precision="day", stated_to=None,
            stated_to_precision="day",
        )  # fmt: skip
    apart = stored_belief(plan).is_apart(claim)
    again = not apart and claim.value_key == plan.value_key
    if claim.relation == "replaces" and again and claim.statement != plan.statement:
        claim = replace(claim, value=claim.statement)
    over = claim.relation == "ends" or apart
    return replace(claim, relation="replaces") if over else claim


def begun_after(moment: float, claim: Claim) -> Claim:
    """A claim as one of what began after a moment, also where it says that it began before.

    Nobody told that moment: so it is known to the week, the month or the year that has both.
    """
    if claim.since > moment:
        return claim
    since, told = moment + _AFTER, claim.since_precision
    vaguer = (each for each in FINEST_FIRST if not is_finer(each, told))
    both = (each for each in vaguer if since <= period_from(claim.since, each)[1])
    return replace(claim, since=since, since_precision=next(both, "day"))


def says_the_same(claim: Claim, fact: StoredFact, reads: Callable[[str], bool]) -> bool:
    """True if two statements of one kind name the same and agree where vectors fail.

    Args:
        claim: The one.
        fact: The other.
        reads: Whether the embedder was taught a term's script.
    """
    ours, theirs = ({name_key(name) for name in one.entities} for one in (claim, fact))
    if ours != theirs or claim.kind != fact.kind or not agree(claim.statement, fact.statement):
        return False
    # Words of other scripts are all alike to an embedder that was not taught these.
    unread = [{term for term in terms(one.statement) if not reads(term)} for one in (claim, fact)]
    return unread[0] == unread[1]
