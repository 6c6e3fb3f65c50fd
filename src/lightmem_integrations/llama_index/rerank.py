"""The Selector as LlamaIndex's ``BaseNodePostprocessor``, for nodes from anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.utils import get_tokenizer
from llama_index_instrumentation import get_dispatcher

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.llama_index.remade import Remade
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.rerankers import as_reranker
from lightmem_integrations.recall.rank_texts import RankedTexts, rank_texts
from lightmem_integrations.safety import check_counts

logger = logging.getLogger(__name__)
dispatcher = get_dispatcher(__name__)

FIRST_SCORE = "retrieval_score"
"""Metadata key under which a node keeps the score that it came with. No model sees it."""

_CUT = " ..."


class LightMemRerank(Remade, BaseNodePostprocessor):
    """Orders nodes by how well they answer the question, and keeps what fits a budget.

    It is the Selector that ranks memories: similarity of meaning and of words, and late
    interaction where the embedder gives token vectors; then a re-ranking model, if one is given.
    The nodes that it gets are not changed. If a model fails, or is late, the words decide or the
    nodes keep the order in which they came.

    Args:
        top_n: Nodes to return at most.
        max_tokens: Tokens of all returned nodes together, as a language model sees them. The best
            node is cut rather than dropped if it alone is larger. ``None``: no limit.
        max_candidates: How many of the nodes to score; the others follow unscored, in the order
            in which they came. ``None``: all.
        timeout: Seconds that scoring may take. ``None``: as long as it takes.
        embedder: Whatever ``LightMem(embedder=...)`` takes. ``None``: the shipped model.
        reranker: Whatever ``LightMem(reranker=...)`` takes.
        tokenizer_fn: Text to tokens. ``None``: LlamaIndex's global tokenizer.
        strict: Raise when a model fails.
        callback_manager: LlamaIndex's callbacks.

    Raises:
        InvalidRequestError: A budget is not a positive number.
        SettingsError: ``embedder`` or ``reranker`` is none.
    """

    top_n: int = 5
    max_tokens: int | None = None
    max_candidates: int | None = None
    timeout: float | None = None
    strict: bool = False

    _embedder: Any = PrivateAttr()
    _reranker: Any = PrivateAttr()
    _tokenizer_fn: Callable[[str], Sequence[Any]] | None = PrivateAttr()

    def __init__(
        self,
        *,
        top_n: int = 5,
        max_tokens: int | None = None,
        max_candidates: int | None = None,
        timeout: float | None = None,
        embedder: object | None = None,
        reranker: object | None = None,
        tokenizer_fn: Callable[[str], Sequence[Any]] | None = None,
        strict: bool = False,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        check_counts(top_n=top_n, max_tokens=max_tokens, max_candidates=max_candidates)
        if timeout is not None and not timeout > 0:
            raise InvalidRequestError(f"timeout is {timeout!r}; it must be more than 0 seconds.")
        fields: dict[str, Any] = {
            "top_n": top_n,
            "max_tokens": max_tokens,
            "max_candidates": max_candidates,
            "timeout": timeout,
            "strict": strict,
            "callback_manager": callback_manager or CallbackManager([]),
        }
        super().__init__(**fields)
        self._embedder = as_embedder(embedder)
        self._reranker = as_reranker(reranker)
        self._tokenizer_fn = tokenizer_fn

    @classmethod
    def class_name(cls) -> str:
        """The name of this class in serialised form."""
        return "LightMemRerank"

    def made_with(self) -> dict[str, Any]:
        """The arguments that make another one like it."""
        models = {"embedder": self._embedder, "reranker": self._reranker}
        return dict(self) | models | {"tokenizer_fn": self._tokenizer_fn}

    def _count(self, text: str) -> int:
        return len((self._tokenizer_fn or get_tokenizer())(text))

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if not nodes:
            return []
        query = "" if query_bundle is None else query_bundle.query_str
        scorer = self._reranker or self._embedder
        model = str(getattr(scorer, "name", type(scorer).__name__))
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: model,
            EventPayload.QUERY_STR: query,
            EventPayload.TOP_K: self.top_n,
        }
        dispatcher.event(
            ReRankStartEvent(query=query, nodes=nodes, top_n=self.top_n, model_name=model)
        )
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:
            best = self._ranked(query, nodes)
            event.on_end(payload={EventPayload.NODES: best})
        dispatcher.event(ReRankEndEvent(nodes=best))
        return best

    def _ranked(self, query: str, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        texts = [each.node.get_content(metadata_mode=MetadataMode.EMBED) for each in nodes]
        ranking = rank_texts(
            query,
            texts,
            embedder=self._embedder,
            reranker=self._reranker,
            max_candidates=self.max_candidates,
            timeout=self.timeout,
            strict=self.strict,
        )
        if ranking.degraded:
            logger.warning("Re-ranking was degraded: %s", "; ".join(ranking.degraded))
        return self._within(_copies(ranking, nodes))

    def _within(self, ranked: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        if self.max_tokens is None:
            return list(ranked[: self.top_n])
        kept: list[NodeWithScore] = []
        room = self.max_tokens
        for each in ranked:
            cost = self._tokens(each)
            if cost > room and not kept:
                each = self._cut(each, room)  # noqa: PLW2901 - the rest of the loop is about it
                cost = self._tokens(each)
            if cost <= room:
                kept.append(each)
                room -= cost
            if len(kept) == self.top_n:
                break
        return kept

    def _tokens(self, scored: NodeWithScore) -> int:
        return self._count(scored.node.get_content(metadata_mode=MetadataMode.LLM))

    def _cut(self, scored: NodeWithScore, room: int) -> NodeWithScore:
        node = scored.node
        if not isinstance(node, TextNode):
            return scored
        whole, least, most = node.text, 0, len(node.text)
        while least < most:
            middle = (least + most + 1) // 2
            node.text = whole[:middle] + _CUT
            least, most = (middle, most) if self._tokens(scored) <= room else (least, middle - 1)
        node.text = whole[:least] + _CUT
        return scored


def _copies(ranking: RankedTexts, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """The nodes in the order of their rank, as copies with their new scores."""
    scored = any(each.score is not None for each in ranking.texts)
    copies = []
    for each in ranking.texts:
        given = nodes[each.place]
        node = given.node.model_copy(deep=True)
        score = given.score
        if scored:
            # A score of the retriever is not on the Selector's scale: the unscored get none.
            score = None if each.score is None else float(each.score)
            if given.score is not None:
                node.metadata[FIRST_SCORE] = float(given.score)
                node.excluded_llm_metadata_keys.append(FIRST_SCORE)
                node.excluded_embed_metadata_keys.append(FIRST_SCORE)
        copies.append(NodeWithScore(node=node, score=score))
    return copies
