"""Stand-ins for models, for tests and demonstrations: small, deterministic, without weights.

* ``quoted_answer``: answers by quoting what stands in the prompt's memory block.
* ``ExtractiveChatModel``: the same as a LangChain chat model (extra ``langchain``).
* ``ExtractiveLLM``: the same as a LlamaIndex LLM (extra ``llama-index``).
* ``HashEmbedder``: an embedder that knows words but no meanings.
* ``ScriptedWriter``: a writer for consolidation that reads facts in a notation of its own.

And contract suites, which pytest runs on classes of your own: ``store_contract`` for LangGraph's
``BaseStore``, ``index_contract`` for a ``VectorIndex``, ``embedder_contract`` for an embedder
(extra ``contract``). Import them by their modules: importing this one loads no pytest.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightmem_integrations.testing.hash_embedder import HashEmbedder
from lightmem_integrations.testing.quote import NOTHING, quoted_answer

if TYPE_CHECKING:
    from lightmem_integrations.testing.extractive_langchain import ExtractiveChatModel
    from lightmem_integrations.testing.extractive_llama_index import ExtractiveLLM
    from lightmem_integrations.testing.scripted_writer import ScriptedWriter

    __all__ = [
        "NOTHING",
        "ExtractiveChatModel",
        "ExtractiveLLM",
        "HashEmbedder",
        "ScriptedWriter",
        "quoted_answer",
    ]

_LAZY = {
    "ExtractiveChatModel": "extractive_langchain",
    "ExtractiveLLM": "extractive_llama_index",
    "ScriptedWriter": "scripted_writer",
}


_PACKAGES = {"ExtractiveChatModel": "langchain_core", "ExtractiveLLM": "llama_index"}


def __getattr__(name: str) -> Any:
    if name == "__all__":  # ``import *`` brings what can be had with the extras installed
        missing = {one for one, package in _PACKAGES.items() if find_spec(package) is None}
        return sorted({"HashEmbedder", "NOTHING", "quoted_answer", *_LAZY} - missing)
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
