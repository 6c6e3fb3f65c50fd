"""Our Selector for anybody's documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from pydantic import ConfigDict, Field, PrivateAttr
from typing_extensions import TypedDict

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import Embedder, Reranker
from lightmem_integrations.models.rerankers import as_reranker
from lightmem_integrations.recall.rank_texts import rank_texts
from lightmem_integrations.safety import check_known, short_repr


class Ranked(TypedDict):
    """Input of the re-ranker: documents, and the query that they are ranked for."""

    query: str
    documents: list[Document]


class LightMemReranker(BaseDocumentCompressor, RunnableSerializable[Ranked, list[Document]]):
    """Puts documents in the order in which they answer a query, as recall orders memories.

    Needs no memory and no conversation. It is a document compressor, for
    ``ContextualCompressionRetriever`` and pipelines, and a Runnable that takes
    ``{"query": ..., "documents": [...]}``.

    It returns copies. ``metadata["relevance_score"]`` is there if a document was scored: higher is
    better, comparable within one call only. If time is up, or every model fails, the documents
    come back in the order given, within the budgets, without a score, and a warning is logged.

    Args:
        embedder: Whatever ``LightMem(embedder=...)`` takes; by default the shipped model.
        reranker: Scores them anew: a LangChain ``BaseCrossEncoder``, or whatever else
            ``LightMem(reranker=...)`` takes.
        top_n: How many documents come back. ``None``: all.
        max_candidates: How many of the first documents are scored; the others follow unscored.
            50 is a guess, as are the five seconds.
        max_tokens: How many tokens may come back. A document that does not fit makes room for a
            smaller one behind it. ``None``: as many as there are.
        timeout: How long it may take, in seconds. ``None``: as long as it takes.
        count_tokens: Counts tokens; by default an upper estimate for any model.
        strict: Raise what a model raises, instead of going on without it.

    Raises:
        SettingsError: ``embedder`` or ``reranker`` is none.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embedder: Any = Field(default=None, exclude=True, repr=False)
    reranker: Any = Field(default=None, exclude=True, repr=False)
    top_n: int | None = None
    max_candidates: int | None = 50
    max_tokens: int | None = None
    timeout: float | None = 5.0
    count_tokens: Callable[[str], int] | None = Field(default=None, exclude=True, repr=False)
    strict: bool = False

    _embedder: Embedder = PrivateAttr()
    _reranker: Reranker | None = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        check_known(fields, type(self).model_fields, type(self).__name__)
        super().__init__(**fields)
        self._embedder = as_embedder(self.embedder)
        self._reranker = as_reranker(self.reranker)

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,  # noqa: ARG002  # part of the contract
    ) -> list[Document]:
        """The best documents, best first.

        Raises:
            InvalidRequestError: A budget is not a positive number.
            LightMemError: With ``strict``: what failed.
        """
        ranking = rank_texts(
            query,
            [document.page_content for document in documents],
            embedder=self._embedder,
            reranker=self._reranker,
            k=self.top_n,
            max_candidates=self.max_candidates,
            max_tokens=self.max_tokens,
            timeout=self.timeout,
            count_tokens=self.count_tokens,
            strict=self.strict,
        )
        return [_scored(documents[each.place], each.score) for each in ranking.texts]

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The same without blocking the event loop."""
        return await asyncio.to_thread(self.compress_documents, documents, query, callbacks)

    def invoke(
        self,
        input: Ranked,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> list[Document]:
        """The best of ``input["documents"]`` for ``input["query"]``.

        Raises:
            InvalidRequestError: One of the two is missing, or a budget is not a positive number.
        """
        check_known(unknown, (), type(self).__name__)
        return self._call_with_config(self._ranked, input, config, run_type="retriever")

    async def ainvoke(
        self,
        input: Ranked,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> list[Document]:
        """The same without blocking the event loop; see ``invoke``."""
        check_known(unknown, (), type(self).__name__)
        return await self._acall_with_config(self._aranked, input, config, run_type="retriever")

    def _ranked(self, given: Ranked) -> list[Document]:
        return self.compress_documents(*_documents_and_query(given))

    async def _aranked(self, given: Ranked) -> list[Document]:
        return await self.acompress_documents(*_documents_and_query(given))


def _documents_and_query(given: Ranked) -> tuple[list[Document], str]:
    if not isinstance(given, dict) or not {"documents", "query"} <= set(given):
        raise InvalidRequestError(
            f"The input is {short_repr(given)}; it must have 'query' and 'documents', as "
            "{'query': RunnablePassthrough(), 'documents': retriever} | reranker gives them."
        )
    return list(given["documents"]), str(given["query"])


def _scored(document: Document, score: float | None) -> Document:
    metadata = {key: value for key, value in document.metadata.items() if key != "relevance_score"}
    if score is not None:
        metadata["relevance_score"] = score
    return document.model_copy(update={"metadata": metadata})
