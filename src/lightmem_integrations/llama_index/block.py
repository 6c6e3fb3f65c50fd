"""Long-term memory as a block inside LlamaIndex's own ``Memory``."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import BaseMemoryBlock, Memory
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import BasePromptTemplate, RichPromptTemplate
from llama_index.core.storage.chat_store.base_db import MessageStatus
from llama_index.core.utils import get_tokenizer
from llama_index.core.vector_stores.types import MetadataFilters
from pydantic import Field, PrivateAttr

from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.failures import Failures, OnError
from lightmem_integrations.llama_index.filters import checked_filter
from lightmem_integrations.llama_index.messages import fingerprint, last_question, to_turn, unmarked
from lightmem_integrations.llama_index.remade import Remade
from lightmem_integrations.llama_index.retriever import postprocessed
from lightmem_integrations.llama_index.session import BRANCH, stored_of
from lightmem_integrations.llama_index.window import (
    as_template,
    without_last_lines,
    without_placeholders,
)
from lightmem_integrations.records.access import SpacesRead, spaces_read
from lightmem_integrations.records.conversation import Recall, Turn
from lightmem_integrations.records.metadata import metadata_of
from lightmem_integrations.records.storable import labelled
from lightmem_integrations.safety import check_counts, check_scope_id, check_user_id
from lightmem_integrations.text.timezone import check_timezone

_AS_IT_IS = RichPromptTemplate("{{ text }}")
_SESSIONS_KEPT = 256  # a guess: more than one process serves at a time


class LightMemBlock(Remade, BaseMemoryBlock[str]):
    """Keeps what LlamaIndex's ``Memory`` lets go of, and recalls of it what a question needs.

    One block serves one user in any number of sessions: each ``Memory`` names its own. The
    ``Memory`` hands over messages only once they overflow its queue; ``save`` hands over those
    of a short conversation.

    ``Memory`` puts what a block returns into a system message unless it was made with
    ``insert_method=InsertMethod.USER``. A ``ReActAgent`` without a system prompt drops system
    messages, so it needs that.

    Args:
        memory: The open store.
        user_id: Whose memory. Required, never made up.
        session_id: The conversation of messages that come without one.
        max_tokens: Tokens of recalled text. ``None``: the settings' ``max_tokens``.
        k: How much may be recalled, in hits. ``None``: the settings' ``k``.
        name: The block's name in the prompt.
        priority: From 1 up: when ``Memory`` cuts it, 1 before 2. With 0 it never does.
        tokenizer_fn: Text to tokens. ``None``: LlamaIndex's global tokenizer.
        profile: Put the user's profile before what is recalled. It does not count towards
            ``max_tokens``, and is what ``Memory`` cuts last.
        recall_answers: ``False`` keeps the model's replies out of recall; they stay in the
            history.
        timezone: The user's time zone (IANA). ``None``: the settings' ``timezone``.
        node_postprocessors: Applied to what is recalled, for example a reranker or a filter.
        format_template: Put around what is recalled, as in ``VectorMemoryBlock``: a template of
            LlamaIndex, or its text, with a variable ``text``.
        strict: Raise when the store or a model fails. Otherwise the turn goes on, and messages
            that could not be stored are stored with the next ones.
        on_error: Called with each failure that is not raised.
        accept_short_term_memory: ``False`` stores nothing of what ``Memory`` lets go of.
        description: What the block is for, as in LlamaIndex.
        space, spaces, filter, metadata: As in ``LightMemMemory``.

    Raises:
        ScopeError: The user or session id is missing, blank or a wildcard.
        InvalidRequestError: A size is below 1.
    """

    user_id: str
    session_id: str = "default"
    max_tokens: int | None = None
    k: int | None = None
    profile: bool = False
    recall_answers: bool = True
    timezone: str | None = None
    space: str | None = None
    spaces: list[str] | str = Field(default_factory=list)
    filter: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    node_postprocessors: list[BaseNodePostprocessor] = Field(default_factory=list)
    format_template: BasePromptTemplate = Field(default=_AS_IT_IS)

    _memory: LightMem = PrivateAttr()
    _tokenizer_fn: Callable[[str], Sequence[Any]] | None = PrivateAttr()
    _failures: Failures = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.RLock)
    # Turns that could not be stored yet, by user and session.
    _unsaved: dict[tuple[str, str], list[Turn]] = PrivateAttr(default_factory=dict)
    # What ``save`` stored and ``Memory`` still holds: fingerprints and turn ids, oldest first.
    _saved: dict[tuple[str, str], deque[tuple[str, str]]] = PrivateAttr(default_factory=dict)
    # The last recall of each session.
    _recalled: OrderedDict[tuple[str, str], tuple[object, str]] = PrivateAttr(
        default_factory=OrderedDict
    )

    def __init__(
        self,
        *,
        memory: LightMem,
        user_id: str,
        session_id: str = "default",
        max_tokens: int | None = None,
        k: int | None = None,
        name: str = "lightmem",
        priority: int = 1,
        tokenizer_fn: Callable[[str], Sequence[Any]] | None = None,
        profile: bool = False,
        recall_answers: bool = True,
        timezone: str | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] = (),
        format_template: BasePromptTemplate | str = _AS_IT_IS,
        strict: bool = False,
        on_error: OnError | None = None,
        accept_short_term_memory: bool = True,
        description: str | None = "What the user said in earlier conversations.",
        space: str | None = None,
        spaces: SpacesRead = (),
        filter: Mapping[str, Any] | MetadataFilters | None = None,  # noqa: A002
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        checked_memory(memory)
        check_user_id(user_id)
        check_scope_id(session_id, "session_id")
        check_counts(max_tokens=max_tokens, k=k)
        fields: dict[str, Any] = {
            "user_id": user_id, "session_id": session_id, "max_tokens": max_tokens, "k": k,
            "node_postprocessors": list(node_postprocessors),
            "format_template": as_template(format_template),
            "name": name, "description": description, "priority": priority,
            "profile": profile, "recall_answers": recall_answers, "space": space,
            "timezone": check_timezone(timezone), "spaces": spaces_read(spaces, space),
            "filter": checked_filter(filter),
            "metadata": metadata_of(metadata, memory.settings.max_metadata_bytes),
            "accept_short_term_memory": accept_short_term_memory,
        }  # fmt: skip
        super().__init__(**fields)
        self._memory = memory
        self._tokenizer_fn = tokenizer_fn
        self._failures = Failures(strict=strict, on_error=on_error)

    def __repr_args__(self) -> Any:
        yield "memory", self._memory
        yield from super().__repr_args__()

    def made_with(self) -> dict[str, Any]:
        """The arguments that make another one like it."""
        fields = dict(self) | {"memory": self._memory, "tokenizer_fn": self._tokenizer_fn}
        return fields | {"strict": self._failures.strict, "on_error": self._failures.on_error}

    async def aput(
        self,
        messages: list[ChatMessage],
        from_short_term_memory: bool = False,  # noqa: FBT001, FBT002 - the framework's signature
        session_id: str | None = None,
    ) -> None:
        """Store messages, without a model call. Those that ``save`` stored are not stored again.

        Args:
            messages: What to store. Not changed, other than by LlamaIndex's own blocks.
            from_short_term_memory: Whether ``Memory`` lets go of them.
            session_id: The conversation that they belong to; ``None``: the block's own.
        """
        if not from_short_term_memory or self.accept_short_term_memory:
            await asyncio.to_thread(self._put, messages, session_id or self.session_id)

    async def save(self, memory: Memory) -> None:
        """Store what a ``Memory`` still holds, so that other conversations can recall it.

        Call it as often as you like, for example after each run; nothing is stored twice. What
        this conversation still holds is not recalled into it.
        """
        messages = await memory.aget_all(status=MessageStatus.ACTIVE)
        await asyncio.to_thread(self._save, messages, memory.session_id)

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """The recalled text without its last lines; ``None`` once none is left.

        Args:
            content: What ``aget`` returned.
            tokens_to_truncate: Tokens to save.
        """
        if not isinstance(content, str):  # LlamaIndex asks even if there was nothing to recall
            return None
        return without_last_lines(content, self._count(content) - tokens_to_truncate, self._count)

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        session_id = block_kwargs.get("session_id") or self.session_id
        return await asyncio.to_thread(self._get, last_question(messages or []), session_id)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        await asyncio.to_thread(self._put, messages, self.session_id)

    def _count(self, text: str) -> int:
        return len((self._tokenizer_fn or get_tokenizer())(text))

    def _get(self, query: str | None, session_id: str) -> str:
        wanted = (self._memory, self.user_id, self._count)
        made = self._failures.profile_of(*wanted) if self.profile else None
        standing = f"{made.text}\n{made.ahead}".strip() if made else ""
        recalled = "" if query is None else self._recalled_for(query, session_id)
        return "\n".join(filter(None, (without_placeholders(standing), recalled)))

    def _recalled_for(self, query: str, session_id: str) -> str:
        scope = (self.user_id, session_id)
        with self._lock:
            held = frozenset(turn_id for _, turn_id in self._saved.get(scope, ()))
            moment = (query, held, self._stored())
            known = self._recalled.get(scope)
        if known is None or known[0] != moment:
            known = (moment, self._recall(query, held))
            with self._lock:
                self._recalled[scope] = known
                self._recalled.move_to_end(scope)
                while len(self._recalled) > _SESSIONS_KEPT:
                    self._recalled.popitem(last=False)
        return known[1]

    def _recall(self, query: str, held: frozenset[str]) -> str:
        def recall() -> Recall:
            found = self._memory.recall(
                query, user_id=self.user_id, k=self.k, max_tokens=self.max_tokens, exclude=held,
                timezone=self.timezone, count_tokens=self._count, strict=self._failures.strict,
                spaces=self.spaces, filter=self.filter,
            )  # fmt: skip
            return postprocessed(found, self.node_postprocessors, self.user_id, query)

        text = self._failures.text_of(recall)
        # Chat engines put the history into a prompt template.
        return without_placeholders(self.format_template.format(text=text)) if text else ""

    def _stored(self) -> tuple[object, ...]:
        stored = partial(stored_of, self._memory, self.user_id, self.spaces)
        return self._failures.guarded(stored, (), "The store cannot be read.")

    def _put(self, messages: Sequence[ChatMessage], session_id: str) -> None:
        with self._lock:
            saved = self._saved.get((self.user_id, session_id), deque())
            new = []
            for message in messages:
                if saved and saved[0][0] == fingerprint(unmarked(message)):
                    saved.popleft()
                else:
                    new.append(self._turn(message))
            self._store(new, session_id)

    def _save(self, messages: Sequence[ChatMessage], session_id: str) -> None:
        with self._lock:
            saved = self._saved.setdefault((self.user_id, session_id), deque())
            prints = [fingerprint(unmarked(message)) for message in messages]
            if [each for each, _ in saved] != prints[: len(saved)]:
                # The conversation was replaced: its old messages will never be handed over.
                saved.clear()
            new = [self._turn(message) for message in messages[len(saved) :]]
            saved.extend(
                (each, turn.id or "") for each, turn in zip(prints[len(saved) :], new, strict=True)
            )
            self._store(new, session_id)

    def _turn(self, message: ChatMessage) -> Turn:
        settings, recalled = self._memory.settings, self.recall_answers
        said = to_turn(unmarked(message), settings, recall_answers=recalled, timezone=self.timezone)
        return labelled(said, self.metadata, settings)

    def _store(self, turns: Sequence[Turn], session_id: str) -> None:
        user_id = self.user_id
        waiting = [*self._unsaved.pop((user_id, session_id), ()), *turns]
        if not waiting:
            return

        def add() -> bool:
            self._memory.add(
                waiting, user_id=user_id, session_id=session_id, branch=BRANCH, space=self.space
            )
            return True

        # LlamaIndex hands messages over once only: what cannot be stored must wait here, also
        # if the failure is raised.
        self._unsaved[user_id, session_id] = waiting
        if self._failures.guarded(
            add,
            otherwise=False,
            consequence="Messages could not be stored; they are tried again with the next ones.",
        ):
            del self._unsaved[user_id, session_id]
