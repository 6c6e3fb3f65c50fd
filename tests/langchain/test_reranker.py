"""Anybody's documents in the order in which they answer a query, under budgets."""

from __future__ import annotations

import time

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from lightmem_integrations.errors import InvalidRequestError, ModelError, SettingsError
from lightmem_integrations.langchain import LightMemReranker
from lightmem_integrations.models.onnx import OnnxEmbedder

try:
    from langchain_core.cross_encoders import BaseCrossEncoder
except ImportError:  # langchain-core before 1.3
    from langchain_classic.retrievers.document_compressors.cross_encoder import BaseCrossEncoder

QUERY = "Which breed is the pet of my sibling?"
TEXTS = (
    "The train to Porto leaves at nine.",
    "A violin has four strings.",
    "My sister's dog is a small terrier called Bo.",
)


@pytest.fixture
def documents():
    return [Document(text, id=str(i), metadata={"n": i}) for i, text in enumerate(TEXTS)]


def order(documents):
    return [document.metadata["n"] for document in documents]


class LikesMusic(BaseCrossEncoder):
    def score(self, text_pairs):
        assert all(isinstance(pair, tuple) for pair in text_pairs)
        return [10.0 * ("violin" in text) for _, text in text_pairs]


async def test_the_best_comes_first(documents):
    reranker = LightMemReranker()
    for ranked in (
        reranker.compress_documents(documents, QUERY),
        await reranker.acompress_documents(documents, QUERY),
        reranker.invoke({"query": QUERY, "documents": documents}),
        await reranker.ainvoke({"query": QUERY, "documents": documents}),
        reranker.batch([{"query": QUERY, "documents": documents}] * 3)[2],
    ):
        assert order(ranked)[0] == 2
        scores = [document.metadata["relevance_score"] for document in ranked]
        assert scores == sorted(scores, reverse=True)
        assert [document.id for document in ranked] == [str(n) for n in order(ranked)]
    assert all(document.metadata == {"n": i} for i, document in enumerate(documents))


def test_budgets(documents):
    assert order(LightMemReranker(top_n=1).compress_documents(documents, QUERY)) == [2]
    first = LightMemReranker(max_candidates=2).compress_documents(documents, QUERY)
    assert order(first)[2] == 2
    assert "relevance_score" not in first[2].metadata
    small = LightMemReranker(max_tokens=9, count_tokens=lambda text: len(text.split()))
    assert order(small.compress_documents(documents, QUERY)) == [2]
    with pytest.raises(InvalidRequestError, match="max_candidates"):
        LightMemReranker(max_candidates=0).compress_documents(documents, QUERY)


def test_a_cross_encoder_of_langchain(documents):
    reranker = LightMemReranker(reranker=LikesMusic())
    assert order(reranker.compress_documents(documents, "music"))[0] == 1


async def test_too_late_keeps_the_given_order(documents, caplog):
    class Slow(OnnxEmbedder):
        def encode(self, texts):
            time.sleep(0.6)
            return super().encode(texts)

    reranker = LightMemReranker(embedder=Slow(), timeout=0.1, top_n=2)
    started = time.monotonic()
    assert order(reranker.compress_documents(documents, QUERY)) == [0, 1]
    assert time.monotonic() - started < 0.1 + 0.25
    assert "the given order was kept" in caplog.text
    late = await reranker.acompress_documents(documents, QUERY)
    assert all("relevance_score" not in document.metadata for document in late)
    with pytest.raises(ModelError):
        LightMemReranker(embedder=Slow(), timeout=0.1, strict=True).compress_documents(
            documents, QUERY
        )


def test_in_a_compression_retriever_and_a_pipeline(documents):
    class Words:
        """Knows no meaning, so that what it finds has to be put in order."""

        def embed_documents(self, texts):
            return [[1.0, len(text)] for text in texts]

        def embed_query(self, text):
            return [1.0, 1.0]

    store = InMemoryVectorStore(embedding=Words())
    store.add_documents(documents)
    base = store.as_retriever(search_kwargs={"k": 3})
    pipeline = DocumentCompressorPipeline(transformers=[LightMemReranker(top_n=1)])
    for compressor in (LightMemReranker(top_n=1), pipeline):
        retriever = ContextualCompressionRetriever(base_compressor=compressor, base_retriever=base)
        assert order(retriever.invoke(QUERY)) == [2]


def test_in_a_chain(documents):
    chain = {
        "query": RunnablePassthrough(),
        "documents": RunnableLambda(lambda _: documents),
    } | LightMemReranker(top_n=1)
    assert order(chain.invoke(QUERY)) == [2]

    class Watching(BaseCallbackHandler):
        names = ()

        def on_chain_start(self, serialized, inputs, **kwargs):
            self.names = (*self.names, kwargs.get("name"))

    watching = Watching()
    chain.invoke(QUERY, {"callbacks": [watching]})
    assert "LightMemReranker" in watching.names


def test_what_makes_no_sense(documents):
    with pytest.raises(SettingsError, match="reranker"):
        LightMemReranker(reranker=7)
    with pytest.raises(InvalidRequestError, match="documents"):
        LightMemReranker().invoke({"query": QUERY})
    assert LightMemReranker().compress_documents([], QUERY) == []
