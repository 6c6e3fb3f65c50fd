"""Chat messages of LlamaIndex as turns, and back without loss."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.schema import QueryBundle
from pydantic import ValidationError

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.conversation import Role, Turn
from lightmem_integrations.records.storable import as_json, cleaned, storable
from lightmem_integrations.safety import short_repr, type_of
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.answers import without_reasoning
from lightmem_integrations.text.timezone import moment_in

logger = logging.getLogger(__name__)

_ROLES: dict[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.FUNCTION: "tool",
    MessageRole.TOOL: "tool",
}
_LONGEST_NAME = 200  # characters: a guess
# ReActAgent stores one message with all its thoughts, actions and observations.
_THOUGHT = re.compile(r"^[^\S\n]*Thought:", re.MULTILINE)
_ACTION = re.compile(r"^[^\S\n]*Action:", re.MULTILINE)
_ANSWER = re.compile(r"^[^\S\n]*Answer:[ \t]*", re.MULTILINE)
# CodeActAgent stores its code as the assistant's words, and what the code printed as the user's.
_CODE = "<execute>"
_PRINTED = "Result of executing the code given:"


def to_turn(
    message: ChatMessage,
    settings: Settings,
    *,
    time: dt.datetime | None = None,
    recall_answers: bool = True,
    timezone: str | None = None,
) -> Turn:
    """A message as a turn: its words as text, all of it beside them as ``Turn.message``.

    What can be metadata of its ``additional_kwargs`` is ``Turn.metadata``.

    The turn gets an id of its own here, so that storing it twice is harmless. The id is not put
    into the message: some models refuse keys that they do not know.

    Args:
        message: The message to store.
        settings: The store's, for its limits: a longer text is cut, not the message itself.
        time: When it was said, with a time zone; ``None``: now, in ``timezone``.
        recall_answers: ``False`` keeps the model's replies out of recall. System and tool
            messages, reasoning, tool calls, code and unfinished ReAct traces are never searched.
        timezone: Of the user; ``None``: the settings' one.
    """
    role = _role_of(checked_message(message))
    text, finished = _words(message)
    name = message.additional_kwargs.get("name")
    turn = Turn(
        role=role,
        text=text,
        speaker=name[:_LONGEST_NAME] if isinstance(name, str) else None,
        time=time or moment_in(timezone or settings.timezone),
        id=uuid.uuid4().hex,
        message=_as_json(message),
        metadata=message.additional_kwargs,
        searchable=(
            finished
            and role in ("user", "assistant")
            and bool(text.strip())
            and not calls_of(message)
        ),
    )
    return storable(turn, settings, recall_answers=recall_answers)


def to_message(turn: Turn) -> ChatMessage:
    """The message that a turn was made of.

    A turn that was not written by this adapter becomes a plain text message.
    """
    if turn.message is not None and "blocks" in turn.message:
        try:
            return ChatMessage.model_validate(dict(turn.message))
        except ValidationError:
            logger.warning("Turn %s holds a message that cannot be read; using its text.", turn.id)
    return ChatMessage(role=MessageRole(turn.role), content=turn.text)


def to_messages(turns: Iterable[Turn]) -> list[ChatMessage]:
    """Messages of turns, in order; turns of other frameworks without any words are left out."""
    return [to_message(turn) for turn in turns if is_shown(turn)]


def is_shown(turn: Turn) -> bool:
    """True for a turn that says anything in this framework's terms."""
    return bool(turn.text) or (turn.message is not None and "blocks" in turn.message)


def fingerprint(message: ChatMessage) -> str:
    """A text that is the same for equal messages only."""
    return json.dumps(_as_json(checked_message(message)), sort_keys=True)


def checked_message(message: object) -> ChatMessage:
    """The message itself.

    Raises:
        InvalidRequestError: It is none.
    """
    if not isinstance(message, ChatMessage):
        raise InvalidRequestError(
            f"{short_repr(message)} is no message but {type_of(message)}. Pass such as "
            "ChatMessage(role='user', content='...')."
        )
    return message


