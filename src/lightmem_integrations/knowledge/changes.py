"""Changes that the claims of one episode make: add, merge evidence, supersede, or conflict.

Everything is decided before the transaction, on what was known at one revision of the user's
facts; the commit asks whether that revision still holds. So a model may be asked in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lightmem_integrations.knowledge import linkage
from lightmem_integrations.knowledge.beliefs import (
    Belief,
    asks_for_claims,
    joinable,
    new_belief,
    stored_belief,
    turns_for_values,
)
from lightmem_integrations.knowledge.fact_cache import FactCache, Key, blocking_key, blocking_key_of
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.knowledge.succession import (
    after_replaced,
    decide,
    is_replaced,
    settle,
)
from lightmem_integrations.storage.claims import Claim, facts_told_vaguely, read_claims, refused_at
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.knowledge_vectors import EmbeddedText
from lightmem_integrations.storage.tellers import tellers_of_facts
from lightmem_integrations.text.precision import period_from

_NEAREST = 5
"""Facts near a claim that are looked at: a guess."""

_ECHO = 0.85
"""Cosine from which an assistant's word repeats what is known of the same subject: a guess."""


@dataclass(slots=True)
class Changes:
    """Beliefs to be written, decided at one revision of what is known.

    Attributes:
        user_row: Whose facts.
        revision: The revision.
        beliefs: Every belief of every chain that was touched, in the order of their claims.
        conflicts: Pairs that contradict each other undecided, of the chains that were settled.
        settled: Stored rows of those chains: other conflicts among them are decided now.
        merged: Claims that only brought evidence.
        dropped: Claims that a person had refused.
        embedded: What the embedder made of new beliefs' statements.
    """

    user_row: int
    revision: int
    beliefs: list[Belief] = field(default_factory=list)
    conflicts: list[tuple[Belief, Belief]] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    merged: int = 0
    dropped: int = 0
    embedded: dict[Belief, EmbeddedText] = field(default_factory=dict)


def decide_changes(
    claims: Sequence[Claim], embedded: Sequence[EmbeddedText], cache: FactCache, run: RunContext
) -> Changes:
    """Decide what becomes of the claims of one episode.

    Rules, in this order:

    1. What a person refused is dropped, unless it was said again since.
    2. What the Writer says of a known fact that it was shown holds: the claim takes its place, is
       evidence of it, or ends it. An assistant's word alone does neither to what a user told.
    3. A claim of known subject and attribute joins the fact with the same value. For a thing that
       has one value at a time, that fact must hold at the claim's time.
    4. What means nearly the same (``settings.same_meaning``) joins too, if subject, names, numbers
       and denial are the same.
    5. What an assistant alone says of something known is no evidence: it may repeat what it was
       shown.
    6. All else is a new fact. Where a thing has one value at a time, ``settle`` says what holds.
    """
    deciding = _Deciding(cache, run)
    for claim, made in zip(claims, embedded, strict=True):
        deciding.place(claim, made)
    return deciding.settled()


