"""Chat models of LangChain and LlamaIndex as language models of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightmem_integrations.models.prompts import with_schema_in_prompt
from lightmem_integrations.models.protocols import Completion, Message, is_of
from lightmem_integrations.models.retry import retrying

# "nostream" is LangGraph's tag for model calls whose tokens stay out of a graph's stream.
TAGS = ("lightmem", "nostream", "langsmith:nostream")


class LangChainModel:
    """A LangChain chat model.

    Its calls are tagged ``lightmem`` and ``nostream``: they can be told from the user's own in
    callbacks and traces, and their tokens never appear in the stream of the graph around them.

    Args:
        model: A ``BaseChatModel``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Which model this is."""
        return name_of(self._model)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`."""
        options, prompt = _options(self._model, schema, messages, max_tokens)
        bound = self._model.bind(**options) if options else self._model
        config = {"tags": list(TAGS), "run_name": "lightmem"}
        answer = retrying(
            lambda _: bound.invoke([dict(each) for each in prompt], config),
            what=f"The model {self.name!r}",
            seconds=seconds,
        )
        usage = getattr(answer, "usage_metadata", None) or {}
        return Completion(
            str(answer.text), usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        )


class LlamaIndexModel:
    """A LlamaIndex LLM.

    Args:
        model: An ``LLM``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Which model this is."""
        metadata = getattr(self._model, "metadata", None)
        return str(getattr(metadata, "model_name", None) or name_of(self._model))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`."""
        from llama_index.core.llms import ChatMessage

        options, prompt = _options(self._model, schema, messages, max_tokens)
        said = [ChatMessage(role=each["role"], content=each["content"]) for each in prompt]
        answer = retrying(
            lambda _: self._model.chat(said, **options),
            what=f"The model {self.name!r}",
            seconds=seconds,
        )
        usage = getattr(answer, "additional_kwargs", None) or {}
        return Completion(
            str(answer.message.content or ""),
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
        )


def name_of(model: object) -> str:
    """A name for a framework's model: that of its weights, else that of its class."""
    for attribute in ("model_name", "model", "model_id"):
        value = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    return type(model).__name__


def _options(
    model: object,
    schema: Mapping[str, Any] | None,
    messages: Sequence[Message],
    max_tokens: int,
) -> tuple[dict[str, Any], list[Message]]:
    """Keywords and prompt of a call.

    Only clients of which it is known that they pass a schema on are given one: others raise on an
    unknown keyword, or hand it to a server that does.
    """
    openai = any(
        is_of(model, package) for package in ("langchain_openai", "llama_index.llms.openai")
    )
    if openai:
        options: dict[str, Any] = {"max_tokens": max_tokens}
        if schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema)},
            }
        return options, list(messages)
    if schema is not None and is_of(model, "langchain_ollama"):
        return {"format": dict(schema)}, list(messages)
    return {}, with_schema_in_prompt(messages, schema)
