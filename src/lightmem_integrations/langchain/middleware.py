"""Long-term memory for agents that are made with ``langchain.agents.create_agent``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any, cast

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
)
from langchain_core.messages import AnyMessage, BaseMessage
from langchain_core.runnables.config import ensure_config
from langgraph.runtime import Runtime
from typing_extensions import NotRequired

from lightmem_integrations.errors import InvalidRequestError, ScopeError
from lightmem_integrations.langchain.background import BackgroundMemory, Question, Scope
from lightmem_integrations.langchain.messages import (
    last_exchange,
    last_question,
    text_of,
    to_turn,
    with_context,
)
from lightmem_integrations.langchain.patience import Patience
from lightmem_integrations.langchain.scope import find_session, find_user
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.records import Recall, Turn
from lightmem_integrations.safety import check_scope_id, check_user_id

try:  # from langchain 1.4 on
    from langgraph.types import TracePolicy, omit_payload
except ImportError:  # pragma: no cover
    _TRACE_POLICY = None
else:
    _TRACE_POLICY = TracePolicy(process_inputs=omit_payload, process_outputs=omit_payload)

logger = logging.getLogger(__name__)

_KEPT_QUESTIONS = 256
_RECORD_SECONDS = 0.05  # more than a healthy store needs, granted even if the recall was slow


class RememberingState(AgentState[Any]):
    """The agent's state, and in it the question: no input and no output, but checkpointed.

    A summary may replace the message before the run is over, and a run may be taken up again by
    another process.
    """

    lightmem_question: NotRequired[Annotated[Question | None, PrivateStateAttr]]


@dataclass(slots=True)
class Remembering:
    """What is under way for one question: looking up what is known, then writing it down."""

    patience: Patience
    scope: Scope
    turns: list[Turn]
    recall: Future[Recall]
    record: Future[None] | None = None
    told_late: bool = False


class LightMemMiddleware(AgentMiddleware[RememberingState, Any, Any]):
    """Gives an agent a memory that outlives its threads.

    Before the model is called, what the user's memory knows about the last message is put in
    front of it: only in what the model is sent, never in the agent's state, its checkpoints or
    its output. It is looked up once for each message, however often the agent calls tools, is
    interrupted and resumed. The message itself is recorded before the model is called, so it is
    not lost if the model then fails; the answer is recorded when the agent is done. Tool calls
    and their results are not recorded, nor is a structured response that is given as a tool call.

    The user is ``user_id``, or the ``user_id`` of the run's context, or of its configuration
    (``{"configurable": {"user_id": ...}}``), or whom LangGraph's server authenticated. If none
    of them names one, the run raises ``ScopeError``: there is no default user. The session is
    the run's ``thread_id``, or ``session_id``, or ``default``. (On Python 3.10, asynchronous runs
    do not see their configuration: name the user in the context there.)

    A memory that fails or is slow does not fail the turn: the agent answers without it, and a
    warning is logged. What was to be recorded is recorded as soon as the store lets it.

    Args:
        memory: The memory. Its models are loaded now, or, on an event loop, in the background.
        user_id: Whose memory, if this agent serves one user only.
        session_id: The session of runs that have no ``thread_id``.
        agent_id: Which agent this is, for the record.
        k: How many memories a recall returns. ``None``: as the memory's settings say.
        max_tokens: Size of what is put into the prompt, in tokens. ``None``: as the settings say.
        recall_seconds: How long memory may hold up one answer, in seconds, all in all.
        name: Name of this middleware; needed only if an agent has two of them.
        strict: Raise what the memory raises. Even so, being slow is no error.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
        InvalidRequestError: ``k``, ``max_tokens`` or ``recall_seconds`` is out of its range.
    """

    state_schema = RememberingState
    trace_policy = _TRACE_POLICY

    def __init__(
        self,
        memory: LightMem,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        agent_id: str | None = None,
        k: int | None = None,
        max_tokens: int | None = None,
        recall_seconds: float = 1.0,
        name: str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.tools = []
        for what, value in (
            ("k", k),
            ("max_tokens", max_tokens),
            ("recall_seconds", recall_seconds),
        ):
            if value is not None and not value > 0:
                raise InvalidRequestError(f"{what} is {value!r}; it must be more than 0.")
        self._memory = BackgroundMemory(
            memory, k=k, max_tokens=max_tokens, agent_id=agent_id, strict=strict
        )
        self._user_id = None if user_id is None else check_user_id(user_id)
        self._session_id = None if session_id is None else check_scope_id(session_id, "session_id")
        self._seconds = recall_seconds
        self._name = name
        self._strict = strict
        self._under_way: dict[tuple[Scope, str, str], Remembering] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of this middleware in the agent's graph."""
        return self._name or type(self).__name__

    def before_agent(self, state: RememberingState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Make sure that a user is named, and keep what was asked."""
        self._scope(runtime)
        question = _question(state["messages"], None)
        return None if question is None else {"lightmem_question": question}

    async def abefore_agent(
        self, state: RememberingState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Make sure that a user is named, and keep what was asked."""
        return self.before_agent(state, runtime)  # touches no store, so there is nothing to await

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model with what is remembered in front of the question."""
        remembering = self._start(request)
        if remembering is None:
            return handler(request)
        try:
            remembering.patience.wait(remembering.recall)
        finally:  # also if the run is cancelled meanwhile
            record = self._recorded(remembering)
        remembering.patience.wait(record)
        return handler(self._with_memory(request, remembering))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model with what is remembered in front of the question."""
        remembering = self._start(request)
        if remembering is None:
            return await handler(request)
        try:
            await remembering.patience.wait_async(remembering.recall)
        finally:  # also if the run is cancelled meanwhile
            record = self._recorded(remembering)
        await remembering.patience.wait_async(record)
        return await handler(self._with_memory(request, remembering))

    def after_agent(self, state: RememberingState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Record the question, if it is not recorded yet, and the answer."""
        if under_way := self._finish(state, runtime):
            patience, record = under_way
            patience.wait(record, at_least=_RECORD_SECONDS)
            self._check(record)
        return None

    async def aafter_agent(
        self, state: RememberingState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Record the question, if it is not recorded yet, and the answer."""
        if under_way := self._finish(state, runtime):
            patience, record = under_way
            await patience.wait_async(record, at_least=_RECORD_SECONDS)
            self._check(record)
        return None

    def _scope(self, runtime: Runtime[Any]) -> Scope:
        config = ensure_config()  # of the run that calls this hook
        return Scope(
            find_user(self._user_id, runtime=runtime, config=config),
            find_session(self._session_id, runtime=runtime, config=config),
        )

    def _start(self, request: ModelRequest[Any]) -> Remembering | None:
        question = _question(request.messages, _kept(request.state))
        if question is None:
            return None
        scope = self._scope(request.runtime)
        key = (scope, question["id"], question["text"])
        with self._lock:
            remembering = self._under_way.get(key)
            if remembering is None:
                remembering = self._under_way[key] = Remembering(
                    Patience(self._seconds),
                    scope,
                    _turns(request.messages, question, with_answer=False),
                    self._memory.recall(question, scope, request.messages),
                )
                while len(self._under_way) > _KEPT_QUESTIONS:  # runs that never came to an end
                    del self._under_way[next(iter(self._under_way))]
        return remembering

    def _recorded(self, remembering: Remembering) -> Future[None]:
        # Not before the recall is over: indexing the new turn would compete with it.
        if remembering.record is None:
            remembering.record = self._memory.record(remembering.turns, remembering.scope)
        return remembering.record

    def _finish(
        self, state: RememberingState, runtime: Runtime[Any]
    ) -> tuple[Patience, Future[None]] | None:
        question = _question(state["messages"], _kept(state))
        if question is None:
            return None
        scope = self._scope(runtime)
        turns = _turns(state["messages"], question, with_answer=True)
        with self._lock:
            remembering = self._under_way.pop((scope, question["id"], question["text"]), None)
        patience = Patience(self._seconds) if remembering is None else remembering.patience
        return patience, self._memory.record(turns, scope)

    def _with_memory(
        self, request: ModelRequest[Any], remembering: Remembering
    ) -> ModelRequest[Any]:
        self._check(self._recorded(remembering))
        self._check(remembering.recall)
        recall = remembering.recall
        if not recall.done():
            recall.cancel()  # takes it out of the queue, if no thread has come to it yet
            if not remembering.told_late:
                logger.warning("Recall took over %s s; going on without memory.", self._seconds)
            remembering.told_late = True
            return request
        if recall.cancelled() or recall.exception() is not None or not recall.result().text:
            return request
        messages = with_context(request.messages, recall.result().text)
        return request.override(messages=cast("list[AnyMessage]", messages))

    def _check(self, call: Future[Any]) -> None:
        if not call.done() or call.cancelled():
            return
        error = call.exception()
        if error is not None and (self._strict or isinstance(error, ScopeError)):
            raise error


def _kept(state: AgentState[Any]) -> Question | None:
    return cast("RememberingState", state).get("lightmem_question")


def _question(messages: Sequence[BaseMessage], kept: Question | None) -> Question | None:
    """What was asked last: as the messages have it, or as kept if it is no longer among them."""
    asked = last_question(messages)
    return kept if asked is None else Question(id=asked.id or "", text=text_of(asked))


def _turns(messages: Sequence[BaseMessage], question: Question, *, with_answer: bool) -> list[Turn]:
    asked, answer = last_exchange(messages)
    turns = [to_turn(each) for each in asked]
    if not turns:
        turns = [Turn(role="user", text=question["text"], id=question["id"] or None)]
    if with_answer and answer is not None:
        turns.append(to_turn(answer))
    return turns
