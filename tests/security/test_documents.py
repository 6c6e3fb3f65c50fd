"""Documents: no byte of what was erased is left, and no label reaches what is another's."""

import threading

import numpy as np
import pytest

from lightmem_integrations import ChromaIndex, LightMem, Settings, Turn
from lightmem_integrations.documents import indexing as document_indexing
from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.storage.document_vectors import spaces_under
from lightmem_integrations.storage.vector_bytes import half_vector, unpack_vector
from lightmem_integrations.testing import HashEmbedder

CANARY = "CANARYheronCANARY"


class Rare(HashEmbedder):
    """Gives the canary a vector whose bytes nothing else has."""

    vector = np.arange(1, 33, dtype=np.float32) * 0.0173

    def embed_documents(self, texts):
        vectors = super().embed_documents(texts)
        vectors[[CANARY in text for text in texts]] = self.vector
        return vectors


def traces(folder):
    """Where the canary's text, or its vector as the ledger or Chroma writes it, can be read."""
    normal = Rare.vector / np.linalg.norm(Rare.vector)
    stored = half_vector(normal)
    tokens = [CANARY.encode(), stored[8:40], unpack_vector(stored).tobytes()[8:64]]
    return {
        (path.name, number)
        for path in folder.rglob("*")
        if path.is_file()
        for number, token in enumerate(tokens)
        if token in path.read_bytes()
    }


@pytest.fixture
def store(tmp_path):
    with reopened(tmp_path) as store:
        yield store


def reopened(path):
    settings = Settings(background_indexing=False, shards=2)
    return LightMemStore.from_path(path, embedder=Rare(32), settings=settings)


def remember(store, namespace=("u", CANARY)):
    for n in range(30):
        store.put(namespace, f"k{n}", {"content": f"train {n}"})
    store.put(namespace, CANARY, {"content": f"My name is {CANARY}.", "long": "x" * 20_000})


def erase(store, namespace=("u", CANARY)):
    for n in range(30):
        store.delete(namespace, f"k{n}")
    store.delete(namespace, CANARY)


@pytest.mark.sqlite("scans the files of a folder")
def test_the_scan_itself_finds_what_is_there(store, tmp_path, monkeypatch):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)
    remember(store, ("u", "ann"))
    for n in range(10):
        store.put(("u", "ann"), f"more{n}", {"content": f"{CANARY} {n}"})
    names = traces(tmp_path)
    assert {number for _, number in names} == {0, 1, 2}
    assert "chroma.sqlite3" in {name for name, _ in names}


@pytest.mark.sqlite("scans the files of a folder")
def test_a_deleted_item_is_gone_from_every_file_at_once(store, tmp_path):
    remember(store)
    assert traces(tmp_path)
    erase(store)
    assert traces(tmp_path) == set()
    assert store.list_namespaces() == []


@pytest.mark.sqlite("scans the files of a folder")
def test_a_value_written_over_is_gone_with_the_next_deletion(store, tmp_path):
    remember(store, ("u", "ann"))
    store.put(("u", "ann"), CANARY, {"content": "nothing"})
    store.delete(("u", "ann"), CANARY)
    assert traces(tmp_path) == set()


@pytest.mark.sqlite("scans the files of a folder")
def test_an_expired_item_is_gone_from_every_file(store, tmp_path):
    store.put(("u", CANARY), CANARY, {"content": CANARY}, ttl=1e-9)
    store.put(("u", "other"), "k", {"content": "stays"})
    assert store.sweep_ttl() == 1
    assert traces(tmp_path) == set()
    assert store.get(("u", "other"), "k").value == {"content": "stays"}


@pytest.mark.sqlite("scans the files of a folder")
@pytest.mark.parametrize("purge", [True, False])
def test_what_chroma_held_is_gone_after_a_purge_or_the_next_opening(
    store, tmp_path, monkeypatch, purge
):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)
    remember(store)
    for n in range(10):  # so that the canary is among what is indexed
        store.put(("u", CANARY), f"more{n}", {"content": f"{CANARY} {n}"})
    store.put(("u", "other"), "k", {"content": "stays"})
    store.memory.add(Turn(role="user", text="heron"), user_id="ann")
    store.memory.index_pending()
    assert "chroma.sqlite3" in {name for name, _ in traces(tmp_path)}
    erase(store)
    for n in range(10):
        store.delete(("u", CANARY), f"more{n}")
    assert not store.search((), query=CANARY, filter={"content": f"{CANARY} 1"})
    if purge:
        store.purge()
    store.close()
    with reopened(tmp_path) as again:
        again.memory.warm_up()
        assert again.get(("u", "other"), "k")
        assert again.memory.recall("heron", user_id="ann", strict=True).hits
        assert traces(tmp_path) == set()


