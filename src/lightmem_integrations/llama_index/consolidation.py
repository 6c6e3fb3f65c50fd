"""Consolidation as a step of a LlamaIndex ``IngestionPipeline``."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from pydantic import PrivateAttr

from lightmem_integrations.errors import InvalidTurnError
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.workers import address_of, in_worker
from lightmem_integrations.records.conversation import ROLES, Turn
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.records.storable import fitted
from lightmem_integrations.safety import check_known, check_scope_id, check_user_id, short_repr

_OPTIONS = ("max_calls", "max_tokens", "on_progress", "retry_set_aside", "writer")
_TURN_IDS = uuid.UUID("c1f0a0f5-6d6e-4f0e-8a1b-3f3b7c6d9e21")


class ConsolidateTurns(TransformComponent):
    """Takes nodes as what was said, remembers them for a user, and consolidates that user's memory.

    The nodes pass on unchanged. A node's metadata may say ``role`` (``user`` unless it says so),
    ``speaker``, ``when`` (an ISO date and time with a zone) and ``session_id``; without the last,
    nodes of one document are one session. The same node with the same text is remembered once.

    Args:
        memory: The open store.
        user_id: Whose memory. Required, never made up.
        session_id: The session of nodes that name none and belong to no document.
        max_batches: How much to consolidate at most, in batches. ``None``: everything that waits.
        options: Further arguments of ``LightMem.consolidate``: ``writer``, ``max_calls``,
            ``max_tokens``, ``retry_set_aside``, and ``on_progress``, which hears what it cost.

    Raises:
        InvalidRequestError: An option is not known.
        ScopeError: The user or session id is missing, blank or a wildcard.
    """

    user_id: str
    session_id: str = "ingested"
    max_batches: int | None = None

    _memory: LightMem = PrivateAttr()
    _address: Any = PrivateAttr(default=None)
    _options: dict[str, Any] = PrivateAttr(default_factory=dict)
    _report: ConsolidationReport | None = PrivateAttr(default=None)

    def __init__(
        self,
        *,
        memory: LightMem,
        user_id: str,
        session_id: str = "ingested",
        max_batches: int | None = None,
        **options: Any,
    ) -> None:
        check_known(options, _OPTIONS, type(self).__name__)
        longest = checked_memory(memory).settings.max_id_chars
        fields: dict[str, Any] = {
            "user_id": check_user_id(user_id, longest),
            "session_id": check_scope_id(session_id, "session_id", longest),
            "max_batches": max_batches,
        }
        super().__init__(**fields)
        self._memory = memory
        self._options = options

    @property
    def report(self) -> ConsolidationReport | None:
        """What the last run did: what was refused, what it cost; ``None`` before the first."""
        return self._report

    @classmethod
    def class_name(cls) -> str:
        """The name of this class in serialised form."""
        return "ConsolidateTurns"

    def __repr_args__(self) -> Any:
        yield "memory", self._memory
        yield from super().__repr_args__()

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
        """Remember the nodes, then consolidate.

        Raises:
            InvalidTurnError: A node's metadata makes no turn.
            StorageError: The store failed.
        """
        sessions: dict[str, list[Turn]] = {}
        for node in nodes:
            if node.get_content(metadata_mode=MetadataMode.NONE).strip():
                name = node.metadata.get("session_id") or node.ref_doc_id or self.session_id
                turn = fitted(_turn_of(node), self._memory.settings)
                sessions.setdefault(str(name), []).append(turn)
        for session_id, turns in sessions.items():
            self._memory.add(turns, user_id=self.user_id, session_id=session_id)
        # A document is whole when it comes: nothing of it may still go on.
        self._report = self._memory.consolidate(
            user_id=self.user_id, max_batches=self.max_batches, final=True, **self._options
        )
        return nodes

    def __reduce__(self) -> tuple[Any, ...]:
        # A pipeline with several workers pickles its steps, and one process alone has the store.
        if self._address is None:
            self._address = address_of(self)
        return in_worker, (self._address,)

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """The same, without blocking the event loop."""
        return await asyncio.to_thread(self, nodes, **kwargs)


def _turn_of(node: BaseNode) -> Turn:
    text = node.get_content(metadata_mode=MetadataMode.NONE)
    role = node.metadata.get("role", "user")
    if role not in ROLES:
        raise InvalidTurnError(
            f"The role of node {node.node_id} is {short_repr(role)}; use one of {', '.join(ROLES)}."
        )
    when = node.metadata.get("when")
    try:
        time = None if when is None else dt.datetime.fromisoformat(str(when))
    except ValueError as error:
        raise InvalidTurnError(
            f"when of node {node.node_id} is {short_repr(when)}; use a date and time in ISO "
            "format with "
            "a zone, such as 2026-05-01T09:00:00+00:00."
        ) from error
    return Turn(
        role=role,
        text=text,
        speaker=node.metadata.get("speaker"),
        time=time,
        id=uuid.uuid5(_TURN_IDS, f"{node.node_id} {text}").hex,
    )
