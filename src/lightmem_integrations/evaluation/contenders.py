"""The retrievers that are compared: stages of this library, and what one would otherwise take."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

from lightmem_integrations.errors import InvalidRequestError, MissingExtraError
from lightmem_integrations.evaluation import stages
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.evaluation.shown import Shown
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.conversation import Tier, Turn
from lightmem_integrations.settings import Settings

OWN = "lightmem"
"""What the names of this library's rows begin with, before a colon."""


class Writable(Protocol):
    """Takes turns."""

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Take one more turn of this user."""

    def finish(self) -> None:
        """Do what is left to do before questions can be answered."""


class Contender(Protocol):
    """A retriever of turns, asked about each user's own."""

    @property
    def about(self) -> str:
        """What exactly is measured, in a sentence."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the k turns that answer the question best, best first."""

    def context(self, user_id: str, question: str) -> str:
        """What it hands to a prompt for this question, at its ordinary settings."""

    def close(self) -> None:
        """Let go of files and threads."""


class Baseline(Contender, Writable, Protocol):
    """A contender that keeps the turns by itself."""


@runtime_checkable
class Packs(Protocol):
    """A contender that fits what it found into a budget by itself."""

    @property
    def most(self) -> int:
        """The largest k that it is asked for."""

    def packed(
        self, user_id: str, question: str, *, k: int, max_tokens: int, count_tokens: TokenCounter
    ) -> Shown:
        """What a prompt would show within this budget."""


def _baseline(module: str, package: str) -> Callable[[Path], Baseline]:
    """A contender whose module imports a package that may be missing."""

    def make(folder: Path) -> Baseline:
        try:
            loaded: ModuleType = importlib.import_module(
                f"lightmem_integrations.evaluation.baselines.{module}"
            )
        except ModuleNotFoundError as error:
            if (error.name or "").startswith(__package__.partition(".")[0]):
                raise  # A fault of this library's own, which no extra would mend.
            raise MissingExtraError(f"The baseline {module!r}", "baselines", package) from error
        made: Baseline = loaded.Baseline(folder)
        return made

    return make


_FACTS: tuple[Tier, ...] = ("ltm",)

STAGES: Mapping[str, Callable[[Path], Contender]] = {
    f"{OWN}:words": stages.Words,
    f"{OWN}:meaning": stages.Meaning,
    f"{OWN}:plain": lambda folder: stages.OwnMemory(
        folder,
        Settings(scoring="plain", late_interaction=False),
        "The path of a recall without anything fitted: dense and lexical similarity of a turn and "
        "of those around it, unweighted; Settings(scoring='plain', late_interaction=False).",
    ),
    f"{OWN}:no-late-interaction": lambda folder: stages.OwnMemory(
        folder,
        Settings(late_interaction=False),
        "The fitted scorer without late interaction; Settings(late_interaction=False).",
    ),
    OWN: stages.OwnMemory,
    f"{OWN}:consolidated": lambda folder: stages.OwnMemory(
        folder,
        about="A recall with default settings after consolidate(), without a model.",
        consolidated=True,
    ),
    f"{OWN}:facts": lambda folder: stages.OwnMemory(
        folder,
        about="Facts alone after consolidate(), without a model: recall(tiers=['ltm']).",
        tiers=_FACTS,
        consolidated=True,
    ),
}
"""Rows of this library by name. They read one store, which ``stages.Writer`` filled."""

BASELINES: Mapping[str, Callable[[Path], Baseline]] = {
    "bm25": _baseline("bm25", "rank-bm25"),
    "langchain-chroma": _baseline("langchain_chroma", "langchain-chroma"),
    "langgraph-store": _baseline("langgraph_store", "langgraph"),
    "llama-index": _baseline("llama_index_memory", "llama-index-core"),
}
"""What to compare with, by name; each is made with a folder for its files."""

CONTENDERS: tuple[str, ...] = (*STAGES, *BASELINES)
"""The names of all rows, in the order in which they are shown."""


def is_own(name: str) -> bool:
    """Whether a row of that name is one of this library."""
    return name.partition(":")[0] == OWN


def chosen(names: Sequence[str] | None) -> tuple[str, ...]:
    """The names asked for, checked; all of them for ``None``.

    Raises:
        InvalidRequestError: If a name is not known, or none is given.
    """
    if names is None:
        return CONTENDERS
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown or not names:
        raise InvalidRequestError(
            f"No contender is called {', '.join(map(repr, unknown)) or 'nothing'}; "
            f"known are {', '.join(CONTENDERS)}."
        )
    return distinct(names)
