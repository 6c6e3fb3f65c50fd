"""What tests of LightMemStore on PostgreSQL run in other processes."""

import time
from typing import Any

from langgraph.store.base import PutOp

from lightmem_integrations import Settings
from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.testing import HashEmbedder

HERE = ("memories", "ann")
KEPT = ("memories", "kept")


def opened(url: str, **options: Any) -> LightMemStore:
    settings = Settings(background_indexing=False)
    return LightMemStore.from_conn_string(
        url, embedder=HashEmbedder(), settings=settings, **options
    )


def write_and_erase(url, mine):
    """Batches that write and erase in two namespaces, in another order in each process.

    Both are emptied again and again, so that they go while others write to them.
    """
    places = [HERE, ("memories", "bob")]
    if mine % 2:
        places.reverse()
    with opened(url) as store:
        for turn in range(25):
            new, key = {"content": f"heron {turn}", "by": mine}, f"{mine}-{turn}"
            store.batch([PutOp(place, key, new) for place in places])
            erased = [PutOp(place, key, None) for place in reversed(places)]
            store.batch([*erased, PutOp(places[0], "shared", new), PutOp(KEPT, key, new)])
            store.batch([PutOp(place, "shared", None) for place in places])
            store.search((), query="heron", filter={"by": mine})
    return [f"{mine}-{turn}" for turn in range(25)]


def write_the_same(url, mine):
    with opened(url) as store:
        for turn in range(60):
            store.put(("new", str(turn)), "k", {"content": "heron", "by": mine})
            if turn % 3 == mine:
                store.delete(("new", str(turn)), "k")
    return True


def sweep_an_hour_ahead(url, _):
    ahead = time.time
    time.time = lambda: ahead() + 3_600 * 24
    with opened(url, ttl={"default_ttl": 60, "omit_expired": True}) as store:
        there = [each.key for each in store.search(HERE, refresh_ttl=False)]
        return there, store.sweep_ttl()


def refresh_again_and_again(url, seconds):
    with opened(url, ttl={"refresh_on_read": True}) as store:
        store.put(HERE, "read", {"n": 1}, ttl=0.1)  # six seconds
        store.put(HERE, "unread", {"n": 2}, ttl=0.1)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert store.get(HERE, "read") is not None
            assert len(store.search(HERE, filter={"n": 1})) == 1
    return True
