"""Long-term memory for LangChain and LlamaIndex agents.

    from lightmem_integrations import LightMem, Turn

    memory = LightMem("./memory")
    memory.add([Turn(role="user", text="I moved to Lisbon in May.")], user_id="alice")
    print(memory.recall("Where does she live?", user_id="alice").text)

Importing this loads no framework, no model and no vector store; what is needed is loaded at first
use. The adapters are in ``lightmem_integrations.langchain`` and
``lightmem_integrations.llama_index``.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightmem_integrations.errors import (
        AccessError,
        AuthenticationError,
        CopyMismatchError,
        EmbeddingMismatchError,
        ForkedProcessError,
        IndexUnavailableError,
        InvalidImportError,
        InvalidRequestError,
        InvalidTurnError,
        LedgerError,
        LightMemError,
        MissingExtraError,
        ModelError,
        ModelOutputError,
        ModelTimeoutError,
        ModelUnavailableError,
        NotFoundError,
        ReadOnlyError,
        ScopeError,
        SettingsError,
        StorageError,
        StoreClosedError,
        StoreLockedError,
        TransactionConflictError,
        TurnConflictError,
    )
    from lightmem_integrations.lightmem import LightMem
    from lightmem_integrations.models.openai_compatible import OpenAICompatible
    from lightmem_integrations.models.protocols import Completion, LanguageModel
    from lightmem_integrations.models.rerankers import CrossEncoderReranker, SLMReranker
    from lightmem_integrations.records.access import Grant, Grants
    from lightmem_integrations.records.audit import (
        Audit,
        Finding,
        Findings,
        MemorySize,
        MemorySizes,
    )
    from lightmem_integrations.records.conversation import (
        Branch,
        Hit,
        Plan,
        Recall,
        Source,
        Turn,
        Turns,
    )
    from lightmem_integrations.records.fact_search import FactSearch
    from lightmem_integrations.records.filters import Compare, Filter
    from lightmem_integrations.records.knowledge import (
        Conflict,
        Conflicts,
        Episode,
        Episodes,
        Evidence,
        Explanation,
        Fact,
        Facts,
    )
    from lightmem_integrations.records.metrics import CallMetrics, Metrics
    from lightmem_integrations.records.profile import Profile, ProfileLine
    from lightmem_integrations.records.report import ConsolidationReport, Progress, Receipt, Stats
    from lightmem_integrations.records.transfer import Copied, CopiedTable, Transfer
    from lightmem_integrations.settings import ConsolidationSettings, Settings
    from lightmem_integrations.storage.chroma.index import ChromaIndex
    from lightmem_integrations.storage.index import ExactIndex
    from lightmem_integrations.transfer.copy import copy_store

__version__ = "0.2.0"

# onnxruntime reads this when it is first imported, by whomever: Chroma and sentence-transformers
# import it too. Without it a device id and a database of events are left in HOME.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_KNOWLEDGE = (
    "Conflict", "Conflicts", "Episode", "Episodes", "Evidence", "Explanation", "Fact", "Facts",
)  # fmt: skip
_RECORDS = ("Branch", "Hit", "Plan", "Recall", "Source", "Turn", "Turns")

__all__ = [
    "AccessError",
    "Audit",
    "AuthenticationError",
    "Branch",
    "CallMetrics",
    "ChromaIndex",
    "Compare",
    "Completion",
    "Conflict",
    "Conflicts",
    "ConsolidationReport",
    "ConsolidationSettings",
    "Copied",
    "CopiedTable",
    "CopyMismatchError",
    "CrossEncoderReranker",
    "EmbeddingMismatchError",
    "Episode",
    "Episodes",
    "Evidence",
    "ExactIndex",
    "Explanation",
    "Fact",
    "FactSearch",
    "Facts",
    "Filter",
    "Finding",
    "Findings",
    "ForkedProcessError",
    "Grant",
    "Grants",
    "Hit",
    "IndexUnavailableError",
    "InvalidImportError",
    "InvalidRequestError",
    "InvalidTurnError",
    "LanguageModel",
    "LedgerError",
    "LightMem",
    "LightMemError",
    "MemorySize",
    "MemorySizes",
    "Metrics",
    "MissingExtraError",
    "ModelError",
    "ModelOutputError",
    "ModelTimeoutError",
    "ModelUnavailableError",
    "NotFoundError",
    "OpenAICompatible",
    "Plan",
    "Profile",
    "ProfileLine",
    "Progress",
    "ReadOnlyError",
    "Recall",
    "Receipt",
    "SLMReranker",
    "ScopeError",
    "Settings",
    "SettingsError",
    "Source",
    "Stats",
    "StorageError",
    "StoreClosedError",
    "StoreLockedError",
    "TransactionConflictError",
    "Transfer",
    "Turn",
    "TurnConflictError",
    "Turns",
    "copy_store",
]

_MODULES = {
    "CallMetrics": "records.metrics",
    "ChromaIndex": "storage.chroma.index",
    "Compare": "records.filters",
    "Completion": "models.protocols",
    "ConsolidationReport": "records.report",
    "ConsolidationSettings": "settings",
    "CrossEncoderReranker": "models.rerankers",
    "ExactIndex": "storage.index",
    "Grant": "records.access",
    "Grants": "records.access",
    "Filter": "records.filters",
    "LanguageModel": "models.protocols",
    "LightMem": "lightmem",
    "FactSearch": "records.fact_search",
    "Metrics": "records.metrics",
    "OpenAICompatible": "models.openai_compatible",
    "Profile": "records.profile",
    "ProfileLine": "records.profile",
    "Progress": "records.report",
    "Receipt": "records.report",
    "SLMReranker": "models.rerankers",
    "Settings": "settings",
    "Stats": "records.report",
    "Copied": "records.transfer",
    "CopiedTable": "records.transfer",
    "Transfer": "records.transfer",
    "copy_store": "transfer.copy",
}
_MODULES |= dict.fromkeys(
    ("Audit", "Finding", "Findings", "MemorySize", "MemorySizes"), "records.audit"
)
_MODULES |= dict.fromkeys(_RECORDS, "records.conversation")
_MODULES |= dict.fromkeys(_KNOWLEDGE, "records.knowledge")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
