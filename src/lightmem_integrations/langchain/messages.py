"""LangChain messages as turns, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.conversation import Role, Turn
from lightmem_integrations.safety import digest, short_repr

_ROLES: tuple[tuple[type[BaseMessage], Role], ...] = (
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (SystemMessage, "system"),
    (ToolMessage, "tool"),
)
_DIGEST_BYTES = 6  # a guess: tells apart the wordings of one message
SOURCE = "lc_source"
"""The key under which LangChain's middlewares say that a message is theirs, no person's."""


def text_of(value: Any) -> str:
    """The text of a message, of the last of several, or of whatever a chain hands over."""
    if isinstance(value, BaseMessage):
        return str(value.text)
    if isinstance(value, Sequence) and value and isinstance(value[-1], BaseMessage):
        return str(value[-1].text)
    return "" if value is None else str(value)


def question_in(given: Any, key: str | None) -> Any:
    """The question in the input of a chain: the input itself, or a dictionary's value of a key.

    Raises:
        InvalidRequestError: It is a dictionary, and it is not clear which key is meant.
    """
    if not isinstance(given, Mapping):
        return given
    if key is None and len(given) == 1:
        return next(iter(given.values()))
    if key is None or key not in given:
        raise InvalidRequestError(
            f"The input has the keys {short_repr(sorted(map(str, given)))}; say which of them is "
            "the "
            "question with input_key=."
        )
    return given[key]


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
    return replace(turn, id=f"{turn.id}~{digest(wording, _DIGEST_BYTES)}")


def is_from_person(message: BaseMessage) -> bool:
    """True for a message that a person wrote; a summary or notice of a middleware is none."""
    return isinstance(message, HumanMessage) and SOURCE not in message.additional_kwargs


def is_answer(message: BaseMessage) -> bool:
    """True for the final words of a model; a call of a tool is none."""
    return (
        isinstance(message, AIMessage)
        and not message.tool_calls
        and SOURCE not in message.additional_kwargs
        and bool(text_of(message).strip())
    )


def last_question(messages: Sequence[BaseMessage]) -> BaseMessage | None:
    """The last message with text in it that a person wrote, if there is one."""
    for message in reversed(messages):
        if is_from_person(message) and text_of(message).strip():
            return message
    return None


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
