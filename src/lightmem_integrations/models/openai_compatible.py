"""A language model behind a server that speaks OpenAI's chat protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightmem_integrations.errors import InvalidRequestError, ModelOutputError
from lightmem_integrations.models.protocols import Completion, Message
from lightmem_integrations.models.retry import retrying
from lightmem_integrations.safety import short_repr

_SECONDS = 120.0  # for one request where the caller sets no limit; a guess


class OpenAICompatible:
    """A model behind ``POST {base_url}/chat/completions``: vLLM, llama.cpp, Ollama, OpenAI.

    The schema goes along as ``response_format`` of type ``json_schema``. Rate limits, server
    errors and broken connections are tried again, with growing waits.

    Args:
        base_url: Such as ``http://localhost:8000/v1``.
        model: The server's name for the model.
        api_key: Sent as a bearer token. Never logged, never in an error.
        strict: Ask the server to hold to the schema to the letter. OpenAI's own service then
            refuses schemas with keywords that it does not know.

    Raises:
        InvalidRequestError: ``base_url`` is no URL of HTTP.
    """

    def __init__(
        self, base_url: str, model: str, api_key: str | None = None, *, strict: bool = False
    ) -> None:
        if not str(base_url).startswith(("http://", "https://")):
            raise InvalidRequestError(
                f"base_url is {short_repr(base_url)}; pass a URL, such as http://localhost:8000/v1."
            )
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._strict = strict

    def __repr__(self) -> str:
        return f"OpenAICompatible({self._url!r}, {self._model!r})"

    @property
    def name(self) -> str:
        """The name by which the server knows it."""
        return self._model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`."""
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [dict(each) for each in messages],
            "max_tokens": max_tokens,
            "temperature": 0.0,
        }
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema), "strict": self._strict},
            }
        answer = retrying(
            lambda left: self._post(request, left),
            what=f"The model {self._model!r}",
            seconds=seconds,
        )
        return _completion(answer)

    def _post(self, request: Mapping[str, Any], seconds: float | None) -> Any:
        import httpx

        answer = httpx.post(
            self._url, json=request, headers=self._headers, timeout=seconds or _SECONDS
        )
        answer.raise_for_status()
        try:
            return answer.json()
        except ValueError as error:
            raise ModelOutputError("The server's answer is no JSON.") from error


def _completion(answer: Any) -> Completion:
    try:
        text = answer["choices"][0]["message"]["content"] or ""
        usage = answer.get("usage") or {}
        read, written = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        return Completion(str(text), int(read), int(written))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ModelOutputError(
            f"The server's answer {short_repr(answer)} is not of the form of OpenAI's chat "
            "completions."
        ) from error
