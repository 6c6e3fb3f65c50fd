"""The quoting answerer as a LlamaIndex LLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.testing.quote import quoted_answer

try:
    from llama_index.core.base.llms.generic_utils import (
        chat_to_completion_decorator,
        stream_chat_to_completion_decorator,
    )
    from llama_index.core.base.llms.types import (
        ChatMessage,
        ChatResponse,
        ChatResponseGen,
        CompletionResponse,
        CompletionResponseGen,
        LLMMetadata,
        MessageRole,
    )
    from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
    from llama_index.core.llms.custom import CustomLLM
    from llama_index.core.llms.function_calling import FunctionCallingLLM
    from llama_index.core.llms.llm import ToolSelection
    from typing_extensions import override
except ModuleNotFoundError as error:
    raise MissingExtraError("ExtractiveLLM", "llama-index", "llama-index-core") from error

if TYPE_CHECKING:
    from llama_index.core.tools import BaseTool

_CONTEXT_WINDOW = 100_000  # tokens: a guess, as many as today's models have


class ExtractiveLLM(CustomLLM, FunctionCallingLLM):
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
            # Split behind the spaces, so that the pieces add up to the answer exactly.
            for piece in _answer(messages).replace(" ", " \0").split("\0"):
                said += piece
                yield _response(said, piece)

        return words()

    @override
    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer to a prompt that is one string."""
        return chat_to_completion_decorator(self.chat)(prompt)

    @override
    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """The answer to a prompt that is one string, word by word."""
        return stream_chat_to_completion_decorator(self.stream_chat)(prompt)

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
            messages.append(ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg)
        return {"messages": messages}

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """No tool call, ever."""
        return []


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
