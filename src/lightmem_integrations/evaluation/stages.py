"""This library's own rows: each stage of a recall by itself, and all of them together.

All rows read one store, so that what differs is the stage and not what it was given.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from sqlalchemy import Connection

from lightmem_integrations import LightMem
from lightmem_integrations.consolidation.pipeline import OnProgress
from lightmem_integrations.display import counted
from lightmem_integrations.engine.store import Store
from lightmem_integrations.evaluation.filled_store import STORE
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.evaluation.shown import BUDGET, TOP, Shown, filled, of_recall
from lightmem_integrations.models.embedders import as_embedder, encoded_query
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.recall.coarse import by_meaning, by_words, weigh_terms
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.turn_filter import RowFilter, filter_turns
from lightmem_integrations.storage.turn_reads import provenance
from lightmem_integrations.storage.users import User, find_user

OWN = "lightmem"
"""The row of a recall by default; the others' names begin with it, before a colon."""

_ALL_TOKENS = 100_000  # a guess: more than the hits of a ranking have


@runtime_checkable
class Retriever(Protocol):
    """A retriever of turns that packs them for a prompt."""

    @property
    def about(self) -> str:
        """Description of what is measured, in a sentence."""

    def rank(
        self, user_id: str, question: str, k: int, until: dt.datetime | None = None
    ) -> Sequence[str]:
        """Ids of the k turns before ``until`` that answer the question best, best first."""

    def packed(
        self,
        user_id: str,
        question: str,
        *,
        k: int = TOP,
        max_tokens: int = BUDGET,
        count_tokens: TokenCounter | None = None,
        until: dt.datetime | None = None,
    ) -> Shown:
        """Content of the context that this k and budget give."""

    def close(self) -> None:
        """Let go of files and threads."""


