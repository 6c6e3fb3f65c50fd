"""New claims against what is known: add, merge evidence, supersede, or keep both in conflict.

Everything is decided before the transaction, on what was known at one revision of the user's
facts; the commit asks whether that revision still holds. So a model may be asked in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.knowledge.beliefs import (
    Belief,
    decide,
    joinable,
    new_belief,
    settle,
    stored_belief,
)
from lightmem_integrations.knowledge.claims import Claim, refusal_digest, stored_claim
from lightmem_integrations.knowledge.fact_cache import FactCache, Key, blocking_key, blocking_key_of
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.facts import StoredAssertion, StoredFact
from lightmem_integrations.text.names import name_key

Judgement = Literal["same", "replaces", "different"]

_NEAREST = 5
_NUMBER = re.compile(r"\d+")


class Arbiter(Protocol):
    """Decides where the rules do not: a language model, or a person."""

    def judge(self, new: Claim, known: StoredFact) -> Judgement:
        """Whether the new claim says the same as a known fact, replaces it, or neither.

        Raises:
            ModelError: It cannot say; both are kept.
        """


@dataclass(slots=True)
class Plan:
    """What is to be written, decided at one revision of what is known.

    Attributes:
        revision: The revision.
        beliefs: Every belief of every chain that was touched, in the order of their claims.
        conflicts: Pairs that contradict each other undecided, of the chains that were settled.
        settled: Stored rows of those chains: other conflicts among them are decided now.
        merged: Claims that only brought evidence.
        dropped: Claims that a person had refused.
        vectors: Vectors of new beliefs' statements.
    """

    revision: int
    beliefs: list[Belief] = field(default_factory=list)
    conflicts: list[tuple[Belief, Belief]] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    merged: int = 0
    dropped: int = 0
    vectors: dict[int, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What planning needs besides the claims.

    Attributes:
        known: What is known of the user.
        settings: Policies and thresholds.
        now: The time, in seconds since 1970.
        assertions: Reads what was said for facts, by their rows.
        refused: When a person refused what has these digests.
        arbiter: Decides what the rules do not.
    """

    known: FactCache
    settings: ConsolidationSettings
    now: float
    assertions: Callable[[Sequence[int]], Mapping[int, list[StoredAssertion]]]
    refused: Callable[[Sequence[str]], Mapping[str, float]]
    arbiter: Arbiter | None = None


def plan(claims: Sequence[Claim], vectors: Sequence[Vectors], context: Context) -> Plan:
    """Decide what becomes of the claims of one episode.

    Rules, in this order:

    1. What a person refused is dropped, unless it was said again since.
    2. A claim of known subject and attribute joins the fact with the same value. For a thing that
       has one value at a time, that fact must hold at the claim's time.
    3. What means nearly the same (``settings.same_meaning``) joins too, if the subject is the same,
       and besides that the value, or the attribute with all names and numbers.
    4. What is near (``settings.doubt``) but not decided goes to the arbiter, if there is one.
    5. All else is a new fact. Where a thing has one value at a time, ``settle`` says what holds.
    """
    result = Plan(context.known.revision)
    chains: dict[Key, list[Belief]] = {}
    for claim, vector in zip(claims, vectors, strict=True):
        _place(claim, vector, chains, result, context)
    for chain in chains.values():
        singles = [each for each in chain if each.single]
        if singles:
            weight = _weight(singles, context)
            result.conflicts += settle(singles, weight, context.settings)
            result.settled |= {each.stored.row for each in singles if each.stored}
        result.beliefs += chain
    return result


def _place(
    claim: Claim,
    vector: Vectors,
    chains: dict[Key, list[Belief]],
    result: Plan,
    context: Context,
) -> None:
    claim, near, replaces = _renamed(claim, vector, context)
    if _is_refused(claim, context):
        result.dropped += 1
        return
    beside = None if near is None else blocking_key_of(near)
    twin_chain = [] if beside is None else _chain(beside, chains, context)
    twin = next((each for each in twin_chain if near and _row(each) == near.row), None)
    key = blocking_key(*claim.key, claim.value_key, single=claim.single)
    if beside is not None and twin is not None and not (claim.single or replaces):
        key = beside
    chain = _chain(key, chains, context)
    if replaces and twin is not None:
        twin.single = True
        if chain is not twin_chain:
            twin_chain.remove(twin)
            chain.append(twin)
    added = new_belief(claim, context.now)
    if claim.single:
        singles = [each for each in chain if each.single]
        settle(singles, _weight(singles, context), context.settings)
        pieces = [] if added.is_history else _split(singles, added, context)
        chain += pieces
        found = joinable([*singles, *pieces], claim)
    else:
        value = claim.value_key
        same = (each for each in chain if each.value_key == value)
        found = next(same, None if replaces else twin)
    if found is not None:
        found.support(claim)
        result.merged += 1
        return
    chain.append(added)
    result.vectors[id(added)] = vector


