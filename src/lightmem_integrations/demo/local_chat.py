"""A chat model of LangChain on a ``.gguf`` file, so that agents can be tried without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr
from typing_extensions import override

from lightmem_integrations.models.gguf import GGUFLanguageModel
from lightmem_integrations.models.protocols import Message


class LocalChatModel(BaseChatModel):
    """Answers with `GGUFLanguageModel`: whole answers, always the same, and no tools.

    Args:
        path: The ``.gguf`` file.
        max_tokens: Longest answer, in tokens.
    """

    path: Path
    max_tokens: int = 256

    _model: GGUFLanguageModel = PrivateAttr()

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._model = GGUFLanguageModel(self.path)

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
