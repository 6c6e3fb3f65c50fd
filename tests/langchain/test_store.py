"""LightMemStore as a LangGraph store: items, search, time to live, threads, and what may fail."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import threading
import time
import uuid

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, PutOp, SearchOp

from lightmem_integrations import (
    ChromaIndex,
    EmbeddingMismatchError,
    InvalidRequestError,
    LightMem,
    ModelError,
    Settings,
    SettingsError,
    StoreClosedError,
    Turn,
)
from lightmem_integrations.documents import indexing as document_indexing
from lightmem_integrations.documents import service as documents
from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.storage.document_vectors import documents_by_id, spaces_under
from lightmem_integrations.storage.index_contents import expected
from lightmem_integrations.storage.namespaces import key_of_path
from lightmem_integrations.testing import HashEmbedder

HERE = ("memories", "ann")


class Failing(HashEmbedder):
    """Fails while it is told to, or on texts that hold a word."""

    broken = False
    poison: str | None = None

    def embed_documents(self, texts):
        if self.broken:
            raise RuntimeError("no memory left")
        vectors = super().embed_documents(texts)
        if self.poison:
            vectors[[self.poison in text for text in texts]] = np.nan
        return vectors


@pytest.fixture
def open_store():
    opened = []

    def open_store(path=None, **options):
        options.setdefault("embedder", HashEmbedder())
        # Else its thread may hold the index's lock just when a write would take it.
        options.setdefault("settings", Settings(background_indexing=False))
        store = LightMemStore.from_path(path, **options)
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when a test says so."""

    class Clock:
        now = 1_800_000_000.0

        def time(self):
            return self.now

        @staticmethod
        def monotonic():
            return 0.0

    clock = Clock()
    monkeypatch.setattr(time, "time", clock.time)
    monkeypatch.setattr(documents, "time", clock)  # searches take no time
    return clock


def keys(items):
    return [item.key for item in items]


def test_an_item_is_there_after_the_process_ends_and_another_begins(open_store, tmp_path):
    store = open_store(tmp_path)
    store.put(HERE, "tea", {"content": "likes green tea"})
    before = store.get(HERE, "tea")
    store.close()
    again = open_store(tmp_path)
    item = again.get(HERE, "tea")
    assert item.dict() == before.dict()
    assert item.created_at.tzinfo is not None
    assert keys(again.search(HERE, query="green tea")) == ["tea"]


def test_writing_anew_keeps_when_it_was_created_and_forgets_the_old_meaning(open_store, clock):
    store = open_store()
    store.put(HERE, "k", {"content": "zebra"})
    store.put(HERE, "other", {"content": "heron"})
    clock.now += 10
    store.put(HERE, "k", {"content": "train"})
    item = store.get(HERE, "k")
    lived = (item.updated_at - item.created_at).total_seconds()
    assert round(lived, 5) == 10  # a database's clock is told in microseconds
    found = store.search(HERE, query="train content")
    assert keys(found) == ["k", "other"]
    assert store.search(HERE, query="zebra")[0].score < found[0].score
    store.put(HERE, "k", {"content": "train"}, index=False)
    assert keys(store.search(HERE, query="train")) == ["other"]
    assert set(keys(store.search(HERE))) == {"k", "other"}


def test_what_is_returned_is_nobody_elses(open_store):
    store = open_store()
    value = {"tags": ["a"]}
    store.put(HERE, "k", value)
    value["tags"].append("b")
    store.get(HERE, "k").value["tags"].append("c")
    assert store.get(HERE, "k").value == {"tags": ["a"]}


def test_without_a_question_the_last_written_come_first_page_by_page(open_store, clock):
    store = open_store()
    for n in range(5):
        clock.now += 1
        store.put(HERE, f"k{n}", {"n": n})
    assert keys(store.search(HERE, limit=2)) == ["k4", "k3"]
    assert keys(store.search(HERE, limit=2, offset=4)) == ["k0"]
    assert store.search(HERE)[0].score is None


def test_more_items_than_a_database_counts_are_all(open_store):
    store = open_store()
    store.put(("a",), "key", {"text": "heron"})
    assert [item.key for item in store.search(("a",), limit=10**40)] == ["key"]
    assert store.search(("a",), offset=10**40) == []


