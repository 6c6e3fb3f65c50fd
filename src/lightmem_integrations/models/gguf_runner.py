"""A model in one GGUF file, run in this process by llama.cpp: no server, no network, no framework.

Both the language model of this package and LangChain's chat model in `gguf` stand on it.
"""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lightmem_integrations.errors import MissingExtraError, ModelError, ModelUnavailableError
from lightmem_integrations.models.protocols import Completion, Message

# A prompt is read in steps of so many tokens, since reading can only be stopped between two steps.
_STEP = 256


class GGUFRunner:
    """Answers chat requests in OpenAI's form from a ``.gguf`` file, through ``xllamacpp``.

    The file is loaded on the first call.

    Args:
        path: The ``.gguf`` file.
        context_size: Longest prompt and answer together, in tokens.
        threads: Threads to compute with; ``None`` for one per processor.

    Raises:
        MissingExtraError: On the first call, if ``xllamacpp`` is not installed.
        ModelUnavailableError: On the first call, if there is no such file or it is no model.
    """

    def __init__(self, path: Path, context_size: int = 4_096, threads: int | None = None) -> None:
        self.path = path
        self._context_size = context_size
        self._threads = threads
        self._server: Any = None
        self._lock = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer to a request.

        Raises:
            ModelError: The model refuses the prompt, such as one that is too long for it.
        """
        answer: dict[str, Any] = self._loaded().handle_chat_completions(dict(request))
        _check(answer)
        return answer

    def stream(
        self, request: Mapping[str, Any], seconds: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """The chunks of the answer, as the runner's callback hears them in another thread.

        The model stops when the caller stops to listen, or when time is up.

        Args:
            request: A chat request in OpenAI's form.
            seconds: How long the whole may take; ``None`` for as long as it needs.

        Raises:
            ModelError: The model refuses the prompt, or time is up.
        """
        until = None if seconds is None else time.monotonic() + seconds
        server = self._loaded()
        heard: queue.Queue[dict[str, Any] | BaseException | None] = queue.Queue()
        stopped = threading.Event()

        def hear(chunk: dict[str, Any]) -> bool:
            heard.put(chunk)
            return stopped.is_set()  # True ends the generation.

        def generate() -> None:
            try:
                # Progress is reported while the prompt is read, so that reading can be stopped.
                wanted = {**request, "stream": True, "return_progress": True}
                heard.put(server.handle_chat_completions(wanted, hear))
            except BaseException as error:  # noqa: BLE001 - raised again where it is read
                heard.put(error)
            finally:
                heard.put(None)

        threading.Thread(target=generate, daemon=True, name="lightmem-gguf").start()
        try:
            # The call itself returns None at its end, which ends this loop as well.
            while (chunk := _next(heard, until)) is not None:
                if isinstance(chunk, BaseException):
                    raise chunk
                _check(chunk)
                yield chunk
        finally:
            stopped.set()

    def load(self) -> None:
        """Load the file now, so that the first call need not."""
        self._loaded()

    def _loaded(self) -> Any:
        with self._lock:
            if self._server is None:
                self._server = _load(self.path, self._context_size, self._threads)
            return self._server


class GGUFLanguageModel:
    """A language model in a ``.gguf`` file; with a schema it decodes under a grammar.

    Args:
        path: The ``.gguf`` file, or a runner that is shared.
        context_size: Longest prompt and answer together, in tokens.
        threads: Threads to compute with; ``None`` for one per processor.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | GGUFRunner,
        *,
        context_size: int = 4_096,
        threads: int | None = None,
    ) -> None:
        if isinstance(path, GGUFRunner):
            self._runner = path
        else:
            self._runner = GGUFRunner(Path(path).expanduser(), context_size, threads)

    @property
    def name(self) -> str:
        """Which model this is: the file's name."""
        return self._runner.path.name

    def load(self) -> None:
        """Load the file now, so that the first call need not."""
        self._runner.load()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`. Stops the computation when time is up."""
        request: dict[str, Any] = {
            "messages": [dict(each) for each in messages],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema)},
            }
        pieces: list[str] = []
        usage: dict[str, int] = {}
        for chunk in self._runner.stream(request, seconds):
            pieces.append(piece_of(chunk))
            usage = chunk.get("usage") or usage
        return Completion(
            "".join(pieces), usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        )


def piece_of(chunk: Mapping[str, Any]) -> str:
    """The text that a chunk of an answer brings; often none."""
    choices = chunk.get("choices")
    return (choices[0]["delta"].get("content") or "") if choices else ""


def _next(
    heard: queue.Queue[dict[str, Any] | BaseException | None], until: float | None
) -> dict[str, Any] | BaseException | None:
    get = heard.get if until is None else partial(heard.get, timeout=_left(until))
    try:
        return get()
    except queue.Empty:
        raise ModelError("The model did not answer in time; it was stopped.") from None


def _left(until: float) -> float:
    return min(max(until - time.monotonic(), 0.0), threading.TIMEOUT_MAX)


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
    parameters.n_batch = _STEP
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


def _check(answer: Mapping[str, Any]) -> None:
    if "error" in answer:
        raise ModelError(f"The model refused: {answer['error'].get('message', answer['error'])}")
