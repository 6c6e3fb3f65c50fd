"""Long-term memory for LlamaIndex agents, chat engines and query engines.

::

    from lightmem_integrations import LightMem
    from lightmem_integrations.llama_index import LightMemMemory

    memory = LightMemMemory.from_defaults(memory=LightMem("./memory"), user_id="alice")
    await agent.run(user_msg="Where do I live?", memory=memory)

Names are loaded on first use, so that importing this package needs no LlamaIndex.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import MissingExtraError

if TYPE_CHECKING:
    from lightmem_integrations.llama_index.block import LightMemBlock
    from lightmem_integrations.llama_index.consolidation import ConsolidateTurns
    from lightmem_integrations.llama_index.failures import MemoryDegradedEvent
    from lightmem_integrations.llama_index.importer import aimport_memory, import_memory
    from lightmem_integrations.llama_index.memory import LightMemMemory
    from lightmem_integrations.llama_index.rerank import LightMemRerank
    from lightmem_integrations.llama_index.retriever import LightMemRetriever
    from lightmem_integrations.llama_index.tools import LightMemToolSpec
    from lightmem_integrations.llama_index.workflow import (
        Consolidated,
        ConsolidationProgress,
        ConsolidationWorkflow,
        UserConsolidated,
    )

_MODULES = {
    "ConsolidateTurns": "consolidation",
    "Consolidated": "workflow",
    "ConsolidationProgress": "workflow",
    "ConsolidationWorkflow": "workflow",
    "LightMemBlock": "block",
    "LightMemMemory": "memory",
    "LightMemRerank": "rerank",
    "LightMemRetriever": "retriever",
    "LightMemToolSpec": "tools",
    "MemoryDegradedEvent": "failures",
    "UserConsolidated": "workflow",
    "aimport_memory": "importer",
    "import_memory": "importer",
}

__all__ = [
    "ConsolidateTurns",
    "Consolidated",
    "ConsolidationProgress",
    "ConsolidationWorkflow",
    "LightMemBlock",
    "LightMemMemory",
    "LightMemRerank",
    "LightMemRetriever",
    "LightMemToolSpec",
    "MemoryDegradedEvent",
    "UserConsolidated",
    "aimport_memory",
    "import_memory",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "llama_index":
            raise
        raise MissingExtraError(name, "llama-index", "llama-index-core") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
