"""LightMemStore on PostgreSQL: several processes on one namespace, time to live, and an agent."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Annotated

import pytest
from langchain.agents import create_agent
from langchain.tools import InjectedStore, tool
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.store.base import BaseStore, GetOp
from sqlalchemy import event, make_url
from sqlalchemy.pool import Pool

from store_processes import (
    HERE,
    KEPT,
    opened,
    refresh_again_and_again,
    sweep_an_hour_ahead,
    write_and_erase,
    write_the_same,
)

pytestmark = pytest.mark.slow

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def store(postgresql_database):
    with opened(postgresql_database, ttl={"default_ttl": 60}) as store:
        yield store


def in_processes(work, url, *each):
    """Runs it in a process for each argument, all at once; what they return."""
    with ProcessPoolExecutor(len(each), SPAWN) as pool:
        return list(pool.map(work, [url] * len(each), each))


def test_processes_write_and_erase_in_the_same_namespaces_at_once(store, postgresql_database):
    kept = in_processes(write_and_erase, postgresql_database, 0, 1, 2)
    assert store.list_namespaces() == [KEPT]
    everything = [each.key for each in store.search((), limit=1_000)]
    assert sorted(everything) == sorted(key for keys in kept for key in keys)
    found = [each.key for each in store.search((), query="heron", limit=1_000)]
    assert sorted(found) == sorted(everything)  # each has its vector


def test_a_namespace_is_made_once_whoever_begins_it(store, postgresql_database):
    in_processes(write_the_same, postgresql_database, 0, 1)
    namespaces = store.list_namespaces(limit=1_000)
    assert len(set(namespaces)) == len(namespaces)
    assert set(namespaces) >= {("new", str(turn)) for turn in range(60) if turn % 3 == 2}
    for namespace in namespaces:
        assert [each.key for each in store.search(namespace)] == ["k"]
        assert len(store.search(namespace, query="heron")) == 1


def test_time_to_live_goes_by_the_clock_of_the_database(store, postgresql_database):
    store.put(HERE, "over", {"n": 1}, ttl=1e-6)
    store.put(HERE, "lives", {"n": 2}, ttl=60)
    store.put(HERE, "stays", {"n": 3}, ttl=None)
    ((there, swept),) = in_processes(sweep_an_hour_ahead, postgresql_database, 0)
    assert set(there) == {"lives", "stays"}
    assert swept == 1
    assert {each.key for each in store.search(HERE)} == {"lives", "stays"}


def test_what_one_process_reads_another_does_not_sweep(store, postgresql_database):
    with ProcessPoolExecutor(1, SPAWN) as pool:
        reading = pool.submit(refresh_again_and_again, postgresql_database, 9)
        while not reading.done():
            store.sweep_ttl()
            time.sleep(0.05)
        assert reading.result()
    assert store.get(HERE, "unread") is None


@tool
def remember(text: str, store: Annotated[BaseStore, InjectedStore()]) -> str:
    """Keep something."""
    store.put(HERE, "k", {"content": text})
    return "kept"


@tool
async def look_up(text: str, store: Annotated[BaseStore, InjectedStore()]) -> str:
    """Find something."""
    return ", ".join(each.value["content"] for each in await store.asearch(HERE, query=text))


async def test_an_agent_finds_what_another_process_s_agent_kept(
    postgresql_database, scripted, store
):
    def call(name):
        return AIMessage("", tool_calls=[{"name": name, "args": {"text": "heron"}, "id": "1"}])

    agent = create_agent(scripted(call("remember"), "ok"), tools=[remember], store=store)
    agent.invoke({"messages": [("user", "Remember the heron.")]})
    # A URL of its own shares nothing with the first, as another process would.
    url = make_url(postgresql_database).update_query_dict({"application_name": "other"})
    async with opened(url.render_as_string(hide_password=False)) as other:
        agent = create_agent(scripted(call("look_up"), "ok"), tools=[look_up], store=other)
        result = await agent.ainvoke({"messages": [("user", "What was it?")]})
    assert [m.text for m in result["messages"] if isinstance(m, ToolMessage)] == ["heron"]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_url_as_langgraph_takes_it(postgresql_database, store, scheme):
    store.put(HERE, "k", {"content": "heron"})
    plain = make_url(postgresql_database).set(drivername=scheme)
    with opened(plain.render_as_string(hide_password=False)) as other:
        assert other.get(HERE, "k").value == {"content": "heron"}


@contextmanager
def connections_taken():
    taken = []

    def take(*_: object) -> None:
        taken.append(1)

    event.listen(Pool, "checkout", take)
    try:
        yield taken
    finally:
        event.remove(Pool, "checkout", take)


async def test_calls_that_are_awaited_at_once_take_few_connections(store):
    async def at_once(*calls):
        with connections_taken() as taken:
            await asyncio.gather(*calls)
        return len(taken)

    await store.aput(HERE, "k", {"content": "heron"}, index=False)
    assert await at_once(store.abatch([GetOp(HERE, "k", refresh_ttl=False)])) == 1
    reads = [store.aget(HERE, "k", refresh_ttl=False) for _ in range(100)]
    assert await at_once(*reads) <= 2
    writes = [store.aput(HERE, f"k{n}", {"n": n}, index=False) for n in range(100)]
    assert await at_once(*writes) <= 2
    assert len(await store.asearch(HERE, limit=200)) == 101
