"""LightMem in LangChain and LangGraph.

Importing this package imports no framework; each name imports its own on first use, and
``import *`` brings the names whose extra is installed:

==============================  =========  ========================================================
name                            extra      is
==============================  =========  ========================================================
``LightMemMiddleware``          agents     ``AgentMiddleware`` for ``create_agent``
``LightMemRetriever``           langchain  ``BaseRetriever``
``LightMemReranker``            langchain  document compressor and Runnable for any documents
``LightMemRecall``              langchain  Runnable: what is known on a question
``record_turns``                langchain  the same chain, which writes down what goes through it
``LightMemConsolidator``        langchain  Runnable: the offline job
``LightMemToolkit``             langchain  ``BaseToolkit``: search, remember, forget, correct
``LightMemStore``               agents     LangGraph ``BaseStore``
``LightMemMemory``              classic    ``BaseMemory`` for ``ConversationChain`` and others
``LightMemChatMessageHistory``  langchain  for ``RunnableWithMessageHistory``; the last choice
``session_history``             langchain  its factory, by user and session
``import_messages``             langchain  takes over a conversation
``import_documents``            langchain  takes over a vector-store memory
==============================  =========  ========================================================
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import MissingExtraError

if TYPE_CHECKING:
    from lightmem_integrations.langchain.consolidator import LightMemConsolidator
    from lightmem_integrations.langchain.history import LightMemChatMessageHistory, session_history
    from lightmem_integrations.langchain.importing import import_documents, import_messages
    from lightmem_integrations.langchain.memory import LightMemMemory
    from lightmem_integrations.langchain.middleware import LightMemMiddleware
    from lightmem_integrations.langchain.recording import record_turns
    from lightmem_integrations.langchain.reranker import LightMemReranker
    from lightmem_integrations.langchain.retriever import LightMemRetriever
    from lightmem_integrations.langchain.runnables import LightMemRecall
    from lightmem_integrations.langchain.store.store import LightMemStore
    from lightmem_integrations.langchain.toolkit import LightMemToolkit

    __all__ = [
        "LightMemChatMessageHistory",
        "LightMemConsolidator",
        "LightMemMemory",
        "LightMemMiddleware",
        "LightMemRecall",
        "LightMemReranker",
        "LightMemRetriever",
        "LightMemStore",
        "LightMemToolkit",
        "import_documents",
        "import_messages",
        "record_turns",
        "session_history",
    ]

_MODULES = {
    "LightMemChatMessageHistory": ("history", "langchain"),
    "LightMemConsolidator": ("consolidator", "langchain"),
    "LightMemMemory": ("memory", "classic"),
    "LightMemMiddleware": ("middleware", "agents"),
    "LightMemRecall": ("runnables", "langchain"),
    "LightMemReranker": ("reranker", "langchain"),
    "LightMemRetriever": ("retriever", "langchain"),
    "LightMemStore": ("store.store", "agents"),
    "LightMemToolkit": ("toolkit", "langchain"),
    "import_documents": ("importing", "langchain"),
    "import_messages": ("importing", "langchain"),
    "record_turns": ("recording", "langchain"),
    "session_history": ("history", "langchain"),
}
_PACKAGES = {
    "langchain": ("langchain_core",),
    "agents": ("langchain", "langgraph"),
    "classic": ("langchain_classic",),
}
_FRAMEWORK = frozenset(package for packages in _PACKAGES.values() for package in packages)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        installed = {extra for extra, needed in _PACKAGES.items() if all(map(find_spec, needed))}
        # Without any, the first name says which extra to install.
        return sorted(
            n for n, (_, extra) in _MODULES.items() if not installed or extra in installed
        )
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, extra = _MODULES[name]
    try:
        value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _FRAMEWORK:
            raise  # a fault of ours, or of the core's own dependencies
        raise MissingExtraError(name, extra, package.replace("_", "-")) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
