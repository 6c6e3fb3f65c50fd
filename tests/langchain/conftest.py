"""A real memory with the shipped model, and a chat model that says what a test tells it to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from lightmem_integrations import LightMem, Recall, Turn
from lightmem_integrations.langchain import recording


class ScriptedChatModel(BaseChatModel):
    """Gives the replies of its script in turn, and keeps every prompt that it was sent."""

    script: list[Any]
    prompts: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> ScriptedChatModel:
        return self

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        self.prompts.append(list(messages))
        reply = self.script[len(self.prompts) - 1] if self.script else "Fine."
        if isinstance(reply, Exception):
            raise reply
        return AIMessage(reply) if isinstance(reply, str) else reply.model_copy()

    def _generate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._reply(messages))])

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        reply = self._reply(messages)
        if reply.tool_calls:
            calls = [
                {"name": c["name"], "args": json.dumps(c["args"]), "id": c["id"], "index": i}
                for i, c in enumerate(reply.tool_calls)
            ]
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=calls))
            return
        for word in reply.text.replace(" ", " \0").split("\0"):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk

    @property
    def last_prompt(self) -> str:
        return "\n".join(message.text for message in self.prompts[-1])


class WatchedMemory(LightMem):
    """A real memory that counts recalls, and can be made slow or be broken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recalls: list[dict[str, Any]] = []
        self.recall_takes = 0.0
        self.add_takes = 0.0
        self.fault: Exception | None = None

    def recall(self, query: str, **kwargs: Any) -> Recall:
        self.recalls.append({"query": query, **kwargs})
        time.sleep(self.recall_takes)
        if self.fault:
            raise self.fault
        return super().recall(query, **kwargs)

    def add(self, turns: Any, **kwargs: Any) -> tuple[Turn, ...]:
        time.sleep(self.add_takes)
        if self.fault:
            raise self.fault
        return super().add(turns, **kwargs)

    def short_term(self, **kwargs: Any) -> tuple[Turn, ...]:
        if self.fault:
            raise self.fault
        return super().short_term(**kwargs)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Lets answers wait for their record: most tests read it at once, on a machine that is busy.

    A test of how long an answer waits takes that back with ``patience.undo()``.
    """
    monkeypatch.setattr(recording, "_RECORD_SECONDS", 30.0)
    return monkeypatch


@pytest.fixture
def memory() -> Iterator[WatchedMemory]:
    with WatchedMemory() as opened:
        yield opened


@pytest.fixture
def scripted() -> Callable[..., ScriptedChatModel]:
    def make(*script: Any) -> ScriptedChatModel:
        return ScriptedChatModel(script=list(script))

    return make


@pytest.fixture
def remember(memory: LightMem) -> Callable[..., None]:
    """Lets a user have said something in an earlier session."""

    def say(user_id: str, *texts: str, session_id: str = "earlier") -> None:
        turns = [Turn(role="user", text=text) for text in texts]
        memory.add(turns, user_id=user_id, session_id=session_id)

    return say
