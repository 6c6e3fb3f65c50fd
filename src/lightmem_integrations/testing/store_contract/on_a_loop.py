"""A store that can only be awaited, opened on an event loop of its own and called from anywhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from langgraph.store.base import BaseStore, Op, Result


class _Bridged(BaseStore):
    """Hands every batch to a store's own event loop."""

    def __init__(self, store: BaseStore, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._store = store
        self._loop = loop
        self.supports_ttl = store.supports_ttl
        self.ttl_config = store.ttl_config
        if sweep := getattr(store, "sweep_ttl", None):
            self.sweep_ttl: Callable[[], Any] = lambda: self._on_loop(sweep())

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Wait for ``abatch`` on the store's loop."""
        found: list[Result] = self._on_loop(self._store.abatch(list(ops)))
        return found

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Await ``abatch`` on the store's loop, from whichever loop this is."""
        there = asyncio.run_coroutine_threadsafe(self._store.abatch(list(ops)), self._loop)
        return await asyncio.wrap_future(there)

    def _on_loop(self, awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop).result()


async def _end_tasks() -> None:
    # What a store leaves running would complain of a closed loop, in a test that comes later.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def on_a_loop(opened: AbstractAsyncContextManager[BaseStore]) -> Iterator[BaseStore]:
    """An asynchronous store as the contract can test it, closed at the end.

    Args:
        opened: What ``async with`` would enter, such as ``AsyncMyStore.from_conn_string(url)``.

    Yields:
        A store whose calls are carried out on one event loop, in a thread of its own.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="store-contract", daemon=True)
    thread.start()

    def wait(awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, loop).result()

    try:
        store = wait(opened.__aenter__())
        try:
            yield _Bridged(store, loop)
        finally:
            wait(opened.__aexit__(None, None, None))
    finally:
        wait(_end_tasks())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
