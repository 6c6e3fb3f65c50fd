"""LangGraph's in-memory store with semantic search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langgraph.store.base import SearchItem
from langgraph.store.memory import InMemoryStore

from lightmem_integrations.evaluation.shown import TOP, rendered
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.records.conversation import Turn


class Baseline:
    """One ``InMemoryStore``, one namespace for each user."""

    about = (
        "langgraph.store.memory.InMemoryStore with an index over '[date] speaker: text', one "
        "namespace a user, the library's own embedding model. Nothing is written to disk."
    )

    def __init__(self, _folder: Path) -> None:
        embedder = as_embedder(None)

        def embed(texts: Sequence[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.embed_documents(texts).tolist()
            return vectors

        dimension = len(embedder.embed_query("dimension"))
        self._store = InMemoryStore(index={"dims": dimension, "embed": embed, "fields": ["text"]})

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Embed and store one item."""
        value = {"text": rendered(turn), "session_id": session_id}
        self._store.put(self._namespace(user_id), str(turn.id), value)

    def finish(self) -> None:
        """Nothing is left to do."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Keys of the nearest items, which are the turns' ids."""
        return [item.key for item in self._nearest(user_id, question, k)]

    def context(self, user_id: str, question: str) -> str:
        """The nearest items, one a line."""
        return "\n".join(item.value["text"] for item in self._nearest(user_id, question, TOP))

    def close(self) -> None:
        """Nothing is open."""

    def _namespace(self, user_id: str) -> tuple[str, ...]:
        # LangGraph takes no full stop in a label, and user ids are often e-mail addresses.
        return (user_id.replace(".", "%2E"), "turns")

    def _nearest(self, user_id: str, question: str, k: int) -> list[SearchItem]:
        return self._store.search(self._namespace(user_id), query=question, limit=k)
