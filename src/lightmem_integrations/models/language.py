"""Language models of every kind behind one Protocol, and their answers as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict, cast, runtime_checkable

from lightmem_integrations.errors import LightMemError, ModelError, ModelOutputError, SettingsError
from lightmem_integrations.safety import shown

# Longer answers are refused unread: nothing that we ask for comes near it.
_LONGEST = 200_000
_FENCE = "```"


class Message(TypedDict):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model answered.

    Attributes:
        text: The answer; with a schema JSON, unless the model broke its word.
        prompt_tokens: Tokens that it read; 0 where the runner does not say.
        completion_tokens: Tokens that it wrote; 0 where the runner does not say.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@runtime_checkable
class LanguageModel(Protocol):
    """Answers a prompt. Must be thread-safe."""

    @property
    def name(self) -> str:
        """Which model this is."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer a prompt.

        Args:
            messages: The prompt.
            schema: JSON schema of the answer. A runner that can decodes under it; with the others
                the prompt asks for it. Either way the answer must be checked.
            max_tokens: Longest answer, in tokens, where the runner takes a limit.
            seconds: How long it may take, retries included; ``None`` for as long as it needs. A
                runner that cannot be stopped may take longer.

        Raises:
            ModelError: The model failed or did not answer in time.
        """


def as_language_model(given: object) -> LanguageModel:
    """A language model of whatever was given.

    Args:
        given: One of ours; a LangChain chat model; a LlamaIndex LLM; the path of a ``.gguf`` file;
            or the name or folder of a transformers model. For a server that speaks OpenAI's
            protocol pass an ``OpenAICompatible``.

    Raises:
        SettingsError: It is none of these.
    """
    if isinstance(given, (str, os.PathLike)):
        return _from_name(os.fspath(given))
    if is_of(given, "langchain_core") and hasattr(given, "invoke"):
        from lightmem_integrations.models.frameworks import LangChainModel
        from lightmem_integrations.models.gguf_runner import GGUFLanguageModel, GGUFRunner

        runner = getattr(given, "runner", None)
        if isinstance(runner, GGUFRunner):  # our own chat model: its file decodes under a grammar
            return GGUFLanguageModel(runner)
        return LangChainModel(given)
    if is_of(given, "llama_index") and hasattr(given, "chat"):
        from lightmem_integrations.models.frameworks import LlamaIndexModel

        return LlamaIndexModel(given)
    if isinstance(given, LanguageModel) and callable(given.complete):
        return given
    raise SettingsError(
        f"{shown(given)}, a {type(given).__name__}, is no language model. Pass a LangChain chat "
        "model, a LlamaIndex LLM, OpenAICompatible(...), the path of a .gguf file, or the name of "
        "a transformers model."
    )


def complete_json(
    model: LanguageModel,
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any],
    max_tokens: int = 256,
    seconds: float | None = None,
) -> tuple[dict[str, Any], Completion]:
    """Ask for a JSON object.

    Only the shape is promised, and only by runners that decode under the schema: whoever asks
    must check every value.

    Args:
        model: What to ask.
        messages: The prompt.
        schema: JSON schema of the object.
        max_tokens: Longest answer, in tokens.
        seconds: How long it may take.

    Returns:
        The object, and the answer it stood in.

    Raises:
        ModelOutputError: The answer holds no JSON object.
        ModelError: The model failed or did not answer in time.
    """
    try:
        answer = model.complete(messages, schema=schema, max_tokens=max_tokens, seconds=seconds)
    except LightMemError:
        raise
    except Exception as error:
        raise ModelError(f"The model {model.name!r} failed: {error}") from error
    text = answer.text if isinstance(answer, Completion) else None
    if not isinstance(text, str):
        raise ModelOutputError(f"The model {model.name!r} returned {shown(answer)}, no text.")
    return parse_object(text), answer


def parse_object(text: str) -> dict[str, Any]:
    """The first JSON object in a model's answer, bare, in a code fence, or after some prose.

    Raises:
        ModelOutputError: There is none, or the answer is too long to be read.
    """
    if len(text) > _LONGEST:
        raise ModelOutputError(
            f"The model wrote {len(text)} characters where a short JSON object was asked for."
        )
    prose, _, fenced = text.partition(_FENCE)
    body = fenced if "{" in fenced and "{" not in prose else text
    start = body.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(body, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError) as error:
        raise ModelOutputError(f"The model wrote no valid JSON: {shown(text)}.") from error
    if not isinstance(found, dict):
        raise ModelOutputError(f"The model wrote no JSON object: {shown(text)}.")
    return cast("dict[str, Any]", found)


def with_schema_in_prompt(
    messages: Sequence[Message], schema: Mapping[str, Any] | None
) -> list[Message]:
    """The prompt with the schema written into it, for runners that do not decode under one."""
    if schema is None:
        return list(messages)
    wish = (
        "Answer with one JSON object and nothing else. It must match this JSON schema:\n"
        f"{json.dumps(schema)}"
    )
    if messages and messages[0]["role"] == "system":
        first: Message = {"role": "system", "content": f"{messages[0]['content']}\n\n{wish}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": wish}, *messages]


def is_of(given: object, package: str) -> bool:
    """Whether an object's class, or a base of it, comes from a package, which is not imported."""
    return any(
        base.__module__ == package or base.__module__.startswith(f"{package}.")
        for base in type(given).__mro__
    )


def load(model: object) -> None:
    """Load a model now, where it has a way to do so before its first use."""
    loading = getattr(model, "load", None)
    if callable(loading):
        loading()


def _from_name(name: str) -> LanguageModel:
    if not name.strip():
        raise SettingsError("The name of the language model is blank.")
    if name.lower().endswith(".gguf"):
        from lightmem_integrations.models.gguf_runner import GGUFLanguageModel

        return GGUFLanguageModel(name)
    from lightmem_integrations.models.transformers import TransformersModel

    return TransformersModel(name)
