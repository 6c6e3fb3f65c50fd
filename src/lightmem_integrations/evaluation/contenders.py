"""Contenders: the stages of this library, and what a retriever must do to be compared with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from lightmem_integrations.errors import InvalidRequestError
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
        """Description of what is measured, in a sentence."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the k turns that answer the question best, best first."""

    def context(self, user_id: str, question: str) -> str:
        """Context for a prompt on this question, at ordinary settings."""

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
        """Context within this budget: the turns it shows, and its size."""


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

PLAIN: tuple[str, ...] = (f"{OWN}:words", f"{OWN}:meaning")
"""Rows that stand in for baselines where none of another library takes part."""


def is_own(name: str) -> bool:
    """True for the name of one of this library's rows."""
    return name.partition(":")[0] == OWN


def chosen(names: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The names asked for, checked; all that are known for ``None``.

    Raises:
        InvalidRequestError: If a name is not known, or none is given.
    """
    if names is None:
        return tuple(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InvalidRequestError(
            f"No contender is called {', '.join(map(repr, unknown)) or 'nothing'}; "
            f"known are {', '.join(known)}."
        )
    return distinct(names)
