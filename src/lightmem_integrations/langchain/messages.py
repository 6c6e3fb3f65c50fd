"""LangChain messages as turns, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from lightmem_integrations.records.conversation import Role, Turn
from lightmem_integrations.records.storable import as_json, cleaned, storable
from lightmem_integrations.safety import digest
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.answers import without_reasoning

_ROLES: tuple[tuple[type[BaseMessage], Role], ...] = (
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (SystemMessage, "system"),
    (ToolMessage, "tool"),
)
_LOOKED_AT = 50  # messages, the latest, that may have been edited: a guess
_ID_BYTES = 8  # a guess: millions of messages may be in one session
SOURCE = "lc_source"
"""The key under which LangChain's middlewares say that a message is theirs, no person's."""


class AskedQuestion(NamedTuple):
    """The question of a person; its id is empty where it has none."""

    id: str
    text: str


def text_of(value: Any) -> str:
    """The text of a message, of the last of several, or of whatever a chain hands over."""
    if isinstance(value, BaseMessage):
        return str(value.text)
    if isinstance(value, Sequence) and value and isinstance(value[-1], BaseMessage):
        return str(value[-1].text)
    return "" if value is None else str(value)


def to_turn(
    message: BaseMessage, settings: Settings, *, whole: bool = False, recall_answers: bool = True
) -> Turn:
    """A message as a turn: its id, its speaker's name and its text, without any reasoning.

    What can be metadata of its ``additional_kwargs`` is the turn's.
    The message itself is kept beside the text only where the text does not say it all.

    Args:
        message: Whatever a chain or an agent handed over.
        settings: The store's, for its limits.
        whole: Keep the message itself in any case.
        recall_answers: ``False`` keeps the model's replies out of recall.
    """
    kinds = (role for kind, role in _ROLES if isinstance(message, kind))
    turn = Turn(
        role=next(kinds, "system"), text=text_of(message), speaker=message.name, id=message.id,
        metadata=message.additional_kwargs,
    )  # fmt: skip
    turn = storable(turn, settings, recall_answers=recall_answers)
    if whole:
        says_it_all = turn.id is not None and to_message(turn) == message
    else:
        says_it_all = isinstance(message.content, str) and turn.text == words_of(message)
    if says_it_all and turn.text.strip():
        return turn
    return replace(turn, message=as_json(message_to_dict(message)))


def words_of(message: BaseMessage) -> str:
    """Words of a message, as its turn has them if it is short enough."""
    text = cleaned(text_of(message))
    return without_reasoning(text) if isinstance(message, AIMessage) else text


def with_id(message: BaseMessage, place: int) -> BaseMessage:
    """The message with an id: its own, or one of its place in the conversation and its words.

    Some agents leave their messages without one, and show each of them again and again.
    """
    if message.id:
        return message
    own = digest(json.dumps([place, message.type, text_of(message)]), _ID_BYTES)
    return message.model_copy(update={"id": f"{place}-{own}"})


def with_ids(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages of a conversation, each as ``with_id`` has it."""
    return [with_id(message, place) for place, message in enumerate(messages)]


def to_message(turn: Turn) -> BaseMessage | None:
    """A turn as a message; ``None`` if LangChain has no message for it.

    That is so for tool turns and bare tool calls which another framework recorded.
    """
    if turn.message is not None and {"type", "data"} <= set(turn.message):
        return messages_from_dict([dict(turn.message)])[0]
    if not turn.text or turn.role == "tool":
        return None
    kind = next(kind for kind, role in _ROLES if role == turn.role)
    return kind(content=turn.text, id=turn.id, name=turn.speaker)


def ids_of(messages: Sequence[BaseMessage]) -> frozenset[str]:
    """Ids of messages; where one has none, that of its place and words."""
    return frozenset(message.id for message in with_ids(messages) if message.id)


def unredacted(
    sent: Sequence[BaseMessage],
    kept: Sequence[BaseMessage],
    settings: Settings,
    *,
    recall_answers: bool,
) -> list[Turn]:
    """The latest messages, as turns, of which the model is sent the words that the state keeps.

    Those that it is sent in other words were redacted or cut, which tells nothing of an edit.
    """
    own = {message.id: words_of(message) for message in kept[-_LOOKED_AT:] if message.id}
    return [
        to_turn(message, settings, recall_answers=recall_answers)
        for message in sent[-_LOOKED_AT:]
        if message.id in own
        and (is_from_person(message) or is_answer(message))
        and own[message.id] == words_of(message)
    ]


def is_from_person(message: BaseMessage) -> bool:
    """True for a message that a person wrote; a summary or notice of a middleware is none."""
    return isinstance(message, HumanMessage) and SOURCE not in message.additional_kwargs


def is_answer(message: BaseMessage) -> bool:
    """True for the final words of a model; a call of a tool is none."""
    return (
        isinstance(message, AIMessage)
        and not message.tool_calls
        and SOURCE not in message.additional_kwargs
        and bool(words_of(message).strip())
    )


def last_exchange(messages: Sequence[BaseMessage]) -> tuple[list[BaseMessage], BaseMessage | None]:
    """The last question, all of it if it took several messages, and the answer to it."""
    answer: BaseMessage | None = None
    questions: list[BaseMessage] = []
    for message in reversed(messages):
        if is_from_person(message):
            if text_of(message).strip():
                questions.insert(0, message)
        elif questions:
            break
        elif answer is None and is_answer(message):
            answer = message
    return questions, answer
