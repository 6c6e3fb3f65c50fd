"""Chat models by name: what LangChain understands, or a ``.gguf`` file run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from langchain.chat_models import init_chat_model
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr
from typing_extensions import override

from lightmem_integrations.errors import ModelUnavailableError
from lightmem_integrations.models.gguf import GGUFLanguageModel
from lightmem_integrations.models.protocols import Message


def chat_model(name: str) -> BaseChatModel:
    """The chat model of that name.

    Args:
        name: A path such as ``./model.gguf``, or what ``init_chat_model`` takes, such as
            ``openai:gpt-4o-mini``.

    Raises:
        ModelUnavailableError: If there is no such file, it is no model, or LangChain cannot use
            that name.
    """
    if name.lower().endswith(".gguf"):
        return LocalChatModel(path=Path(name))
    if not name.strip():  # LangChain would take the name from each call
        raise ModelUnavailableError("The model's name is blank. Pass such as openai:gpt-4o-mini.")
    try:
        return init_chat_model(name)
    except Exception as error:  # Providers raise errors of their own: no key, no package, ...
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelUnavailableError(f"The model {name!r} cannot be used: {reason}") from error


class LocalChatModel(BaseChatModel):
    """Answers with `GGUFLanguageModel`: whole answers, always the same, and no tools.

    Args:
        path: The ``.gguf`` file.
        max_tokens: Longest answer, in tokens: a guess.
    """

    path: Path
    max_tokens: int = 256

    _model: GGUFLanguageModel = PrivateAttr()

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._model = GGUFLanguageModel(self.path)
        self._model.load()

    @property
    def _llm_type(self) -> str:
        return "gguf"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt = convert_to_openai_messages(messages, text_format="string")
        answer = self._model.complete(cast("list[Message]", prompt), max_tokens=self.max_tokens)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(answer.text))])
