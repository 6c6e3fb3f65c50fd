"""Pending turns of an agent: for each question, its recall and the record of it, under way.

One entry for each question, so that it is looked up once, however often the model is called. What
is looked up and recorded is what the model is sent: other middlewares may have taken out of it
what nobody is to keep.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from typing_extensions import NotRequired

from lightmem_integrations.langchain.asker import Asker
from lightmem_integrations.langchain.background import BackgroundMemory
from lightmem_integrations.langchain.messages import (
    AskedQuestion,
    ids_of,
    is_answer,
    is_from_person,
    last_exchange,
    to_turn,
    unredacted,
    with_id,
    words_of,
)
from lightmem_integrations.langchain.scope import Scope, history_of, is_from_model
from lightmem_integrations.langchain.wait_budget import WaitBudget
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.profile import Profile

_KEPT_QUESTIONS = 256  # a guess: far more than one process answers at a time


class AskedState(AgentState[Any]):
    """The agent's state, whose question is being answered, and where it begins."""

    lightmem_asker: NotRequired[Annotated[Asker, PrivateStateAttr]]
    lightmem_before: NotRequired[Annotated[str | None, PrivateStateAttr]]


def asked(state: AgentState[Any]) -> AskedState:
    """The state of an agent that has the middleware, whose type names that of every agent.

    To a type checker, a middleware whose type names another stands beside none of LangChain's.
    """
    return cast("AskedState", state)


@dataclass(slots=True)
class PendingTurn:
    """One question: its recall and the record of it, both under way."""

    key: tuple[Scope, str]
    budget: WaitBudget
    asked: str
    message: BaseMessage | None
    turns: list[Turn]
    recall: Future[str]
    profile: Future[Profile] | None
    from_model: bool
    branch: Branch
    record: Future[None] | None = None
    told_late: bool = False
    answered: bool = False