def _chain(key: Key, chains: dict[Key, list[Belief]], context: Context) -> list[Belief]:
    if key not in chains:
        chains[key] = [stored_belief(fact) for fact in context.known.about(key)]
    return chains[key]


def _renamed(
    claim: Claim, vector: Vectors, context: Context
) -> tuple[Claim, StoredFact | None, bool]:
    """The claim under the attribute that its like already has; the like; whether it replaces it."""
    subject, attribute = claim.key
    for fact, similarity in context.known.nearest(vector, _NEAREST):
        if similarity < context.settings.doubt:
            break
        if fact.subject_key != subject:
            continue
        single = claim.single or fact.single
        if similarity >= context.settings.same_meaning:
            if fact.value_key == claim.value_key and fact.single == claim.single:
                return replace(claim, attribute=fact.attribute), fact, False
            if fact.attribute_key == attribute and not single and _same_names(claim, fact):
                return claim, fact, False
        if context.arbiter is None or (single and fact.attribute_key == attribute):
            continue
        judgement = context.arbiter.judge(claim, fact)
        if judgement == "same":
            same = replace(claim, attribute=fact.attribute, value=fact.value, single=fact.single)
            return same, fact, False
        if judgement == "replaces":
            return replace(claim, attribute=fact.attribute, single=True), fact, True
    return claim, None, False


def _same_names(claim: Claim, fact: StoredFact) -> bool:
    """Whether two statements name the same and hold the same numbers.

    Vectors hardly tell "room 46" from "room 48", nor one name from another.
    """
    ours, theirs = ({name_key(name) for name in each.entities} for each in (claim, fact))
    return ours == theirs and _NUMBER.findall(claim.statement) == _NUMBER.findall(fact.statement)


def _split(chain: Sequence[Belief], added: Belief, context: Context) -> list[Belief]:
    """Something else was true in between: what was said of a fact after that is a fact of its own.

    Without this, the order in which sessions are consolidated would show in what is believed.
    """
    pieces = []
    for each in chain:
        ended = each.valid_to is not None and each.valid_to <= added.since
        if each.value_key == added.value_key or each.is_history or ended:
            continue
        if each.since > added.since or each.said_at <= added.since:
            continue
        if decide(each, added, _weight(chain, context), context.settings) != "supersede":
            continue
        row = _row(each)
        stored = [] if row is None else context.assertions([row])[row]
        claims = [stored_claim(one, single=True) for one in stored] + each.new
        later = [claim for claim in claims if claim.since > added.since]
        earlier = [claim for claim in claims if claim.since <= added.since]
        if later and earlier:
            pieces.append(again := new_belief(later[0], context.now))
            for belief, rest in ((each, earlier), (again, later)):
                belief.rest_on(rest)
            again.moved = [claim for claim in later if claim.row is not None]
            # Joined next, its times must be known already.
            each.valid_to, again.valid_to = again.since, each.valid_to
    return pieces


def _weight(chain: Sequence[Belief], context: Context) -> dict[str, int]:
    """How many turns speak for each value; only counted where the policy asks for it."""
    if context.settings.policy != "evidence":
        return {}
    turns: dict[str, set[int]] = {}
    stored = {each.stored.row: each for each in chain if each.stored is not None}
    for row, said in context.assertions(list(stored)).items():
        for one in said:
            turns.setdefault(stored[row].value_key, set()).update(one.turns)
    for each in chain:
        for claim in each.new:
            turns.setdefault(each.value_key, set()).update(claim.turns)
    return {value: len(rows) for value, rows in turns.items()}


def _row(belief: Belief) -> int | None:
    return None if belief.stored is None else belief.stored.row


def _is_refused(claim: Claim, context: Context) -> bool:
    subject, attribute = claim.key
    digest = refusal_digest(context.known.user_row, subject, attribute, claim.value_key)
    when = context.refused([digest]).get(digest)
    return when is not None and claim.said_at <= when
