"""Reading the facts that bear on a question, by meaning and by words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.plan.purpose import asks_for_events
from lightmem_integrations.recall.scores import with_floors, z_scores
from lightmem_integrations.recall.tiers.fact_view import CLOSE, WISHES, FactView, Match, Versions
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.expiry import Expired
from lightmem_integrations.storage.index import cosines
from lightmem_integrations.storage.knowledge_reads import outdated, read_statements
from lightmem_integrations.storage.statement_cache import StatementCache
from lightmem_integrations.storage.statements import DATED, Entry, Statement
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.terms import terms
from lightmem_integrations.validation import Request

_LOOKED_AT = 32  # statements read for one question, besides what they replaced; a guess
_LONGEST_CHAIN = 50  # supersessions followed: only a bound, chains are short
_NAMED = 2.0  # as much as the Selector's weights give a turn whose speaker is named
# Facts for each turn from which on they steer the ranking of turns. With 8 facts in 100 turns they
# did harm, with 25 they helped (two of LoCoMo's conversations); a round number between.
_COVERING = 0.15


class _Fit(NamedTuple):
    """How well statements fit a question, each by its place.

    Attributes:
        similarities: Cosines to the question, 0 without vectors.
        evidence: Mean of these, if they are known, and of the shares of its words that they hold.
        scores: By which they are ranked.
        near: Which have anything to do with it.
    """

    similarities: NDArray[np.float32]
    evidence: NDArray[np.float32]
    scores: NDArray[np.float32]
    near: NDArray[np.bool_]


def view_facts(
    connection: Connection,
    cache: StatementCache,
    user: User,
    request: Request,
    plan: Plan,
    vector: Vectors | None,
    limits: RowFilter,
) -> FactView:
    """Read the facts that bear on a question.

    Args:
        connection: A read transaction on the ledger.
        cache: The facts of those asked about last.
        user: Whose.
        request: Its tiers are read, ``ltm`` for facts, ``mtm`` for summaries of episodes whose
            turns are archived; only what was known by its ``as_of``.
        plan: What the question asks for.
        vector: Its vector, or ``None`` to go by words.
        limits: What may come back: a statement must rest on a turn within them.
    """
    as_of = request.as_of
    known, vectors = cache.entries(connection, user, request.tiers, as_of, limits.over)
    if not known:
        return FactView()
    fit = _fit(plan, known, vectors, vector)
    events = _events(plan, known, np.where(fit.near, fit.scores, -np.inf))
    chains = _best_chains(known, fit.scores)
    place = {(known[i].tier, known[i].row): i for chain in (*chains, events) for i in chain}
    read = read_statements(connection, user, list(place), as_of)
    rows = np.unique([row for each in read for row in each.turns]).astype(np.int64)
    hidden = set(rows[np.isin(rows, limits.excluded)].tolist())
    allowed = rows if limits.allowed is None else rows[np.isin(rows, limits.allowed)]
    within = set(allowed.tolist())
    statements = {
        place[each.tier, each.row]: each for each in read if not within.isdisjoint(each.turns)
    }

    facts = ((i, said) for i, said in statements.items() if said.tier == "ltm")
    reworded = {i: said.terms for i, said in facts if said.terms != known[i].terms}
    if reworded:  # asked as of a day by which they had been told in other words
        known = [each._replace(terms=reworded.get(i, each.terms)) for i, each in enumerate(known)]
        vectors = vectors.copy()
        vectors[list(reworded)] = 0.0
        fit = _fit(plan, known, vectors, vector)
        chains.sort(key=lambda chain: -float(fit.scores[chain].max()))

    by_row = {said.row: i for i, said in statements.items() if said.tier == "ltm"}
    _join_repeated(statements, by_row)

    def versions(chain: Sequence[int]) -> list[Match]:
        """What is within the limits; nothing if what stands is known to the reader."""
        found = [i for i in chain if i in statements]
        found.sort(key=lambda i: (i == chain[-1], statements[i].since))
        if not found or hidden.issuperset(statements[found[-1]].turns):
            return []
        of_best = float(fit.similarities[found].max()), float(fit.evidence[found].max())
        return [
            Match(said, *of_best, statements.get(by_row.get(said.successor or 0, -1)), vectors[i])
            for i in found
            if not hidden.issuperset((said := statements[i]).turns)
        ]

    deviations = z_scores(fit.scores)
    seen = [
        Versions(matches, max(float(deviations[i]) for i in chain))
        for chain in chains
        if (matches := versions(chain))
    ]
    listed = [match for i in events for match in versions([i])]
    listed.sort(key=lambda match: match.statement.since)
    events_of = f"{known[events[0]].subject}, {known[events[0]].attribute}" if events else ""
    return FactView(seen, listed, events_of, len(known) >= _COVERING * user.searchable)


def _join_repeated(statements: dict[int, Statement], by_row: Mapping[int, int]) -> None:
    """Join what gave way to the same words: what stood between them was forgotten or retracted."""
    for i in sorted(statements, key=lambda i: statements[i].since):
        said = statements[i]  # to which another one may have been joined
        at = by_row.get(said.successor or 0, -1)
        again = statements.get(at)
        if again is None or again.text != said.text or said.kind in DATED:
            continue
        if said.until is not None and said.until >= again.since:
            del statements[i]
            turns = tuple(dict.fromkeys((*said.turns, *again.turns)))
            statements[at] = replace(
                again, since=said.since, since_precision=said.since_precision, turns=turns
            )


def _fit(plan: Plan, known: Sequence[Entry], vectors: Vectors, vector: Vectors | None) -> _Fit:
    similarities = np.zeros(len(known), np.float32)
    shares = _shares(plan.queries[0], known)
    evidence: NDArray[np.float32] = shares
    if vector is not None and vectors.shape[1] == len(vector):
        similarities = cosines(vectors, vector)
        evidence = (similarities + shares) / np.float32(2)
    scores = with_floors(
        z_scores(similarities) + z_scores(shares) + _asked_for(plan, known),
        np.array([entry.importance for entry in known], np.float32),
    )
    return _Fit(similarities, evidence, scores, (shares > 0) | (similarities >= CLOSE))


def with_outdated(
    connection: Connection, user: User, facts: FactView, rows: Collection[int],
    as_of: float | None, over: Expired,
) -> FactView:  # fmt: skip
    """The view with those of its turns and of these that are outdated.

    Of several changes of what a turn says, the one that is asked for counts.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        facts: What the facts say on the question.
        rows: Rows of the selected turns.
        as_of: Only what was known by then, in seconds since 1970.
        over: What has expired.
    """
    if not facts.versions:
        return facts
    shown = {*rows, *facts.proof()}
    found = {
        row: max(changes, key=lambda change: facts.bears(row, change.fact))
        for row, changes in outdated(connection, user, shown, as_of, over).items()
    }
    return replace(facts, outdated=found)


def _best_chains(known: Sequence[Entry], scores: NDArray[np.float32]) -> list[list[int]]:
    """Places of the statements that took each other's place together, the one that stands last.

    Of all such chains those of which some statement matches best, best first; of equals the one
    that began first.
    """
    places = {entry.row: i for i, entry in enumerate(known) if entry.tier == "ltm"}
    newer = {i: places[each.successor] for i, each in enumerate(known) if each.successor in places}
    heads = np.arange(len(known))
    for i in newer:
        for _ in range(_LONGEST_CHAIN):
            heads[i] = newer.get(int(heads[i]), heads[i])
    best = np.full(len(known), -np.inf, np.float32)
    np.maximum.at(best, heads, scores)
    oldest = np.zeros(len(known), np.int64)  # they are given newest first
    np.maximum.at(oldest, heads, np.arange(len(known)))
    chains = []
    standing = np.unique(heads)
    for head in standing[np.lexsort((-oldest[standing], -best[standing]))][:_LOOKED_AT].tolist():
        chain = np.flatnonzero(heads == head)[::-1].tolist()
        chains.append(sorted(chain, key=head.__eq__))
    return chains


def _events(plan: Plan, known: Sequence[Entry], scores: NDArray[np.float32]) -> list[int]:
    """Places of all events of the kind that is asked for: that of the one that matches best."""
    if not asks_for_events(plan.queries[0]):
        return []
    places = [i for i, entry in enumerate(known) if entry.kind == "event"]
    best = max(places, key=lambda i: scores[i], default=None)
    if best is None or scores[best] == -np.inf:
        return []
    return [i for i in places if _kind(known[i]) == _kind(known[best])]


def _kind(entry: Entry) -> tuple[str, list[str]]:
    return entry.subject.casefold(), terms(entry.attribute)


def _shares(question: str, known: Sequence[Entry]) -> NDArray[np.float32]:
    """Share of the question's terms that each statement holds, by idf over these statements."""
    wanted = set(terms(question))
    held = {
        i: words
        for i, entry in enumerate(known)
        if (words := wanted.intersection(entry.terms.split()))
    }
    counts = Counter(word for words in held.values() for word in words)
    idf = {word: inverse_frequency(counts[word], len(known)) for word in wanted}
    total = sum(idf.values()) or 1.0
    shares = np.zeros(len(known), np.float32)
    for i, words in held.items():
        shares[i] = sum(idf[word] for word in words) / total
    return shares


def _asked_for(plan: Plan, known: Sequence[Entry]) -> NDArray[np.float32]:
    """What is about somebody whom the question names, and wishes where something is requested."""
    names = {speaker.casefold() for speaker in plan.speakers}
    wishes = WISHES if plan.purpose == "request" else ()
    if not names and not wishes:
        return np.zeros(len(known), np.float32)
    asked = [(entry.subject.casefold() in names) + (entry.kind in wishes) for entry in known]
    return np.array([_NAMED * each for each in asked], np.float32)
