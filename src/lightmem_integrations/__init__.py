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
        EmbeddingMismatchError,
        ForkedProcessError,
        IndexUnavailableError,
        InvalidRequestError,
        InvalidTurnError,
        LedgerError,
        LightMemError,
        MissingExtraError,
        ModelError,
        ModelOutputError,
        ModelTimeoutError,
        ModelUnavailableError,
        ScopeError,
        SettingsError,
        StorageError,
        StoreClosedError,
        StoreLockedError,
        TurnConflictError,
    )
    from lightmem_integrations.lightmem import LightMem
    from lightmem_integrations.models.openai_compatible import OpenAICompatible
    from lightmem_integrations.models.protocols import Completion, LanguageModel
    from lightmem_integrations.models.rerankers import CrossEncoderReranker, SLMReranker
    from lightmem_integrations.records.conversation import (
        Branch,
        Hit,
        Plan,
        Recall,
        Source,
        Turn,
    )
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
    from lightmem_integrations.records.report import ConsolidationReport, Progress, Receipt, Stats
    from lightmem_integrations.settings import ConsolidationSettings, Settings
    from lightmem_integrations.storage.chroma.index import ChromaIndex
    from lightmem_integrations.storage.index import ExactIndex

__version__ = "0.1.0"

# onnxruntime reads this when it is first imported, by whomever: Chroma and sentence-transformers
# import it too. Without it a device id and a database of events are left in HOME.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_KNOWLEDGE = (
    "Conflict", "Conflicts", "Episode", "Episodes", "Evidence", "Explanation", "Fact", "Facts",
)  # fmt: skip
_RECORDS = ("Branch", "Hit", "Plan", "Recall", "Source", "Turn")

__all__ = [
    "Branch",
    "ChromaIndex",
    "Completion",
    "Conflict",
    "Conflicts",
    "ConsolidationReport",
    "ConsolidationSettings",
    "CrossEncoderReranker",
    "EmbeddingMismatchError",
    "Episode",
    "Episodes",
    "Evidence",
    "ExactIndex",
    "Explanation",
    "Fact",
    "Facts",
    "ForkedProcessError",
    "Hit",
    "IndexUnavailableError",
    "InvalidRequestError",
    "InvalidTurnError",
    "LanguageModel",
    "LedgerError",
    "LightMem",
    "LightMemError",
    "MissingExtraError",
    "ModelError",
    "ModelOutputError",
    "ModelTimeoutError",
    "ModelUnavailableError",
    "OpenAICompatible",
    "Plan",
    "Progress",
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
    "Turn",
    "TurnConflictError",
]

_MODULES = {
    "ChromaIndex": "storage.chroma.index",
    "Completion": "models.protocols",
    "ConsolidationReport": "records.report",
    "ConsolidationSettings": "settings",
    "CrossEncoderReranker": "models.rerankers",
    "ExactIndex": "storage.index",
    "LanguageModel": "models.protocols",
    "LightMem": "lightmem",
    "OpenAICompatible": "models.openai_compatible",
    "Progress": "records.report",
    "Receipt": "records.report",
    "SLMReranker": "models.rerankers",
    "Settings": "settings",
    "Stats": "records.report",
}
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
