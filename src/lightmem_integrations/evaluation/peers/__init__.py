"""Retrievers of other libraries to compare with. Each needs a package of the extra ``benchmarks``.

All of them see the same text of a turn, with the date and the speaker that this library itself is
told, and the same embedding model, so that the retrievers differ and not what they are given.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.records.conversation import Turn


class Writable(Protocol):
    """Takes turns."""

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Take one more turn of this user."""

    def finish(self) -> None:
        """Do what is left to do before questions can be answered."""


class Baseline(Writable, Protocol):
    """A retriever that keeps the turns by itself and packs nothing."""

    @property
    def about(self) -> str:
        """Description of what is measured, in a sentence."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the k turns that answer the question best, best first."""

    def context(self, user_id: str, question: str) -> str:
        """Context for a prompt on this question, at ordinary settings."""

    def close(self) -> None:
        """Let go of files and threads."""


def baseline(module: str, package: str) -> Callable[[Path], Baseline]:
    """What makes the baseline of a module, whose package may be missing, with a folder for files.

    Args:
        module: Its full name.
        package: What it needs, by its name in the package index.
    """

    def make(folder: Path) -> Baseline:
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith(("lightmem_integrations", module.partition(".")[0])):
                raise  # A fault of our own, which no extra would mend.
            name = module.rpartition(".")[2]
            raise MissingExtraError(f"The baseline {name!r}", "benchmarks", package) from error
        made: Baseline = loaded.Baseline(folder)
        return made

    return make


PEERS: Mapping[str, Callable[[Path], Baseline]] = {
    "bm25": baseline(f"{__name__}.bm25", "rank-bm25"),
    "langchain-chroma": baseline(f"{__name__}.langchain_chroma", "langchain-chroma"),
}
"""Baselines by name."""
