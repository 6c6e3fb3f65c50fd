"""A store on disk with the shipped model, and a chat model that answers by script."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.storage.chat_store import sql

from lightmem_integrations import LightMem


class Script:
    """Answers in order, and a record of every prompt that the model got."""

    def __init__(self, answers: Sequence[str | ChatMessage]) -> None:
        self.answers = list(answers)
        self.prompts: list[list[ChatMessage]] = []
        self.llm = MockFunctionCallingLLM(response_generator=self._answer, is_chat_model=True)

    def _answer(self, messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        self.prompts.append(copy.deepcopy(list(messages)))
        answer = self.answers.pop(0) if self.answers else "All right."
        if isinstance(answer, Exception):
            raise answer
        return ChatMessage(role="assistant", content=answer) if isinstance(answer, str) else answer

    def said_to(self, prompt: int) -> str:
        return "\n".join(str(message.content) for message in self.prompts[prompt])


@pytest.fixture
def core(tmp_path: Path) -> Iterator[LightMem]:
    with LightMem(tmp_path / "memory") as memory:
        yield memory


@pytest.fixture
def script() -> Callable[..., Script]:
    return lambda *answers: Script(answers)


@pytest.fixture
def recalls(core: LightMem, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that the store was asked, in order."""
    asked: list[str] = []
    real = core.recall

    def recall(query: str, **arguments: Any) -> Any:
        asked.append(query)
        return real(query, **arguments)

    monkeypatch.setattr(core, "recall", recall)
    return asked


@pytest.fixture
def stock_memories_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """LlamaIndex never closes the databases of its own ``Memory``, which Python warns of."""
    engines: list[Any] = []
    real = sql.create_async_engine

    def create(*arguments: Any, **options: Any) -> Any:
        engines.append(real(*arguments, **options))
        return engines[-1]

    monkeypatch.setattr(sql, "create_async_engine", create)
    yield

    async def close() -> None:
        for engine in engines:
            await engine.dispose()

    asyncio.run(close())