def test_an_item_is_as_near_as_the_nearest_of_its_fields(open_store):
    store = open_store(index={"fields": ["title", "parts[*].text"]})
    store.put(HERE, "a", {"title": "heron", "parts": [{"text": "train"}, {"text": "piano"}]})
    store.put(HERE, "b", {"title": "piano winter", "parts": [], "secret": "heron"})
    store.put(HERE, "none", {"other": "piano"})
    found = store.search(HERE, query="piano")
    assert keys(found) == ["a", "b"]
    assert found[0].score == pytest.approx(1.0, abs=1e-3)
    assert found[1].score == pytest.approx(0.5**0.5, abs=1e-3)
    store.put(HERE, "c", {"title": "river", "note": "piano"}, index=["note"])
    assert keys(store.search(HERE, query="piano", limit=2)) == ["a", "c"]


def test_an_embedder_is_not_asked_for_the_meaning_of_nothing(open_store):
    class RefusesBlanks(HashEmbedder):
        def embed_documents(self, texts):
            assert all(map(str.strip, texts)), "as the API of OpenAI refuses them"
            return super().embed_documents(texts)

    store = open_store(embedder=RefusesBlanks(), index={"fields": ["text", "more"]})
    store.put(HERE, "empty", {"text": "", "more": " \n"})
    store.put(HERE, "tea", {"text": "", "more": "green tea"})
    assert store.memory.stats().pending == 0
    assert [item.key for item in store.search(HERE, query="green tea")] == ["tea"]
    assert store.get(HERE, "empty").value["more"] == " \n"


def test_a_search_sees_everything_under_its_prefix_and_nothing_beside_it(open_store):
    store = open_store()
    for path in (("a",), ("a", "b"), ("ab",), ("A",), ("a", "b", "c"), ("b", "a")):
        store.put(path, "k", {"content": "heron"})
    assert {each.namespace for each in store.search(("a",), query="heron")} == {
        ("a",), ("a", "b"), ("a", "b", "c"),
    }  # fmt: skip
    assert len(store.search((), query="heron")) == 6
    assert store.list_namespaces(prefix=("a",), max_depth=2) == [("a",), ("a", "b")]
    store.delete(("ab",), "k")
    assert ("ab",) not in store.list_namespaces()


def test_reads_of_a_batch_see_what_was_there_before_its_writes(open_store):
    store = open_store()
    store.put(HERE, "k", {"n": 1})
    results = store.batch(
        [
            PutOp(HERE, "k", {"n": 2}),
            GetOp(HERE, "k"),
            PutOp(HERE, "new", {"n": 3}),
            PutOp(HERE, "new", {"n": 4}),
            SearchOp(HERE),
            ListNamespacesOp(),
        ]
    )
    assert results[0] is results[2] is results[3] is None
    assert results[1].value == {"n": 1}
    assert keys(results[4]) == ["k"]
    assert results[5] == [HERE]
    assert store.get(HERE, "new").value == {"n": 4}
    assert store.batch([]) == []
    store.batch([PutOp(list(HERE), "list", {})])
    assert store.get(list(HERE), "list").namespace == HERE


def test_a_batch_empties_a_namespace_and_writes_to_it(open_store):
    store = open_store()
    store.put(HERE, "old", {"content": "heron"})
    store.batch([PutOp(HERE, "old", None), PutOp(HERE, "new", {"content": "train"})])
    assert keys(store.search(HERE, query="train")) == ["new"]
    assert store.list_namespaces() == [HERE]


@pytest.mark.parametrize(
    "wrong",
    [
        PutOp((), "k", {}),
        PutOp(("a.b",), "k", {}),
        PutOp(("a", "nul\0"), "k", {}),
        PutOp(("a", 1), "k", {}),
        GetOp(("",), "k"),
        PutOp(HERE, "k", {"a": object()}),
        PutOp(HERE, "\ud800", {}),
        SearchOp(HERE, limit=-1),
        SearchOp(HERE, filter={"a'b": 1}),
        SearchOp(HERE, filter={"a": {"$near": 1}}),
        SearchOp(HERE, filter={"a": {"$gt": 1, "b": 2}}),
        "no operation",
    ],
    # The address of an object would make its id another in every process.
    ids=lambda operation: re.sub(r" at 0x\w+", "", str(operation)),
)
def test_one_wrong_operation_and_none_is_carried_out(open_store, wrong):
    store = open_store()
    with pytest.raises((InvalidNamespaceError, InvalidRequestError)):
        store.batch([PutOp(HERE, "right", {}), wrong])
    assert store.search(()) == []


