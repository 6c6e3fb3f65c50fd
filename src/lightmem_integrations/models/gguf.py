"""LangChain's chat model for one GGUF file, run in this process: no server, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.models.gguf_runner import GGUFRunner, piece_of

try:
    from langchain_core.callbacks import CallbackManagerForLLMRun
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import (
        AIMessage,
        AIMessageChunk,
        BaseMessage,
        convert_to_openai_messages,
    )
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
    from pydantic import PrivateAttr
    from typing_extensions import override
except ModuleNotFoundError as error:
    raise MissingExtraError("GGUFChatModel", "langchain", "langchain-core") from error


class GGUFChatModel(BaseChatModel):
    """A LangChain chat model that runs a ``.gguf`` file through ``xllamacpp``.

    The file is loaded on the first call. Tools are not supported.

    Args:
        path: The ``.gguf`` file.
        context_size: Longest prompt and answer together, in tokens.
        max_tokens: Longest answer, in tokens.
        temperature: 0 for the same answer every time.
        threads: Threads to compute with; ``None`` for one per processor.

    Raises:
        MissingExtraError: On the first call, if ``xllamacpp`` is not installed.
        ModelUnavailableError: On the first call, if there is no such file or it is no model.
        ModelError: If the model refuses a prompt, such as one that is too long for it.
    """

    path: Path
    context_size: int = 4_096
    max_tokens: int = 256
    temperature: float = 0.0
    threads: int | None = None

    _runner: GGUFRunner = PrivateAttr()

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._runner = GGUFRunner(self.path, self.context_size, self.threads)

    @property
    def runner(self) -> GGUFRunner:
        """What runs the file; whoever shares it loads the file once."""
        return self._runner

    @property
    def _llm_type(self) -> str:
        return "gguf"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.path.name, "max_tokens": self.max_tokens}

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self._runner.answer(self._request(messages, stop, kwargs))
        usage = answer["usage"]
        message = AIMessage(
            content=answer["choices"][0]["message"]["content"] or "",
            response_metadata={"finish_reason": answer["choices"][0]["finish_reason"]},
            usage_metadata={
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for heard in self._runner.stream(self._request(messages, stop, kwargs)):
            piece = piece_of(heard)
            if not piece:
                continue
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager is not None:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, more: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "messages": convert_to_openai_messages(messages, text_format="string"),
            "max_tokens": more.get("max_tokens", self.max_tokens),
            "temperature": more.get("temperature", self.temperature),
            "stop": stop or [],
        }
