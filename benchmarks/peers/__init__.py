"""Retrievers of other frameworks to compare with. Each needs a package of the extra ``benchmarks``.

All of them see the same text of a turn, with the date and the speaker that the library itself is
told, and the same embedding model, so that the retrievers differ and not what they are given.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from comparison.contenders import Baseline
from lightmem_integrations import MissingExtraError, Turn


def rendered(turn: Turn) -> str:
    """A turn as its baselines store it: ``[8 May 2023] Caroline: Hey Mel!``."""
    date = f"[{turn.time.day} {turn.time:%B %Y}] " if turn.time else ""
    return f"{date}{turn.speaker or turn.role}: {turn.text}"


def _baseline(module: str, package: str) -> Callable[[Path], Baseline]:
    """Make a baseline whose module imports a package that may be missing."""

    def make(folder: Path) -> Baseline:
        try:
            loaded = importlib.import_module(f"{__name__}.{module}")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith(("lightmem_integrations", __name__)):
                raise  # A fault of our own, which no extra would mend.
            raise MissingExtraError(f"The baseline {module!r}", "benchmarks", package) from error
        made: Baseline = loaded.Baseline(folder)
        return made

    return make


PEERS: Mapping[str, Callable[[Path], Baseline]] = {
    "bm25": _baseline("bm25", "rank-bm25"),
    "langchain-chroma": _baseline("langchain_chroma", "langchain-chroma"),
    "langgraph-store": _baseline("langgraph_store", "langgraph"),
    "llama-index": _baseline("llama_index_memory", "llama-index-core"),
}
"""Baselines for ``evaluate(baselines=...)``, by name; each is made with a folder for its files."""
