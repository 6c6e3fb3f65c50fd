"""LangChain's vector store retriever over Chroma, as its documentation sets it up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from lightmem_integrations.evaluation.shown import TOP, rendered
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.records.conversation import Turn


class SharedEmbeddings(Embeddings):
    """The library's embedding model in LangChain's form."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""
        vectors: list[list[float]] = self._embedder.embed_documents(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        vector: list[float] = self._embedder.embed_query(text).tolist()
        return vector


class Baseline:
    """One Chroma collection on disk for all users, filtered by user."""

    about = (
        "langchain_chroma.Chroma.as_retriever() on disk, its defaults, one collection filtered by "
        "user, each turn a document '[date] speaker: text', the library's own embedding model."
    )

    def __init__(self, folder: Path) -> None:
        settings = Settings(anonymized_telemetry=False)
        # Its declared type lacks the close() that it has.
        self._client: Any = chromadb.PersistentClient(str(folder / "chroma"), settings=settings)
        self._store = Chroma(
            collection_name="turns",
            embedding_function=SharedEmbeddings(as_embedder(None)),
            client=self._client,
        )

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:
        """Embed and store one document."""
        document = Document(
            rendered(turn),
            metadata={"user_id": user_id, "session_id": session_id, "turn_id": str(turn.id)},
        )
        self._store.add_documents([document])

    def finish(self) -> None:
        """Nothing is left to do."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the nearest documents' turns."""
        return [document.metadata["turn_id"] for document in self._nearest(user_id, question, k)]

    def context(self, user_id: str, question: str) -> str:
        """The nearest documents, one a line."""
        return "\n".join(found.page_content for found in self._nearest(user_id, question, TOP))

    def close(self) -> None:
        """Close Chroma."""
        self._client.close()

    def _nearest(self, user_id: str, question: str, k: int) -> list[Document]:
        retriever = self._store.as_retriever(search_kwargs={"k": k, "filter": {"user_id": user_id}})
        return retriever.invoke(question)
