"""Retrievers of other frameworks, beside those that the package brings; of the same extra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lightmem_integrations.evaluation import peers
from lightmem_integrations.evaluation.peers import Baseline, baseline

PEERS: Mapping[str, Callable[[Path], Baseline]] = {
    **peers.PEERS,
    "langgraph-store": baseline(f"{__name__}.langgraph_store", "langgraph"),
    "llama-index": baseline(f"{__name__}.llama_index_memory", "llama-index-core"),
}
"""Baselines for ``evaluate(baselines=...)``, by name; each is made with a folder for its files."""
