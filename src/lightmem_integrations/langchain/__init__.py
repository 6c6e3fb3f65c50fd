"""LightMem in LangChain: agent middleware, a retriever, and memory for classic chains.

Importing this package imports no framework; each class imports its own on first use:

=====================  =========  ==================================================
class                  extra      is a
=====================  =========  ==================================================
``LightMemMiddleware``  agents     ``AgentMiddleware`` for ``create_agent``
``LightMemRetriever``   langchain  ``BaseRetriever``
``LightMemMemory``      classic    ``BaseMemory`` for ``ConversationChain`` and others
=====================  =========  ==================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import MissingExtraError

if TYPE_CHECKING:
    from lightmem_integrations.langchain.memory import LightMemMemory
    from lightmem_integrations.langchain.middleware import LightMemMiddleware
    from lightmem_integrations.langchain.retriever import LightMemRetriever

__all__ = ["LightMemMemory", "LightMemMiddleware", "LightMemRetriever"]

_MODULES = {
    "LightMemMemory": ("memory", "classic"),
    "LightMemMiddleware": ("middleware", "agents"),
    "LightMemRetriever": ("retriever", "langchain"),
}
_FRAMEWORK = frozenset({"langchain", "langchain_classic", "langchain_core", "langgraph"})


def __getattr__(name: str) -> Any:
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
