"""The retrievers that are compared: this library, and what its users would otherwise take."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol

from lightmem_integrations import LightMem
from lightmem_integrations.errors import InvalidRequestError, MissingExtraError
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.records import Turn

_ALL_TOKENS = 100_000


class Contender(Protocol):
    """A retriever of turns. It is given every turn once, then asked about each user's own."""

    @property
    def about(self) -> str:
        """What exactly is measured, in a sentence."""

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Take one more turn of this user."""

    def finish(self) -> None:
        """Do what is left to do before questions can be answered."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the k turns that answer the question best, best first."""

    def context(self, user_id: str, question: str) -> str:
        """What it hands to a prompt for this question, at its ordinary settings."""

    def close(self) -> None:
        """Let go of files and threads."""


class OwnMemory:
    """This library through its public interface: one store, every conversation a user of it."""

    about = (
        "One LightMem in a folder, default settings, each conversation a user of it. Ranked: the "
        "turns of the hits of recall(k=20). Handed back: the text of recall() as it is by default."
    )

    def __init__(self, folder: Path) -> None:
        self._memory = LightMem(folder / "lightmem")

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Add the turn; it is embedded in the background."""
        self._memory.add(turn, user_id=user_id, session_id=session_id)

    def finish(self) -> None:
        """Embed what still waits."""
        self._memory.index_pending()

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the turns that the hits stand for."""
        # Strict, because a model that fell out would otherwise pass unseen as a poor ranking.
        found = self._memory.recall(
            question, user_id=user_id, k=k, max_tokens=_ALL_TOKENS, strict=True
        )
        return distinct(turn.id for hit in found.hits for turn in hit.turns if turn.id)

    def context(self, user_id: str, question: str) -> str:
        """The packed context with the default k and budget."""
        return self._memory.recall(question, user_id=user_id, strict=True).text

    def close(self) -> None:
        """Close the store."""
        self._memory.close()


def _baseline(module: str, package: str) -> Callable[[Path], Contender]:
    """A contender whose module imports a package that may be missing."""

    def make(folder: Path) -> Contender:
        try:
            loaded: ModuleType = importlib.import_module(
                f"lightmem_integrations.evaluation.baselines.{module}"
            )
        except ModuleNotFoundError as error:
            if (error.name or "").startswith(__package__.partition(".")[0]):
                raise  # A fault of this library's own, which no extra would mend.
            raise MissingExtraError(f"The baseline {module!r}", "baselines", package) from error
        made: Contender = loaded.Baseline(folder)
        return made

    return make


CONTENDERS: Mapping[str, Callable[[Path], Contender]] = {
    "lightmem": OwnMemory,
    "bm25": _baseline("bm25", "rank-bm25"),
    "langchain-chroma": _baseline("langchain_chroma", "langchain-chroma"),
    "langgraph-store": _baseline("langgraph_store", "langgraph"),
    "llama-index": _baseline("llama_index_memory", "llama-index-core"),
}
"""Every contender by name, made with a folder for its files."""


def chosen(names: Sequence[str] | None) -> tuple[str, ...]:
    """The names asked for, checked; all of them for ``None``.

    Raises:
        InvalidRequestError: If a name is not known, or none is given.
    """
    if names is None:
        return tuple(CONTENDERS)
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown or not names:
        raise InvalidRequestError(
            f"No contender is called {', '.join(map(repr, unknown)) or 'nothing'}; "
            f"known are {', '.join(CONTENDERS)}."
        )
    return distinct(names)
