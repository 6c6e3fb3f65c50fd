"""LightMem in LlamaIndex, under the name by which LlamaIndex's users look for it.

    from lightmem_integrations import LightMem
    from llama_index.memory.lightmem import LightMemMemory

    memory = LightMemMemory.from_defaults(memory=LightMem("./memory"), user_id="alice")
    await agent.run(user_msg="Where do I live?", memory=memory)

The names are those of ``lightmem_integrations.llama_index``, which says what each of them is.
"""

from lightmem_integrations.llama_index import (
    Consolidated,
    ConsolidateTurns,
    ConsolidationProgress,
    ConsolidationWorkflow,
    LightMemBlock,
    LightMemMemory,
    LightMemRerank,
    LightMemRetriever,
    LightMemToolSpec,
    MemoryDegradedEvent,
    UserConsolidated,
    aimport_memory,
    import_memory,
)

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
