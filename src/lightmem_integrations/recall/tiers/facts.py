"""The facts that bear on a question: those that match it, those that turns prove, the outdated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.scores import z_scores
from lightmem_integrations.records.conversation import Plan, Tier
from lightmem_integrations.storage.knowledge_reads import (
    Entry,
    Outdated,
    Statement,
    entries,
    outdated,
    read_statements,
)
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.terms import terms

CLOSE = 0.5
"""Cosine similarity from which a statement may be what was asked for; a guess."""
ALMOST = 0.8
"""Cosine similarity from which a statement is all but the answer; a guess."""

_MOST = 10  # statements read for one question; a guess
_NAMED = 2.0  # as much as the Selector's weights give a turn whose speaker is named
_LONGEST_CHAIN = 50  # supersessions followed: only a bound, chains are short
_LOOKED_AT = 2  # times as many as wanted are read, since some are not within the limits; a guess


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that may answer the question.

    Attributes:
        statement: What is known.
        similarity: Cosine similarity to the question; 0 without vectors.
        evidence: Mean of the similarity, if it is known, and the share of the question's words
            that the statement holds, from 0 to 1.
    """

    statement: Statement
    similarity: float
    evidence: float


@dataclass(frozen=True, slots=True)
class FactView:
    """All that facts have to say on one question and the turns selected for it.

    Attributes:
        matches: Statements that match the question, best first.
        proven: The closest current fact that a turn proves, by row of the turn.
        outdated: Of the selected turns, those whose fact was superseded, by row of the turn.
    """

    matches: Sequence[Match] = ()
    proven: Mapping[int, Match] = field(default_factory=dict)
    outdated: Mapping[int, Outdated] = field(default_factory=dict)


def view_facts(
    connection: Connection,
    user: User,
    plan: Plan,
    vector: Vectors | None,
    *,
    tiers: Collection[Tier],
    limits: RowFilter,
    as_of: float | None,
    selected: Collection[int],
) -> FactView:
    """Read the facts that bear on a question: statements by how well they match, best first.

    At most ``plan.k`` of them. A superseded fact stands behind its successor where the question is
    about the past, and is left out where it is not.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        plan: What the question asks for.
        vector: Its vector, or ``None`` to go by words.
        tiers: ``ltm`` for facts, ``mtm`` for summaries of episodes whose turns are archived.
        limits: What may come back: a statement must rest on a turn within them.
        as_of: Only what was known by then, in seconds since 1970.
        selected: Rows of the selected turns.
    """
    known, vectors = entries(connection, user, tiers, as_of)
    if not known:
        return FactView()
    similarities = np.zeros(len(known), np.float32)
    shares = _shares(plan.queries[0], known)
    evidence: NDArray[np.float32] = shares
    if vector is not None and vectors.shape[1] == len(vector):
        similarities = vectors @ vector
        evidence = (similarities + shares) / np.float32(2)
    scores = z_scores(similarities) + z_scores(shares) + _named(plan, known)
    count = min(plan.k, _MOST)
    best = np.lexsort((np.arange(len(known)), -scores))[: count * _LOOKED_AT]
    place = {(known[i].tier, known[i].row): i for i in best.tolist()}

    def within(statement: Statement) -> bool:
        return limits.allowed is None or bool(np.isin(statement.turns, limits.allowed).any())

    def excluded(statement: Statement) -> bool:
        return bool(np.isin(statement.turns, limits.excluded).all())

    found = []
    for statement in read_statements(connection, user, list(place), as_of):
        if within(statement) and not excluded(statement):
            i = place[statement.tier, statement.row]
            found.append(Match(statement, float(similarities[i]), float(evidence[i])))

    def successor(statement: Statement) -> Statement | None:
        if statement.successor is None:
            return None
        newer = read_statements(connection, user, [("ltm", statement.successor)], as_of)
        return newer[0] if newer and within(newer[0]) else None

    current = _newest_first(found, successor, past=about_the_past(plan))
    # A successor may be excluded, as known to the reader: then neither comes back.
    matches = [match for match in current if not excluded(match.statement)][:count]
    if not matches:
        return FactView()
    return FactView(matches, nearest_facts(matches), outdated(connection, user, selected, as_of))


def about_the_past(plan: Plan) -> bool:
    """True for a question that asks for what was: by its words, or by the time that it names."""
    return plan.until is not None or plan.time in ("past", "change")


def nearest_facts(matches: Sequence[Match]) -> dict[int, Match]:
    """The closest current fact that each turn proves, by row of the turn."""
    nearest: dict[int, Match] = {}
    for match in matches:
        if match.statement.tier != "ltm" or match.similarity < CLOSE:
            continue
        for row in match.statement.turns:
            if row not in nearest or nearest[row].similarity < match.similarity:
                nearest[row] = match
    return nearest


def _newest_first(
    found: Sequence[Match], successor: Callable[[Statement], Statement | None], *, past: bool
) -> list[Match]:
    placed: dict[tuple[str, int], Match] = {}
    for match in found:
        newest = match
        for _ in range(_LONGEST_CHAIN):
            newer = successor(newest.statement)
            if newer is None:
                break
            newest = replace(match, statement=newer)
        # Of the older ones only the one that matched, and only if the past is asked for.
        for kept in (newest, *((match,) if past else ())):
            placed.setdefault((kept.statement.tier, kept.statement.row), kept)
    return list(placed.values())


def _shares(question: str, known: Sequence[Entry]) -> NDArray[np.float32]:
    """Share of the question's terms that each statement holds, by idf over these statements."""
    wanted = set(terms(question))
    held = [wanted.intersection(entry.terms.split()) for entry in known]
    counts = Counter(word for words in held for word in words)
    idf = {word: inverse_frequency(counts[word], len(known)) for word in wanted}
    total = sum(idf.values()) or 1.0
    return np.array([sum(idf[word] for word in words) / total for words in held], np.float32)


def _named(plan: Plan, known: Sequence[Entry]) -> NDArray[np.float32]:
    names = {speaker.casefold() for speaker in plan.speakers}
    return np.array([_NAMED * (entry.subject.casefold() in names) for entry in known], np.float32)