def test_the_reserved_label_is_refused(open_store):
    with pytest.raises(InvalidNamespaceError):
        open_store().put(("langgraph", "x"), "k", {})


def test_a_text_is_no_namespace(open_store):
    store = open_store()
    for attempt in (
        lambda: store.put("users", "k", {}),
        lambda: store.get("users", "k"),
        lambda: store.search("users"),
    ):
        with pytest.raises(InvalidNamespaceError, match=r"'users', a text\. Pass .*\('users',\)"):
            attempt()
    assert store.list_namespaces() == []


def test_labels_are_compared_as_they_are(open_store):
    store = open_store()
    labels = ["ann@example", "Ann@example", "ann", "a", "a%", "a/b", "a*", "\ud800"]
    for label in labels:
        store.put(("u", label), "k", {"content": label.encode("utf-8", "replace").decode()})
        store.put(("u", label, "deeper"), "k", {"n": 1})
    for label in labels:
        assert {each.namespace for each in store.search(("u", label))} == {
            ("u", label), ("u", label, "deeper"),
        }  # fmt: skip
    assert set(store.list_namespaces(max_depth=2)) == {("u", label) for label in labels}


def test_a_value_is_a_dict(open_store):
    with pytest.raises(InvalidRequestError, match=r"The value is 'tea', of type str\. Pass a dict"):
        open_store().put(("a",), "k", "tea")


def test_values_come_back_as_json_can_say_them(open_store):
    store = open_store()
    moment, number = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc), uuid.uuid4()
    store.put(HERE, "k", {"when": moment, "id": number, "half": "\ud83d", "nul": "\0", "ß": "日本"})
    assert store.get(HERE, "k").value == {
        "when": moment.isoformat(), "id": str(number), "half": "\ud83d", "nul": "\0", "ß": "日本",
    }  # fmt: skip
    assert keys(store.search(HERE, query="日本")) == ["k"]
    store.put(HERE, "\0 key", {"a": 1})
    assert store.get(HERE, "\0 key").value == {"a": 1}


def test_filters(open_store):
    store = open_store()
    store.put(HERE, "a", {"n": 1, "s": "x", "deep": {"er": {"n": 5}}, "dot.ted": 1, "l": [1, 2]})
    store.put(HERE, "b", {"n": 2.5, "s": "y", "deep": {"er": {"n": 6}}, "none": None})
    store.put(HERE, "c", {"n": "3", "day": "2026-05-01"})

    def met(**conditions):
        return set(keys(store.search(HERE, filter=conditions)))

    def met_by(key, condition):
        return set(keys(store.search(HERE, filter={key: condition})))

    assert met(n={"$gt": 1}) == {"b", "c"}
    assert met(n={"$gte": 1, "$lt": 2.5}) == {"a"}
    assert met(n={"$lte": 10**400}) == {"a", "b", "c"}
    assert met(day={"$gte": "2026-04-30"}) == {"c"}
    assert met(n={"$ne": 1}, s="y") == {"b"}
    assert met(s={"$ne": "x"}) == {"b", "c"}
    assert met(none=None) == {"a", "b", "c"}
    assert met(deep={"er": {"n": {"$gt": 5}}}) == {"b"}
    assert met(l=[1, 2]) == {"a"}
    assert met_by("deep.er.n", 5) == {"a"}
    assert met_by("dot.ted", 1) == {"a"}
    assert met_by("s", {"$gt": 3}) == set()
    assert met_by("n", {"$eq": float("nan")}) == set()


def test_a_filter_leaves_no_page_short(open_store):
    store = open_store()
    for n in range(300):
        store.put(HERE, f"k{n}", {"content": "heron " * (300 - n), "rare": n >= 297})
    assert len(store.search(HERE, query="heron", filter={"rare": True})) == 3
    assert len(store.search(HERE, query="heron", limit=7, offset=296)) == 4


