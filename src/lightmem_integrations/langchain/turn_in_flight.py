"""What is under way for the questions of an agent: looking up what is known, then writing it down.

One entry for each question, so that it is looked up once, however often the model is called.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from lightmem_integrations.langchain.background import BackgroundMemory, Question, Scope
from lightmem_integrations.langchain.deadline import Deadline
from lightmem_integrations.langchain.messages import (
    last_exchange,
    last_question,
    text_of,
    to_turn,
)
from lightmem_integrations.records.conversation import Recall, Turn

_KEPT_QUESTIONS = 256


@dataclass(slots=True)
class PendingTurn:
    """What is under way for one question."""

    patience: Deadline
    scope: Scope
    turns: list[Turn]
    recall: Future[Recall]
    record: Future[None] | None = None
    told_late: bool = False


class PendingTurns:
    """All questions of an agent that are being answered.

    Args:
        memory: The memory, in its threads.
        seconds: How long memory may hold up one answer.
    """

    def __init__(self, memory: BackgroundMemory, *, seconds: float) -> None:
        self._memory = memory
        self._seconds = seconds
        self._under_way: dict[tuple[Scope, str, str], PendingTurn] = {}
        self._lock = threading.Lock()

    def start(
        self, messages: Sequence[BaseMessage], kept: Question | None, scope: Scope
    ) -> PendingTurn | None:
        """The entry of what was asked last; looks it up if that is not under way yet."""
        question = asked(messages, kept)
        if question is None:
            return None
        key = (scope, question["id"], question["text"])
        with self._lock:
            remembering = self._under_way.get(key)
            if remembering is None:
                remembering = self._under_way[key] = PendingTurn(
                    Deadline(self._seconds),
                    scope,
                    _turns(messages, question, with_answer=False),
                    self._memory.recall(question, scope, messages),
                )
                while len(self._under_way) > _KEPT_QUESTIONS:  # runs that never came to an end
                    del self._under_way[next(iter(self._under_way))]
        return remembering

    def recorded(self, remembering: PendingTurn) -> Future[None]:
        """Writes the question down, once."""
        # Not before the recall is over: indexing the new turn would compete with it.
        if remembering.record is None:
            remembering.record = self._memory.record(remembering.turns, remembering.scope)
        return remembering.record

    def finish(
        self, messages: Sequence[BaseMessage], kept: Question | None, scope: Scope
    ) -> tuple[Deadline, Future[None]] | None:
        """Writes down the exchange, and forgets the entry; says how long to wait for that."""
        question = asked(messages, kept)
        if question is None:
            return None
        turns = _turns(messages, question, with_answer=True)
        with self._lock:
            remembering = self._under_way.pop((scope, question["id"], question["text"]), None)
        patience = Deadline(self._seconds) if remembering is None else remembering.patience
        return patience, self._memory.record(turns, scope)

    def context(self, remembering: PendingTurn) -> str:
        """What was found in time; empty if nothing was."""
        self._memory.check(self.recorded(remembering))
        if remembering.told_late and not remembering.recall.done():
            return ""
        text = self._memory.text(remembering.recall, self._seconds)
        remembering.told_late = not remembering.recall.done()
        return text

    def check(self, record: Future[None]) -> None:
        """Raises what recording raised, if that is to be raised."""
        self._memory.check(record)


def asked(messages: Sequence[BaseMessage], kept: Question | None) -> Question | None:
    """What was asked last: as the messages have it, or as kept if it is no longer among them."""
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
