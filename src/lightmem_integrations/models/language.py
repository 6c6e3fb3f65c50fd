"""Language models of every kind behind one Protocol."""

from __future__ import annotations

import os

from lightmem_integrations.errors import SettingsError
from lightmem_integrations.models.protocols import LanguageModel, is_of
from lightmem_integrations.safety import short_repr, type_of


def as_language_model(given: object) -> LanguageModel:
    """A language model of whatever was given.

    Args:
        given: One of ours; a LangChain chat model; a LlamaIndex LLM; or the path of a ``.gguf``
            file. For a server that speaks OpenAI's protocol pass an ``OpenAICompatible``.

    Raises:
        SettingsError: It is none of these.
    """
    if isinstance(given, (str, os.PathLike)) and os.fspath(given).lower().endswith(".gguf"):
        from lightmem_integrations.models.gguf import GGUFLanguageModel

        return GGUFLanguageModel(given)
    if is_of(given, "langchain_core") and hasattr(given, "invoke"):
        from lightmem_integrations.models.frameworks import LangChainModel

        return LangChainModel(given)
    if is_of(given, "llama_index") and hasattr(given, "chat"):
        from lightmem_integrations.models.frameworks import LlamaIndexModel

        return LlamaIndexModel(given)
    if isinstance(given, LanguageModel) and callable(given.complete):
        return given
    raise SettingsError(
        f"{short_repr(given)}, {type_of(given)}, is no language model. Pass a LangChain "
        "chat model, a LlamaIndex LLM, OpenAICompatible(...), or the path of a .gguf file."
    )
