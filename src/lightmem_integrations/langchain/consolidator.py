"""Consolidation as a job of LangChain, which tells how far it is and what it costs."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from pydantic import Field

from lightmem_integrations.consolidation.pipeline import OnProgress
from lightmem_integrations.errors import ScopeError
from lightmem_integrations.langchain.arguments import OnMemory
from lightmem_integrations.langchain.scope import user_of_call
from lightmem_integrations.records.report import Progress
from lightmem_integrations.safety import check_known, short_repr


class LightMemConsolidator(OnMemory, RunnableSerializable[Any, Any]):
    """Consolidates a user's memory: the offline job as a Runnable, for schedulers and ``batch``.

    Takes a user id, or a dictionary with ``user_id``; else the user is found as in
    `LightMemRecall`. Gives the report of ``LightMem.consolidate``.

    ``stream`` and ``astream`` give a `Progress` after each session, with what it cost so far and
    what is left, and the report last; to stop listening ends the run after the session at hand.
    The same is told as the custom event ``lightmem_consolidation`` to callbacks and
    ``astream_events``, and in a graph to ``stream_mode="custom"``.

    Args:
        memory: The memory.
        options: Further arguments of ``LightMem.consolidate``: ``{"max_tokens": 50_000}``.
    """

    options: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)

    def invoke(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> Any:
        """Consolidate one user's memory.

        Raises:
            ScopeError: No user is named, or no valid one.
            LightMemError: The store does not answer.
        """
        check_known(unknown, (), type(self).__name__)
        return self._call_with_config(self._consolidated, input, config)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> Any:
        """The same without blocking the event loop; see ``invoke``."""
        check_known(unknown, (), type(self).__name__)
        return await self._acall_with_config(self._aconsolidated, input, config)

    def stream(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> Generator[Any, None, None]:
        """Consolidate, and tell again and again how far it is; the report comes last.

        Raises:
            ScopeError: No user is named, or no valid one.
            LightMemError: The store does not answer.
        """
        check_known(unknown, (), type(self).__name__)
        told: SimpleQueue[Progress | None] = SimpleQueue()
        listener = _Listener(told.put)
        consolidated = functools.partial(self._consolidated, tell=listener)
        with ThreadPoolExecutor(1, "lightmem-stream") as pool:
            job = pool.submit(
                copy_context().run, self._call_with_config, consolidated, input, config
            )
            job.add_done_callback(lambda _: told.put(None))
            try:
                yield from iter(told.get, None)
            finally:
                listener.gone = True
            yield job.result()

    async def astream(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> AsyncIterator[Any]:
        """The same without blocking the event loop; see ``stream``."""
        check_known(unknown, (), type(self).__name__)
        told: asyncio.Queue[Progress | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        listener = _Listener(lambda progress: loop.call_soon_threadsafe(told.put_nowait, progress))
        consolidated = functools.partial(self._aconsolidated, tell=listener)
        job = asyncio.ensure_future(self._acall_with_config(consolidated, input, config))
        job.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (progress := await told.get()) is not None:
                yield progress
            yield await job
        finally:
            listener.gone = True
            job.cancel()

    def _consolidated(
        self,
        given: Any,
        run_manager: object,  # noqa: ARG002  # part of the contract
        config: RunnableConfig,
        tell: OnProgress | None = None,
    ) -> Any:
        return self._consolidate(self._user(given, config), config, tell)

    async def _aconsolidated(
        self,
        given: Any,
        run_manager: object,  # noqa: ARG002  # part of the contract
        config: RunnableConfig,
        tell: OnProgress | None = None,
    ) -> Any:
        user_id = self._user(given, config)
        return await asyncio.to_thread(self._consolidate, user_id, config, tell)

    def _user(self, given: Any, config: RunnableConfig) -> str:
        named = given.get("user_id") if isinstance(given, dict) else given
        if named is None and given:
            raise ScopeError(f"The input {short_repr(given)} has no user_id.")
        return user_of_call(config, user_id=named)

    def _consolidate(
        self,
        user_id: str,
        config: RunnableConfig,
        tell: OnProgress | None,
    ) -> Any:
        graph = config.get("configurable", {}).get("__pregel_runtime")  # as its own nodes get it
        listeners = [tell, self.options.get("on_progress"), getattr(graph, "stream_writer", None)]

        def on_progress(progress: Progress) -> None:
            for listen in listeners:
                if listen is not None:
                    listen(progress)
            event = {"user_id": user_id, **dataclasses.asdict(progress)}
            dispatch_custom_event("lightmem_consolidation", event, config=config)

        options = {**self.options, "on_progress": on_progress}
        return self.memory.consolidate(user_id=user_id, **options)


class _Listener:
    """Passes progress on to whoever iterates; ends the run once nobody does."""

    def __init__(self, put: Callable[[Progress], object]) -> None:
        self._put = put
        self.gone = False

    def __call__(self, progress: Progress) -> None:
        if self.gone:
            raise _AbandonedError
        self._put(progress)


class _AbandonedError(Exception):
    """Nobody listens to a run any more."""
