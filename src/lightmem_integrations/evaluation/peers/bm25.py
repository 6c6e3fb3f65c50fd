"""Plain lexical retrieval: BM25 Okapi over the turns of one conversation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rank_bm25 import BM25Okapi

from lightmem_integrations.evaluation.shown import TOP, rendered
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.text.terms import terms


class Baseline:
    """``rank_bm25.BM25Okapi`` with its own defaults (k1 1.5, b 0.75, epsilon 0.25)."""

    about = (
        "rank_bm25.BM25Okapi, its defaults, one index a conversation, over '[date] speaker: text' "
        "in lower-cased words without English function words, stemmed by PyStemmer (english)."
    )

    def __init__(self, _folder: Path) -> None:
        self._turns: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._indexes: dict[str, BM25Okapi] = {}

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:  # noqa: ARG002
        """Keep the turn; this BM25 cannot be added to, so it is built at the end."""
        self._turns[user_id].append((str(turn.id), rendered(turn)))

    def finish(self) -> None:
        """Build one index for each user."""
        for user_id, turns in self._turns.items():
            self._indexes[user_id] = BM25Okapi([terms(text) for _, text in turns])

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the turns that share a term with the question, by score."""
        return [self._turns[user_id][place][0] for place in self._best(user_id, question, k)]

    def context(self, user_id: str, question: str) -> str:
        """The first turns, one a line."""
        places = self._best(user_id, question, TOP)
        return "\n".join(self._turns[user_id][place][1] for place in places)

    def close(self) -> None:
        """Nothing is open."""

    def _best(self, user_id: str, question: str, k: int) -> list[int]:
        scores = self._indexes[user_id].get_scores(terms(question))
        # Stable, so that the earlier of two equal turns comes first in every run. Zero is a turn
        # without a term of the question; in very small corpora a term may even weigh less.
        order = np.argsort(-scores, kind="stable")
        return [int(place) for place in order if scores[place]][:k]
