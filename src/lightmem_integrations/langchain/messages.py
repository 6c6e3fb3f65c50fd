"""LangChain messages as turns, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from lightmem_integrations.records import Role, Turn

_ROLES: tuple[tuple[type[BaseMessage], Role], ...] = (
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (SystemMessage, "system"),
    (ToolMessage, "tool"),
)
_DIGEST_BYTES = 6


def text_of(value: Any) -> str:
    """The text of a message, of the last of several, or of whatever a chain hands over."""
    if isinstance(value, BaseMessage):
        return str(value.text)
    if isinstance(value, Sequence) and value and isinstance(value[-1], BaseMessage):
        return str(value[-1].text)
    return "" if value is None else str(value)


def to_turn(message: BaseMessage) -> Turn:
    """A message as a turn: its id, its speaker's name and its text.

    The message itself is kept beside the text only where the text does not say it all.
    """
    kinds = (role for kind, role in _ROLES if isinstance(message, kind))
    role: Role = next(kinds, "system")
    text = text_of(message)
    says_it_all = bool(text.strip()) and isinstance(message.content, str)
    return Turn(
        role=role,
        text=text,
        speaker=message.name or None,
        id=message.id or None,
        message=None if says_it_all else json.loads(json.dumps(message_to_dict(message))),
    )


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


def under_new_id(turn: Turn) -> Turn:
    """The turn under an id of its own wording, for a message that was edited and kept its id."""
    wording = json.dumps([turn.role, turn.speaker, turn.text])
    digest = hashlib.blake2b(wording.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return replace(turn, id=f"{turn.id}~{digest}")


def is_from_person(message: BaseMessage) -> bool:
    """Whether a person wrote it, and not a middleware that put a summary or a notice there."""
    return isinstance(message, HumanMessage) and "lc_source" not in message.additional_kwargs


def is_answer(message: BaseMessage) -> bool:
    """Whether it is what the model finally said, and not a call of a tool."""
    return (
        isinstance(message, AIMessage)
        and not message.tool_calls
        and "lc_source" not in message.additional_kwargs
        and bool(text_of(message).strip())
    )


def last_question(messages: Sequence[BaseMessage]) -> BaseMessage | None:
    """The last message with text in it that a person wrote, if there is one."""
    for message in reversed(messages):
        if is_from_person(message) and text_of(message).strip():
            return message
    return None


def last_exchange(messages: Sequence[BaseMessage]) -> tuple[list[BaseMessage], BaseMessage | None]:
    """What a person said last (all of it, if it took several messages), and the answer to it."""
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


def with_context(messages: Sequence[BaseMessage], context: str) -> list[BaseMessage]:
    """The messages with a context in front of what the person said last.

    It becomes the first part of a copy of that message. A message of its own would be a second
    user message in a row, or a system message in the middle, and some models refuse either.
    What comes before that message stays as it was, byte by byte, so that a provider's cache of
    the prompt's beginning keeps working.
    """
    changed = list(messages)
    places = [place for place, each in enumerate(changed) if isinstance(each, HumanMessage)]
    if not places:
        return changed
    persons = [place for place in places if is_from_person(changed[place])]
    place = (persons or places)[-1]
    message = changed[place]
    content: str | list[str | dict[Any, Any]]
    if isinstance(message.content, str):
        content = f"{context}\n\n{message.content}"
    else:
        content = [{"type": "text", "text": context}, *message.content]
    changed[place] = message.model_copy(update={"content": content})
    return changed
