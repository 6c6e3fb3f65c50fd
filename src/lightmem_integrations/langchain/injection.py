"""Placing the memory block in a prompt: in a copy that the model is sent, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from langchain.agents.middleware.types import ModelRequest
from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage, SystemMessage

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain.messages import SOURCE, is_from_person, text_of
from lightmem_integrations.safety import short_repr
from lightmem_integrations.text.fence import FENCE_OPEN

Injection = Literal["message", "question", "system"]
INJECTIONS: tuple[Injection, ...] = ("message", "question", "system")


def check_injection(inject: object) -> None:
    """Refuse what is no place for a memory block.

    Raises:
        InvalidRequestError: It is none.
    """
    if inject not in INJECTIONS:
        raise InvalidRequestError(
            f"inject is {short_repr(inject)}; it must be one of {', '.join(INJECTIONS)}."
        )


@dataclass(init=False)
class RemindingRequest(ModelRequest[Any]):
    """A request that keeps its memory blocks, whatever another middleware puts in their place.

    A middleware that comes after ours may set a system message of its own, or other messages: the
    block is put there as well, unless there is one that was changed.

    Args:
        blocks: Each block, and where it stands.
        **request: Whatever a ``ModelRequest`` takes.
    """

    blocks: tuple[tuple[Injection, str], ...] = ()

    def __init__(self, *, blocks: tuple[tuple[Injection, str], ...], **request: Any) -> None:
        object.__setattr__(self, "blocks", blocks)  # before those that they are put into
        super().__init__(**request)

    @property  # type: ignore[misc]  # mypy takes no property for a dataclass's attribute
    def system_message(self) -> SystemMessage | None:
        """The system message, with the blocks that stand in it."""
        return cast("SystemMessage | None", self.__dict__["system_message"])

    @system_message.setter
    def system_message(self, given: SystemMessage | None) -> None:
        own = [context for place, context in self.blocks if place == "system"]
        for context in _lacking(own, [given] if given else []):
            given = after_system(given, context)
        self.__dict__["system_message"] = given

    @property  # type: ignore[misc]
    def messages(self) -> list[AnyMessage]:
        """The messages, with the blocks that stand among them."""
        return cast("list[AnyMessage]", self.__dict__["messages"])

    @messages.setter
    def messages(self, given: list[AnyMessage]) -> None:
        own = {context: place for place, context in self.blocks if place != "system"}
        for context in _lacking(
            list(own), [each for each in given if isinstance(each, HumanMessage)]
        ):
            given = _PUT[own[context]](given, context)
        self.__dict__["messages"] = given


def with_block(request: ModelRequest[Any], context: str, place: Injection) -> RemindingRequest:
    """The request with one more memory block."""
    given = {each.name: getattr(request, each.name) for each in fields(ModelRequest)}
    if place == "system":
        given["system_message"] = after_system(request.system_message, context)
    else:
        given["messages"] = _PUT[place](request.messages, context)
    return RemindingRequest(blocks=(*getattr(request, "blocks", ()), (place, context)), **given)


@contextmanager
def reminding(
    request: ModelRequest[Any],
    blocks: Sequence[tuple[Injection, str]],
    guarded: Callable[[], AbstractContextManager[None]],
) -> Iterator[ModelRequest[Any]]:
    """The request with memory blocks, as long as the model is called with it.

    Args:
        request: What the model would be sent without memory.
        blocks: Each block, and where it stands; of those at one place, in their order.
        guarded: Keeps what fails here from failing the turn.
    """
    reminded = request
    for place, context in blocks:
        reminded = with_block(reminded, context, place)
    sent, given = reminded.messages, list(request.messages)
    placed = list(sent)
    try:
        yield reminded
    finally:
        # The list is the agent's state to a middleware that changes it instead of replacing it:
        # what is done to ours is done to that one.
        if sent is not request.messages and list(map(id, sent)) != list(map(id, placed)):
            with guarded():
                request.messages[:] = without_block(sent, placed, given)


def without_block(
    sent: Sequence[AnyMessage], placed: Sequence[AnyMessage], given: Sequence[AnyMessage]
) -> list[AnyMessage]:
    """The given messages, changed as the list of those with the block was changed meanwhile.

    Args:
        sent: The messages with the block, by now.
        placed: The same, as they were when the block was put among them.
        given: The messages without the block.
    """
    before, after = {id(each) for each in given}, {id(each) for each in placed}
    replaced = [each for each in given if id(each) not in after]
    kept: list[AnyMessage] = []
    for each in sent:
        if id(each) in before or (id(each) not in after and FENCE_OPEN not in text_of(each)):
            kept.append(each)
        else:  # the block, reworded or not, stands for the question that it was put into
            kept += replaced
            replaced = []
    return kept


def _lacking(contexts: Sequence[str], messages: Iterable[BaseMessage]) -> list[str]:
    """The blocks that are not among the messages, not even reworded."""
    said = "\n".join(map(text_of, messages))
    lacking = [context for context in contexts if context not in said]
    reworded = said.count(FENCE_OPEN) - (len(contexts) - len(lacking))
    return lacking[max(0, reworded) :]


def before_question(messages: Sequence[AnyMessage], context: str) -> list[AnyMessage]:
    """The messages with the block as a message of its own before what the person said last.

    What comes before it stays as it was, byte by byte, so that a provider's cache of the prompt's
    beginning keeps working.
    """
    changed = list(messages)
    place = _question_place(changed)
    if place is not None:
        changed.insert(place, HumanMessage(context, additional_kwargs={SOURCE: "lightmem"}))
    return changed


def in_question(messages: Sequence[AnyMessage], context: str) -> list[AnyMessage]:
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


_PUT = {"message": before_question, "question": in_question}


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
