"""A chat model in one GGUF file, run in this process by llama.cpp: no server, no network."""

from __future__ import annotations

import os
import queue
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightmem_integrations.errors import MissingExtraError, ModelError, ModelUnavailableError

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

    _server: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

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
        answer = self._loaded().handle_chat_completions(self._request(messages, stop, kwargs))
        _check(answer)
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
        request = self._request(messages, stop, kwargs) | {"stream": True}
        for piece in _pieces(self._loaded(), request):
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

    def _loaded(self) -> Any:
        with self._lock:
            if self._server is None:
                self._server = _load(self.path, self.context_size, self.threads)
            return self._server


def _load(path: Path, context_size: int, threads: int | None) -> Any:
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise MissingExtraError("A model in a .gguf file", "gguf", "xllamacpp") from error
    if not path.is_file():
        raise ModelUnavailableError(f"There is no model file {str(path)!r}.")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = context_size
    parameters.cpuparams.n_threads = threads or os.cpu_count() or 1
    parameters.warmup = False
    parameters.verbosity = -1
    # The runner also opens a port of this machine. Nobody else has a key to it.
    parameters.api_keys = [secrets.token_urlsafe(32)]
    parameters.ui = False
    try:
        return xllamacpp.Server(parameters)
    except Exception as error:  # The runner raises whatever its native part throws.
        raise ModelUnavailableError(
            f"The file {str(path)!r} could not be loaded as a model: {error}"
        ) from error


def _pieces(server: Any, request: dict[str, Any]) -> Iterator[str]:
    """The answer piece by piece, as the runner's callback hears it in another thread."""
    heard: queue.Queue[dict[str, Any] | BaseException | None] = queue.Queue()
    stopped = threading.Event()

    def hear(piece: dict[str, Any]) -> bool:
        heard.put(piece)
        return stopped.is_set()  # True ends the generation.

    def generate() -> None:
        try:
            heard.put(server.handle_chat_completions(request, hear))
        except BaseException as error:  # noqa: BLE001 - raised again where it is read
            heard.put(error)
        finally:
            heard.put(None)

    threading.Thread(target=generate, daemon=True).start()
    try:
        # The call itself returns None at its end, which ends this loop as well.
        while (piece := heard.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            _check(piece)
            text = piece["choices"][0]["delta"].get("content") if piece.get("choices") else None
            if text:
                yield text
    finally:
        stopped.set()


def _check(answer: dict[str, Any]) -> None:
    if "error" in answer:
        raise ModelError(f"The model refused: {answer['error'].get('message', answer['error'])}")
