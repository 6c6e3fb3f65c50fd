"""LlamaIndex's vector memory block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.memory import VectorMemoryBlock
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryResult

from lightmem_integrations.evaluation.shown import TOP, rendered
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.records.conversation import Turn

_Result = TypeVar("_Result")


class SharedEmbedding(BaseEmbedding):
    """The library's embedding model in LlamaIndex's form."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(model_name=embedder.name)
        self._embedder = embedder

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._embedder.embed_query(query).tolist()
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        vector: list[float] = self._embedder.embed_documents([text])[0].tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class TextKeepingVectorStore(SimpleVectorStore):
    """The core's vector store, which keeps no text, with the text that the memory block needs."""

    stores_text: bool = True
    _nodes: dict[str, BaseNode] = PrivateAttr(default_factory=dict)

    def add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """Store vectors and nodes."""
        self._nodes.update((node.node_id, node) for node in nodes)
        return super().add(nodes, **kwargs)

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """The nearest nodes."""
        result = super().query(query, **kwargs)
        result.nodes = [self._nodes[node_id] for node_id in result.ids or []]
        return result


class Seen(BaseNodePostprocessor):
    """Notes which turns the block found: it returns their joined text only."""

    turn_ids: list[str] = Field(default_factory=list)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        del query_bundle
        self.turn_ids = [str(found.node.metadata["session_id"]) for found in nodes]
        return nodes


class Baseline:
    """One memory block for each user, given one turn at a time."""

    about = (
        "llama_index.core.memory.VectorMemoryBlock over the core's SimpleVectorStore, one block a "
        "user and one turn a put (a node holds all messages of a put, so this is what makes it "
        "turn by turn), '[date] speaker: text', the library's own embedding model. Nothing is "
        "written to disk."
    )

    def __init__(self, _folder: Path) -> None:
        self._embedding = SharedEmbedding(as_embedder(None))
        self._blocks: dict[str, VectorMemoryBlock] = {}
        self._seen = Seen()
        # The block is asynchronous only. A loop of its own, so that the evaluation also runs
        # where a loop is running already, such as in a notebook.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, user_id: str, session_id: str, turn: Turn) -> None:  # noqa: ARG002
        """Embed and store one turn."""
        if user_id not in self._blocks:
            self._blocks[user_id] = VectorMemoryBlock(
                vector_store=TextKeepingVectorStore(),
                embed_model=self._embedding,
                node_postprocessors=[self._seen],
            )
        # A put keeps nothing but the text and one "session_id", so the turn's id travels there.
        message = ChatMessage(
            role=turn.role, content=rendered(turn), additional_kwargs={"session_id": turn.id}
        )
        self._wait(self._blocks[user_id].aput([message]))

    def finish(self) -> None:
        """Nothing is left to do."""

    def rank(self, user_id: str, question: str, k: int) -> Sequence[str]:
        """Ids of the nearest nodes' turns."""
        self.context(user_id, question, k)
        return tuple(self._seen.turn_ids)

    def context(self, user_id: str, question: str, k: int = TOP) -> str:
        """The block's own text."""
        block = self._blocks[user_id]
        block.similarity_top_k = k
        return self._wait(block.aget([ChatMessage(role="user", content=question)]))

    def close(self) -> None:
        """Stop the event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
