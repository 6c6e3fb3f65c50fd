"""LangGraph's long-term memory interface, ``BaseStore``, on the ledger and the vector index."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, cast

from langgraph.store.base import BaseStore, IndexConfig, Op, PutOp, Result, SearchOp, TTLConfig

from lightmem_integrations.aio import Closing
from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.engine.background import Loop
from lightmem_integrations.errors import ModelError, SettingsError
from lightmem_integrations.langchain.store.batching import Batching
from lightmem_integrations.langchain.store.index_config import (
    check_dims,
    embedder_of,
    fields_of,
    score_of,
)
from lightmem_integrations.langchain.store.operations import (
    NewItem,
    checked_operations,
    embeds,
    new_item,
    result_of,
    texts_at,
    with_vectors,
)
from lightmem_integrations.langchain.store.spans import spans_of
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.safety import check_known
from lightmem_integrations.storage.documents import NewDocument

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logging.getLogger(__name__)

_SWEEP_MINUTES = 5.0  # as LangGraph's SqliteStore


class LightMemStore(BaseStore, Closing):
    """A LangGraph store in a LightMem folder, or in a PostgreSQL database that processes share.

    Everything that ``BaseStore`` promises, in one class for both worlds: every method has its
    awaitable twin, and none of these blocks the event loop. Items are on disk when ``put``
    returns. An item that is deleted, swept, or written anew leaves no byte of its old self in a
    folder's database (PostgreSQL frees them when it vacuums); where Chroma held its vectors, their
    bytes go at ``purge`` or the next opening.

    Items are searched by meaning as they are in ``SqliteStore`` and ``PostgresStore``: every
    text at ``fields`` has a vector, an item is as near as the nearest of them, ``score`` is their
    cosine similarity, and an item without any vector does not come back. Unlike theirs, ``put``
    keeps an item's ``created_at``, and an embedder that fails does not fail ``put``: the item is
    stored and gets its vectors at the next search. A search whose question cannot be embedded
    returns the last written items without a score. ``strict`` makes both an error.

    The store shares the folder, the embedder and the index with a user's turns, not their
    contents: ``recall`` sees no item, and ``forget`` erases none.

    Args:
        memory: An open memory, which stays yours to close.
        index: ``fields`` says what is searched by meaning, by default all of a value (``["$"]``).
            ``dims`` is checked, ``embed`` must be left out: the memory has its embedder. Scores
            are in the terms of ``distance_type``. ``False`` for no search by meaning.
        ttl: How long items live: ``default_ttl`` in minutes, ``refresh_on_read``,
            ``omit_expired``, ``sweep_interval_minutes``.
        strict: Raise when the embedder fails, instead of going on without it.

    Raises:
        SettingsError: ``index`` names another embedder, or fields that are no list.
        InvalidRequestError: ``index`` or ``ttl`` holds what is not known.
    """

    supports_ttl = True

    def __init__(
        self,
        memory: LightMem,
        *,
        index: IndexConfig | Mapping[str, Any] | Literal[False] | None = None,
        ttl: TTLConfig | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        if index and index.get("embed") is not None:
            raise SettingsError(
                "index= names an embedder, and the memory has its own. Leave embed out, or open "
                "the store with LightMemStore.from_path(path, index=...)."
            )
        check_known(ttl or (), TTLConfig.__annotations__, "ttl=")
        self.memory = checked_memory(memory)
        self.index_config = None if index is False else cast("IndexConfig", dict(index or {}))
        self.ttl_config = ttl
        self._strict = strict
        self._fields = None if index is False else fields_of(index or {})
        self._score = score_of(index or {})
        self._documents = self.memory.documents(texts_at)
        self._batching = Batching()
        self._sweeper: Loop | None = None
        self._sweep_seconds = 0.0
        self._owns_memory = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return described(self, memory=self.memory, index=self.index_config, ttl=self.ttl_config)

    def __reduce__(self) -> tuple[Any, ...]:
        index: Any = self.index_config is not None and dict(self.index_config)
        if index:
            index.pop("embed", None)  # the memory has it
        made = functools.partial(type(self), index=index, ttl=self.ttl_config, strict=self._strict)
        return made, (self.memory,)

    @classmethod
    def from_path(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        embedder: object | None = None,
        index: IndexConfig | Mapping[str, Any] | Literal[False] | None = None,
        ttl: TTLConfig | None = None,
        strict: bool = False,
        **options: Any,
    ) -> Self:
        """A store in a folder or a database of its own, which ``close`` or a ``with`` block closes.

        Args:
            path: The folder, or the URL of a PostgreSQL database; ``None`` for a folder that is
                gone at ``close``.
            embedder: What makes vectors, as ``LightMem`` takes it; by default the shipped model.
            index: As upstream's: ``dims``, ``embed`` (instead of ``embedder``), ``fields``.
            ttl: How long items live.
            strict: Raise when the embedder fails.
            **options: Anything else that ``LightMem`` takes.

        Raises:
            SettingsError: Both ``embedder`` and ``index["embed"]`` are given, or one is none.
            StorageError: It cannot be opened.
        """
        chosen: Any = False if index is False else dict(index or {})
        embed = chosen.pop("embed", None) if chosen else None
        if embed is not None:
            if embedder is not None:
                raise SettingsError("Pass either embedder= or index['embed'], not both.")
            embedder = embedder_of(embed)
        memory = LightMem(path, embedder=embedder, **options)
        try:
            store = cls(memory, index=chosen, ttl=ttl, strict=strict)
        except BaseException:
            memory.close()
            raise
        if embed is not None and store.index_config is not None:
            store.index_config["embed"] = embed
        store._owns_memory = True
        return store

    from_conn_string = from_path  # its name in LangGraph's own stores

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations; those that read see what was there before those that write.

        Raises:
            InvalidNamespaceError: A namespace is not valid; nothing was done.
            InvalidRequestError: A filter, a limit or a value makes no sense; nothing was done.
            StorageError: The store does not answer.
            asyncio.InvalidStateError: The store was opened with ``async with``, and this would
                block that event loop.
        """
        self._check_loop()
        todo = checked_operations(ops)
        with spans_of(self._documents.observer, todo) as found:
            return found(self._carried_out(todo))

    def _carried_out(self, todo: list[Op]) -> list[Result]:
        puts = {(tuple(op.namespace), op.key): op for op in todo if isinstance(op, PutOp)}
        new = [new_item(op, self._fields) for op in puts.values()]
        results: list[Result] = [None] * len(todo)
        reads = {place: op for place, op in enumerate(todo) if not isinstance(op, PutOp)}
        questions = {place: self._question(op) for place, op in reads.items()}
        if reads:
            omit = bool((self.ttl_config or {}).get("omit_expired"))
            with self._documents.reading(omit_expired=omit) as view:
                for place, op in reads.items():
                    results[place] = result_of(op, view, questions[place], self._score)
        if new:
            self._documents.write(self._embedded(new))
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """``batch`` without blocking the event loop; same arguments.

        Calls that are awaited at once and embed nothing are carried out as one.
        """
        todo = checked_operations(ops)
        if any(embeds(op, self._fields) for op in todo):
            return await asyncio.to_thread(self.batch, todo)
        with spans_of(self._documents.observer, todo) as found:
            return found(await self._batching.run(self._carried_out, todo))

    def sweep_ttl(self) -> int:
        """Erase the items whose time is over; returns how many.

        Raises:
            StorageError: The store cannot be written.
        """
        return self._documents.erase_expired()

    async def asweep_ttl(self) -> int:
        """``sweep_ttl`` without blocking the event loop."""
        return await asyncio.to_thread(self._documents.erase_expired)

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> Future[None]:
        """Erase what is over at intervals, in a thread, until ``stop_ttl_sweeper`` or ``close``.

        Args:
            sweep_interval_minutes: Minutes between two sweeps; by default what ``ttl`` says, or 5.

        Returns:
            A future that is done when the thread has ended; cancelling it ends the thread.
        """
        configured = (self.ttl_config or {}).get("sweep_interval_minutes")
        if self._sweeper is None or self._sweeper.ended.done():
            seconds = 60.0 * (sweep_interval_minutes or configured or _SWEEP_MINUTES)
            self._sweep_seconds = seconds
            self._sweeper = Loop(self._sweep, "sweeping", backoff=(seconds, seconds))
            self._sweeper.start(after=seconds)
        return self._sweeper.ended

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """End the thread; returns whether it ended within ``timeout`` seconds."""
        return self._stop_sweeper(timeout)

    def purge(self) -> None:
        """Rewrite Chroma's files now, so that nothing erased is left in them.

        Raises:
            StorageError: The index does not answer.
        """
        self._documents.purge()

    def close(self) -> None:
        """End the sweeper; close the memory if ``from_path`` opened it. Twice is fine."""
        self._stop_sweeper()
        if self._owns_memory:
            self.memory.close()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    # Not by the public methods: a subclass may make these awaitable, as LangGraph's own is.
    def _stop_sweeper(self, timeout: float | None = None) -> bool:
        return self._sweeper is None or self._sweeper.stop(timeout)

    def _sweep(self) -> float:
        if erased := self._documents.erase_expired():
            logger.info("%d documents were over and are erased.", erased)
        return self._sweep_seconds

    def _check_loop(self) -> None:
        # Only where the user said that this is an asynchronous program: a notebook runs its
        # cells on a loop too, and nobody minds there.
        if self._loop is None or asyncio._get_running_loop() is not self._loop:
            return
        raise asyncio.InvalidStateError(
            "A synchronous call to LightMemStore would block the event loop with which it was "
            "opened. Await its asynchronous twin, such as aget, aput or asearch."
        )

    def _question(self, op: Op) -> Vectors | None:
        """The vector of a search's question; ``None`` where there is none, or it cannot be made."""
        if not isinstance(op, SearchOp) or not op.query or self._fields is None:
            return None
        try:
            return self._documents.query(op.query, tuple(op.namespace_prefix))
        except ModelError as error:
            if self._strict:
                raise
            logger.warning("The last written items are returned instead: %s", error)
            return None

    def _embedded(self, new: list[NewItem]) -> list[NewDocument]:
        texts = [text for each in new for text in each.texts]
        try:
            vectors = self._documents.embed(texts)
        except ModelError as error:
            if self._strict:
                raise
            logger.warning("Items are stored without their vectors for now: %s", error)
            return [each.document for each in new]
        check_dims(self.index_config or {}, vectors)
        return with_vectors(new, vectors)