class PendingTurns:
    """The questions of an agent that are being answered.

    Args:
        memory: The memory, in its threads.
        recall_answers: ``False`` keeps the model's replies out of recall.
        profile: Whether a question's user is shown to the model by their profile.
    """

    def __init__(
        self, memory: BackgroundMemory, *, recall_answers: bool, profile: bool = False
    ) -> None:
        self._memory = memory
        self._profile = profile
        self._recall_answers = recall_answers
        self._by_question: dict[tuple[Scope, str], PendingTurn] = {}
        self._begun: dict[tuple[str, str | None], frozenset[str]] = {}
        self._lock = threading.Lock()

    def begin(self, messages: Sequence[BaseMessage], scope: Scope) -> None:
        """Keep in mind what a thread holds as a run begins, before anything is trimmed."""
        said = last_exchange(messages)[0]
        with self._lock:
            self._begun[scope.session_id, said[-1].id if said else None] = ids_of(messages)
            _keep_latest(self._begun)

    def __repr__(self) -> str:
        return repr(self._memory)

    def __reduce__(self) -> tuple[Any, ...]:
        made = functools.partial(
            type(self), recall_answers=self._recall_answers, profile=self._profile
        )
        return made, (self._memory,)

    def start(
        self,
        messages: Sequence[BaseMessage],
        scope: Scope,
        config: RunnableConfig,
        *,
        before: str | None,
        kept: Sequence[BaseMessage],
    ) -> PendingTurn | None:
        """The last question's entry; starts its recall if that is not under way yet.

        Args:
            messages: What the model is sent.
            scope: Whose memory, and which session.
            config: Of the run. Where another model asks, nothing is recorded.
            before: Behind which message the words of this run begin, if a person said it too.
            kept: What the agent's state holds.
        """
        said = last_exchange(messages)[0]
        places = {id(message): place for place, message in enumerate(messages)}
        ids = [with_id(message, places[id(message)]).id for message in said]
        said = said[ids.index(before) + 1 :] if before in ids else said
        from_model = is_from_model(config)
        if not said and not _is_summarized(messages):
            return None
        with self._lock:
            pending = self._found(said, scope, from_model)
            if pending is None or (said and pending.asked != words_of(said[-1])):
                branch = self._branch(messages, said, scope, config, kept)
                pending = self._started(messages, said, scope, from_model, branch)
                self._by_question[_key(said, scope)] = pending
                _keep_latest(self._by_question)
        return pending

    def recorded(self, pending: PendingTurn) -> Future[None]:
        """The record of the question; starts it, once."""
        # Not before the recall is over: indexing the new turn would compete with it.
        if pending.record is None:
            pending.record = self._memory.record(pending.turns, pending.key[0], pending.branch)
        return pending.record

    def answered(self, pending: PendingTurn, result: Sequence[BaseMessage]) -> None:
        """Keep in mind whether this call of the model gave the answer.

        A message without an id is a notice of another middleware in place of an answer: that the
        model failed, or was not asked.
        """
        pending.answered = any(is_answer(each) and bool(each.id) for each in result)

    def finish(
        self, messages: Sequence[BaseMessage], scope: Scope, config: RunnableConfig
    ) -> tuple[WaitBudget, Future[None]] | None:
        """Start to record the exchange, drop its entry; returns the time left and the record.

        A run in which the model was sent nothing has no entry, and nothing is recorded.
        """
        from_model = is_from_model(config)
        said, answer = last_exchange(messages)
        with self._lock:
            pending = self._found(said, scope, from_model)
            if pending is None:
                return None
            del self._by_question[pending.key]
        turns = list(pending.turns)
        if answer is not None and pending.answered and not from_model:
            settings = self._memory.settings
            turns.append(to_turn(answer, settings, recall_answers=self._recall_answers))
        # What was said in this session meanwhile, by another run, is not replaced by this one: what
        # is, was superseded when the question was recorded.
        branch = replace(pending.branch, turn_ids=None)
        return pending.budget, self._memory.record(turns, scope, branch)

    def context(self, pending: PendingTurn) -> str:
        """The text of the recall, if it came in time; else empty."""
        self._memory.check(self.recorded(pending))
        if pending.told_late and not pending.recall.done():
            return ""
        text = self._memory.text(pending.recall)
        pending.told_late = not pending.recall.done()
        return text

    def profile(self, pending: PendingTurn) -> Profile | None:
        """The profile of who asks, if it is wanted and came in time."""
        call = pending.profile
        if call is None:
            return None
        self._memory.check(call)
        failed = not call.done() or call.cancelled() or call.exception() is not None
        return None if failed else call.result()

    def check(self, record: Future[None]) -> None:
        """Raise the error of a record, if errors are to be raised."""
        self._memory.check(record)

    def _started(
        self,
        messages: Sequence[BaseMessage],
        said: Sequence[BaseMessage],
        scope: Scope,
        from_model: bool,  # noqa: FBT001
        branch: Branch,
    ) -> PendingTurn:
        now = scope.now(self._memory.settings)
        places = {id(message): place for place, message in enumerate(messages)}
        turns = [
            replace(to_turn(with_id(message, places[id(message)]), self._memory.settings), time=now)
            for message in said
        ]
        question = AskedQuestion(turns[-1].id or "", words_of(said[-1])) if said else None
        followed = None if from_model else branch
        return PendingTurn(
            key=_key(said, scope),
            budget=WaitBudget(self._memory.seconds),
            asked="" if question is None else question.text,
            message=said[-1] if said else None,
            turns=[] if from_model else turns,
            recall=self._memory.recall(question, scope, messages, followed),
            profile=self._memory.profile(scope, followed) if self._profile else None,
            from_model=from_model,
            branch=branch,
        )

    def _branch(
        self,
        messages: Sequence[BaseMessage],
        said: Sequence[BaseMessage],
        scope: Scope,
        config: RunnableConfig,
        kept: Sequence[BaseMessage],
    ) -> Branch:
        """The branch that goes on, with what the thread held before anything was trimmed."""
        history = history_of(config, self._memory.agent_id)
        begun = self._begun.pop((scope.session_id, said[-1].id if said else None), frozenset())
        asks = bool(said) and messages[-1] is said[-1]
        if not asks and any(key[0] == scope for key in self._by_question):
            # Of a run under way, the middle was trimmed away, and its question with it.
            return Branch(history=history, turn_ids=None)
        turns = unredacted(
            messages, kept, self._memory.settings, recall_answers=self._recall_answers
        )
        ids = begun | ids_of(messages) | ids_of(kept)
        return Branch(history=history, turn_ids=ids, turns=turns)

    def _found(
        self,
        said: Sequence[BaseMessage],
        scope: Scope,
        from_model: bool,  # noqa: FBT001
    ) -> PendingTurn | None:
        if said:
            found = self._by_question.get(_key(said, scope))
            if found is None:  # a message may be given its id while it is being answered
                before = self._by_question.get((scope, words_of(said[-1])))
                found = before if before and before.message is said[-1] else None
            return found
        # A summary took the place of the question: it is what this session is about now.
        for pending in reversed(self._by_question.values()):
            if pending.key[0] == scope and pending.from_model == from_model:
                return pending
        return None


def _keep_latest(entries: dict[Any, Any]) -> None:
    """Let go of the entries of runs that never came to an end."""
    while len(entries) > _KEPT_QUESTIONS:
        del entries[next(iter(entries))]


def _key(said: Sequence[BaseMessage], scope: Scope) -> tuple[Scope, str]:
    """The scope and the question's own id; where it has none, its words."""
    return scope, (said[-1].id or words_of(said[-1])) if said else ""


def _is_summarized(messages: Sequence[BaseMessage]) -> bool:
    """True if no person's message is left, but what another middleware made of them."""
    return any(isinstance(each, HumanMessage) for each in messages) and not any(
        is_from_person(each) for each in messages
    )
