"""Metrics of a memory: how many recalls and adds, how long they took, what failed or degraded."""

import threading

import pytest

from lightmem_integrations import LightMem, ScopeError, Settings, Turn
from lightmem_integrations.telemetry.recent import KEPT, Recent, percentiles
from lightmem_integrations.testing import HashEmbedder

SECRET = "zanzibar"


class Broken(HashEmbedder):
    def embed_query(self, text):
        raise RuntimeError(f"no vector of {text}")


def said(text=SECRET):
    return Turn(role="user", text=text)


def test_before_the_first_call_there_is_nothing(open_memory):
    metrics = open_memory().metrics()
    assert (metrics.recalls.count, metrics.adds.count, metrics.degraded_recalls) == (0, 0, 0)
    assert metrics.recalls.p50 is None
    assert [row[1] for row in metrics.grid().rows] == ["0", "0"]


def test_recalls_and_adds_are_counted_and_timed(open_memory):
    memory = open_memory()
    for number in range(3):
        memory.add(said(f"heron {number}"), user_id="u")
    memory.recall("heron", user_id="u")
    metrics = memory.metrics()
    assert (metrics.adds.count, metrics.recalls.count) == (3, 1)
    assert 0 < metrics.adds.p50 <= metrics.adds.p95 <= metrics.adds.p99 < 60_000
    assert metrics.recalls.p50 == metrics.recalls.p99
    assert not metrics.recalls.failed
    assert not metrics.degraded


def test_what_failed_is_counted_by_its_class_and_has_no_latency(open_memory):
    memory = open_memory()
    with pytest.raises(ScopeError):
        memory.add(said(), user_id="*")
    memory.close()
    metrics = memory.metrics()  # also of one that is closed
    assert metrics.adds.failed == {"ScopeError": 1}
    assert (metrics.adds.count, metrics.adds.p50) == (1, None)
    assert "add: 1 x ScopeError" in metrics.grid().warnings


def test_degraded_recalls_are_counted_by_reason_without_what_is_of_one(open_memory):
    memory = open_memory(embedder=Broken())
    memory.add(said(), user_id="u")
    for _ in range(2):
        assert memory.recall(f"where is {SECRET}?", user_id="u").degraded
    metrics = memory.metrics()
    assert metrics.degraded_recalls == 2
    assert metrics.degraded == {"searched by words only": 2}
    assert SECRET not in repr(metrics)
    assert SECRET not in str(metrics.grid())
    assert "2 recalls degraded: searched by words only (2)" in metrics.grid().warnings


def test_turns_that_wait_for_a_vector_are_one_reason_however_many(open_memory):
    settings = Settings(background_indexing=False, catch_up_seconds=1e-9)
    memory = open_memory(settings=settings)
    for number in range(2):
        memory.add(said(f"heron {number}"), user_id="u")
        assert memory.recall("heron", user_id="u").degraded
    assert memory.metrics().degraded == {"new turns are found by words only": 2}


def test_each_opened_memory_counts_its_own(tmp_path, open_memory):
    one, two = open_memory(tmp_path), open_memory(tmp_path)
    one.add(said(), user_id="u")
    assert (one.metrics().adds.count, two.metrics().adds.count) == (1, 0)


def test_no_call_is_lost_between_threads(open_memory):
    memory = open_memory()
    memory.add(said(), user_id="u")

    def recall():
        for _ in range(50):
            with pytest.raises(ScopeError):
                memory.recall("x", user_id="")

    threads = [threading.Thread(target=recall) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.metrics().recalls.failed == {"ScopeError": 400}


def test_what_is_kept_is_bounded():
    recent = Recent()
    for _ in range(KEPT + 5):
        recent.note("search_memory", 0.001, None, ())
    assert recent.calls("search_memory").count == KEPT + 5
    assert len(recent.calls("search_memory").seconds) == KEPT


def test_percentiles_are_the_nearest_that_were_measured():
    assert percentiles([number / 1_000 for number in range(100, 0, -1)]) == (50, 95, 99)
    assert percentiles([0.002]) == (2, 2, 2)


async def test_awaited_calls_count_as_well():
    async with LightMem(embedder=HashEmbedder()) as memory:
        await memory.aadd(said(), user_id="u")
        await memory.arecall(SECRET, user_id="u")
        metrics = await memory.ametrics()
    assert (metrics.adds.count, metrics.recalls.count) == (1, 1)
