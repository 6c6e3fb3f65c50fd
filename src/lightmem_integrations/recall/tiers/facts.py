"""The Selector's other half: facts that answer a question, and turns that no longer hold."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows, Vectors
from lightmem_integrations.recall.select.features import z_scores
from lightmem_integrations.recall.select.select import Scored
from lightmem_integrations.records.conversation import Plan, Tier
from lightmem_integrations.storage.knowledge_reads import (
    Entry,
    Outdated,
    Statement,
    entries,
    statements,
)
from lightmem_integrations.storage.turn_filter import Filter
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.terms import terms

# Asking for what was, not for what is.
_PAST = re.compile(
    r"\b(?:used to|before|previous(?:ly)?|former(?:ly)?|earlier|originally|at first|back then"
    r"|in the past|until|ago|no longer)\b",
    re.IGNORECASE,
)
_NAMED = 2.0  # as much as the Selector gives a turn whose speaker is named
_CLOSE = 0.5  # cosine similarity; below it a statement rarely is what was asked for
_ALMOST = 0.8
_STEERING = 0.5  # about what half a standard deviation of the other features adds
_LONGEST_CHAIN = 50
_LOOKED_AT = 2  # times as many as wanted are read, since some are not within the limits


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that may answer the question.

    Attributes:
        statement: What is known.
        score: How well it matches; comparable within one question only.
        similarity: Cosine similarity to the question; 0 without vectors.
    """

    statement: Statement
    score: float
    similarity: float


def about_the_past(plan: Plan) -> bool:
    """Whether a question asks for what was: by its words, or by the time that it names."""
    return plan.until is not None or _PAST.search(plan.queries[0]) is not None


def matches(
    connection: Connection,
    user: User,
    plan: Plan,
    vector: Vectors | None,
    *,
    tiers: Collection[Tier],
    limits: Filter,
    excluded: Rows,
    as_of: float | None,
    count: int,
) -> list[Match]:
    """What is known on a question, best first.

    A fact that another one took the place of stands behind that one where the question is about
    the past, and is left out where it is not.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        plan: What the question asks for.
        vector: Its vector, or ``None`` to go by words.
        tiers: ``ltm`` for facts, ``mtm`` for summaries of episodes whose turns are archived.
        limits: What may come back: a statement must rest on a turn within them.
        excluded: Rows of turns that must not come back: it must not rest on these alone.
        as_of: Only what was known by then, in seconds since 1970.
        count: How many at most.
    """
    known, vectors = entries(connection, user, tiers, as_of)
    if not known:
        return []
    allowed = limits.allowed_rows(connection, user)
    similarities = np.zeros(len(known), np.float32)
    if vector is not None and vectors.shape[1] == len(vector):
        similarities = vectors @ vector
    scores = z_scores(similarities) + z_scores(_words(plan.queries[0], known)) + _named(plan, known)
    best = np.lexsort((np.arange(len(known)), -scores))[: count * _LOOKED_AT]
    place = {(known[i].tier, known[i].row): i for i in best.tolist()}

    def within(statement: Statement) -> bool:
        return allowed is None or bool(np.isin(statement.turns, allowed).any())

    def excluded_all(statement: Statement) -> bool:
        return bool(np.isin(statement.turns, excluded).all())

    found = []
    for each in statements(connection, user, [known[i] for i in best], as_of):
        if within(each) and not excluded_all(each):
            i = place[each.tier, each.row]
            found.append(Match(each, float(scores[i]), float(similarities[i])))

    def successor(statement: Statement) -> Statement | None:
        if statement.successor is None:
            return None
        newer = statements(connection, user, [Entry("ltm", statement.successor, "", "")], as_of)
        return newer[0] if newer and within(newer[0]) else None

    newest = _newest_first(found, successor, past=about_the_past(plan))
    # What took a fact's place may be excluded, as known to the reader: then neither comes back.
    return [each for each in newest if not excluded_all(each.statement)][:count]


