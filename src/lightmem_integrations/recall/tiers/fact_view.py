"""What facts have to say on one question: statements, their versions, and the turns behind them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.candidates import FactKey
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.statements import Outdated, Statement
from lightmem_integrations.text.date_terms import is_of_date
from lightmem_integrations.text.terms import hashed

CLOSE = 0.5
"""Cosine similarity from which a statement may be what was asked for; a guess."""
ALMOST = 0.8
"""Cosine similarity from which a statement is all but the answer; a guess."""

WISHES = frozenset({"instruction", "preference"})
"""Kinds of facts that tell how something is to be done."""

_MOST_WISHES = 5  # that precede what else is known; a guess
_MOST_DEVIATIONS = 3.0  # that a fact adds: of few, the best is far off the mean; a guess
_MOST = 10  # statements that are hits, or whose turns are candidates; a guess


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that may answer the question.

    Attributes:
        statement: What is known.
        similarity: Cosine similarity to the question; 0 without vectors. Of versions, the best
            one's.
        evidence: Mean of the similarity, if it is known, and the share of the question's words
            that the statement holds, from 0 to 1. Of versions, the best one's.
        instead: The version that took its place.
        vector: Of this statement, as `FactKey` has it.
    """

    statement: Statement
    similarity: float
    evidence: float
    instead: Statement | None = None
    vector: Vectors | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Versions:
    """Statements that took each other's place; most have but one.

    Attributes:
        matches: The statements, the one that stands last.
        deviation: How well the best of them matches, in standard deviations above the mean.
    """

    matches: Sequence[Match]
    deviation: float

    def in_order(self, plan: Plan) -> Sequence[Match]:
        """The statements in the order that the question asks for.

        What stands comes first, for the past what was overtaken. What held in a time that is asked
        for comes before what did not.
        """
        if plan.time in ("past", "change"):
            return self.matches
        newest_first = self.matches[::-1]
        return sorted(newest_first, key=lambda match: not _held_in(match, plan))


@dataclass(frozen=True, slots=True)
class FactView:
    """All that facts have to say on one question.

    Attributes:
        versions: Statements that match the question, best first.
        events: All facts of the kind of event that is asked for, oldest first.
        events_of: Whose, and of which kind they are.
        many: Whether there are so many facts that they tell which turns answer.
        outdated: Of the turns that are shown, those whose fact does not hold any more, by row.
    """

    versions: Sequence[Versions] = ()
    events: Sequence[Match] = ()
    events_of: str = ""
    many: bool = False
    outdated: Mapping[int, Outdated] = field(default_factory=dict)

    def matches(self, plan: Plan) -> list[Match]:
        """Statements as hits, best first: what was overtaken only where the past is asked for."""
        past = about_the_past(plan)
        ordered = (each.in_order(plan) if past else each.matches[-1:] for each in self.versions)
        return list(itertools.chain.from_iterable(ordered))[: min(plan.k, _MOST)]

    def known(self, plan: Plan) -> list[Match]:
        """Facts in the order in which they are shown; for a request, wishes first."""
        wishes = [each for each in self.versions if each.matches[-1].statement.kind in WISHES]
        first = wishes[:_MOST_WISHES] if plan.purpose == "request" else []
        others = [each for each in self.versions if each not in first]
        ordered = (each.in_order(plan) for each in (*first, *others))
        return [each for each in itertools.chain.from_iterable(ordered) if _is_fact(each)]

    def keys(self) -> dict[int, list[FactKey]]:
        """The facts that turns prove, as keys of these turns.

        Where there are few facts only what has changed is one: else they raise those turns that
        happen to have one.
        """
        found: dict[int, list[FactKey]] = {}
        for each in self.versions:
            deviation = min(max(each.deviation, 0.0), _MOST_DEVIATIONS)
            if self.many or len(each.matches) > 1:
                for match in filter(_is_fact, each.matches):
                    said = match.statement
                    terms = hashed(term for term in said.terms.split() if not is_of_date(term))
                    key = FactKey(match.vector, terms, said.tokens or b"", deviation)
                    for row in said.turns:
                        found.setdefault(row, []).append(key)
        return found

    def cited(self) -> list[int]:
        """Rows of the turns that prove the best facts."""
        best = [match for each in self.versions[:_MOST] for match in each.matches]
        return [row for match in filter(_is_fact, best) for row in match.statement.turns]

    def proof(self) -> set[int]:
        """Rows of the turns that prove the statements."""
        statements = (match.statement for each in self.versions for match in each.matches)
        return {row for said in statements if said.tier == "ltm" for row in said.turns}

    def proven(self, plan: Plan) -> dict[int, Match]:
        """The closest fact that each turn proves, by row of the turn."""
        past = about_the_past(plan)
        nearest: dict[int, Match] = {}
        for each in self.versions:
            for match in each.matches if past else each.matches[-1:]:
                if _is_fact(match) and match.similarity >= CLOSE:
                    for row in match.statement.turns:
                        if row not in nearest or nearest[row].similarity < match.similarity:
                            nearest[row] = match
        return nearest

    def bears(self, row: int, fact: int) -> bool:
        """Whether of what a turn proves nothing bears more on the question than this fact."""
        for each in self.versions:
            if any(row in match.statement.turns for match in each.matches):
                return any(
                    _is_fact(match) and match.statement.row == fact for match in each.matches
                )
        return False


def about_the_past(plan: Plan) -> bool:
    """True for a question that asks for what was: by its words, or by the time that it names."""
    return plan.until is not None or plan.time in ("past", "change")


def asks_for_old(plan: Plan, until: float) -> bool:
    """Whether a question asks for what held until then, and not for what holds since."""
    in_window = plan.until is not None and plan.until.timestamp() <= until
    return in_window or plan.time in ("past", "change")


def _is_fact(match: Match) -> bool:
    return match.statement.tier == "ltm"


def _held_in(match: Match, plan: Plan) -> bool:
    """Whether it held at some time of the window that is asked for, if there is one."""
    said, (since, until) = match.statement, (plan.since, plan.until)
    return (until is None or said.since < until.timestamp()) and (
        since is None or said.until is None or said.until > since.timestamp()
    )
