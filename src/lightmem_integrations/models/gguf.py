"""A language model in one GGUF file, run in this process by llama.cpp: no server, no network."""

from __future__ import annotations

import importlib.util
import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lightmem_integrations.display import described
from lightmem_integrations.errors import MissingExtraError, ModelError, ModelUnavailableError
from lightmem_integrations.models.protocols import Completion, Message

# Tokens of a prompt that are read in one step; reading can only be stopped between two. A guess.
_STEP = 256


class GGUFLanguageModel:
    """A language model in a ``.gguf`` file; with a schema it decodes under a grammar.

    The file is loaded on the first call, or by ``load``.

    Args:
        path: The ``.gguf`` file.
        context_size: Longest prompt and answer together, in tokens.
        threads: Threads to compute with; ``None`` for one per processor.

    Raises:
        MissingExtraError: ``xllamacpp`` is not installed.
        ModelUnavailableError: There is no such file; on the first call, if it is no model.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        context_size: int = 4_096,
        threads: int | None = None,
    ) -> None:
        self._path = Path(path).expanduser()
        if not self._path.is_file():
            raise ModelUnavailableError(
                f"There is no model file {str(self._path)!r}. Check the path."
            )
        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtraError("A model in a .gguf file", "gguf", "xllamacpp")
        self._context_size = context_size
        self._threads = threads
        self._server: Any = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return described(self, path=str(self._path))

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    def load(self) -> None:
        """Load the file now, so that the first call need not."""
        self._loaded()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`. Stops the computation when time is up.

        Raises:
            ModelError: The model refuses the prompt, such as one that is too long for it, or time
                is up.
        """
        request: dict[str, Any] = {
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
            # Progress is reported while the prompt is read, so that reading can be stopped.
            "return_progress": True,
        }
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema)},
            }
        pieces: list[str] = []
        usage: dict[str, int] = {}
        for chunk in self._chunks(request, seconds):
            choices = chunk.get("choices")
            pieces.append((choices[0]["delta"].get("content") or "") if choices else "")
            usage = chunk.get("usage") or usage
        return Completion(
            "".join(pieces), usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        )

    def _chunks(self, request: dict[str, Any], seconds: float | None) -> Iterator[dict[str, Any]]:
        """Chunks of the answer, as the runner's callback hears them in another thread.

        The model stops when the caller stops to listen, or when time is up.
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
                heard.put(server.handle_chat_completions(request, hear))
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
                if "error" in chunk:
                    reason = chunk["error"].get("message", chunk["error"])
                    raise ModelError(f"The model refused: {reason}")
                yield chunk
        finally:
            stopped.set()

    def _loaded(self) -> Any:
        with self._lock:
            if self._server is None:
                self._server = _load(self._path, self._context_size, self._threads)
            return self._server


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
    import xllamacpp

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
