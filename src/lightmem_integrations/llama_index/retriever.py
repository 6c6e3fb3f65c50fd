"""Long-term memory as LlamaIndex's ``BaseRetriever``, for query and chat engines."""

from __future__ import annotations

import datetime as dt
import json
import logging
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from lightmem_integrations.display import described
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.filters import FiltersLike, checked_filter
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.records.conversation import TIERS, Hit, Recall, Tier
from lightmem_integrations.safety import check_user_id
from lightmem_integrations.text.fence import fence
from lightmem_integrations.text.timezone import check_timezone

logger = logging.getLogger(__name__)

_SHOWN_TO_MODEL = ("when", "when_precision", "speaker", "space")
_NODE_IDS = uuid.UUID("0f3d2f52-5f0c-4f0b-9d0a-6b9d1f5c7a11")


class LightMemRetriever(BaseRetriever):
    """Retrieves what one user's memory holds on a question.

    The user is fixed here, so that no model and no query can choose another one. Nodes carry
    the verbatim text. Their metadata says where it comes from; language models see only
    ``when``, ``speaker`` and ``space`` of it, and ``when_precision`` of a fact of which no day is
    known, but its week, month or year; embedding models and re-rankers nothing.

    Args:
        memory: The open store.
        user_id: Whose memory. Required, never made up.
        k: Nodes to return. ``None``: the settings' ``k``.
        similarity_top_k: The same, by the name that a vector index's retriever has for it.
        similarity_cutoff: Score, from 0 to 1, that a node must have. ``None``: the settings'
            ``score_threshold``.
        max_tokens: Tokens of all nodes together. ``None``: the settings' ``max_tokens``.
        tiers: Which tiers of memory to search.
        session_id: Only what was said in this session. ``None``: in all of them.
        exclude_session: Leave out what was said in this session, for example the present one.
        since: Only what was said at this moment or later, with a time zone.
        until: Only what was said before this moment, with a time zone.
        speakers: Only what these people said.
        filter: Only what meets it, as in ``LightMem.recall``, or ``MetadataFilters``.
        filters: The same, by the name that a vector index's retriever has for it.
        timezone: The user's time zone (IANA), by whose days the question is read. ``None``: the
            settings' ``timezone``.
        strict: Raise when a model or the index fails, instead of returning what was found
            without it.
        spaces: Spaces to recall from besides the user's own memory; ``"all"`` for every one that
            the user may read.
        callback_manager: LlamaIndex's callbacks.

    Raises:
        ScopeError: The user id is missing, blank or a wildcard.
        InvalidRequestError: ``filter`` is none, or asks for what cannot be compared.
    """

    def __init__(
        self,
        memory: LightMem,
        *,
        user_id: str,
        k: int | None = None,
        similarity_top_k: int | None = None,
        similarity_cutoff: float | None = None,
        max_tokens: int | None = None,
        tiers: Collection[Tier] = TIERS,
        session_id: str | None = None,
        exclude_session: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        speakers: Collection[str] | None = None,
        filter: FiltersLike | None = None,  # noqa: A002
        filters: FiltersLike | None = None,
        timezone: str | None = None,
        strict: bool = False,
        spaces: SpacesRead = (),
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._memory = checked_memory(memory)
        self._user_id = check_user_id(user_id, memory.settings.max_id_chars)
        self._arguments: dict[str, Any] = {
            "user_id": user_id,
            "k": similarity_top_k if k is None else k,
            "score_threshold": similarity_cutoff,
            "max_tokens": max_tokens,
            "tiers": tiers,
            "session_id": session_id,
            "exclude_session": exclude_session,
            "since": since,
            "until": until,
            "speakers": speakers,
            "filter": checked_filter(filters if filter is None else filter),
            "timezone": check_timezone(timezone),
            "strict": strict,
            "spaces": spaces,
        }
        super().__init__(callback_manager=callback_manager)

    def __repr__(self) -> str:
        return described(self, memory=self._memory, user_id=self._user_id)

    @property
    def user_id(self) -> str:
        """Whose memory; fixed, so make another retriever for another user."""
        return self._user_id

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not query_bundle.query_str.strip():
            return []
        return self._nodes(self._memory.recall(query_bundle.query_str, **self._arguments))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not query_bundle.query_str.strip():
            return []
        return self._nodes(await self._memory.arecall(query_bundle.query_str, **self._arguments))

    def _nodes(self, recall: Recall) -> list[NodeWithScore]:
        if recall.degraded:
            logger.warning("Recall was degraded: %s", "; ".join(recall.degraded))
        return nodes_of(recall, self._user_id)


def nodes_of(recall: Recall, user_id: str) -> list[NodeWithScore]:
    """The hits of a recall as nodes, best first."""
    return [NodeWithScore(node=_node(hit, user_id), score=float(hit.score)) for hit in recall.hits]


def postprocessed(
    recall: Recall, postprocessors: Sequence[BaseNodePostprocessor], user_id: str, query: str
) -> Recall:
    """A recall whose text is what these leave of its hits; as it is, where there are none."""
    if not postprocessors or not recall.hits:
        return recall
    nodes = nodes_of(recall, user_id)
    for postprocessor in postprocessors:
        nodes = postprocessor.postprocess_nodes(nodes, query_str=query)
    return replace(recall, text=fence([node.node.get_content(MetadataMode.LLM) for node in nodes]))


def _node(hit: Hit, user_id: str) -> TextNode:
    metadata = {
        **(hit.turns[0].metadata if hit.turns else {}),
        "tier": hit.tier,
        "when": hit.when.isoformat(timespec="minutes"),
        **({} if hit.when_precision == "day" else {"when_precision": hit.when_precision}),
        "session_id": hit.source.session_id,
        "turn_ids": list(hit.source.turn_ids),
        "speaker": hit.turns[0].speaker if hit.turns else None,
        "score_parts": {name: float(part) for name, part in hit.parts.items()},
    }
    for name, value in (("speaker", metadata["speaker"]), ("space", hit.source.space)):
        metadata[name] = value
        if value is None:
            del metadata[name]
    # Turn ids are unique in their session only, node ids must be unique in an engine.
    whose = [user_id] if hit.source.space is None else ["space", hit.source.space]
    place = json.dumps([*whose, hit.source.session_id, hit.source.turn_ids, hit.tier])
    if hit.source.shared:
        place = json.dumps([user_id, "shared", hit.source.fact_id])
    return TextNode(
        id_=str(uuid.uuid5(_NODE_IDS, place)),
        text=hit.text,
        metadata=metadata,
        excluded_llm_metadata_keys=[key for key in metadata if key not in _SHOWN_TO_MODEL],
        excluded_embed_metadata_keys=list(metadata),
    )
