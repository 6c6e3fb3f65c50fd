"""A user's memory as a LangChain retriever."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from langchain_core.callbacks.manager import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, ensure_config
from pydantic import Field
from typing_extensions import Self

from lightmem_integrations.errors import ScopeError
from lightmem_integrations.langchain.arguments import OnMemory
from lightmem_integrations.langchain.scope import RunLimits, scope_of
from lightmem_integrations.records.conversation import TIERS, Hit, Tier
from lightmem_integrations.safety import check_known, check_user_id, digest, short_repr

_OWN = ("k", "max_tokens", "score_threshold", "tiers")
_OPTIONS = (*_OWN, "filter", "session_id", "since", "until", "speakers", "timezone", "spaces")
_DIGEST_BYTES = 6  # a guess: tells apart the facts that one turn proves


class LightMemRetriever(OnMemory, BaseRetriever):
    """Finds what a user's memory holds about a query, best first, one document for each hit.

    The user is the one that the retriever is bound to (``user_id``, ``for_user``), or
    ``user_id=`` of the call, or the one of the running LangGraph agent's context, or
    ``config["configurable"]["user_id"]``. If none of them names one, the call raises
    ``ScopeError``: there is no default user. A wrapper that does not hand on the configuration,
    such as ``ContextualCompressionRetriever``, needs a retriever that is bound.

    A document's ``page_content`` is what was remembered, its ``id`` is the same for the same
    memory of a user, and its ``metadata`` is JSON: ``tier``, ``score``, ``parts`` of the score,
    ``when`` (ISO 8601, with time zone; of a fact of which only the week, month or year is known
    with ``when_precision``), ``role`` and ``speaker``, and the sources: ``session_id``,
    ``turn_ids``, ``episode_id`` and ``agent_id``; and whatever else the turn's own metadata says.

    Args:
        memory: The memory.
        user_id: Whose memory, if the retriever serves one user only.
        k: How many documents come back. ``None``: as the memory's settings say.
        score_threshold: Score, from 0 to 1, that a document must have. ``None``: as the settings
            say.
        max_tokens: How many tokens they may have together. ``None``: as the settings say.
        tiers: Which tiers to look in.
        filter: What turns must meet, as in ``LightMem.recall``; one in ``search_kwargs`` or
            in a call takes its place.
        search_kwargs: Arguments for every call, as of a vector store's retriever: ``k``,
            ``score_threshold`` and whatever else ``invoke`` takes.
        spaces: Spaces to look in besides the user's own memory: names, ``"all"`` for every one that
            the user may read, or a function of the run's context. ``metadata["space"]`` says whose
            a document is.
        search_type: ``similarity``, or ``similarity_score_threshold``, which are the same here.

    Raises:
        ScopeError: ``user_id`` is not a valid one.
        InvalidRequestError: An argument is not known, or ``filter`` is none.
    """

    user_id: str | None = None
    k: int | None = None
    max_tokens: int | None = None
    score_threshold: float | None = None
    tiers: tuple[Tier, ...] = TIERS
    filter: Any = None
    search_kwargs: dict[str, Any] = Field(default_factory=dict)
    spaces: Any = ()
    search_type: Literal["similarity", "similarity_score_threshold"] = "similarity"

    def __init__(self, **fields: Any) -> None:
        check_known(fields.get("search_kwargs") or (), _OPTIONS, "search_kwargs")
        for given in (fields, fields.get("search_kwargs") or {}):
            RunLimits(filter=given.get("filter")).checked()
        super().__init__(**fields)

    def for_user(self, user_id: str) -> Self:
        """The same retriever, bound to one user.

        Raises:
            ScopeError: It is not a valid user id, or the retriever is bound to another user.
        """
        return self.model_copy(update={"user_id": self._bound(user_id)})

    def invoke(
        self,
        input: str,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The documents for a query.

        Args:
            input: The query.
            config: May name the user: ``{"configurable": {"user_id": ...}}``.
            **kwargs: For this call only, as in ``LightMem.recall``: ``user_id``, ``k``,
                ``max_tokens``, ``score_threshold``, ``tiers``, ``filter``, ``session_id``,
                ``since``, ``until``, ``speakers``, ``timezone``.

        Raises:
            ScopeError: No user is named, or another one than the retriever is bound to.
            InvalidRequestError: The query is blank, or another argument out of its range.
        """
        return super().invoke(input, config, **self._with_user(config, kwargs))

    async def ainvoke(
        self,
        input: str,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The documents for a query; see ``invoke``."""
        given = await asyncio.to_thread(self._with_user, config, kwargs)
        return await super().ainvoke(input, config, **given)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  # part of the contract
        user_id: str | None = None,
        **options: Any,
    ) -> list[Document]:
        options = self.search_kwargs | options
        check_known(options, _OPTIONS, type(self).__name__)
        for name in _OWN:
            if options.get(name) is None:
                options[name] = getattr(self, name)
        recall = self.memory.recall(query, user_id=self._bound(user_id), **options)
        return [_document(hit) for hit in recall.hits]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        return await asyncio.to_thread(
            self._get_relevant_documents, query, run_manager=run_manager.get_sync(), **options
        )

    def _with_user(self, config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        named = kwargs.get("user_id")
        if named is None:
            named = self.user_id
        given_filters = (each.get("filter") for each in (kwargs, self.search_kwargs))
        wanted = next((each for each in given_filters if each is not None), self.filter)
        within = RunLimits(spaces=self.spaces, filter=wanted)
        scope = scope_of(ensure_config(config), user_id=named, session_id=None, within=within)
        given: dict[str, Any] = {} if scope.timezone is None else {"timezone": scope.timezone}
        given |= {"spaces": scope.spaces} if scope.spaces else {}
        return {**given, **kwargs, "user_id": self._bound(scope.user_id), "filter": scope.filter}

    def _bound(self, user_id: str | None) -> str:
        if self.user_id is not None and user_id not in (None, self.user_id):
            raise ScopeError(
                f"This retriever is bound to another user than {short_repr(user_id)}. "
                "Bind one that is not bound yet, or pass the user with each call."
            )
        return check_user_id(self.user_id if user_id is None else user_id)


def _document(hit: Hit) -> Document:
    said = hit.turns[0] if hit.turns else None
    source = hit.source
    own: tuple[str, ...] = (hit.tier, source.session_id, *source.turn_ids[:1])
    if source.space is not None:
        own = ("space", source.space, *own)
    if hit.tier == "ltm":  # one turn may prove several facts
        own += (digest(hit.text, _DIGEST_BYTES),)
    return Document(
        id=":".join(own),
        page_content=hit.text,
        metadata={
            **(said.metadata if said else {}),
            "tier": hit.tier,
            "score": float(hit.score),
            "parts": {name: float(value) for name, value in hit.parts.items()},
            "when": hit.when.isoformat(),
            **({} if hit.when_precision == "day" else {"when_precision": hit.when_precision}),
            "session_id": source.session_id,
            "turn_ids": list(source.turn_ids),
            "episode_id": source.episode_id,
            "agent_id": source.agent_id,
            **({} if source.space is None else {"space": source.space}),
            "role": said.role if said else None,
            "speaker": said.speaker if said else None,
        },
    )
