"""This library's own rows: each stage of a recall by itself, and all of them together.

All rows read one store, so that what differs is the stage and not what it was given.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import Connection

from lightmem_integrations import LightMem
from lightmem_integrations.engine.store import Store
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.evaluation.shown import TOP, Shown, line, of_recall
from lightmem_integrations.models.embedders import as_embedder, encoded_query
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.recall.coarse import by_meaning, by_words, weigh_terms
from lightmem_integrations.records.conversation import TIERS, Tier, Turn
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.turn_reads import provenance
from lightmem_integrations.storage.users import User, find_user

_ALL_TOKENS = 100_000
_STORE = "store"
_NO_LIMITS = RowFilter()


class Writer:
    """Fills the store that this library's rows read, through the public interface."""

    def __init__(self, folder: Path, embedder: object | None = None) -> None:
        # In the background it would take time from what is measured while turns are added.
        settings = Settings(background_indexing=False)
        self._memory = LightMem(folder / _STORE, embedder=embedder, settings=settings)

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Add the turn; it waits for its vector."""
        self._memory.add(turn, user_id=user_id, session_id=session_id)

    def finish(self) -> None:
        """Embed all turns."""
        self._memory.index_pending()

    def close(self) -> None:
        """Close the store, so that the rows can open it."""
        self._memory.close()


class OwnMemory:
    """This library through its public interface: one store, every conversation a user of it.

    Args:
        folder: Where ``Writer`` put the store.
        settings: What differs from the default.
        about: What differs, in words.
        reranker: A model that scores the best candidates anew.
        slm: A small language model, for hypothetical queries.
        embedder: Another embedder than the default; the one that the store was written with.
        most: The largest k that it is asked for.
        tiers: Which memories are searched.
        consolidated: Whether to consolidate first, without a model, in a copy of the store.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings | None = None,
        about: str = "A recall with default settings.",
        *,
        reranker: object | None = None,
        slm: object | None = None,
        embedder: object | None = None,
        most: int = _ALL_TOKENS,
        tiers: Collection[Tier] = TIERS,
        consolidated: bool = False,
    ) -> None:
        self.about = (
            f"{about} Each conversation is a user of one LightMem in a folder. Ranked: the turns "
            "of the hits of recall(k=20). Shown: the hits and their neighbours in Recall.text."
        )
        self.most = most
        self._tiers = tiers
        store = folder / _STORE
        if consolidated:
            store = folder / "consolidated"
            if not store.exists():
                shutil.copytree(folder / _STORE, store)
        self._memory = LightMem(
            store, settings=settings, reranker=reranker, slm=slm, embedder=embedder
        )
        try:
            self._memory.warm_up()
            if consolidated:
                self._memory.consolidate(final=True)
        except BaseException:
            self._memory.close()  # the next row opens the same folder
            raise

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the turns that the hits stand for."""
        # Strict, because a model that fell out would otherwise pass unseen as a poor ranking.
        found = self._memory.recall(
            question,
            user_id=user_id,
            k=k,
            max_tokens=_ALL_TOKENS,
            tiers=self._tiers,
            strict=True,
        )
        return distinct(turn.id for hit in found.hits for turn in hit.turns if turn.id)

    def context(self, user_id: str, question: str) -> str:
        """The packed context with the default k and budget."""
        return self._memory.recall(question, user_id=user_id, tiers=self._tiers, strict=True).text

    def packed(
        self, user_id: str, question: str, *, k: int, max_tokens: int, count_tokens: TokenCounter
    ) -> Shown:
        """Content of the packed context with this k and budget."""
        return of_recall(
            self._memory.recall(
                question,
                user_id=user_id,
                k=k,
                max_tokens=max_tokens,
                tiers=self._tiers,
                count_tokens=count_tokens,
                strict=True,
            )
        )

    def close(self) -> None:
        """Close the store."""
        self._memory.close()


class _Search:
    """One half of the coarse search by itself, with no scorer behind it and no packing."""

    def __init__(self, folder: Path, embedder: object | None = None) -> None:
        self._embedder = as_embedder(embedder)
        self._store = Store(
            folder / _STORE,
            ledger=None,
            index=None,
            embedder=self._embedder,
            settings=Settings(),
            replace_embedder=False,
        )
        self._store.indexer.prepare()

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the first turns."""
        return [str(turn.id) for turn in self._turns(user_id, question, k)]

    def context(self, user_id: str, question: str) -> str:
        """The first turns, one a line."""
        return "\n".join(line(turn) for turn in self._turns(user_id, question, TOP))

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _turns(self, user_id: str, question: str, k: int) -> list[Turn]:
        with self._store.ledger.read() as connection:
            user = find_user(connection, user_id)
            if user is None:
                return []
            rows = self._rows(connection, user, question, k)
            known = provenance(connection, user, rows)
        return [known[row].turn for row in rows]

    def _rows(self, connection: Connection, user: User, question: str, k: int) -> list[int]:
        raise NotImplementedError


class Words(_Search):
    """The lexical half: ``recall.coarse.by_words``."""

    about = (
        "The lexical half of the coarse search by itself (recall.coarse.by_words): turns by the "
        "summed idf of the words that they share with the question. No neighbours are shown."
    )

    def _rows(self, connection: Connection, user: User, question: str, k: int) -> list[int]:
        lexical = self._store.ledger.lexical
        weighed = weigh_terms(connection, lexical, user, question)
        return by_words(connection, lexical, user, weighed, k, _NO_LIMITS)


class Meaning(_Search):
    """The dense half: ``recall.coarse.by_meaning`` over the store's Chroma index."""

    about = (
        "The dense half of the coarse search by itself (recall.coarse.by_meaning): turns by the "
        "cosine similarity of sentence vectors, from Chroma. No neighbours are shown."
    )

    def _rows(self, connection: Connection, user: User, question: str, k: int) -> list[int]:
        vector, _ = encoded_query(self._embedder, question)
        return by_meaning(connection, self._store.index, user, vector, k, _NO_LIMITS)
