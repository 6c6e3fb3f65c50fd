"""Contenders: this library's rows, and retrievers of other frameworks beside them."""

from __future__ import annotations

from pathlib import Path

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.evaluation.filled_store import STORE
from lightmem_integrations.evaluation.peers import Baseline
from lightmem_integrations.evaluation.stages import OWN, Retriever

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
