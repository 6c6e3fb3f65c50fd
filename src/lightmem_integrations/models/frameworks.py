"""Chat models of LangChain and LlamaIndex as language models of ours.

A schema goes the framework's own way (structured output, tool calls), since the framework knows
what its providers can do. A model that has none, or a server that turns it down, is asked in words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lightmem_integrations.display import described
from lightmem_integrations.errors import ModelError
from lightmem_integrations.models.prompts import with_schema_in_prompt
from lightmem_integrations.models.protocols import Completion, Message, is_of, weights_name
from lightmem_integrations.models.retry import retrying, status_of

TAGS = ("lightmem", "nostream", "langsmith:nostream")
"""Tags of our calls of a LangChain model. By ``nostream`` LangGraph streams no token of theirs."""

_ANSWER = "answer"
_DESCRIPTION = "Give the answer."
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


class LangChainModel:
    """A LangChain chat model.

    Its calls are tagged ``lightmem`` and ``nostream``: they can be told from the user's own in
    callbacks and traces, and their tokens never appear in the stream of the graph around them.

    Args:
        model: A ``BaseChatModel``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._takes_schemas = True

    def __repr__(self) -> str:
        return described(self, name=self.name)

    @property
    def name(self) -> str:
        """Name of the weights, or of the class."""
        return model_name_of(self._model)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`."""
        limits = _limits(self._model, "langchain_openai", max_tokens)
        plain = self._model.bind(**limits) if limits else self._model

        def in_words(left: float | None) -> Completion:
            return self._ask(plain, with_schema_in_prompt(messages, schema), left)

        if schema is None or not self._takes_schemas:
            return in_words(seconds)
        titled = {"title": _ANSWER, "description": _DESCRIPTION, **schema}
        try:
            constrained = self._model.with_structured_output(titled, include_raw=True, **limits)
        except NotImplementedError:
            self._takes_schemas = False
            return in_words(seconds)
        answer, self._takes_schemas = _or_in_words(
            lambda left: self._ask(constrained, messages, left), in_words, seconds
        )
        return answer

    def _ask(self, runnable: Any, prompt: Sequence[Message], seconds: float | None) -> Completion:
        config = {"tags": list(TAGS), "run_name": "lightmem"}
        answer = retrying(
            lambda _: runnable.invoke([dict(message) for message in prompt], config),
            what=f"The model {self.name!r}",
            seconds=seconds,
        )
        # Structured output brings the message beside the framework's own, forgiving reading of it.
        message = answer["raw"] if isinstance(answer, dict) else answer
        calls = getattr(message, "tool_calls", None)
        text = json.dumps(calls[0]["args"]) if calls else str(message.text)
        usage = getattr(message, "usage_metadata", None) or {}
        return Completion(text, usage.get("input_tokens", 0), usage.get("output_tokens", 0))


class LlamaIndexModel:
    """A LlamaIndex LLM. One that calls functions answers under a schema by calling one.

    Args:
        model: An ``LLM``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        metadata = getattr(model, "metadata", None)
        self._takes_schemas = bool(getattr(metadata, "is_function_calling_model", False))

    def __repr__(self) -> str:
        return described(self, name=self.name)

    @property
    def name(self) -> str:
        """Name of the weights, or of the class."""
        metadata = getattr(self._model, "metadata", None)
        return str(getattr(metadata, "model_name", None) or model_name_of(self._model))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`."""
        limits = _limits(self._model, "llama_index.llms.openai", max_tokens)

        def in_words(left: float | None) -> Completion:
            prompt = _chat_messages(with_schema_in_prompt(messages, schema))
            return self._ask(lambda: self._model.chat(prompt, **limits), left)

        if schema is None or not self._takes_schemas:
            return in_words(seconds)
        tool, history = _answering_tool(schema), _chat_messages(messages)
        answer, self._takes_schemas = _or_in_words(
            lambda left: self._ask(
                lambda: self._model.chat_with_tools(
                    [tool], chat_history=history, tool_required=True, **limits
                ),
                left,
                called=True,
            ),
            in_words,
            seconds,
        )
        return answer

    def _ask(
        self, call: Callable[[], Any], seconds: float | None, *, called: bool = False
    ) -> Completion:
        answer = retrying(lambda _: call(), what=f"The model {self.name!r}", seconds=seconds)
        calls = (
            self._model.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
            if called
            else None
        )
        text = json.dumps(calls[0].tool_kwargs) if calls else str(answer.message.content or "")
        usage = getattr(answer, "additional_kwargs", None) or {}
        return Completion(
            text,
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
        )


def model_name_of(model: object) -> str:
    """A name for a framework's model: that of its weights, else that of its class."""
    return weights_name(model) or type(model).__name__


def _limits(model: object, package: str, max_tokens: int) -> dict[str, Any]:
    """The limit of an answer, for the one client that surely takes it by this name in a call."""
    return {"max_tokens": max_tokens} if is_of(model, package) else {}


def _or_in_words(
    under_schema: Callable[[float | None], Completion],
    in_words: Callable[[float | None], Completion],
    seconds: float | None,
) -> tuple[Completion, bool]:
    """An answer under the schema, or in words where the server turns such a request down.

    Returns:
        The answer, and False where only words led to one, so that the next call starts with them.
    """
    begin = time.monotonic()
    try:
        return under_schema(seconds), True
    except ModelError as error:
        refusal = error.__cause__
        if not isinstance(refusal, NotImplementedError) and status_of(refusal) not in {
            _BAD_REQUEST,
            _UNPROCESSABLE,
        }:
            raise
    left = None if seconds is None else max(seconds - (time.monotonic() - begin), 0.001)
    return in_words(left), False


def _chat_messages(prompt: Sequence[Message]) -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role=message["role"], content=message["content"]) for message in prompt]


def _answering_tool(schema: Mapping[str, Any]) -> Any:
    """A tool whose arguments are the answer; it is called by the model and never run."""
    from llama_index.core.bridge.pydantic import BaseModel
    from llama_index.core.tools import FunctionTool, ToolMetadata

    class Arguments(BaseModel, extra="allow"):
        # LlamaIndex takes a class for a schema, and asks it for its JSON schema.
        @classmethod
        def model_json_schema(cls, *_args: Any, **_options: Any) -> dict[str, Any]:
            return dict(schema)

    return FunctionTool(
        fn=lambda **_: None,
        metadata=ToolMetadata(_DESCRIPTION, _ANSWER, fn_schema=Arguments),
    )