class OwnMemory:
    """This library through its public interface: one store, every conversation a user of it.

    Args:
        folder: Where ``fill`` put the store.
        settings: What differs from the default.
        about: What differs, in words.
        consolidated: Whether to consolidate first, in a copy of the store.
        on_progress: Hears how far consolidation is.
        models: Models that ``LightMem`` takes: ``embedder``, ``reranker``, ``slm``, ``writer``.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings | None = None,
        about: str = "A recall with default settings.",
        *,
        consolidated: bool = False,
        on_progress: OnProgress | None = None,
        **models: Any,
    ) -> None:
        self.about = about
        store = folder / STORE
        if consolidated:
            store = folder / "consolidated"
            if not store.exists():
                shutil.copytree(folder / STORE, store)
        self._memory = LightMem(store, settings=settings, **models)
        try:
            self._memory.warm_up()
            if consolidated:
                done = self._memory.consolidate(final=True, on_progress=on_progress)
                if done.tokens:
                    self.about += (
                        f" {counted(done.facts, 'fact')} for {counted(done.calls, 'call')} and "
                        f"{done.tokens} tokens of it."
                    )
        except BaseException:
            self._memory.close()  # the next row opens the same folder
            raise

    def rank(
        self, user_id: str, question: str, k: int, until: dt.datetime | None = None
    ) -> Sequence[str]:
        """Ids of the turns that the hits stand for."""
        # Strict, because a model that fell out would otherwise pass unseen as a poor ranking.
        found = self._memory.recall(
            question,
            user_id=user_id,
            k=k,
            max_tokens=_ALL_TOKENS,
            until=until,
            strict=True,
        )
        return distinct(turn.id for hit in found.hits for turn in hit.turns if turn.id)

    def packed(
        self,
        user_id: str,
        question: str,
        *,
        k: int = TOP,
        max_tokens: int = BUDGET,
        count_tokens: TokenCounter | None = None,
        until: dt.datetime | None = None,
    ) -> Shown:
        """Content of the packed context with this k and budget."""
        return of_recall(
            self._memory.recall(
                question,
                user_id=user_id,
                k=k,
                max_tokens=max_tokens,
                count_tokens=count_tokens,
                until=until,
                strict=True,
            )
        )

    def close(self) -> None:
        """Close the store."""
        self._memory.close()


class CoarseSearch:
    """One half of the coarse search by itself, with no scorer behind it; no neighbours are shown.

    Args:
        store: Folder of the store.
        by: By the words that turns share with the question, or by its meaning.
        embedder: Another embedder than the default; the one that the store was written with.
    """

    def __init__(
        self, store: Path, by: Literal["words", "meaning"], embedder: object | None = None
    ) -> None:
        self.about = {
            "words": "The lexical half of the coarse search alone (recall.coarse.by_words): turns "
            "by the summed idf of the words that they share with the question.",
            "meaning": "The dense half of the coarse search alone (recall.coarse.by_meaning): "
            "turns by the cosine similarity of sentence vectors, all compared; from the vector "
            "index only for a user whose turns are too many for that.",
        }[by]
        self._by = by
        self._embedder = as_embedder(embedder)
        self._store = Store(
            store,
            ledger=None,
            index=None,
            embedder=self._embedder,
            settings=Settings(background_indexing=False),
            replace_embedder=False,
        )
        self._store.indexer.prepare()

    def rank(
        self, user_id: str, question: str, k: int, until: dt.datetime | None = None
    ) -> Sequence[str]:
        """Ids of the first turns."""
        return [str(turn.id) for turn in self._turns(user_id, question, k, until)]

    def packed(
        self,
        user_id: str,
        question: str,
        *,
        k: int = TOP,
        max_tokens: int = BUDGET,
        count_tokens: TokenCounter | None = None,
        until: dt.datetime | None = None,
    ) -> Shown:
        """The first turns, as many as there is room for."""
        turns = self._turns(user_id, question, k, until)
        return filled(turns, max_tokens, count_tokens or shipped_token_counter())

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _turns(self, user_id: str, question: str, k: int, until: dt.datetime | None) -> list[Turn]:
        with self._store.ledger.read() as connection:
            user = find_user(connection, user_id)
            if user is None:
                return []
            limits = filter_turns(connection, user, until=until.timestamp() if until else None)
            rows = self._rows(connection, user, question, k, limits)
            known = provenance(connection, user, rows)
        return [known[row].turn for row in rows]

    def _rows(
        self, connection: Connection, user: User, question: str, k: int, limits: RowFilter
    ) -> list[int]:
        if self._by == "words":
            weighed = weigh_terms(connection, user, question)
            return by_words(connection, user, weighed, k, limits)
        vector, _ = encoded_query(self._embedder, question)
        store = self._store  # which searches its index for large users only, as in a recall
        in_index = user.indexed and user.searchable > store.exact_up_to and store.indexer.ready
        index = store.index if in_index else None
        return by_meaning(connection, index, user, vector, k, limits)


STAGES: Mapping[str, Callable[[Path], Retriever]] = {
    f"{OWN}:words": lambda folder: CoarseSearch(folder / STORE, "words"),
    f"{OWN}:meaning": lambda folder: CoarseSearch(folder / STORE, "meaning"),
    f"{OWN}:plain": lambda folder: OwnMemory(
        folder,
        Settings(scoring="plain", late_interaction=False),
        "A recall by the plainest scorer: dense and lexical similarity of a turn and of those "
        "around it; Settings(scoring='plain', late_interaction=False).",
    ),
    f"{OWN}:no-late-interaction": lambda folder: OwnMemory(
        folder,
        Settings(late_interaction=False),
        "The full scorer without late interaction; Settings(late_interaction=False).",
    ),
    OWN: OwnMemory,
    f"{OWN}:consolidated": lambda folder: OwnMemory(
        folder,
        about="A recall with default settings after consolidate(), without a model.",
        consolidated=True,
    ),
}
"""Rows by name; each is made with the folder that ``fill`` made."""

PLAIN: tuple[str, ...] = (f"{OWN}:words", f"{OWN}:meaning")
"""Rows that stand in for baselines where none of another library takes part."""