def _newest_first(
    found: Sequence[Match], successor: Callable[[Statement], Statement | None], *, past: bool
) -> list[Match]:
    placed: dict[tuple[str, int], Match] = {}
    for each in found:
        newest = each
        for _ in range(_LONGEST_CHAIN):
            newer = successor(newest.statement)
            if newer is None:
                break
            newest = replace(each, statement=newer)
        # Of the older ones only the one that matched, and only if the past is asked for.
        for one in (newest, *((each,) if past else ())):
            placed.setdefault((one.statement.tier, one.statement.row), one)
    return list(placed.values())


def nearest_facts(known: Sequence[Match]) -> dict[int, Match]:
    """The closest current fact that each turn proves, by row of the turn."""
    found: dict[int, Match] = {}
    for each in known:
        if each.statement.tier != "ltm" or each.similarity < _CLOSE:
            continue
        for row in each.statement.turns:
            if row not in found or found[row].similarity < each.similarity:
                found[row] = each
    return found


def boost_evidence(
    best: Sequence[Scored], turns: Turns, proven: Mapping[int, Match]
) -> list[Scored]:
    """Turns by rank, those that prove a fact close to the question a little higher.

    A fact says in full what its turn says in passing: whose it is, and when it was.

    Args:
        best: Turns by rank.
        turns: The turns that they point to.
        proven: What `close` returned.
    """
    raised = []
    for each in best:
        fact = proven.get(int(turns.rows[each.place]))
        if fact is not None:
            added = _STEERING * (fact.similarity - _CLOSE) / (1 - _CLOSE)
            parts = {**each.parts, "fact": round(fact.similarity, 3)}
            each = replace(each, score=each.score + added, parts=parts)  # noqa: PLW2901
        raised.append(each)
    return sorted(raised, key=lambda each: -each.score)


def extra_facts(known: Sequence[Match], shown: Set[int], plan: Plan) -> list[Match]:
    """Of what is known, what stands in none of the turns that are shown, best first.

    Only what is all but the answer, and few: a statement takes the place of a turn.

    Args:
        known: Statements, best first.
        shown: Rows of the turns that are shown.
        plan: What the question asks for.
    """
    added = [
        each
        for each in known
        if each.similarity >= _ALMOST and shown.isdisjoint(each.statement.turns)
    ]
    return added[: plan.k // 5]


def demote_superseded(
    best: Sequence[Scored], turns: Turns, changed: Mapping[int, Outdated]
) -> list[Scored]:
    """The order in which no turn that has been overtaken stands before the one that overtook it.

    Args:
        best: Turns by rank.
        turns: The turns that they point to.
        changed: What is outdated, by row of the turn.
    """
    rows = [int(turns.rows[each.place]) for each in best]
    ordered = list(best)
    for row in rows:
        if row not in changed:
            continue
        old = next(i for i, each in enumerate(ordered) if turns.rows[each.place] == row)
        later = [
            i
            for i, each in enumerate(ordered)
            if i > old and int(turns.rows[each.place]) in changed[row].turns
        ]
        if later:
            newer = ordered.pop(later[0])
            ordered.insert(old, replace(newer, score=ordered[old].score))
    return ordered


def day(seconds: float) -> str:
    """A day as people write it, such as 3 May 2025, in UTC."""
    moment = dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    return f"{moment.day} {moment:%B %Y}"


def _words(question: str, known: Sequence[Entry]) -> NDArray[np.float32]:
    """Summed idf, over these statements, of the question's words that each of them holds."""
    wanted = set(terms(question))
    held = [wanted.intersection(each.terms.split()) for each in known]
    counts: dict[str, int] = {}
    for words in held:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    idf = {word: inverse_frequency(count, len(known)) for word, count in counts.items()}
    return np.array([sum(idf[word] for word in words) for words in held], np.float32)


def _named(plan: Plan, known: Sequence[Entry]) -> NDArray[np.float32]:
    names = {each.casefold() for each in plan.speakers}
    return np.array([_NAMED * (each.subject.casefold() in names) for each in known], np.float32)
