"""Concurrency: threads and tasks that use one store at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from langgraph.store.base import BaseStore

from lightmem_integrations.testing.store_contract.base import Contract, awaits, keys, value_of

HERE = ("many",)
THREADS = 8
EACH = 15


class Concurrency(Contract):
    """LangGraph hands one store to all nodes of a step, which it runs at once."""

    def test_threads_lose_nothing(self, store: BaseStore) -> None:
        """What several threads write at once is all there.

        ``langgraph.pregel._executor.BackgroundExecutor`` runs the nodes of a step in the threads
        of a pool, all with the store of the graph.
        """

        def write(thread: int) -> None:
            for number in range(EACH):
                store.put((*HERE, f"t{thread}"), f"k{number}", {"by": thread, "n": number})
                assert value_of(store.get((*HERE, f"t{thread}"), f"k{number}"))["n"] == number

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(write, range(THREADS)))
        assert len(store.search(HERE, limit=1_000)) == THREADS * EACH
        assert len(store.list_namespaces(prefix=HERE)) == THREADS

    def test_threads_that_write_one_key_leave_one_of_their_values(self, store: BaseStore) -> None:
        """An item is what one ``put`` wrote, never a mixture, and there is one of it.

        ``PutOp.key``: "Unique identifier for the item within its namespace."
        """

        def write(thread: int) -> None:
            for _ in range(EACH):
                store.put(HERE, "k", {"by": thread, "again": [thread] * 50})

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(write, range(THREADS)))
        (item,) = store.search(HERE)
        assert item.value == {"by": item.value["by"], "again": [item.value["by"]] * 50}

    def test_threads_read_while_others_write_and_delete(self, store: BaseStore) -> None:
        """Reads beside writes raise nothing, and see whole items alone.

        ``langgraph.pregel._executor.BackgroundExecutor``, as above.
        """

        def write(thread: int) -> None:
            for number in range(EACH):
                store.put(HERE, f"{thread}-{number}", {"pair": [number, number]})
                if number % 2:
                    store.delete(HERE, f"{thread}-{number}")

        def read(_: int) -> None:
            for _ in range(EACH):
                for item in store.search(HERE, filter={"pair": [3, 3]}, limit=100):
                    assert item.value["pair"] == [3, 3]
                for item in store.search((), limit=100):
                    assert len(set(item.value["pair"])) == 1
                store.list_namespaces()

        with ThreadPoolExecutor(THREADS) as pool:
            writing = [pool.submit(write, thread) for thread in range(THREADS // 2)]
            reading = [pool.submit(read, thread) for thread in range(THREADS // 2)]
            for each in (*writing, *reading):
                each.result()
        left = len([number for number in range(EACH) if number % 2 == 0])
        assert len(store.search(HERE, limit=1_000)) == left * (THREADS // 2)

    @awaits
    def test_tasks_lose_nothing(self, store: BaseStore) -> None:
        """What many tasks of one event loop write at once is all there.

        ``langgraph.pregel._executor.AsyncBackgroundExecutor`` runs the nodes of a step as tasks,
        all with the store of the graph.
        """

        async def write(number: int) -> None:
            await store.aput(HERE, f"k{number}", {"n": number})
            item = await store.aget(HERE, f"k{number}")
            assert value_of(item) == {"n": number}

        async def all_at_once() -> None:
            await asyncio.gather(*(write(number) for number in range(100)))

        asyncio.run(all_at_once())
        assert sorted(keys(store.search(HERE, limit=1_000))) == sorted(
            f"k{number}" for number in range(100)
        )

    @awaits
    def test_a_call_that_fails_fails_no_other(self, store: BaseStore) -> None:
        """Of calls that are awaited at once, only the wrong one raises.

        ``BaseStore.aput`` raises for its own arguments.
        """

        async def all_at_once() -> tuple[BaseException | None, ...]:
            return await asyncio.gather(
                store.aput(HERE, "good", {"n": 1}),
                store.aput(("a.b",), "bad", {"n": 1}),
                store.aput(HERE, "good too", {"n": 1}),
                return_exceptions=True,
            )

        outcomes = asyncio.run(all_at_once())
        assert [isinstance(each, BaseException) for each in outcomes] == [False, True, False]
        assert sorted(keys(store.search(HERE))) == ["good", "good too"]

    @awaits
    def test_event_loops_of_two_threads_share_a_store(self, store: BaseStore) -> None:
        """A store may be awaited on several event loops, one after another and at once.

        ``BaseStore.abatch`` binds a store to no event loop.
        """

        def write(loop: int) -> None:
            async def some() -> None:
                await asyncio.gather(
                    *(store.aput(HERE, f"{loop}-{n}", {"n": n}) for n in range(10))
                )

            asyncio.run(some())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        assert len(store.search(HERE, limit=100)) == 40
