"""A memory that is used in threads of its own, so that a slow store holds up nobody."""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from langchain_core.messages import BaseMessage

from lightmem_integrations.engine.deadline import DaemonPool
from lightmem_integrations.errors import ScopeError, TurnConflictError
from lightmem_integrations.langchain.messages import AskedQuestion, words_of
from lightmem_integrations.langchain.scope import Scope
from lightmem_integrations.langchain.wait_budget import wait_for
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.storable import reworded
from lightmem_integrations.settings import Settings

logger = logging.getLogger(__name__)

_WARM_UP_SECONDS = 30.0  # a guess: loading takes longer on a disk that is busy


class _Threads:
    """The threads in which the adapters of one memory use it.

    None of them keeps the interpreter from ending. Before the memory is closed at that end, the
    records that wait get as long as closing may take.
    """

    def __init__(self, memory: LightMem) -> None:
        self.readers = DaemonPool()
        self.writer = DaemonPool(1)
        weakref.finalize(memory, self.writer.close, memory.settings.close_seconds)


_threads: weakref.WeakKeyDictionary[LightMem, _Threads] = weakref.WeakKeyDictionary()


class BackgroundMemory:
    """Starts recalls and records, and hands out a future for each. Failures are logged.

    The threads are few, so a store that hangs can hold these and no others. One of them does all
    the writing, so turns are written in the order in which they were handed over, and all adapters
    of a memory share them. They get no copy of the caller's context: no model that the memory uses
    can stream its words into the answer of the agent that asked.

    The models are loaded at once, so that no answer waits for that. Where an event loop is
    running, they are loaded in the background; else this returns when they are loaded.

    Args:
        memory: The memory.
        k: How many memories a recall returns.
        max_tokens: Size of a recall's text, in tokens.
        agent_id: Which agent writes.
        strict: Whether a recall raises what it could work around.

    Attributes:
        agent_id: As given.
    """

    def __init__(
        self,
        memory: LightMem,
        *,
        k: int | None = None,
        max_tokens: int | None = None,
        agent_id: str | None = None,
        strict: bool = False,
    ) -> None:
        self._memory = checked_memory(memory)
        self._k = k
        self._max_tokens = max_tokens
        self.agent_id = agent_id
        self._strict = strict
        known = _threads.get(memory)
        self._threads = known or _threads.setdefault(memory, _Threads(memory))
        if known is None:
            loading = self._threads.readers.submit(self._warm_up)
            if not _on_event_loop():
                wait_for(loading, _WARM_UP_SECONDS)

    def __repr__(self) -> str:
        return repr(self._memory)

    def __reduce__(self) -> tuple[Any, ...]:
        options: dict[str, Any] = {"k": self._k, "max_tokens": self._max_tokens}
        options |= {"agent_id": self.agent_id, "strict": self._strict}
        return functools.partial(type(self), **options), (self._memory,)

    @property
    def settings(self) -> Settings:
        """The memory's settings."""
        return self._memory.settings

    def recall(
        self,
        question: AskedQuestion | None,
        scope: Scope,
        prompt: Sequence[BaseMessage],
        branch: Branch | None = None,
    ) -> Future[str]:
        """Start to look up what is known, and is neither the question nor in the prompt.

        Without a question, what is asked is what the user said last in this session. What the
        branch went on without is superseded first.
        """
        shown = tuple(prompt)
        return self._threads.readers.submit(lambda: self._recall(question, scope, shown, branch))

    def record(
        self, turns: Sequence[Turn], scope: Scope, branch: Branch | None = None
    ) -> Future[None]:
        """Start to write turns of a branch down. Turns that are known already change nothing."""
        said = tuple(turns)
        return self._threads.writer.submit(lambda: self._record(said, scope, branch))

    def text(self, recall: Future[str], seconds: float) -> str:
        """The text of a recall; empty if it found nothing, failed, or is not done by now.

        Raises:
            LightMemError: What it raised, if that is to be raised.
        """
        self.check(recall)
        if not recall.done():
            logger.warning("Recall took over %s s; going on without memory.", seconds)
            recall.cancel()  # takes it out of the queue, if no thread has come to it yet
            return ""
        if recall.cancelled() or recall.exception() is not None:
            return ""
        return recall.result()

    def check(self, call: Future[Any]) -> None:
        """Raises what a call raised, if that is to be raised."""
        if not call.done() or call.cancelled():
            return
        error = call.exception()
        if error is not None and (self._strict or isinstance(error, ScopeError)):
            raise error

    def _warm_up(self) -> None:
        try:
            self._memory.warm_up()
        except Exception as error:  # noqa: BLE001  # the first recall meets it again
            logger.warning("Loading the models failed: %s: %s", type(error).__name__, error)

    def _recall(
        self,
        question: AskedQuestion | None,
        scope: Scope,
        prompt: Sequence[BaseMessage],
        branch: Branch | None,
    ) -> str:
        try:
            if branch is not None:
                self._memory.follow(branch, user_id=scope.user_id, session_id=scope.session_id)
            asked = self._asked_last(scope) if question is None else question
            if asked is None:
                return ""
            return self._memory.recall(
                asked.text,
                user_id=scope.user_id,
                k=self._k,
                max_tokens=self._max_tokens,
                timezone=scope.timezone,
                exclude={asked.id, *self._ids_in(prompt, scope)} - {""},
                strict=self._strict,
            ).text
        except Exception as error:
            logger.warning("Recall failed: %s: %s", type(error).__name__, error)
            raise

    def _asked_last(self, scope: Scope) -> AskedQuestion | None:
        window = self._memory.short_term(
            user_id=scope.user_id, session_id=scope.session_id, max_tokens=1
        )
        said = [AskedQuestion(turn.id or "", turn.text) for turn in window if turn.role == "user"]
        return said[-1] if said else None

    def _ids_in(self, prompt: Sequence[BaseMessage], scope: Scope) -> frozenset[str]:
        ids = {each.id for each in prompt}
        said = {words_of(each) for each in prompt}
        if len(said) > 1:
            # Without a checkpointer the caller sends earlier messages anew, and they come under
            # other ids than those they were recorded with. The session's last turns tell.
            window = self._memory.short_term(
                user_id=scope.user_id,
                session_id=scope.session_id,
                max_tokens=sum(map(len, said)),
                measure=lambda turn: len(turn.text),
            )
            ids.update(turn.id for turn in window if turn.text in said)
        return frozenset(each for each in ids if each)

    def _record(self, turns: Sequence[Turn], scope: Scope, branch: Branch | None) -> None:
        try:
            if turns:
                add_turns(self._memory, turns, scope, agent_id=self.agent_id, branch=branch)
        except Exception as error:
            logger.warning("Recording failed: %s: %s", type(error).__name__, error)
            raise


def add_turns(
    memory: LightMem,
    turns: Sequence[Turn],
    scope: Scope,
    *,
    agent_id: str | None = None,
    branch: Branch | None = None,
) -> None:
    """Write turns down; one that was edited and kept its id is written beside its old self.

    Raises:
        LightMemError: What ``LightMem.add`` raises, except for such a turn.
    """

    def add(*given: Turn) -> None:
        memory.add(
            given, user_id=scope.user_id, session_id=scope.session_id, agent_id=agent_id,
            timezone=scope.timezone, branch=branch,
        )  # fmt: skip

    try:
        add(*turns)
    except TurnConflictError:
        for turn in turns:
            try:
                add(turn)
            except TurnConflictError:
                add(reworded(turn))


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
