"""Long-term memory as LlamaIndex's ``BaseMemory``, for agents and chat engines."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.utils import get_tokenizer
from llama_index.core.vector_stores.types import MetadataFilters
from pydantic import Field, PrivateAttr
from pydantic_core import to_jsonable_python

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index import stores
from lightmem_integrations.llama_index.bound import bound_to
from lightmem_integrations.llama_index.failures import Failures, OnError
from lightmem_integrations.llama_index.filters import checked_filter
from lightmem_integrations.llama_index.messages import question_of, to_messages
from lightmem_integrations.llama_index.saved import SavedMemory
from lightmem_integrations.llama_index.session import ChatSession
from lightmem_integrations.llama_index.view import InsertMethodName, View, checked_insert_method
from lightmem_integrations.records.access import SpacesRead, spaces_read
from lightmem_integrations.records.metadata import metadata_of
from lightmem_integrations.safety import check_counts, check_scope_id, check_user_id
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.timezone import check_timezone

# Room for the answer, as in LlamaIndex's ChatMemoryBuffer.
_SHARE_OF_CONTEXT_WINDOW = 0.75


class LightMemMemory(SavedMemory):
    """Remembers a user's conversations, and recalls of them what the present question needs.

    Give it to an agent's ``run(memory=...)`` or to a chat engine. What is put is stored verbatim
    and costs no model call. What is got is the last whole exchanges of this session, and what
    was recalled from all of the user's sessions. Recalled text goes into the prompt only, never
    into the store. One object serves one user and one session, in any number of threads.

    Args:
        memory: The open store. Or give ``path``.
        path: Folder of the store, opened if this process has not opened it yet. It stays open
            until the process ends.
        settings: Of the store, if it is opened. A saved memory opens it with those that it had.
        user_id: Whose memory. Required, never made up.
        session_id: Which conversation. ``None``: a new one.
        token_limit: Tokens of the prompt that this memory may fill up to, recalled text included.
            The last whole exchange comes back even if it alone is larger. ``None``: the settings'
            sizes of short-term memory and recall together, whatever else the prompt holds.
        recall_tokens: Tokens of recalled text, at most half of ``token_limit``. ``None``: the
            settings' ``max_tokens``.
        k: How much may be recalled, in hits. ``None``: the settings' ``k``.
        tokenizer_fn: Text to tokens. ``None``: LlamaIndex's global tokenizer.
        insert_method: Where recalled text goes. ``auto``: the first block of the user's message
            if that is in the store already (agents), otherwise a system message at the start
            (chat engines that retrieve). ``user`` or ``system`` choose one of them.
        profile: Put the user's profile into a system message at the start, where a provider's
            cache keeps it until a fact or an instruction changes; with ``insert_method="user"``,
            before what is recalled. It takes a quarter of ``token_limit`` at most.
        recall: ``False`` keeps this conversation without recalling anything.
        recall_answers: ``False`` keeps the model's replies out of recall; they stay in the
            conversation.
        timezone: The user's time zone (IANA). ``None``: the settings' ``timezone``.
        strict: Raise when the store or a model fails. Otherwise the conversation goes on with
            what there is, and the log, ``on_error`` and a ``MemoryDegradedEvent`` say so.
        on_error: Called with each failure that is not raised.
        space: The space whose memory this conversation is, instead of the user's own.
        filter: Only what meets it is recalled: a dictionary as in ``LightMem.recall``, or
            ``MetadataFilters``.
        metadata: Metadata of what is stored, besides a message's own.
        spaces: Spaces to recall from besides the user's own memory; ``"all"`` for every one that
            the user may read. ``space`` is among them in any case.

    Raises:
        ScopeError: The user or session id is missing, blank or a wildcard.
        InvalidRequestError: Not exactly one of ``memory`` and ``path``, or a size below 1.
    """

    user_id: str
    session_id: str
    token_limit: int | None = None
    recall_tokens: int | None = None
    k: int | None = None
    insert_method: InsertMethodName = "auto"
    profile: bool = False
    recall: bool = True
    recall_answers: bool = True
    timezone: str | None = None
    strict: bool = False
    space: str | None = None
    spaces: list[str] | str = Field(default_factory=list)
    filter: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    _session: ChatSession = PrivateAttr()
    _view: View = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.RLock)

    def __init__(
        self,
        *,
        memory: LightMem | None = None,
        path: str | os.PathLike[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        token_limit: int | None = None,
        recall_tokens: int | None = None,
        k: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[Any]] | None = None,
        insert_method: InsertMethodName | Enum = "auto",
        profile: bool = False,
        recall: bool = True,
        recall_answers: bool = True,
        timezone: str | None = None,
        strict: bool = False,
        on_error: OnError | None = None,
        space: str | None = None,
        spaces: SpacesRead = (),
        filter: Mapping[str, Any] | MetadataFilters | None = None,  # noqa: A002
        metadata: Mapping[str, Any] | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
        store: str | None = None,
        instance: str | None = None,
    ) -> None:
        user_id = check_user_id(user_id)
        session_id = check_scope_id(
            uuid.uuid4().hex if session_id is None else session_id, "session_id"
        )
        if memory is None:
            if path is None and store is None:
                raise InvalidRequestError("Pass memory=LightMem(...), or path= of its folder.")
            memory = stores.found(store, path, settings)
        elif path is not None:
            raise InvalidRequestError("Pass either memory= or path=, not both.")
        checked_memory(memory)
        check_counts(token_limit=token_limit, recall_tokens=recall_tokens, k=k)
        method = checked_insert_method(insert_method)
        fields: dict[str, Any] = {
            "user_id": user_id,
            "session_id": session_id,
            "token_limit": token_limit,
            "recall_tokens": recall_tokens,
            "k": k,
            "insert_method": method,
            "profile": profile,
            "recall": recall,
            "recall_answers": recall_answers,
            "timezone": check_timezone(timezone),
            "strict": strict,
            "space": space,
            "spaces": spaces_read(spaces, space),
            "filter": checked_filter(filter),
            "metadata": metadata_of(metadata, memory.settings.max_metadata_bytes),
            "path": memory.place,
            "settings": to_jsonable_python(memory.settings),
            "store": stores.store_name(memory),
            "instance": instance or uuid.uuid4().hex,
        }
        super().__init__(**fields)
        self._memory = memory
        self._tokenizer_fn = tokenizer_fn or get_tokenizer()
        failures = Failures(strict=strict, on_error=on_error)
        self._on_error = on_error
        self._session = ChatSession(
            memory,
            user_id,
            session_id,
            failures,
            recall_answers=recall_answers,
            timezone=timezone,
            space=space,
            metadata=self.metadata,
        )
        self._view = View(
            memory,
            user_id,
            count_tokens=lambda text: len(self._tokenizer_fn(text)),
            token_limit=token_limit,
            recall_tokens=recall_tokens if recall else 0,
            k=k,
            insert_method=method,
            profile=profile,
            timezone=timezone,
            spaces=self.spaces,
            filter=self.filter,
        )
        self.keep_findable()

    @classmethod
    def class_name(cls) -> str:
        """The name of this class in serialised form."""
        return "LightMemMemory"

    @classmethod
    def from_defaults(
        cls,
        chat_history: list[ChatMessage] | None = None,
        llm: LLM | None = None,
        token_limit: int | None = None,
        **kwargs: Any,
    ) -> LightMemMemory:
        """Make a memory; all arguments of the class, and two more.

        Args:
            chat_history: Messages to start from, as with ``set``.
            llm: The model to leave room for: ``token_limit`` is three quarters of its context
                window, if it is not given.
            token_limit: Tokens that ``get`` may return.
            kwargs: Arguments of the class.
        """
        if token_limit is None and llm is not None:
            token_limit = int(llm.metadata.context_window * _SHARE_OF_CONTEXT_WINDOW)
        made = cls(token_limit=token_limit, **kwargs)
        if chat_history:
            made.set(chat_history)
        return made

    @classmethod
    def bound(cls, **defaults: Any) -> type[LightMemMemory]:
        """A class for ``memory_cls=`` of chat engines, which cannot name a user.

        Args:
            defaults: Arguments for ``from_defaults``, among them ``user_id``.
        """
        return bound_to(cls, defaults)

    def get(
        self,
        input: object = None,  # noqa: A002 - the framework's name
        initial_token_count: int = 0,
        **kwargs: Any,  # noqa: ARG002 - frameworks pass arguments of other memories
    ) -> list[ChatMessage]:
        """The last whole exchanges of this session, with what the question needs recalled.

        Args:
            input: The question, as text, message or query. ``None`` or without text: the last
                message of the user.
            initial_token_count: Tokens that the prompt holds besides.
            kwargs: Ignored.

        Returns:
            Copies: changing them changes nothing stored. Only the user's live message is the
            same object until the user speaks again, since agents write their state into it.

        Raises:
            InvalidRequestError: The prompt alone is larger than ``token_limit``.
        """
        with self._lock:
            return self._view.messages(self._session, question_of(input), initial_token_count)

    def get_all(self) -> list[ChatMessage]:
        """All messages of this session since it began or was reset, without recalled text."""
        with self._lock:
            return to_messages(self._session.turns())

    def put(self, message: ChatMessage) -> None:
        """Store a message, verbatim and without a model call."""
        self.put_messages([message])

    def put_messages(self, messages: list[ChatMessage]) -> None:
        """Store messages, all or none of them."""
        with self._lock:
            self._session.add(messages)

    def set(self, messages: list[ChatMessage]) -> None:
        """Make these messages the conversation so far.

        What this session has seen before is not remembered a second time, so that a server may
        hand over the whole history at every request.
        """
        with self._lock:
            self._session.replace(messages)

    def reset(self) -> None:
        """Start this conversation anew: it no longer shows or recalls what it held so far.

        Long-term memory keeps that, and other conversations recall it. To erase, use the store's
        ``forget``.
        """
        with self._lock:
            self._session.begin_anew()
