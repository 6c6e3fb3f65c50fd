"""A memory that is used in threads of its own, so that a slow store holds up nobody."""

from __future__ import annotations

import functools
import logging
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from langchain_core.messages import BaseMessage

from lightmem_integrations.engine.deadline import DaemonPool
from lightmem_integrations.errors import AccessError, ScopeError, TurnConflictError
from lightmem_integrations.langchain.messages import AskedQuestion, words_of
from lightmem_integrations.langchain.scope import Scope
from lightmem_integrations.langchain.wait_budget import wait_for
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.profile import Profile
from lightmem_integrations.records.storable import labelled, reworded
from lightmem_integrations.safety import check_seconds
from lightmem_integrations.settings import Settings

logger = logging.getLogger(__name__)

RECALL_SECONDS = 3.0
"""How long memory may hold up an answer by default, in seconds: a guess. It matters where models
load or the machine is busy; else a recall takes some hundredths of a second."""

_SHARE_OF_RECORD = 0.3  # of a recall's time, for what is being written down: a guess
_LEAST_SECONDS = 0.001  # for models, once time is up: a guess


class _Threads:
    """The threads in which the adapters of one memory use it.

    None of them keeps the interpreter from ending. Before the memory is closed at that end, the
    records that wait get as long as closing may take.
    """

    def __init__(self, memory: LightMem) -> None:
        self.readers = DaemonPool()
        self.writer = DaemonPool(1)
        self.told: Future[None] | None = None  # the last record
        weakref.finalize(memory, self.writer.close, memory.settings.close_seconds)


_threads: weakref.WeakKeyDictionary[LightMem, _Threads] = weakref.WeakKeyDictionary()


class BackgroundMemory:
    """Starts recalls and records, and hands out a future for each. Failures are logged.

    The threads are few, so a store that hangs can hold these and no others. One of them does all
    the writing, so turns are written in the order in which they were handed over, and all adapters
    of a memory share them. They get no copy of the caller's context: no model that the memory uses
    can stream its words into the answer of the agent that asked.

    A recall sees what was handed over to be recorded before it.

    Args:
        memory: The memory.
        k: How many memories a recall returns.
        max_tokens: Size of a recall's text, in tokens.
        agent_id: Which agent writes.
        seconds: How long a recall may take.
        strict: Whether a recall raises what it could work around.

    Attributes:
        agent_id: As given.
        seconds: As given.
    """

    def __init__(
        self,
        memory: LightMem,
        *,
        k: int | None = None,
        max_tokens: int | None = None,
        agent_id: str | None = None,
        seconds: float = RECALL_SECONDS,
        strict: bool = False,
    ) -> None:
        self._memory = checked_memory(memory)
        self._k = k
        self._max_tokens = max_tokens
        self.agent_id = agent_id
        self.seconds = check_seconds(seconds)
        self._strict = strict
        self._threads = _threads.get(memory) or _threads.setdefault(memory, _Threads(memory))

    def __repr__(self) -> str:
        return repr(self._memory)

    def __reduce__(self) -> tuple[Any, ...]:
        options: dict[str, Any] = {"k": self._k, "max_tokens": self._max_tokens}
        options |= {"agent_id": self.agent_id, "seconds": self.seconds, "strict": self._strict}
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
        shown, until = tuple(prompt), time.monotonic() + self.seconds
        told = self._threads.told
        return self._threads.readers.submit(
            lambda: self._recall(question, scope, shown, branch, until, told)
        )

    def profile(self, scope: Scope, branch: Branch | None = None) -> Future[Profile]:
        """Start to put together the user's profile, without what the branch went on without."""
        told = self._threads.told
        return self._threads.readers.submit(lambda: self._profile(scope, branch, told))

    def record(
        self, turns: Sequence[Turn], scope: Scope, branch: Branch | None = None
    ) -> Future[None]:
        """Start to write turns of a branch down, but for those forgotten since they were said.

        Turns that are known already change nothing.
        """
        said = tuple(turns)
        self._threads.told = record = self._threads.writer.submit(
            lambda: self._record(said, scope, branch)
        )
        return record

    def text(self, recall: Future[str]) -> str:
        """The text of a recall; empty if it found nothing, failed, or is not done by now.

        Raises:
            LightMemError: What it raised, if that is to be raised.
        """
        self.check(recall)
        if not recall.done():
            logger.warning(
                "Recall took over %s s; going on without memory. A larger recall_seconds= waits "
                "longer; memory.warm_up() before the first question loads the models.",
                self.seconds,
            )
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

    def _recall(
        self,
        question: AskedQuestion | None,
        scope: Scope,
        prompt: Sequence[BaseMessage],
        branch: Branch | None,
        until: float,
        told: Future[None] | None,
    ) -> str:
        with _logged("Recall failed"):
            self._catch_up(scope, branch, told)
            asked = self._asked_last(scope) if question is None else question
            if asked is None:
                return ""
            return self._memory.recall(
                asked.text,
                user_id=scope.user_id,
                spaces=scope.spaces,
                filter=scope.filter,
                k=self._k,
                max_tokens=self._max_tokens,
                timezone=scope.timezone,
                exclude={asked.id, *self._ids_in(prompt, scope)} - {""},
                strict=self._strict,
                recall_seconds=max(until - time.monotonic(), _LEAST_SECONDS),
            ).text

    def _profile(self, scope: Scope, branch: Branch | None, told: Future[None] | None) -> Profile:
        with _logged("The profile failed"):
            self._catch_up(scope, branch, told)
            return self._memory.profile(user_id=scope.user_id)

    def _catch_up(self, scope: Scope, branch: Branch | None, told: Future[None] | None) -> None:
        if told is not None:
            wait_for(told, _SHARE_OF_RECORD * self.seconds)
        if branch is not None:
            with suppress(AccessError):  # who only reads a space has no turns there to follow
                self._memory.follow(branch, **scope.place)

    def _asked_last(self, scope: Scope) -> AskedQuestion | None:
        window = self._memory.short_term(**scope.place, max_tokens=1)
        said = [AskedQuestion(turn.id or "", turn.text) for turn in window if turn.role == "user"]
        return said[-1] if said else None

    def _ids_in(self, prompt: Sequence[BaseMessage], scope: Scope) -> frozenset[str]:
        ids = {each.id for each in prompt}
        said = {words_of(each) for each in prompt}
        if len(said) > 1:
            # Without a checkpointer the caller sends earlier messages anew, and they come under
            # other ids than those they were recorded with. The session's last turns tell.
            window = self._memory.short_term(
                **scope.place,
                max_tokens=sum(map(len, said)),
                measure=lambda turn: len(turn.text),
            )
            ids.update(turn.id for turn in window if turn.text in said)
        return frozenset(each for each in ids if each)

    def _record(self, turns: Sequence[Turn], scope: Scope, branch: Branch | None) -> None:
        with _logged("Recording failed"):
            if turns:
                add_turns(self._memory, turns, scope, agent_id=self.agent_id, branch=branch)


@contextmanager
def _logged(failure: str) -> Iterator[None]:
    """Log what is raised within: nobody may come for it."""
    try:
        yield
    except Exception as error:
        logger.warning("%s: %s: %s", failure, type(error).__name__, error)
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
    turns = [labelled(turn, scope.said, memory.settings) for turn in turns]

    def add(*given: Turn) -> None:
        memory.add(given, **scope.place, agent_id=agent_id, timezone=scope.timezone, branch=branch)

    try:
        add(*turns)
    except TurnConflictError:
        for turn in turns:
            try:
                add(turn)
            except TurnConflictError:
                add(reworded(turn))