def replaced(present: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Places of the messages, by fingerprints, that another history replaced.

    That is what came after the last message that both have, and what stands in the same place in
    other words. What else is missing was trimmed or summarised. Nothing, if they share nothing.
    """
    kept = set(wanted)
    held = [place for place, each in enumerate(present) if each in kept]
    if not held:
        return []
    same = [mine == theirs for mine, theirs in zip(present, wanted, strict=False)]
    edited = [
        place
        for place in range(min(len(same), held[-1]))
        if present[place] not in kept
        and any(same[max(place - 1, 0) : place + 2])
        and json.loads(present[place])["role"] == json.loads(wanted[place])["role"]
    ]
    return [*edited, *range(held[-1] + 1, len(present))]


def question_of(value: object) -> str | None:
    """The text asked for by what callers hand to ``get(input=...)``; ``None`` if there is none."""
    if isinstance(value, ChatMessage):
        value = value.content
    elif isinstance(value, QueryBundle):
        value = value.query_str
    if not isinstance(value, str):
        return None
    return cleaned(value) if value.strip() else None


def last_question(messages: Sequence[ChatMessage]) -> str | None:
    """The text of the user's last message."""
    spoken = (each for each in reversed(messages) if each.role == MessageRole.USER)
    return question_of(next(spoken, None))


def calls_of(message: ChatMessage) -> list[str]:
    """Ids of the tool calls that a message makes, in order; ``""`` for a call without an id."""
    ids = [block.tool_call_id or "" for block in message.blocks if isinstance(block, ToolCallBlock)]
    if ids:
        return ids
    legacy = message.additional_kwargs.get("tool_calls") or []
    ids = [_id_of(call) for call in legacy]
    if not ids and message.additional_kwargs.get("function_call"):
        return [""]
    return ids


def _id_of(call: Any) -> str:
    for key in ("id", "tool_id"):
        found = call.get(key) if isinstance(call, dict) else getattr(call, key, None)
        if found:
            return str(found)
    return ""


def _role_of(message: ChatMessage) -> Role:
    role = _ROLES[message.role]
    printed = role == "user" and (message.content or "").startswith(_PRINTED)
    return "tool" if printed else role


def _words(message: ChatMessage) -> tuple[str, bool]:
    text = cleaned(message.content or "")
    if _ROLES[message.role] != "assistant":
        return text, True
    text = without_reasoning(text)
    if not text.lstrip().startswith("Thought:"):
        return text, _CODE not in text
    # Observations are other people's text and may hold "Answer:" too: the agent's own answer is
    # the first one after its last thought.
    last_thought = list(_THOUGHT.finditer(text))[-1].end()
    answers = list(_ANSWER.finditer(text))
    answer = next((each for each in answers if each.start() >= last_thought), None)
    if answer is None and answers:
        answer = answers[-1]
    if answer is None:
        return text, _ACTION.search(text) is None
    return text[answer.end() :].strip(), True


def _as_json(message: ChatMessage) -> dict[str, Any]:
    # Images became blocks when the message was made, and would again when it is read.
    others = {key: each for key, each in message.additional_kwargs.items() if key != "images"}
    return {
        "role": message.role.value,
        "additional_kwargs": as_json(others),
        "blocks": [_block_as_json(block) for block in message.blocks],
    }


def _block_as_json(block: Any) -> Any:
    try:
        return as_json(block.model_dump(mode="json", fallback=as_json))
    except Exception as error:  # noqa: BLE001  # somebody's own block, or bytes in what is no field
        logger.warning("A block was left out: %s: %s", type(error).__name__, error)
        return {"block_type": "text", "text": f"[{type(block).__name__} left out]"}


def unmarked(message: ChatMessage) -> ChatMessage:
    """The message without the session id that ``Memory`` writes into it for its blocks."""
    rest = {key: each for key, each in message.additional_kwargs.items() if key != "session_id"}
    return message.model_copy(update={"additional_kwargs": rest})