class _Deciding:
    """The chains of beliefs that the claims of one episode touch, as they grow claim by claim."""

    def __init__(self, cache: FactCache, run: RunContext) -> None:
        self._cache = cache
        self._run = run
        self._now = run.clock()
        self._chains: dict[Key, list[Belief]] = {}
        self._replaced: set[int] = set()
        self._changes = Changes(cache.user_row, cache.revision)

    def settled(self) -> Changes:
        """Settle the chains, once every claim has its place; returns the changes to be written."""
        changes, settings = self._changes, self._run.settings
        for chain in self._chains.values():
            singles = [belief for belief in chain if belief.single]
            if singles:
                changes.conflicts += settle(singles, self._weight(singles), settings)
                changes.settled |= {belief.row for belief in singles if belief.row is not None}
            changes.beliefs += chain
        return changes

    def place(self, said: Claim, made: EmbeddedText) -> None:
        """Let a claim support a belief of its chain, or become one."""
        claim, near, replaces = self._linked(said, made)
        if self._is_refused(claim):
            self._changes.dropped += 1
            return
        beside = None if near is None else blocking_key_of(near)
        twin_chain = [] if beside is None else self._chain(beside)
        twin = next((belief for belief in twin_chain if near and belief.row == near.row), None)
        if twin is not None and claim.relation == "ends":
            self._end(twin, claim)
            if twin.says(claim):
                return
            twin = beside = None
        key = blocking_key(*claim.key, claim.value_key, single=claim.single)
        if beside is not None and twin is not None and not (claim.single or replaces):
            key = beside
        chain = self._chain(key)
        if replaces and twin is not None:
            twin.single, twin.claim = True, replace(twin.claim, line=claim.line)
            if chain is not twin_chain:
                twin_chain.remove(twin)
                chain.append(twin)
        singles = [belief for belief in chain if belief.single] if claim.single else []
        settle(singles, self._weight(singles), self._run.settings)
        if twin is not None and not replaces:
            claim, said = (after_replaced(twin, singles, each) for each in (claim, said))
        added = new_belief(claim, self._now)
        words = {name: getattr(said, name) for name in linkage.THING[:-1]}
        added.new = [replace(claim, **words)]  # which outlive those of what it is linked to
        if claim.single:
            # The last word on what it replaces: what was said of that before is no interruption.
            last = twin if replaces and twin and twin.said_at <= claim.said_at else None
            pieces = [] if added.is_history else self._split(singles, added, last)
            chain += pieces
            match = joinable([*singles, *pieces], claim)
            if match is None and claim.relation == "confirms":
                match = twin  # what had ended or was replaced: "yes, I lived there" begins nothing
        else:
            same = (
                belief
                for belief in chain
                if belief.says(claim)
                and (belief.stated_to is None or claim.since <= belief.stated_to)
            )
            ended = twin and twin.stated_to and claim.since > twin.stated_to
            again = ended or (twin and twin.is_apart(claim))
            over = replaces or (again and claim.relation is None)
            match = next(same, None if over else twin)
        if match is not None:
            if claim.told_by != "assistant":
                self._support(match, said)
            self._changes.merged += 1
            return
        chain.append(added)
        self._changes.embedded[added] = made

    def _end(self, belief: Belief, claim: Claim) -> None:
        """End a belief at the time that a claim is about."""
        self._changes.merged += 1
        if claim.said_at < belief.since:
            return  # told before it began: what ended then is another time
        planned = claim.stated_to if claim.kind == "plan" else None
        until, precision = claim.since, claim.since_precision
        if planned is not None:
            until, precision = planned, claim.stated_to_precision
        if until < belief.begins:
            # Begun the day before "sold it yesterday": then it ended as it began. Not so "in June"
            # of what began in June: later in that month.
            _, last = period_from(until, precision)
            within = planned is None and belief.begins <= last
            until, precision = belief.begins, precision if within else belief.begins_precision
        at_its_end = replace(
            claim, since=until, since_precision="day", stated_to=until,
            stated_to_precision=precision,
        )  # fmt: skip
        self._support(belief, at_its_end)

    def _support(self, belief: Belief, claim: Claim) -> None:
        vague = belief.vague or claim.is_vague
        belief.support(claim, self._known_claims(belief) if vague else ())

    def _chain(self, key: Key) -> list[Belief]:
        if key not in self._chains:
            facts = self._cache.about(key)
            rows = [fact.row for fact in facts]
            with self._run.store.ledger.read() as connection:
                asked = facts_told_vaguely(connection, self._cache.user_row, rows)
                asked |= {fact.row for fact in facts if asks_for_claims(fact)}
                claims = read_claims(connection, self._cache.user_row, asked)
            self._chains[key] = [stored_belief(fact, claims.get(fact.row, ())) for fact in facts]
        return self._chains[key]

    def _linked(self, claim: Claim, made: EmbeddedText) -> tuple[Claim, StoredFact | None, bool]:
        """Link a claim to the known fact that it is about.

        Returns:
            The claim, in that fact's terms where it joins it; the fact, or None; and whether the
            claim supersedes it.
        """
        known = None if claim.known is None else self._cache.fact(claim.known)
        if known is not None and known.kind == "plan" and claim.relation is not None:
            claim = linkage.of_known_plan(known, claim)
        if known is not None and claim.relation == "replaces":
            if known.row in self._replaced:
                known = None  # one fact has its place already, and this one stands beside that
            elif claim.stated_to is None or claim.stated_to > claim.said_at:
                self._replaced.add(known.row)
        if known is not None and self._may_change(known, claim):
            if claim.relation == "confirms":
                return linkage.in_terms_of(known, claim), known, False
            if claim.relation == "replaces":
                return linkage.in_place_of(known, claim), known, True
            return claim, known, False
        claim = replace(claim, relation=None)
        heard = claim.told_by == "assistant"
        least = _ECHO if heard else self._run.settings.same_meaning
        reads, near = self._run.store.embedder.reads, self._cache.nearest(made.vector, _NEAREST)
        same = [fact for fact, similarity in near if similarity >= least]
        # What had ended comes after what goes on, which else would stand twice.
        for fact in sorted(same, key=lambda fact: not fact.holds(claim.said_at)):
            if fact.subject_key == claim.key[0] and linkage.says_the_same(claim, fact, reads):
                return linkage.in_terms_of(fact, claim), fact, False
        return claim, None, False

    def _may_change(self, known: StoredFact, claim: Claim) -> bool:
        """False where an assistant alone denies what a user told."""
        if claim.told_by != "assistant" or claim.relation == "confirms":
            return True
        with self._run.store.ledger.read() as connection:
            tellers = tellers_of_facts(connection, self._cache.user_row, [known.row])
        return tellers.get(known.row) == "assistant"

    def _split(self, chain: Sequence[Belief], added: Belief, last: Belief | None) -> list[Belief]:
        """Split beliefs that a new one interrupts: claims made after it are facts of their own.

        Without this, the order in which sessions are consolidated would show in what is believed.
        Left whole are ``last``, which it replaces, and what was said to be replaced by the same.
        """
        pieces = []
        for belief in chain:
            ended = belief.valid_to is not None and belief.valid_to <= added.since
            if belief.value_key == added.value_key or belief.is_history or ended:
                continue
            if belief is last or is_replaced(belief, added):
                continue
            if belief.since > added.since or belief.said_at <= added.since:
                continue
            if decide(belief, added, self._weight(chain), self._run.settings) != "supersede":
                continue
            claims = [*self._known_claims(belief), *belief.new]
            later = [claim for claim in claims if claim.since > added.since]
            earlier = [claim for claim in claims if claim.since <= added.since]
            if later and earlier:
                named = {name: getattr(belief.claim, name) for name in linkage.THING}
                again = new_belief(replace(later[0], single=True, **named), self._now)
                pieces.append(again)
                for part, rest in ((belief, earlier), (again, later)):
                    part.rest_on(rest)
                again.moved = [claim for claim in later if claim.row is not None]
                # Joined next, its times must be known already.
                belief.valid_to, again.valid_to = again.since, belief.valid_to
        return pieces

    def _weight(self, chain: Sequence[Belief]) -> dict[str, int]:
        """Turns that speak for each value; only counted where the policy asks for it."""
        if self._run.settings.policy != "evidence":
            return {}
        rows = [belief.row for belief in chain if belief.row is not None]
        return turns_for_values(chain, self._stored_claims(rows))

    def _known_claims(self, belief: Belief) -> list[Claim]:
        """The claims for a belief that the ledger has, but those that were moved to another."""
        chains = (each for chain in self._chains.values() for each in chain)
        gone = {claim.row for each in chains if each is not belief for claim in each.moved}
        stored = [] if belief.row is None else self._stored_claims([belief.row])[belief.row]
        return [*(claim for claim in stored if claim.row not in gone), *belief.moved]

    def _stored_claims(self, rows: Sequence[int]) -> Mapping[int, list[Claim]]:
        with self._run.store.ledger.read() as connection:
            return read_claims(connection, self._cache.user_row, rows)

    def _is_refused(self, claim: Claim) -> bool:
        with self._run.store.ledger.read() as connection:
            when = refused_at(connection, self._cache.user_row, claim)
        return when is not None and claim.said_at <= when
