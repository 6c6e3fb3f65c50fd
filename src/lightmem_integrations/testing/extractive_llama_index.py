"""The quoting answerer as a LlamaIndex LLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.testing.quote import quoted_answer

try:
    from llama_index.core.base.llms.types import (
        ChatMessage,
        ChatResponse,
        ChatResponseAsyncGen,
        ChatResponseGen,
        CompletionResponse,
        CompletionResponseAsyncGen,
        CompletionResponseGen,
        LLMMetadata,
        MessageRole,
    )
    from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
    from llama_index.core.llms.function_calling import FunctionCallingLLM
    from llama_index.core.llms.llm import ToolSelection
    from typing_extensions import override
except ModuleNotFoundError as error:
    raise MissingExtraError("ExtractiveLLM", "llama-index", "llama-index-core") from error

if TYPE_CHECKING:
    from llama_index.core.tools import BaseTool

_CONTEXT_WINDOW = 100_000  # tokens: a guess, as many as today's models have


class ExtractiveLLM(FunctionCallingLLM):
    """Answers by quoting the turn in the prompt's memory block that best matches the question.

    It needs no weights and gives the same answer every time. It only quotes: tools are accepted
    and never called, and it cannot add, compare or conclude. It works in a ``FunctionAgent``.
    """

    @classmethod
    def class_name(cls) -> str:
        """Its name in LlamaIndex's serialised settings."""
        return "LightMemExtractiveLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """A chat model to which tools may be passed."""
        return LLMMetadata(
            context_window=_CONTEXT_WINDOW,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name="lightmem-extractive",
        )

    @override
    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The answer to the last question."""
        return _response(_answer(messages))

    @override
    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The answer, word by word."""

        def words() -> ChatResponseGen:
            said = ""
            for piece in _pieces(_answer(messages)):
                said += piece
                yield _response(said, piece)

        return words()

    @override
    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The answer to the last question."""
        return _response(_answer(messages))

    @override
    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """The answer, word by word."""

        async def words() -> ChatResponseAsyncGen:
            said = ""
            for piece in _pieces(_answer(messages)):
                said += piece
                yield _response(said, piece)

        return words()

    @override
    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer to a prompt that is one string."""
        return CompletionResponse(text=_answer([_user(prompt)]))

    @override
    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """The answer to a prompt that is one string, word by word."""

        def words() -> CompletionResponseGen:
            said = ""
            for piece in _pieces(_answer([_user(prompt)])):
                said += piece
                yield CompletionResponse(text=said, delta=piece)

        return words()

    @override
    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """The answer to a prompt that is one string."""
        return CompletionResponse(text=_answer([_user(prompt)]))

    @override
    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """The answer to a prompt that is one string, word by word."""

        async def words() -> CompletionResponseAsyncGen:
            said = ""
            for piece in _pieces(_answer([_user(prompt)])):
                said += piece
                yield CompletionResponse(text=said, delta=piece)

        return words()

    @override
    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(_user(user_msg) if isinstance(user_msg, str) else user_msg)
        return {"messages": messages}

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """No tool call, ever."""
        return []


def _user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)


def _response(text: str, delta: str | None = None) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=delta)


def _answer(messages: Sequence[ChatMessage]) -> str:
    return quoted_answer(
        [
            Turn(
                role="user" if message.role == MessageRole.USER else "system",
                text=message.content or "",
            )
            for message in messages
        ]
    )


def _pieces(answer: str) -> list[str]:
    # Split behind the spaces, so that the pieces add up to the answer exactly.
    return answer.replace(" ", " \0").split("\0")
