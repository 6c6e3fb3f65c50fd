"""Language models of every kind behind one Protocol, and their answers as JSON."""

from __future__ import annotations

import os

from lightmem_integrations.errors import SettingsError
from lightmem_integrations.models.protocols import LanguageModel, is_of
from lightmem_integrations.safety import short_repr


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
        f"{short_repr(given)}, a {type(given).__name__}, is no language model. Pass a LangChain "
        "chat "
        "model, a LlamaIndex LLM, OpenAICompatible(...), the path of a .gguf file, or the name of "
        "a transformers model."
    )


def _from_name(name: str) -> LanguageModel:
    if not name.strip():
        raise SettingsError("The name of the language model is blank.")
    if name.lower().endswith(".gguf"):
        from lightmem_integrations.models.gguf_runner import GGUFLanguageModel

        return GGUFLanguageModel(name)
    from lightmem_integrations.models.transformers import TransformersModel

    return TransformersModel(name)
