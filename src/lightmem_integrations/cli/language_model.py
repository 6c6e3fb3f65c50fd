"""Language models by name: a ``.gguf`` file, a server's, or what LangChain understands."""

from __future__ import annotations

import os
from pathlib import Path

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.models.gguf import GGUFLanguageModel
from lightmem_integrations.models.language import as_language_model
from lightmem_integrations.models.openai_compatible import OpenAICompatible
from lightmem_integrations.models.protocols import LanguageModel


def language_model(name: str, server: str | None = None, window: int = 4_096) -> LanguageModel:
    """The model of that name, loaded: a wrong one fails before anything else is done.

    Args:
        name: The path of a ``.gguf`` file, the server's name for it, or what ``init_chat_model``
            takes, such as ``openai:gpt-4o-mini``.
        server: URL of a server that speaks OpenAI's protocol, such as
            ``http://localhost:8000/v1``; its key is that of ``OPENAI_API_KEY``, if there is one.
        window: Tokens of prompt and answer for which a ``.gguf`` file is loaded.

    Raises:
        MissingExtraError: What runs it is not installed.
        ModelUnavailableError: There is no such model.
    """
    if server:
        return OpenAICompatible(server, name, os.environ.get("OPENAI_API_KEY"))
    if name.lower().endswith(".gguf"):
        model = GGUFLanguageModel(Path(name), context_size=window)
        model.load()
        return model
    try:
        from lightmem_integrations.cli.chat_model import chat_model
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"The model {name!r}", "agents", "langchain") from error
    return as_language_model(chat_model(name))