@pytest.fixture
def early_index(monkeypatch):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)


def large(store, number=60):
    chance = np.random.default_rng(5)
    words = ["boat", "dog", "bread", "train", "river", "school", "winter", "piano"]
    for n in range(number):
        store.put(HERE, f"k{n}", {"content": " ".join(chance.choice(words, 4)), "n": n})


@pytest.mark.sqlite("the index of a folder is asked")
@pytest.mark.usefixtures("early_index")
def test_a_large_namespace_is_searched_by_the_index_with_the_same_result(
    open_store, tmp_path, monkeypatch
):
    store, exact = open_store(tmp_path), open_store()
    large(store)
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 10**9)
    large(exact)
    searches = []
    monkeypatch.setattr(
        ChromaIndex,
        "search",
        lambda *a, real=ChromaIndex.search, **k: searches.append(a) or real(*a, **k),
    )
    for query in ("dog train", "river winter piano", "bread"):
        for limit, offset in ((5, 0), (3, 4), (60, 0), (100, 50)):
            for conditions in (None, {"n": {"$gt": 40}}):
                want = exact.search(
                    HERE, query=query, limit=limit, offset=offset, filter=conditions
                )
                got = store.search(HERE, query=query, limit=limit, offset=offset, filter=conditions)
                assert [each.score for each in got] == pytest.approx(
                    [each.score for each in want], abs=2e-3
                )
    assert searches
    store.delete(HERE, "k7")
    assert "k7" not in keys(store.search(HERE, query="dog", limit=100))


@pytest.mark.usefixtures("early_index")
def test_the_index_is_rebuilt_with_items_and_turns_and_survives_reopening(
    open_store, open_index, tmp_path
):
    store = open_store(tmp_path)
    large(store)
    store.memory.add(Turn(role="user", text="The heron sleeps."), user_id="ann")
    store.memory.index_pending()
    store.delete(HERE, "k3")
    store.memory.reindex()
    before = store.search(HERE, query="dog train", limit=5)
    store.close()
    vector = HashEmbedder().embed_query("dog train")
    index = open_index(tmp_path)
    assert len(index.search(key_of_path(HERE), vector, 60, size=60)) > 50
    index.close()
    again = open_store(tmp_path)
    again.memory.index_pending()
    assert again.memory.stats().index == "ready"
    assert again.search(HERE, query="dog train", limit=5) == before
    assert again.memory.recall("heron", user_id="ann", strict=True).hits


@pytest.mark.usefixtures("early_index")
def test_an_index_that_does_not_answer_costs_no_result(open_store, tmp_path, monkeypatch):
    store = open_store(tmp_path)
    large(store, 20)

    def refuse(*_, **__):
        from lightmem_integrations import IndexUnavailableError

        raise IndexUnavailableError("gone")

    before = keys(store.search(HERE, query="dog train", limit=20))
    for name in ("search", "upsert", "delete"):
        monkeypatch.setattr(ChromaIndex, name, refuse)
    assert set(keys(store.search(HERE, query="dog train", limit=20))) == set(before)
    large(store, 40)
    store.delete(HERE, "k0")
    assert "k0" not in keys(store.search(HERE, query="dog train", limit=100))


