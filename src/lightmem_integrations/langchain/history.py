"""A session as LangChain's chat message history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage
from langchain_core.runnables import ConfigurableFieldSpec

from lightmem_integrations.display import described
from lightmem_integrations.langchain.background import add_turns
from lightmem_integrations.langchain.messages import to_message, to_turn
from lightmem_integrations.langchain.scope import DEFAULT_SESSION, Scope
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import check_counts, check_scope_id, check_user_id


class LightMemChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session, every kind of them, as they were given.

    The last choice: LangChain has deprecated message histories, in favour of
    https://docs.langchain.com/oss/python/langchain/short-term-memory, and a history recalls
    nothing. It is for chains that have one already. What is added is also found by
    ``LightMem.recall``, so that such a chain can be given a memory with one more component.

    A message with an id that the session has already, and the same content, is not added again.
    ``clear`` begins the conversation anew; what was said can still be recalled. ``LightMem.forget``
    erases it.

    With ``RunnableWithMessageHistory``, name ``history_messages_key``: without it, LangChain
    compares lengths to find out what is new.

    Args:
        memory: The memory.
        user_id: Whose memory.
        session_id: Which conversation.
        max_tokens: Give back only the last whole exchanges that fit into so many tokens, and at
            least the last one; tool calls stay with their results. ``None`` gives back all.
        messages: Messages to begin with.
        space: The space whose session it is, instead of the user's own.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
        InvalidRequestError: ``max_tokens`` is not a positive number.
    """

    session_specs: ClassVar[list[ConfigurableFieldSpec]] = [
        ConfigurableFieldSpec(
            id="user_id",
            annotation=str,
            name="User id",
            description="Whose memory.",
            is_shared=True,
        ),
        ConfigurableFieldSpec(
            id="session_id",
            annotation=str,
            name="Session id",
            description="Which conversation.",
            is_shared=True,
        ),
    ]
    """For ``history_factory_config=``, so that a run names its user and its session."""

    def __init__(
        self,
        memory: LightMem,
        *,
        user_id: str,
        session_id: str = DEFAULT_SESSION,
        max_tokens: int | None = None,
        messages: Sequence[BaseMessage] = (),
        space: str | None = None,
    ) -> None:
        super().__init__()
        check_counts(max_tokens=max_tokens)
        self.memory = checked_memory(memory)
        longest = memory.settings.max_id_chars
        self.user_id = check_user_id(user_id, longest)
        self.session_id = check_scope_id(session_id, "session_id", longest)
        self.max_tokens = max_tokens
        self.space = space
        if messages:
            self.add_messages(messages)

    def __repr__(self) -> str:
        return described(self, memory=self.memory, user_id=self.user_id, session_id=self.session_id)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # upstream's own pattern
        """The session's messages, oldest first.

        Raises:
            StorageError: The store cannot be read.
        """
        turns = self.memory.short_term(
            **self._scope.place,
            max_tokens=1 if self.max_tokens is None else self.max_tokens,
            measure=None if self.max_tokens else _weightless,
        )
        return [message for message in map(to_message, turns) if message is not None]

    async def aget_messages(self) -> list[BaseMessage]:
        """The session's messages, oldest first, without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.messages)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Write messages down, all of them or, on an error, none.

        Raises:
            StorageError: The store cannot be written.
        """
        settings = self.memory.settings
        turns = [to_turn(message, settings, whole=True) for message in messages]
        add_turns(self.memory, turns, self._scope)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Write messages down without blocking the event loop."""
        await asyncio.to_thread(self.add_messages, messages)

    def clear(self) -> None:
        """Begin the conversation anew; what was said before can still be recalled."""
        self.memory.clear_short_term(**self._scope.place)

    @property
    def _scope(self) -> Scope:
        return Scope(self.user_id, self.session_id, space=self.space)

    async def aclear(self) -> None:
        """Begin the conversation anew, without blocking the event loop."""
        await asyncio.to_thread(self.clear)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LightMemChatMessageHistory):
            return NotImplemented
        return self.messages == other.messages

    __hash__ = None  # type: ignore[assignment]  # equal by content, and content grows


def session_history(
    memory: LightMem, *, max_tokens: int | None = None
) -> Callable[[str, str], LightMemChatMessageHistory]:
    """Histories by user and session, for ``RunnableWithMessageHistory``.

    Args:
        memory: The memory.
        max_tokens: As in `LightMemChatMessageHistory`.

    Returns:
        What its ``get_session_history`` takes; give it
        ``history_factory_config=LightMemChatMessageHistory.session_specs`` as well.

    Raises:
        InvalidRequestError: ``memory`` is no open memory.
    """
    checked_memory(memory)

    def get_session_history(user_id: str, session_id: str) -> LightMemChatMessageHistory:
        return LightMemChatMessageHistory(
            memory, user_id=user_id, session_id=session_id, max_tokens=max_tokens
        )

    return get_session_history


def _weightless(_: Turn) -> int:
    return 0
