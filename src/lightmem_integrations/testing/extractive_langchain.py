"""The quoting answerer as a LangChain chat model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.records.conversation import Role, Turn
from lightmem_integrations.testing.quote import quoted_answer

try:
    from langchain_core.callbacks import CallbackManagerForLLMRun
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable
    from typing_extensions import override
except ModuleNotFoundError as error:
    raise MissingExtraError("ExtractiveChatModel", "langchain", "langchain-core") from error

_ROLES: dict[str, Role] = {"human": "user", "ai": "assistant"}


class ExtractiveChatModel(BaseChatModel):
    """Answers by quoting the turn in the prompt's memory block that best matches the question.

    It needs no weights and gives the same answer every time. It only quotes: tools are accepted
    and never called, and it cannot add, compare or conclude.
    """

    @property
    def _llm_type(self) -> str:
        return "lightmem-extractive"

    @override
    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model itself: it calls no tools."""
        return self

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(content=_answer(messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        # Split behind the spaces, so that the pieces add up to the answer exactly.
        for piece in _answer(messages).replace(" ", " \0").split("\0"):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager is not None:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk


def _answer(messages: list[BaseMessage]) -> str:
    return quoted_answer(
        [Turn(role=_ROLES.get(each.type, "system"), text=each.text) for each in messages]
    )