@pytest.mark.usefixtures("early_index")
def test_a_crash_while_indexing_costs_no_result(
    tmp_path, open_store, open_index, open_ledger, monkeypatch
):
    class Crash(BaseException):
        pass

    def crash(*_):
        raise Crash

    store = open_store(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(document_indexing, "finish_batch", crash)
        with pytest.raises(Crash):
            large(store, 20)
    there = set(keys(store.search(HERE, limit=50)))
    assert len(there) >= 8
    store.close()
    again = open_store(tmp_path)
    assert set(keys(again.search(HERE, query="dog", limit=50))) == there
    large(again, 20)
    assert len(again.search(HERE, query="dog", limit=50)) == 20
    again.close()
    assert in_step(open_index(tmp_path), open_ledger(tmp_path))


def in_step(index, ledger):
    """Whether the index holds what the ledger says, and nothing that the ledger does not know."""
    scope = key_of_path(HERE)
    found = index.search(scope, HashEmbedder().embed_query("dog"), 300, size=300)
    with ledger.read() as connection:
        least = expected(connection, indexed=True)[scope]
        most = expected(connection)[scope]
        (space,) = spaces_under(connection, HERE)
        known = documents_by_id(connection, space.row, [each.id for each in found])
    return least <= len(found) <= most and len(known) == len(found)


@pytest.mark.usefixtures("early_index")
def test_threads_that_write_erase_and_search_leave_everything_in_order(
    tmp_path, open_store, open_index, open_ledger
):
    store = open_store(tmp_path)
    failures = []

    def live(mine):
        chance = np.random.default_rng(mine)
        try:
            for _ in range(60):
                key = f"{mine}-{chance.integers(12)}"
                if chance.random() < 0.7:
                    store.put(HERE, key, {"content": f"dog {chance.integers(99)}", "by": mine})
                else:
                    store.delete(HERE, key)
                    assert store.get(HERE, key) is None
                for item in store.search(HERE, query="dog", filter={"by": mine}, limit=50):
                    assert item.key.startswith(f"{mine}-")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    everything = set(keys(store.search(HERE, limit=100)))
    assert everything
    assert set(keys(store.search(HERE, query="dog", limit=100))) == everything
    store.close()
    assert in_step(open_index(tmp_path), open_ledger(tmp_path))


def test_an_embedder_that_fails_loses_nothing_and_breaks_no_turn(open_store, caplog):
    embedder = Failing()
    store = open_store(embedder=embedder)
    store.put(HERE, "first", {"content": "heron"})
    embedder.broken = True
    store.put(HERE, "second", {"content": "heron train"})
    assert set(keys(store.search(HERE, query="heron"))) == {"first", "second"}
    assert [each.score for each in store.search(HERE, query="heron")] == [None, None]
    assert "no memory left" in caplog.text
    embedder.broken = False
    found = store.search(HERE, query="heron train")
    assert found[0].key == "second"
    assert found[0].score > found[1].score


def test_strict_raises_what_the_embedder_raises(open_store):
    embedder = Failing()
    store = open_store(embedder=embedder, strict=True)
    embedder.broken = True
    with pytest.raises(ModelError):
        store.put(HERE, "k", {"content": "heron"})
    with pytest.raises(ModelError):
        store.search(HERE, query="heron")
    assert store.get(HERE, "k") is None


def test_one_item_that_cannot_be_embedded_holds_up_no_other(open_store):
    embedder = Failing()
    store = open_store(embedder=embedder)
    embedder.poison = "poison"
    ops = [PutOp(HERE, f"k{n}", {"content": "poison" if n == 1 else "heron"}) for n in range(3)]
    store.batch(ops)
    assert set(keys(store.search(HERE, query="heron"))) == {"k0", "k2"}
    assert store.get(HERE, "k1").value == {"content": "poison"}


def test_replacing_the_embedder_embeds_items_anew(open_store, tmp_path):
    store = open_store(tmp_path, embedder=HashEmbedder(64))
    store.put(HERE, "k", {"content": "heron"})
    store.put(HERE, "unsearched", {"content": "heron"}, index=False)
    store.close()
    with pytest.raises(EmbeddingMismatchError):
        open_store(tmp_path, embedder=HashEmbedder(32))
    again = open_store(tmp_path, embedder=HashEmbedder(32), replace_embedder=True)
    assert keys(again.search(HERE, query="heron")) == ["k"]


def test_configuration(open_store):
    def embed(texts):
        return HashEmbedder(16).embed_documents(texts).tolist()

    async def aembed(texts):
        await asyncio.sleep(0)
        return embed(texts)

    for given in (embed, aembed):
        store = open_store(embedder=None, index={"dims": 16, "embed": given, "fields": ["text"]})
        store.put(HERE, "k", {"text": "heron"})
        assert store.search(HERE, query="heron")[0].score == pytest.approx(1.0, abs=1e-3)
        assert store.index_config["embed"] is given
    with pytest.raises(SettingsError):
        open_store(index={"embed": embed})
    with pytest.raises(SettingsError):
        open_store(index={"fields": "text"})
    with pytest.raises(SettingsError):
        open_store(index={"dims": 5}).put(HERE, "k", {"text": "heron"})
    with LightMem(embedder=HashEmbedder()) as memory, pytest.raises(SettingsError):
        LightMemStore(memory, index={"embed": embed})
    plain = open_store(index=False)
    plain.put(HERE, "k", {"text": "heron"})
    assert plain.search(HERE, query="anything")[0].score is None


def test_scores_are_in_the_terms_of_the_distance(open_store):
    def scores(distance):
        store = open_store(index={"fields": ["text"], "distance_type": distance})
        store.put(HERE, "same", {"text": "heron"})
        store.put(HERE, "other", {"text": "heron train"})
        found = store.search(HERE, query="heron")
        assert keys(found) == ["same", "other"]
        return [each.score for each in found]

    _, cosine = scores("cosine")
    assert scores("inner_product") == pytest.approx([1, cosine], abs=1e-3)
    assert scores("l2") == pytest.approx([0, -((2 - 2 * cosine) ** 0.5)], abs=1e-3)


def test_a_memory_that_was_handed_in_stays_open_and_keeps_its_turns_apart():
    with LightMem(embedder=HashEmbedder(), settings=Settings(background_indexing=False)) as memory:
        with LightMemStore(memory) as store:
            store.put(("ann",), "k", {"content": "heron secret"})
            memory.add(Turn(role="user", text="heron turn", id="t"), user_id="ann")
        found = memory.recall("heron", user_id="ann", strict=True)
        assert "secret" not in found.text
        assert keys(store.search((), query="heron turn")) == ["k"]
        memory.forget(user_id="ann")
        assert store.get(("ann",), "k").value == {"content": "heron secret"}
        assert memory.users() == ()
    with pytest.raises(StoreClosedError):
        store.get(("ann",), "k")


def test_time_to_live(open_store, clock):
    store = open_store(ttl={"default_ttl": 10, "refresh_on_read": True})
    store.put(HERE, "read", {"n": 1})
    store.put(HERE, "unread", {"n": 2})
    store.put(HERE, "peeked", {"n": 3})
    store.put(HERE, "kept", {"n": 4}, ttl=None)
    store.put(HERE, "short", {"n": 5}, ttl=1)
    clock.now += 9 * 60
    assert store.get(HERE, "read") is not None
    assert keys(store.search(HERE, filter={"n": 3}, refresh_ttl=False)) == ["peeked"]
    assert store.sweep_ttl() == 1
    assert store.get(HERE, "short") is None
    clock.now += 2 * 60
    assert store.sweep_ttl() == 2
    assert set(keys(store.search(HERE, refresh_ttl=False))) == {"read", "kept"}
    clock.now += 100 * 60
    assert store.sweep_ttl() == 1
    assert store.list_namespaces() == [HERE]


def test_what_is_over_may_be_left_out_before_it_is_swept(open_store, clock):
    store = open_store(ttl={"default_ttl": 10, "omit_expired": True})
    store.put(HERE, "k", {"content": "heron"})
    clock.now += 11 * 60
    assert store.get(HERE, "k") is None
    assert store.search(HERE, query="heron") == store.search(HERE) == []
    assert store.list_namespaces() == []
    store.ttl_config["omit_expired"] = False
    assert store.get(HERE, "k", refresh_ttl=False).value == {"content": "heron"}
    assert store.sweep_ttl() == 1


def test_the_sweeper_sweeps_until_it_is_stopped(open_store):
    store = open_store(ttl={"default_ttl": 1e-9, "sweep_interval_minutes": 1e-5})
    store.put(HERE, "k", {"content": "heron"})
    done = store.start_ttl_sweeper()
    store.start_ttl_sweeper()  # there is one already
    swept = threading.Event()
    for _ in range(1_000):
        if store.get(HERE, "k", refresh_ttl=False) is None:
            swept.set()
            break
        swept.wait(0.01)
    assert swept.is_set()
    assert store.stop_ttl_sweeper()
    assert done.result(timeout=10) is None
    store.start_ttl_sweeper()
    store.close()
    assert not [t for t in threading.enumerate() if t.name == "lightmem-sweeping"]


async def test_the_sweeper_works_where_a_subclass_makes_its_methods_awaitable():
    class Awaitable(LightMemStore):
        async def sweep_ttl(self):
            return await self.asweep_ttl()

        async def stop_ttl_sweeper(self, timeout=None):
            return super().stop_ttl_sweeper(timeout)

    ttl = {"default_ttl": 1e-9, "sweep_interval_minutes": 1e-5}
    async with Awaitable.from_path(embedder=HashEmbedder(), ttl=ttl) as store:
        await store.aput(HERE, "k", {"content": "heron"})
        store.start_ttl_sweeper()
        for _ in range(1_000):
            if await store.aget(HERE, "k", refresh_ttl=False) is None:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("nothing was swept")
        assert await store.asweep_ttl() == 0
    assert not [t for t in threading.enumerate() if t.name == "lightmem-sweeping"]


def test_cancelling_ends_the_sweeper(open_store):
    store = open_store(ttl={"default_ttl": 1})
    future = store.start_ttl_sweeper(60)
    assert future.cancel()
    assert store.stop_ttl_sweeper(timeout=10)


async def test_nothing_blocks_the_event_loop():
    async with LightMemStore.from_path(embedder=HashEmbedder()) as store:
        with blockbuster_ctx():
            await store.aput(HERE, "k", {"content": "heron"}, ttl=5)
            assert (await store.aget(HERE, "k")).value == {"content": "heron"}
            assert keys(await store.asearch(HERE, query="heron")) == ["k"]
            assert await store.alist_namespaces() == [HERE]
            await store.adelete(HERE, "k")
            assert await store.abatch([GetOp(HERE, "k")]) == [None]
            assert await store.asweep_ttl() == 0
        for call in (
            lambda: store.get(HERE, "k"),
            lambda: store.search(HERE),
            lambda: store.put(HERE, "k", {}),
            lambda: store.delete(HERE, "k"),
            lambda: store.list_namespaces(),
        ):
            with pytest.raises(asyncio.InvalidStateError):
                call()
            await asyncio.to_thread(call)


async def test_a_store_opened_without_a_loop_may_be_called_on_one(open_store):
    store = open_store()  # as in a notebook, whose cells run on a loop
    store.put(HERE, "k", {"content": "heron"})
    assert (await store.aget(HERE, "k")).value == {"content": "heron"}


async def test_many_at_once(open_store):
    store = open_store()
    await asyncio.gather(*(store.aput(("u", str(n % 5)), f"k{n}", {"n": n}) for n in range(60)))
    found = await asyncio.gather(*(store.asearch(("u", str(n)), limit=99) for n in range(5)))
    assert [len(each) for each in found] == [12] * 5
    await asyncio.gather(*(store.adelete(("u", str(n % 5)), f"k{n}") for n in range(60)))
    assert await store.alist_namespaces() == []


async def test_a_call_that_fails_fails_no_other_that_is_awaited_with_it(open_store):
    store = open_store(index=False)
    calls = [store.aput(HERE, f"k{n}", {"n": object() if n == 3 else n}) for n in range(6)]
    wrong = store.aget(("a.b",), "k")
    results = await asyncio.gather(*calls, wrong, return_exceptions=True)
    assert [type(each) for each in results if each] == [InvalidRequestError, InvalidNamespaceError]
    assert set(keys(await store.asearch(HERE))) == {"k0", "k1", "k2", "k4", "k5"}


async def test_a_call_that_is_given_up_leaves_the_others_their_results(open_store):
    store = open_store(index=False)
    await store.aput(HERE, "k", {"n": 1})
    calls = [asyncio.ensure_future(store.aget(HERE, "k")) for _ in range(5)]
    await asyncio.sleep(0)
    calls[0].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [getattr(each, "value", None) for each in results] == [None, *[{"n": 1}] * 4]


def test_calls_of_several_event_loops(open_store):
    store = open_store(index=False)

    async def many(mine):
        await asyncio.gather(*(store.aput(HERE, f"{mine}-{n}", {"n": n}) for n in range(20)))
        return len(await asyncio.gather(*(store.aget(HERE, f"{mine}-{n}") for n in range(20))))

    threads = [threading.Thread(target=lambda n=n: asyncio.run(many(n))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.search(HERE, limit=100)) == 60