@pytest.mark.sqlite("scans the files of a folder")
def test_an_index_that_is_loaded_leaves_none_of_the_memory_of_its_process_in_its_files(tmp_path):
    settings = Settings(background_indexing=False, shards=1, column_mebibytes=0)  # all in Chroma
    with LightMem(tmp_path, embedder=HashEmbedder(32), settings=settings) as memory:
        memory.add(Turn(role="user", text="heron"), user_id="ann")
        memory.index_pending()
    with LightMem(tmp_path, embedder=HashEmbedder(32), settings=settings) as memory:
        assert memory.recall("heron", user_id="ann", strict=True).hits
        memory.warm_up()
        (lengths,) = tmp_path.rglob("length.bin")
        used = 4  # a number for the one vector that is there
        assert not any(lengths.read_bytes()[used:])


@pytest.mark.sqlite("scans the files of a folder")
def test_what_chroma_got_before_a_crash_can_still_be_erased(tmp_path, monkeypatch):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)

    class Crash(BaseException):
        pass

    def crash(*_):
        raise Crash

    store = reopened(tmp_path)
    for n in range(7):
        store.put(("u", "ann"), f"k{n}", {"content": f"{CANARY} {n}"})
    with monkeypatch.context() as patched:
        patched.setattr(document_indexing, "finish_batch", crash)
        with pytest.raises(Crash):
            store.put(("u", "ann"), "k7", {"content": f"{CANARY} 7"})
    assert "chroma.sqlite3" in {name for name, _ in traces(tmp_path)}
    store.close()
    with reopened(tmp_path) as again:
        for n in range(8):
            again.delete(("u", "ann"), f"k{n}")
        again.purge()
        assert traces(tmp_path) == set()


def test_labels_made_to_collide_stay_apart(store, monkeypatch):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)
    labels = ["u1", "U1", "u10", "u%", "u_", "u'--", "u1/s1", "/u1", "\u00fc", "u\u0308",
              " u1", "u1 ", "u1\n", "None", '["u1"]', "u1\x01",
              "*", "u" * 5_000, "👩", "👩‍🚀"]  # fmt: skip
    for number, label in enumerate(labels):
        for n in range(10):
            store.put(("m", label), f"k{n}", {"content": f"train heron {n}", "owner": number})
    store.memory.add(Turn(role="user", text="train heron"), user_id="u1")
    for number, label in enumerate(labels):
        for found in (
            store.search(("m", label), query="train heron", limit=50),
            store.search(("m", label), limit=50),
            store.search(("m", label), query="heron 3", filter={"owner": {"$gte": 0}}, limit=50),
        ):
            assert len(found) == 10
            assert {item.value["owner"] for item in found} == {number}
            assert {item.namespace for item in found} == {("m", label)}
        assert store.list_namespaces(suffix=(label,)) or label == "*"
    recalled = store.memory.recall("train heron", user_id="u1", strict=True)
    assert [hit.text for hit in recalled.hits] == ["train heron"]


@pytest.mark.sqlite("stands in for the index in a folder")
def test_an_index_that_mixes_everything_up_leaks_nothing(store, open_ledger, monkeypatch):
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 8)
    for user in ("ann", "bo"):
        for n in range(12):
            store.put(("m", user), f"k{n}", {"content": f"train {n}", "owner": user})
    with open_ledger(store.memory).read() as connection:
        spaces = {each.scope for each in spaces_under(connection, ("m",)) if each.indexed}
    assert len(spaces) == 2
    real = ChromaIndex.search

    def leaky(index, scope, vector, limit, *, size):
        return [hit for each in spaces for hit in real(index, each, vector, limit, size=size)]

    monkeypatch.setattr(ChromaIndex, "search", leaky)
    for user in ("ann", "bo"):
        found = store.search(("m", user), query="train 3", limit=5)
        assert {item.value["owner"] for item in found} == {user}


@pytest.mark.sqlite("scans the files of a folder")
def test_a_document_erased_while_the_index_is_rebuilt_leaves_at_the_next_purge(
    store, tmp_path, monkeypatch
):
    """The rebuild has read its vector already; its end must not pass for the end of the erasure."""
    monkeypatch.setattr(document_indexing, "_INDEX_FROM", 1)
    remember(store)
    indexed = []
    write = ChromaIndex._write

    def erases(index, generation, batch):
        write(index, generation, batch)
        if not indexed:
            indexed.append(1)
            eraser = threading.Thread(target=store.delete, args=(("u", CANARY), CANARY))
            eraser.start()
            eraser.join(1)  # it waits for the index from some point on
            indexed.append(eraser)

    monkeypatch.setattr(ChromaIndex, "_write", erases)
    store.memory.reindex()
    indexed[1].join(30)
    monkeypatch.undo()
    store.purge()
    store.close()
    assert not {name for name, token in traces(tmp_path) if token == 2}
