"""Pending turns of an agent: for each question, its recall and the record of it, under way.

One entry for each question, so that it is looked up once, however often the model is called.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from lightmem_integrations.langchain.background import BackgroundMemory, Question
from lightmem_integrations.langchain.messages import (
    last_exchange,
    last_question,
    text_of,
    to_turn,
)
from lightmem_integrations.langchain.scope import Scope
from lightmem_integrations.langchain.wait_budget import WaitBudget
from lightmem_integrations.records.conversation import Recall, Turn

_KEPT_QUESTIONS = 256  # a guess: far more than one process answers at a time


@dataclass(slots=True)
class PendingTurn:
    """One question: its recall and the record of it, both under way."""

    budget: WaitBudget
    scope: Scope
    turns: list[Turn]
    recall: Future[Recall]
    record: Future[None] | None = None
    told_late: bool = False


class PendingTurns:
    """The questions of an agent that are being answered.

    Args:
        memory: The memory, in its threads.
        seconds: How long memory may hold up one answer.
    """

    def __init__(self, memory: BackgroundMemory, *, seconds: float) -> None:
        self._memory = memory
        self._seconds = seconds
        self._by_question: dict[tuple[Scope, str, str], PendingTurn] = {}
        self._lock = threading.Lock()

    def start(
        self, messages: Sequence[BaseMessage], kept: Question | None, scope: Scope
    ) -> PendingTurn | None:
        """The last question's entry; starts its recall if that is not under way yet."""
        question = asked(messages, kept)
        if question is None:
            return None
        key = (scope, question["id"], question["text"])
        with self._lock:
            pending = self._by_question.get(key)
            if pending is None:
                pending = self._by_question[key] = PendingTurn(
                    WaitBudget(self._seconds),
                    scope,
                    _turns(messages, question, with_answer=False),
                    self._memory.recall(question, scope, messages),
                )
                while len(self._by_question) > _KEPT_QUESTIONS:  # runs that never came to an end
                    del self._by_question[next(iter(self._by_question))]
        return pending

    def recorded(self, pending: PendingTurn) -> Future[None]:
        """The record of the question; starts it, once."""
        # Not before the recall is over: indexing the new turn would compete with it.
        if pending.record is None:
            pending.record = self._memory.record(pending.turns, pending.scope)
        return pending.record

    def finish(
        self, messages: Sequence[BaseMessage], kept: Question | None, scope: Scope
    ) -> tuple[WaitBudget, Future[None]] | None:
        """Start to record the exchange, drop its entry; returns the time left and the record."""
        question = asked(messages, kept)
        if question is None:
            return None
        turns = _turns(messages, question, with_answer=True)
        with self._lock:
            pending = self._by_question.pop((scope, question["id"], question["text"]), None)
        budget = WaitBudget(self._seconds) if pending is None else pending.budget
        return budget, self._memory.record(turns, scope)

    def context(self, pending: PendingTurn) -> str:
        """The text of the recall, if it came in time; else empty."""
        self._memory.check(self.recorded(pending))
        if pending.told_late and not pending.recall.done():
            return ""
        text = self._memory.text(pending.recall, self._seconds)
        pending.told_late = not pending.recall.done()
        return text

    def check(self, record: Future[None]) -> None:
        """Raise the error of a record, if errors are to be raised."""
        self._memory.check(record)


def asked(messages: Sequence[BaseMessage], kept: Question | None) -> Question | None:
    """The last question: as in the messages, or as kept if it is no longer among them."""
    question = last_question(messages)
    return kept if question is None else Question(id=question.id or "", text=text_of(question))


def _turns(messages: Sequence[BaseMessage], question: Question, *, with_answer: bool) -> list[Turn]:
    said, answer = last_exchange(messages)
    turns = [to_turn(each) for each in said]
    if not turns:
        turns = [Turn(role="user", text=question["text"], id=question["id"] or None)]
    if with_answer and answer is not None:
        turns.append(to_turn(answer))
    return turns
