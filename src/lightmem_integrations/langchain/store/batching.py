"""Group commit: operations that are awaited at once are carried out as one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakKeyDictionary

from langgraph.store.base import Op, Result

_MOST = 500  # calls carried out as one batch; a guess

_Batch: TypeAlias = Callable[[list[Op]], list[Result]]
_Call: TypeAlias = "tuple[list[Op], asyncio.Future[list[Result]]]"


class Batching:
    """Gathers what the tasks of an event loop ask for while the batch before is under way.

    A call for each of them would cost a transaction, and with a database elsewhere several times
    its distance.
    """

    def __init__(self) -> None:
        self._waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Call]] = (
            WeakKeyDictionary()
        )
        self._workers: set[asyncio.Task[None]] = set()

    async def run(self, batch: _Batch, ops: list[Op]) -> list[Result]:
        """Carry out operations together with what others ask for; returns their results.

        Args:
            batch: Carries out operations: all of them, or on an error none that writes.
            ops: The operations.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Result]] = loop.create_future()
        waiting = self._waiting.setdefault(loop, [])
        waiting.append((ops, answer))
        if len(waiting) == 1:
            worker = loop.create_task(self._work(batch, waiting))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await answer

    async def _work(self, batch: _Batch, waiting: list[_Call]) -> None:
        try:
            while waiting:
                calls = waiting[:_MOST]
                await _carry_out(batch, [call for call in calls if not call[1].done()])
                del waiting[: len(calls)]  # until then it is not empty, and has its worker
        finally:
            for _, answer in waiting:
                answer.cancel()
            waiting.clear()


async def _carry_out(batch: _Batch, calls: list[_Call]) -> None:
    try:
        results = await asyncio.to_thread(batch, [op for ops, _ in calls for op in ops])
    except Exception as error:  # noqa: BLE001 - it is for whoever asked
        if len(calls) > 1:  # what one of them asks for is not to fail the others
            for call in calls:
                await _carry_out(batch, [call])
        elif calls and not calls[0][1].done():
            calls[0][1].set_exception(error)
        return
    for ops, answer in calls:
        own, results = results[: len(ops)], results[len(ops) :]
        if not answer.done():
            answer.set_result(own)
