"""LightMem in LangChain and LangGraph, under the name by which LangChain's users look for it.

    from langchain_lightmem import LightMemMiddleware
    from lightmem_integrations import LightMem

    agent = create_agent(model, tools=[], middleware=[LightMemMiddleware(LightMem("./memory"))])

The names are those of ``lightmem_integrations.langchain``, which says what each of them is, but for
``LightMemMemory``: it is for ``langchain-classic``, which this package does not install.
"""

from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemConsolidator,
    LightMemMiddleware,
    LightMemRecall,
    LightMemReranker,
    LightMemRetriever,
    LightMemStore,
    LightMemToolkit,
    import_documents,
    import_messages,
    record_turns,
    session_history,
)

__all__ = [
    "LightMemChatMessageHistory",
    "LightMemConsolidator",
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
