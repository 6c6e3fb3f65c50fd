"""Tool calls and their results stand together or not at all; nothing fills in a template."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.prompts import ChatPromptTemplate

from lightmem_integrations.llama_index.window import (
    tokens_of,
    without_orphans,
    without_placeholders,
    without_template_marks,
)

USER = ChatMessage(role="user", content="Go")


def calls(*ids: str | None, text: str = "") -> ChatMessage:
    blocks: list[Any] = [TextBlock(text=text)] if text else []
    blocks += [ToolCallBlock(tool_call_id=each, tool_name="look") for each in ids]
    return ChatMessage(role="assistant", blocks=blocks)


def legacy(key: str, *ids: str) -> ChatMessage:
    made = [{key: each, "name": "look"} for each in ids]
    return ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": made})


def results(*ids: str) -> list[ChatMessage]:
    return [
        ChatMessage(role="tool", content="found", additional_kwargs={"tool_call_id": each})
        for each in ids
    ]


@pytest.mark.parametrize(
    "whole",
    [
        [USER, calls("1"), *results("1")],
        [USER, calls("1", "2"), *results("2", "1")],
        [USER, calls("1"), *results("1"), calls("1"), *results("1")],
        [USER, calls(None), ChatMessage(role="tool", content="found")],
        [USER, legacy("id", "1", "2"), *results("1", "2")],
        [USER, legacy("tool_id", "1"), *results("1")],
        [
            USER,
            ChatMessage(
                role="assistant", content="", additional_kwargs={"function_call": {"n": 1}}
            ),
            ChatMessage(role="function", content="found"),
        ],
    ],
)
def test_whole_exchanges_stay(whole: list[ChatMessage]) -> None:
    assert without_orphans(whole) == whole


@pytest.mark.parametrize(
    "broken",
    [
        [USER, calls("1")],
        [USER, *results("1")],
        [USER, calls("1", "2"), *results("1")],
        [USER, calls("1"), *results("2")],
        [USER, calls("1"), *results("1", "1")],
        [USER, legacy("id", "1")],
        [*results("1"), USER],
    ],
)
def test_broken_exchanges_go(broken: list[ChatMessage]) -> None:
    assert without_orphans(broken) == [USER]


def test_a_result_that_comes_too_late_is_none() -> None:
    assert without_orphans([USER, calls("1"), USER, *results("1")]) == [USER, USER]


def test_what_was_said_beside_an_orphan_call_stays() -> None:
    kept = without_orphans([USER, calls("1", text="One moment.")])
    assert kept == [USER, ChatMessage(role="assistant", content="One moment.")]


def test_tokens_count_everything_in_a_message() -> None:
    def count(text: str) -> int:
        return len(text.split())

    def size(*blocks: Any, **extra: Any) -> int:
        return tokens_of(ChatMessage(role="user", blocks=list(blocks), **extra), count)

    cited = CitationBlock(
        cited_content=TextBlock(text="a b"), source="s", title="t", additional_location_info={}
    )
    assert size(TextBlock(text="a b"), TextBlock(text="c")) == 3
    assert size(ImageBlock(url="https://example.org/a.png")) == 256
    assert size(AudioBlock(url="https://example.org/a.mp3")) == 256
    assert size(DocumentBlock(data=b"x")) == 2_048
    assert size(ThinkingBlock(content="a b")) == 2
    assert size(cited) == 2
    assert size(CachePoint(cache_control={"type": "ephemeral"})) == 0
    long = {"query": "a b c d"}
    assert size(ToolCallBlock(tool_name="look", tool_kwargs=long)) >= 4
    assert size(additional_kwargs={"tool_calls": [{"id": "1", "function": long}]}) >= 4


@pytest.mark.parametrize(
    "text", ["{query_str}", "{context_str} and {query_str}", "{foo}", '{"a": {"b": 1}}', "{{x}}"]
)
def test_no_template_fills_in_remembered_text(text: str) -> None:
    message = without_template_marks(ChatMessage(role="user", content=text))
    template = ChatPromptTemplate.from_messages([message])
    values = {"query_str": "QUERY", "context_str": "CONTEXT", "foo": "FOO", "x": "X"}
    (shown,) = template.format_messages(**values)
    assert shown.content == without_placeholders(text)
    assert not any(value in str(shown.content) for value in values.values())


def test_json_keeps_its_braces() -> None:
    assert without_placeholders('{"a": {"b": 1}}') == '{"a": {"b": 1}}'
