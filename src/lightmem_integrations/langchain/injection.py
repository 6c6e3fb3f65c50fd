"""Placing the memory block in a prompt: in a copy that the model is sent, nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from lightmem_integrations.langchain.messages import SOURCE, is_from_person

Injection = Literal["message", "question", "system"]
INJECTIONS: tuple[Injection, ...] = ("message", "question", "system")


def before_question(messages: Sequence[BaseMessage], context: str) -> list[BaseMessage]:
    """The messages with the block as a message of its own before what the person said last.

    What comes before it stays as it was, byte by byte, so that a provider's cache of the prompt's
    beginning keeps working.
    """
    changed = list(messages)
    place = _question_place(changed)
    if place is not None:
        changed.insert(place, HumanMessage(context, additional_kwargs={SOURCE: "lightmem"}))
    return changed


def in_question(messages: Sequence[BaseMessage], context: str) -> list[BaseMessage]:
    """The messages with the block as the first part of what the person said last.

    For models that insist on human and AI messages taking turns.
    """
    changed = list(messages)
    place = _question_place(changed)
    if place is None:
        return changed
    message = changed[place]
    content: str | list[str | dict[Any, Any]]
    if isinstance(message.content, str):
        content = f"{context}\n\n{message.content}"
    else:
        content = [_block(context), *message.content]
    changed[place] = message.model_copy(update={"content": content})
    return changed


def after_system(system: SystemMessage | None, context: str) -> SystemMessage:
    """The system message with the block as a last part of its own.

    Its own parts, and what a provider is told there to cache, stay as they were.
    """
    if system is None:
        return SystemMessage(content=[_block(context)])
    own = system.content if isinstance(system.content, list) else [_block(system.content)]
    return system.model_copy(update={"content": [*own, _block(context)]})


def _block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _question_place(messages: Sequence[BaseMessage]) -> int | None:
    """The place of the person's last message; without one, of the last summary of them."""
    places = [i for i, each in enumerate(messages) if isinstance(each, HumanMessage)]
    persons = [i for i in places if is_from_person(messages[i])]
    last = (persons or places)[-1:]
    return last[0] if last else None
