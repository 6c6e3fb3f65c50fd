"""Long-term memory for agents that are made with ``langchain.agents.create_agent``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain_core.messages import BaseMessage
from langchain_core.runnables.config import RunnableConfig, ensure_config
from langgraph.runtime import Runtime

from lightmem_integrations.display import described
from lightmem_integrations.errors import ScopeError
from lightmem_integrations.langchain.asker import (
    ASKER,
    BEFORE,
    ResumeNotice,
    asker_of,
    before_run,
    without_others,
)
from lightmem_integrations.langchain.background import RECALL_SECONDS, BackgroundMemory
from lightmem_integrations.langchain.injection import Injection, check_injection, reminding
from lightmem_integrations.langchain.pending_turns import (
    AskedState,
    PendingTurn,
    PendingTurns,
    asked,
)
from lightmem_integrations.langchain.scope import (
    RunFilter,
    RunLimits,
    RunMetadata,
    Scope,
    named_user,
    scope_of,
)
from lightmem_integrations.langchain.toolkit import LightMemToolkit
from lightmem_integrations.langchain.tracing import TRACE_POLICY
from lightmem_integrations.langchain.wait_budget import WaitBudget
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.safety import check_counts, check_scope_id, check_user_id

logger = logging.getLogger(__name__)

_RECORD_SECONDS = 0.05  # a guess: more than a healthy store needs, even if the recall was slow


class LightMemMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Gives an agent a memory that outlives its threads.

    Before the model is called, what the user's memory knows about the last message is put in
    front of it: only in what the model is sent, never in the agent's state, its checkpoints or
    its output. It is looked up once for each message, however often the agent calls tools, is
    interrupted and resumed. The message itself is recorded before the model is called, so it is
    not lost if the model then fails; the answer is recorded when the agent is done. Tool calls
    and their results are not recorded, nor is a structured response that is given as a tool call,
    nor what another middleware says in the model's place.

    What is recorded and looked up is what the model is sent, so that nothing is kept of what a
    middleware such as ``PIIMiddleware`` takes out, wherever it stands. One that does so in
    ``wrap_model_call`` has to stand before this one. A run in which the model is sent nothing
    records nothing. An answer that says only that nothing is known is not recalled.

    An agent that another one calls as a tool is asked by a model: it recalls, and records nothing.

    Memory follows the thread: turns that a fork, a regeneration or an edit replaced are superseded.
    Agents that share a thread, but not its messages, need an ``agent_id`` each. A run belongs to
    who asked: if another user resumes it, that user's memory is neither read nor written.

    The user is ``user_id``, or the ``user_id`` of the run's context, or of its configuration
    (``{"configurable": {"user_id": ...}}``), or whom LangGraph's server authenticated. If none
    of them names one, the run raises ``ScopeError``: there is no default user. The session is
    the run's ``thread_id``, or ``session_id``, or ``default``. (On Python 3.10, asynchronous runs
    do not see their configuration: name the user in the context there.)

    A memory that fails or is slow does not fail the turn: the agent answers without it, and a
    warning is logged. What was to be recorded is recorded as soon as the store lets it.

    Args:
        memory: The memory. Its models load in the background from its opening on.
        user_id: Whose memory, if this agent serves one user only.
        session_id: The session of runs that have no ``thread_id``.
        agent_id: Which agent this is, for the record.
        k: How many memories a recall returns. ``None``: as the memory's settings say.
        max_tokens: Size of what is put into the prompt, in tokens. ``None``: as the settings say.
        recall_seconds: How long memory may hold up one answer; while models load, words alone find.
        inject: Where the memory block stands: as a ``message`` of its own before the question,
            as the first part of the ``question``, for models that insist on human and AI messages
            taking turns, or as the last part of the ``system`` message. What comes before it stays
            the same, so that a provider caches it; with ``system``, not the conversation.
        profile: Put the user's profile behind the system prompt, where it stays the same until a
            fact or an instruction changes, and what lies ahead before what is recalled.
        recall_answers: ``False`` keeps the model's replies out of recall, in the history only.
        tools: Give the agent the tools of ``LightMemToolkit`` as well, under the same limits.
        name: Name of this middleware; needed only if an agent has two of them.
        strict: Raise what the memory raises. Even so, being slow is no error.
        space: The space whose memory it is, not the user's own; or a function of the run's context.
        spaces: Spaces to recall from besides, ``"all"`` that one may read, or such a function.
        filter: What recalled turns must meet, as in ``LightMem.recall``, or such a function.
        metadata: Metadata of what is recorded, besides a message's own, or such a function.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
        InvalidRequestError: Another argument is out of its range.
    """

    trace_policy = TRACE_POLICY
    state_schema = AskedState

    def __init__(
        self,
        memory: LightMem,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        agent_id: str | None = None,
        k: int | None = None,
        max_tokens: int | None = None,
        recall_seconds: float = RECALL_SECONDS,
        inject: Injection = "message",
        profile: bool = False,
        recall_answers: bool = True,
        tools: bool = False,
        name: str | None = None,
        strict: bool = False,
        space: str | Callable[[Any], str | None] | None = None,
        spaces: SpacesRead | Callable[[Any], SpacesRead] = (),
        filter: RunFilter = None,  # noqa: A002
        metadata: RunMetadata = None,
    ) -> None:
        super().__init__()
        check_counts(k=k, max_tokens=max_tokens)
        check_injection(inject)
        longest = checked_memory(memory).settings.max_id_chars
        self._user_id = None if user_id is None else check_user_id(user_id, longest)
        self._session_id = (
            None if session_id is None else check_scope_id(session_id, "session_id", longest)
        )
        self._within = RunLimits(space, spaces, filter, metadata).checked()
        self.tools = LightMemToolkit(
            memory=memory, user_id=user_id, session_id=session_id, agent_id=agent_id,
            space=space, spaces=spaces, filter=filter, note_metadata=metadata,
        ).get_tools() if tools else []  # fmt: skip
        background = BackgroundMemory(memory, k=k, max_tokens=max_tokens, agent_id=agent_id,
                                      seconds=recall_seconds, strict=strict)  # fmt: skip
        self._pending = PendingTurns(background, recall_answers=recall_answers, profile=profile)
        self._notice = ResumeNotice()
        self._inject = inject
        self._strict = strict
        self._name = name

    def __repr__(self) -> str:
        return described(
            self, memory=self._pending, user_id=self._user_id, session_id=self._session_id
        )

    @property
    def name(self) -> str:
        """The name of this middleware in the agent's graph."""
        return self._name or type(self).__name__

    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Make sure that a user is named, and keep in mind who asks."""
        config = ensure_config()
        named = named_user(config, user_id=self._user_id, runtime=runtime)
        scope = self._scope(config, named, runtime)
        found: dict[str, Any] = {}
        with self._guarded():
            self._pending.begin(state["messages"], scope)
            found[BEFORE] = before_run(state["messages"], asked(state).get(ASKER), config)
        if self._user_id is None:
            found[ASKER] = asker_of(state["messages"], named, asked(state).get(ASKER), config)
        return found

    async def abefore_agent(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Make sure that a user is named, and keep in mind who asks."""
        # In a thread, since who asked may have to be read from a checkpoint.
        return await asyncio.to_thread(self.before_agent, state, runtime)

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model with what is remembered in front of the question."""
        pending = self._start(request)
        if pending is None:
            return handler(request)
        try:
            pending.budget.wait(pending.recall)
        finally:  # also if the run is cancelled meanwhile
            record = self._pending.recorded(pending)
        pending.budget.wait(record)
        with self._reminding(request, pending) as reminded:
            response = handler(reminded)
        self._pending.answered(pending, response.result)
        return response

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model with what is remembered in front of the question."""
        pending = self._start(request)
        if pending is None:
            return await handler(request)
        try:
            await pending.budget.wait_async(pending.recall)
        finally:  # also if the run is cancelled meanwhile
            record = self._pending.recorded(pending)
        await pending.budget.wait_async(record)
        with self._reminding(request, pending) as reminded:
            response = await handler(reminded)
        self._pending.answered(pending, response.result)
        return response

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Record the question, if it is not recorded yet, and the answer."""
        under_way = self._finish(state, runtime)
        if under_way:
            budget, record = under_way
            budget.wait(record, at_least=_RECORD_SECONDS)
            self._pending.check(record)
        return None

    async def aafter_agent(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Record the question, if it is not recorded yet, and the answer."""
        under_way = self._finish(state, runtime)
        if under_way:
            budget, record = under_way
            await budget.wait_async(record, at_least=_RECORD_SECONDS)
            self._pending.check(record)
        return None

    def _start(self, request: ModelRequest[Any]) -> PendingTurn | None:
        with self._guarded():
            state = asked(request.state)
            scope, sent = self._asked_by(state, request.messages, request.runtime)
            before, kept = state.get(BEFORE), state["messages"]
            return self._pending.start(sent, scope, ensure_config(), before=before, kept=kept)
        return None

    def _finish(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> tuple[WaitBudget, Future[None]] | None:
        with self._guarded():
            scope, messages = self._asked_by(state, state["messages"], runtime)
            return self._pending.finish(messages, scope, ensure_config())
        return None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Goes on without memory where a message cannot be read, whatever it holds."""
        try:
            yield
        except Exception as error:
            if self._strict or isinstance(error, ScopeError):
                raise
            logger.warning("Memory was left out: %s: %s", type(error).__name__, error)

    def _asked_by(
        self, state: AgentState[Any], messages: Sequence[BaseMessage], runtime: Runtime[Any]
    ) -> tuple[Scope, Sequence[BaseMessage]]:
        """The scope of who asked, and the messages, without those of who else resumed the run."""
        config = ensure_config()  # of the run that calls this hook
        named = named_user(config, user_id=self._user_id, runtime=runtime)
        scope = self._scope(config, self._user_id, runtime)
        asker = asked(state).get(ASKER) if self._user_id is None else None
        if asker is not None and asker["user_id"] != named:
            self._notice.say(scope.session_id, asker, named)
            scope = scope.resumed_for(asker["user_id"])
            messages = without_others(messages, asker)
        return scope, messages

    def _scope(self, config: RunnableConfig, user_id: str | None, runtime: Runtime[Any]) -> Scope:
        bound: dict[str, Any] = {"session_id": self._session_id, "within": self._within}
        return scope_of(config, user_id=user_id, runtime=runtime, **bound)

    def _reminding(
        self, request: ModelRequest[Any], pending: PendingTurn
    ) -> AbstractContextManager[ModelRequest[Any]]:
        """The request with what is remembered, as long as the model is called with it."""
        recalled, profile = self._pending.context(pending), self._pending.profile(pending)
        blocks: list[tuple[Injection, str]] = [(self._inject, recalled)]
        if profile is not None:
            blocks = [("system", profile.text), (self._inject, profile.ahead), *blocks]
        return reminding(request, [block for block in blocks if block[1]], self._guarded)
