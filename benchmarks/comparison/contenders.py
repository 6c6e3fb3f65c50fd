"""Contenders: this library's rows, and retrievers of other frameworks beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.evaluation.filled_store import STORE
from lightmem_integrations.evaluation.stages import OWN, Retriever


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


Contender = Retriever | Baseline


class Writer:
    """Fills the store that this library's rows read, turn by turn."""

    def __init__(self, folder: Path) -> None:
        # In the background it would take time from what is measured while turns are added.
        self._memory = LightMem(folder / STORE, settings=Settings(background_indexing=False))

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Add the turn; it waits for its vector."""
        self._memory.add(turn, user_id=user_id, session_id=session_id)

    def finish(self) -> None:
        """Embed all turns."""
        self._memory.index_pending()

    def close(self) -> None:
        """Close the store, so that the rows can open it."""
        self._memory.close()


def is_own(name: str) -> bool:
    """True for the name of one of this library's rows."""
    return name.partition(":")[0] == OWN
