"""The passes over a contender: add all turns, time it, take its rankings, see what it shows."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparison.contenders import Contender
from comparison.curves import (
    BUDGETS,
    FEW,
    Point,
    Sight,
    point,
)
from lightmem_integrations import Settings
from lightmem_integrations.evaluation.conversations import Conversation, Question
from lightmem_integrations.evaluation.filled_store import storable
from lightmem_integrations.evaluation.metrics import DEPTH, Ranking, distinct
from lightmem_integrations.evaluation.peers import Writable
from lightmem_integrations.evaluation.run import WARM_UP, Tell, count_questions
from lightmem_integrations.evaluation.shown import Shown, as_many, filled
from lightmem_integrations.evaluation.stages import Retriever
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.conversation import Turn


def add(
    name: str, contender: Writable, conversations: Sequence[Conversation], tell: Tell
) -> tuple[float, list[float]]:
    """Milliseconds per turn until all is found, and of each call."""
    total = sum(len(each.turns) for each in conversations)
    longest = Settings().max_turn_chars
    calls: list[float] = []
    for conversation in conversations:
        for session in conversation.sessions:
            for turn in storable(session.turns, longest):
                start = time.perf_counter()
                contender.add(conversation.user_id, session.session_id, turn)
                calls.append(_milliseconds_since(start))
                tell(f"{name}: adding turns", len(calls), total)
    start = time.perf_counter()
    contender.finish()
    return (sum(calls) + _milliseconds_since(start)) / total, calls


def timed(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    count_tokens: TokenCounter,
    tell: Tell,
) -> tuple[list[int], list[float]]:
    """Tokens and milliseconds of each question's context."""
    for conversation in conversations:
        _context(contender, conversation.user_id, WARM_UP)
    total = count_questions(conversations)
    tokens: list[int] = []
    times: list[float] = []
    for conversation in conversations:
        for question in conversation.questions:
            start = time.perf_counter()
            context = _context(contender, conversation.user_id, question.text, question.until)
            times.append(_milliseconds_since(start))
            tokens.append(count_tokens(context) if isinstance(context, str) else context.tokens)
            tell(f"{name}: timing queries", len(times), total)
    return tokens, times


def _context(
    contender: Contender, user_id: str, question: str, until: dt.datetime | None = None
) -> str | Shown:
    if isinstance(contender, Retriever):
        return contender.packed(user_id, question, until=until)
    return contender.context(user_id, question)


def rank_all(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    tell: Tell = lambda *_: None,
) -> list[Ranking]:
    """The contender's ranking for every question; it holds the turns already."""
    total = count_questions(conversations)
    rankings: list[Ranking] = []
    for conversation in conversations:
        for question in conversation.questions:
            ranked = ranked_before(contender, conversation, question, DEPTH)
            rankings.append(
                Ranking(conversation.user_id, question.category, question.evidence, ranked[:DEPTH])
            )
            tell(f"{name}: ranking turns", len(rankings), total)
    return rankings


def ranked_before(
    contender: Contender, conversation: Conversation, question: Question, k: int
) -> tuple[str, ...]:
    """Ids of the first k turns of those that were said before the question was asked."""
    user_id, until = conversation.user_id, question.until
    if until is None:
        return distinct(contender.rank(user_id, question.text, k))
    if isinstance(contender, Retriever):
        return distinct(contender.rank(user_id, question.text, k, until))
    # A baseline has no such limit: it ranks all turns, and the later ones are taken out.
    earlier = {turn.id for turn in conversation.turns if turn.time < until}
    ranked = distinct(contender.rank(user_id, question.text, len(conversation.turns)))
    return tuple(each for each in ranked if each in earlier)[:k]


@dataclass(frozen=True, slots=True)
class Curve:
    """Evidence shown at every budget, with the questions behind each point."""

    points: tuple[Point, ...]
    sights: Mapping[tuple[int, str], Sequence[Sight]]


def curve(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    count_tokens: TokenCounter,
    tell: Tell,
) -> Curve:
    """Measure the evidence shown at every budget, with few and with many results."""
    total = count_questions(conversations)
    wanted = [
        (budget, k, limited_by)
        for limited_by in ("k", "tokens")
        for budget in BUDGETS
        for k in [FEW if limited_by == "k" else _most(contender, budget)]
    ]
    sights: dict[tuple[int, str], list[Sight]] = {(each[0], each[2]): [] for each in wanted}
    done = 0
    for conversation in conversations:
        turns = {str(turn.id): turn for turn in conversation.turns}
        for question in conversation.questions:
            ranked = _ranked(contender, conversation, question, turns)
            for budget, k, limited_by in wanted:
                if isinstance(contender, Retriever):
                    shown = contender.packed(
                        conversation.user_id,
                        question.text,
                        k=k,
                        max_tokens=budget,
                        count_tokens=count_tokens,
                        until=question.until,
                    )
                else:
                    shown = filled(ranked[:k], budget, count_tokens)
                sights[budget, limited_by].append(
                    _sight(question.category, question.evidence, shown)
                )
            done += 1
            tell(f"{name}: packing contexts", done, total)
    points = tuple(
        point(budget, k, limited_by, sights[budget, limited_by]) for budget, k, limited_by in wanted
    )
    return Curve(points, sights)


def _most(contender: Contender, budget: int) -> int:
    # A row with a model that re-ranks names the most that it is asked for.
    return min(as_many(budget), getattr(contender, "most", as_many(budget)))


def _ranked(
    contender: Contender,
    conversation: Conversation,
    question: Question,
    turns: Mapping[str, Turn],
) -> list[Turn]:
    """As many turns as the largest budget may hold; none where the contender packs by itself."""
    if isinstance(contender, Retriever):
        return []
    found = ranked_before(contender, conversation, question, as_many(max(BUDGETS)))
    return [turns[turn_id] for turn_id in found]


def _sight(category: str, evidence: frozenset[str], shown: Shown) -> Sight:
    return Sight(category, evidence, shown.turn_ids, shown.tokens)


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1_000
