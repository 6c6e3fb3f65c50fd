"""Awaitable twins: each method and its twin see the same store and give the same."""

from __future__ import annotations

import asyncio
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, Op, PutOp, SearchOp

from lightmem_integrations.testing.store_contract.base import Contract, awaits, value_of

HERE = ("twins",)


def told(item: Item | None) -> dict[str, Any] | None:
    """All that an item says, to be compared."""
    return None if item is None else item.dict()


class Twins(Contract):
    """``abatch``, ``aget``, ``aput``, ``adelete``, ``asearch``, ``alist_namespaces``."""

    @awaits
    def test_what_one_writes_the_other_reads(self, store: BaseStore) -> None:
        """``put`` then ``aget``, ``aput`` then ``get``, and both ways of deleting.

        ``BaseStore.aget``: "Asynchronously retrieve a single item."
        """

        async def awaited() -> None:
            assert told(await store.aget(HERE, "sync")) == before
            await store.aput(HERE, "async", {"n": 2})
            await store.adelete(HERE, "gone")

        store.put(HERE, "sync", {"n": 1})
        store.put(HERE, "gone", {"n": 0})
        before = told(store.get(HERE, "sync"))
        asyncio.run(awaited())
        assert value_of(store.get(HERE, "async")) == {"n": 2}
        assert store.get(HERE, "gone") is None
        store.delete(HERE, "async")
        assert asyncio.run(store.aget(HERE, "async")) is None

    @awaits
    def test_both_find_and_list_the_same(self, store: BaseStore) -> None:
        """``search`` and ``asearch`` give equal items in the same order; so do the listings.

        ``BaseStore.asearch``: "Asynchronously search for items within a namespace prefix", with
        the arguments of ``search``.
        """

        async def awaited(**asked: Any) -> list[dict[str, Any]]:
            return [item.dict() for item in await store.asearch(HERE, **asked)]

        for number in range(15):
            store.put((*HERE, f"n{number % 4}"), f"k{number}", {"n": number, "odd": number % 2})
        cases: tuple[dict[str, Any], ...] = (
            {},
            {"limit": 4, "offset": 3},
            {"filter": {"odd": 1}},
            {"filter": {"n": {"$gte": 7}}, "limit": 3, "offset": 1},
        )
        for asked in cases:
            found = [item.dict() for item in store.search(HERE, **asked)]
            assert asyncio.run(awaited(**asked)) == found
        listings: tuple[dict[str, Any], ...] = (
            {},
            {"prefix": ("twins", "*")},
            {"suffix": ("n2",)},
            {"max_depth": 1},
            {"limit": 2, "offset": 1},
        )
        for listing in listings:
            listed = asyncio.run(store.alist_namespaces(**listing))
            assert listed == store.list_namespaces(**listing)

    @awaits
    def test_abatch_is_batch(self, store: BaseStore) -> None:
        """``abatch`` gives the results of ``batch``, in the order of the operations.

        ``BaseStore.abatch``: "The order of results matches the order of input operations."
        """

        async def awaited() -> list[Any]:
            await store.abatch([PutOp(HERE, "new", {"n": 3})])
            return await store.abatch(ops)

        store.put(HERE, "k", {"n": 1})
        ops: list[Op] = [GetOp(HERE, "nothing"), SearchOp(HERE, {"n": 1}), GetOp(HERE, "k")]
        got = asyncio.run(awaited())
        assert got[0] is None
        assert [item.key for item in got[1]] == ["k"]
        assert told(got[2]) == told(store.get(HERE, "k"))
        assert value_of(store.get(HERE, "new")) == {"n": 3}
        assert asyncio.run(store.abatch([])) == []
