"""Brings what LlamaIndex's own memories hold into a store."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import (
    BaseMemory,
    FactExtractionMemoryBlock,
    Memory,
    SimpleComposableMemory,
    VectorMemory,
    VectorMemoryBlock,
)
from llama_index.core.vector_stores import SimpleVectorStore

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.importers.importing import add_turns
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.messages import fingerprint, to_turn
from lightmem_integrations.safety import check_scope_id, check_user_id, short_repr

_TURN_IDS = uuid.UUID("5d9f4c57-0b0e-4a4e-8f0a-6f5a4f2f6a0d")
_MESSAGE = re.compile(r"<message role='(\w+)'>(.*?)</message>", re.DOTALL)


async def aimport_memory(
    old: BaseMemory | Sequence[ChatMessage],
    memory: LightMem,
    *,
    user_id: str,
    session_id: str | None = None,
    time: dt.datetime | None = None,
) -> int:
    """Store all messages of another memory as one session of a user.

    ``ChatMemoryBuffer``, ``ChatSummaryMemoryBuffer``, ``VectorMemory``, ``SimpleComposableMemory``
    and ``Memory`` with its ``FactExtractionMemoryBlock`` and ``VectorMemoryBlock`` are read; of
    vector stores those that can list what they hold. The old memory is not changed. Doing it again
    imports only what is new.

    Args:
        old: The memory to move from, or a list of messages.
        memory: The open store.
        user_id: Whose memory.
        session_id: The session to store it as. ``None``: the key or session id of the old memory.
        time: When it was said, with a time zone, since messages do not know. ``None``: now.

    Returns:
        How many turns were new.

    Raises:
        ScopeError: The user or session id is missing, blank or a wildcard.
        InvalidRequestError: The old memory is of a kind that cannot be read.
    """
    checked_memory(memory)
    check_user_id(user_id, memory.settings.max_id_chars)
    messages = await _messages_of(old)
    session = check_scope_id(
        session_id or _session_of(old), "session_id", memory.settings.max_id_chars
    )
    return await asyncio.to_thread(_add, messages, memory, user_id, session, time)


def import_memory(
    old: BaseMemory | Sequence[ChatMessage],
    memory: LightMem,
    *,
    user_id: str,
    session_id: str | None = None,
    time: dt.datetime | None = None,
) -> int:
    """``aimport_memory`` for scripts; in a notebook or an async function, await that one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(
            aimport_memory(old, memory, user_id=user_id, session_id=session_id, time=time)
        )
    raise InvalidRequestError(
        "import_memory was called where an event loop runs; use: await aimport_memory(...)."
    )


def _add(
    messages: Iterable[ChatMessage],
    memory: LightMem,
    user_id: str,
    session_id: str,
    time: dt.datetime | None,
) -> int:
    known = {turn.id for turn in memory.history(user_id=user_id, session_id=session_id)}
    said: Counter[str] = Counter()
    turns = []
    for message in messages:
        words = fingerprint(message)
        said[words] += 1
        # An id of what was said for which time: the same import again adds nothing.
        name = uuid.uuid5(_TURN_IDS, f"{said[words]} {words}").hex
        if name not in known:
            turns.append(replace(to_turn(message, memory.settings, time=time), id=name))
    add_turns(memory, turns, user_id=user_id, session_id=session_id)
    return len(turns)


def _session_of(old: object) -> str:
    for name in ("session_id", "chat_store_key"):
        found = getattr(old, name, None)
        if isinstance(found, str) and found.strip():
            return found
    return "imported"


async def _messages_of(old: Any) -> list[ChatMessage]:
    if isinstance(old, Memory):
        # The archived ones too: all that it was ever given.
        messages = await old.aget_all(status=None)
        seen = {(each.role.value, each.content) for each in messages}
        from_blocks = [each for block in old.memory_blocks for each in await _of_block(block)]
        # A vector block holds copies of messages that the memory may have itself.
        new = [each for each in from_blocks if (each.role.value, each.content) not in seen]
        return [*new, *messages]
    if isinstance(old, VectorMemory):
        nodes = await asyncio.to_thread(_nodes_of, old)
        return [
            ChatMessage.model_validate(each)
            for node in nodes
            for each in node.metadata.get("sub_dicts", ())
        ]
    if isinstance(old, SimpleComposableMemory):
        sources = [*old.secondary_memory_sources, old.primary_memory]
        found = [each for source in sources for each in await _messages_of(source)]
        return list({fingerprint(each): each for each in found}.values())
    if isinstance(old, BaseMemory):
        return await old.aget_all()
    if isinstance(old, Sequence) and all(isinstance(each, ChatMessage) for each in old):
        return list(old)
    raise InvalidRequestError(
        f"{short_repr(old)} is no memory of LlamaIndex; pass a BaseMemory or a list of ChatMessage."
    )


async def _of_block(block: object) -> list[ChatMessage]:
    if isinstance(block, FactExtractionMemoryBlock):
        return [ChatMessage(role="assistant", content=fact) for fact in block.facts]
    if isinstance(block, VectorMemoryBlock):
        try:
            nodes = await block.vector_store.aget_nodes(None)
        except NotImplementedError:
            raise InvalidRequestError(
                f"{type(block.vector_store).__name__} cannot list what it holds, so the block "
                f"{block.name!r} cannot be imported. Take it out of memory_blocks first."
            ) from None
        return [
            ChatMessage(role=role, content=text)
            for node in nodes
            for role, text in _MESSAGE.findall(node.get_content())
        ]
    return []


def _nodes_of(old: VectorMemory) -> list[Any]:
    index = old.vector_index
    if isinstance(index.vector_store, SimpleVectorStore):
        # Its index keeps the texts beside it, also of what ``reset`` took out of the store.
        present = index.vector_store.data.embedding_dict
        return [node for name, node in index.docstore.docs.items() if name in present]
    try:
        return list(index.vector_store.get_nodes(None))
    except NotImplementedError:
        raise InvalidRequestError(
            f"{type(index.vector_store).__name__} cannot list what it holds, so this VectorMemory "
            "cannot be imported."
        ) from None
