"""The part of a session that stands in a prompt: tokens, whole tool calls, place of memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import BasePromptTemplate, PromptTemplate, RichPromptTemplate

from lightmem_integrations.llama_index.messages import calls_of
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.text.fence import FENCE_OPEN

# The estimates that LlamaIndex's own Memory uses.
_MEDIA_TOKENS = 256
_DOCUMENT_TOKENS = 2_048

_FENCE_LINES = 3  # the fence, the notice below it, and the fence again

_PLACEHOLDER = re.compile(r"\{([^{}\s]+)\}")
_RESULTS = (MessageRole.TOOL, MessageRole.FUNCTION)
_SYSTEM = (MessageRole.SYSTEM, MessageRole.DEVELOPER)


def tokens_of(message: ChatMessage, count: TokenCounter) -> int:
    """Size of a message in a prompt: its text, its tool calls as JSON, estimates for media."""
    tokens = sum(_tokens_of_block(block, count) for block in message.blocks)
    if not any(isinstance(block, ToolCallBlock) for block in message.blocks):
        legacy = message.additional_kwargs.get("tool_calls")
        tokens += count(json.dumps(legacy, default=str)) if legacy else 0
    return tokens


def without_orphans(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The messages without tool calls that have no result, and without results of no call.

    Models refuse both. A result belongs to the call right before it; a message whose calls are
    dropped stays if it says something besides.
    """
    kept: list[ChatMessage] = []
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        results: list[ChatMessage] = []
        while at < len(messages) and messages[at].role in _RESULTS:
            results.append(messages[at])
            at += 1
        calls = calls_of(message) if message.role not in _RESULTS else []
        answered = Counter(_call_id(result) for result in results)
        if message.role in _RESULTS:
            continue
        if not calls:
            kept.append(message)
        elif Counter(calls) == answered:
            kept.extend((message, *results))
        elif (spoken := _without_calls(message)) is not None:
            kept.append(spoken)
    return kept


def from_first_user(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The messages from the first user message on; system messages before it stay."""
    for at, message in enumerate(messages):
        if message.role == MessageRole.USER:
            return [*(each for each in messages[:at] if each.role in _SYSTEM), *messages[at:]]
    return [message for message in messages if message.role in _SYSTEM]


def as_template(given: BasePromptTemplate | str) -> BasePromptTemplate:
    """A template of LlamaIndex, also where its text is given: with ``{{ text }}`` or ``{text}``."""
    if not isinstance(given, str):
        return given
    rich = "{{" in given and "}}" in given
    return (RichPromptTemplate if rich else PromptTemplate)(given)


def without_placeholders(text: str) -> str:
    """The text with ``{name}`` as ``{ name }``, so that no prompt template fills it in.

    Chat engines put the history into a template and replace names such as ``{query_str}``
    wherever they stand, in remembered text too.
    """
    return _PLACEHOLDER.sub(r"{ \1 }", text)


def without_last_lines(text: str, max_tokens: int, count: TokenCounter) -> str | None:
    """Fenced blocks without as many of their last lines as it takes; ``None`` if none are left."""
    lines = text.splitlines()
    while lines:
        opened = [place for place, line in enumerate(lines) if line == FENCE_OPEN][-1:] or [0]
        if len(lines) - opened[0] > _FENCE_LINES + 1:
            del lines[-2]
        else:
            del lines[opened[0] :]
        left = "\n".join(lines)
        if lines and count(left) <= max_tokens:
            return left
    return None


def without_template_marks(message: ChatMessage) -> ChatMessage:
    """The message with nothing in its text that a prompt template would replace."""
    blocks: list[ContentBlock] = [
        block.model_copy(update={"text": without_placeholders(block.text)})
        if isinstance(block, TextBlock)
        else block
        for block in message.blocks
    ]
    return message.model_copy(update={"blocks": blocks})


def led_by(memory: str, message: ChatMessage) -> ChatMessage:
    """The message with memory as its first block."""
    return message.model_copy(update={"blocks": [TextBlock(text=memory), *message.blocks]})


def under_system(memory: str, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The messages with memory in a system message at the start: the one there, or a new one."""
    if messages and messages[0].role in _SYSTEM:
        first = messages[0].model_copy(
            update={"blocks": [*messages[0].blocks, TextBlock(text=memory)]}
        )
        return [first, *messages[1:]]
    return [ChatMessage(role=MessageRole.SYSTEM, content=memory), *messages]


def _call_id(result: ChatMessage) -> str:
    return str(result.additional_kwargs.get("tool_call_id") or "")


def _without_calls(message: ChatMessage) -> ChatMessage | None:
    blocks = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
    if not any(isinstance(block, TextBlock) and block.text.strip() for block in blocks):
        return None
    rest = {
        key: value
        for key, value in message.additional_kwargs.items()
        if key not in ("tool_calls", "function_call")
    }
    return message.model_copy(update={"blocks": blocks, "additional_kwargs": rest})


def _tokens_of_block(block: object, count: TokenCounter) -> int:
    tokens = 0
    if isinstance(block, TextBlock):
        tokens = count(block.text)
    elif isinstance(block, ThinkingBlock):
        tokens = count(block.content or "")
    elif isinstance(block, ToolCallBlock):
        tokens = count(block.model_dump_json())
    elif isinstance(block, (ImageBlock, AudioBlock, VideoBlock)):
        tokens = _MEDIA_TOKENS
    elif isinstance(block, DocumentBlock):
        tokens = _DOCUMENT_TOKENS
    elif isinstance(block, CitableBlock):
        tokens = sum(_tokens_of_block(each, count) for each in block.content)
    elif isinstance(block, CitationBlock):
        tokens = _tokens_of_block(block.cited_content, count)
    elif not isinstance(block, CachePoint):
        tokens = count(str(block))
    return tokens
