"""Moving in: what another memory of LangChain holds becomes turns, once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage

from lightmem_integrations.errors import InvalidRequestError, ScopeError
from lightmem_integrations.importers.conversation import moment_of, words_digest
from lightmem_integrations.importers.importing import add_turns
from lightmem_integrations.langchain.messages import to_turn
from lightmem_integrations.langchain.scope import DEFAULT_SESSION
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.conversation import ROLES, Role, Turn
from lightmem_integrations.records.report import Imported
from lightmem_integrations.records.storable import storable
from lightmem_integrations.safety import check_user_id, short_repr, type_of


def import_messages(
    memory: LightMem,
    source: object,
    *,
    user_id: str,
    session_id: str = DEFAULT_SESSION,
    said_at: Callable[[BaseMessage], dt.datetime | None] | None = None,
    agent_id: str | None = None,
) -> Imported:
    """Take over a conversation. Doing it twice changes nothing.

    Messages of every kind are kept as they are; recall finds what persons and models said.

    Args:
        memory: Where to.
        source: Messages; a chat message history; or a memory that has one, such as
            ``ConversationBufferMemory``.
        user_id: Whose conversation it is.
        session_id: The session in which it is recorded.
        said_at: When a message was said, with a time zone. LangChain's messages do not know that;
            without it, they count as said now.
        agent_id: Which agent took part.

    Raises:
        ScopeError: ``user_id`` or a session or agent id is not a valid one.
        InvalidRequestError: ``source`` has no messages.
        InvalidTurnError: A message cannot be stored; those of earlier batches are.
        StorageError: The store cannot be written.
    """
    checked_memory(memory)
    turns: list[Turn] = []
    skipped = 0
    for place, message in enumerate(_messages_of(source)):
        if not message.content and not getattr(message, "tool_calls", None):
            skipped += 1
            continue
        turn = to_turn(message, memory.settings)
        own_id = turn.id or f"imported-{place}-{words_digest(message.type, turn.text)}"
        when = None if said_at is None else said_at(message)
        turns.append(replace(turn, id=own_id, time=when))
    check_user_id(user_id, memory.settings.max_id_chars)
    add_turns(memory, turns, user_id=user_id, session_id=session_id, agent_id=agent_id)
    return Imported(len(turns), skipped, int(bool(turns)))


def import_documents(
    memory: LightMem,
    documents: Iterable[Document],
    *,
    user_id: str | None = None,
    user_key: str | None = None,
    session_id: str = "imported",
    session_key: str | None = None,
    time_key: str = "timestamp",
    time_zone: dt.tzinfo = dt.timezone.utc,
    role_key: str = "role",
    input_keys: Sequence[str] = ("input", "question", "human"),
    output_keys: Sequence[str] = ("output", "answer", "response", "ai"),
    agent_id: str | None = None,
) -> Imported:
    """Take over what a vector-store memory holds. Doing it twice changes nothing.

    A document as ``VectorStoreRetrieverMemory`` writes it (``input: ...`` and ``output: ...`` on
    lines of their own) becomes two turns; any other becomes one, by the role in its metadata, or
    the user's.

    Args:
        memory: Where to.
        documents: Texts with metadata, in the order in which they were said.
        user_id: Whose memory they are.
        user_key: The metadata that names the user, if the store held many.
        session_id: The session in which they are recorded.
        session_key: The metadata that names the session, if there is any.
        time_key: The metadata that says when: a datetime, ISO 8601, or seconds since 1970. Without
            it, a document counts as said now.
        time_zone: The zone of times that name none.
        role_key: The metadata that says who spoke: one of ``records.ROLES``.
        input_keys: What may stand before the user's words.
        output_keys: What may stand before the model's words.
        agent_id: Which agent took part.

    Raises:
        ScopeError: A document belongs to nobody, or an id is not a valid one. Nothing is written.
        InvalidRequestError: One is no document, or a time cannot be read. Nothing is written.
        InvalidTurnError: A document cannot be stored; those of earlier batches are.
        StorageError: The store cannot be written.
    """
    checked_memory(memory)
    if (user_id is None) == (user_key is None):
        raise ScopeError("Pass either user_id=, or user_key= and the metadata that names the user.")
    head = re.compile(rf"^({'|'.join(map(re.escape, (*input_keys, *output_keys)))}): ", re.M | re.I)
    asking = {key.lower() for key in input_keys}
    by_scope: dict[tuple[str, str], list[Turn]] = {}
    skipped = 0
    for document in documents:
        if not isinstance(document, Document):
            raise InvalidRequestError(
                f"documents has {short_repr(document)} among them, {type_of(document)}. "
                "Pass such as Document('...')."
            )
        known = document.metadata
        owner = check_user_id(known.get(user_key) if user_key is not None else user_id)
        session = known.get(session_key) if session_key is not None else None
        said = list(_said_in(document, head, asking, role_key))
        skipped += not said
        when = moment_of(known.get(time_key), time_zone)
        own_id = document.id or f"imported-{words_digest(document.page_content, str(when))}"
        turns = by_scope.setdefault((owner, session_id if session is None else str(session)), [])
        turns += [
            storable(Turn(role=role, text=text, id=f"{own_id}:{place}", time=when), memory.settings)
            for place, (role, text) in enumerate(said)
        ]
    for (owner, session), turns in by_scope.items():
        add_turns(memory, turns, user_id=owner, session_id=session, agent_id=agent_id)
    return Imported(sum(map(len, by_scope.values())), skipped, sum(map(bool, by_scope.values())))


def _messages_of(source: object) -> list[BaseMessage]:
    history = getattr(source, "chat_memory", source)
    messages = history.messages if isinstance(history, BaseChatMessageHistory) else history
    if not isinstance(messages, Iterable):
        raise InvalidRequestError(f"source is {short_repr(source)}, which has no messages.")
    found = list(messages)
    for each in found:
        if not isinstance(each, BaseMessage):
            raise InvalidRequestError(
                f"source has {short_repr(each)} among its messages, {type_of(each)}. Pass "
                "messages, such as HumanMessage('...'); convert_to_messages makes them of tuples "
                "and dictionaries."
            )
    return found


def _said_in(
    document: Document, head: re.Pattern[str], asking: set[str], role_key: str
) -> Iterator[tuple[Role, str]]:
    text = document.page_content
    heads = list(head.finditer(text))
    if not heads or heads[0].start() > 0:
        role = document.metadata.get(role_key)
        if text.strip():
            yield cast("Role", role) if role in ROLES else "user", text
        return
    ends = [*(each.start() for each in heads[1:]), len(text)]
    for each, end in zip(heads, ends, strict=True):
        words = text[each.end() : end].strip()
        if words:
            yield "user" if each.group(1).lower() in asking else "assistant", words
