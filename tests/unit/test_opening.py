"""Opening a store: odd names of folders, a second opening, a ledger that was lost or damaged."""

import dataclasses
import gc
import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightmem_integrations import (
    EmbeddingMismatchError,
    LedgerError,
    LightMem,
    ModelUnavailableError,
    Settings,
    SettingsError,
    StoreClosedError,
    StoreLockedError,
    Turn,
)
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

# Without columns in memory, every user is in the index.
INDEXED = Settings(background_indexing=False, column_mebibytes=0)

ODD = [
    "b%40c", "..%2Fvictim", "q?1", "a#b", "a b ", "ü\u0308 日本 🪿", "two\nlines", "dots..", "-rf",
    ":memory:", "file:x?mode=memory", "%", "a&b=c;d", "'quoted'\"", "back\\slash", "*", "$HOME",
]  # fmt: skip


def said(*texts: str) -> list[Turn]:
    return [Turn(role="user", text=text) for text in texts]


def through_light_mem(folder: Path, text: str) -> list[str]:
    with LightMem(folder, embedder=HashEmbedder()) as memory:
        memory.add(said(text), user_id="ann")
        memory.index_pending()
        return [turn.text for turn in memory.history(user_id="ann")]


def through_the_command(folder: Path, text: str) -> list[str]:
    from lightmem_integrations.cli import app

    done = CliRunner().invoke(
        app, ["chat", "--user", "ann", "--", str(folder)], input=f"{text}\n\n"
    )
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(app, ["stats", "--", str(folder)])
    assert shown.exit_code == 0, shown.output
    with LightMem(folder) as memory:
        return [each.text for each in memory.history(user_id="ann", session_id=session_of(memory))]


def session_of(memory: LightMem) -> str:
    return memory.sessions(user_id="ann")[0]


def through_the_store(folder: Path, text: str) -> list[str]:
    from lightmem_integrations.langchain import LightMemStore

    with LightMemStore.from_path(folder, embedder=HashEmbedder()) as store:
        store.put(("ann",), "note", {"text": text})
        return [item.value["text"] for item in store.search(("ann",))]


def through_a_saved_memory(folder: Path, text: str) -> list[str]:
    from llama_index.core.llms import ChatMessage

    from lightmem_integrations.llama_index import LightMemMemory

    memory = LightMemMemory.from_defaults(path=folder, user_id="ann", session_id="s")
    memory.put(ChatMessage(role="user", content=text))
    back = LightMemMemory.from_dict(memory.to_dict())
    try:
        return [str(message.content) for message in back.get_all()]
    finally:
        memory.memory.close()


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A folder with the stores of somebody else."""
    place = tmp_path_factory.mktemp("others")
    for name in ("victim", "b@c"):
        with LightMem(place / name, embedder=HashEmbedder()) as memory:
            memory.add(said("of somebody else"), user_id="ann")
    return place


@pytest.fixture
def stores_of_others(others, tmp_path):
    return shutil.copytree(others, tmp_path / "others")


@pytest.mark.sqlite("names and places of folders")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(
    "through", [through_light_mem, through_the_store, through_a_saved_memory, through_the_command]
)
def test_a_folder_of_any_name_is_a_store_of_its_own(stores_of_others, monkeypatch, name, through):
    monkeypatch.chdir(stores_of_others)
    victim = stores_of_others / "victim"
    before = {each: each.stat().st_mtime_ns for each in victim.rglob("*")}
    parent = stores_of_others / "parent"
    parent.mkdir()
    assert through(parent / name, "mine alone")[0] == "mine alone"
    assert (parent / name / "ledger.sqlite").is_file()
    assert list(parent.iterdir()) == [parent / name]
    assert sorted(each.name for each in stores_of_others.iterdir()) == ["b@c", "parent", "victim"]
    assert {each: each.stat().st_mtime_ns for each in victim.rglob("*")} == before


@pytest.mark.sqlite("names and places of folders")
def test_a_relative_path_and_one_with_dots_lead_where_the_system_says(open_memory, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    memory = open_memory(tmp_path / "link" / ".." / "store")
    memory.add(said("hello"), user_id="ann")
    assert {each.name for each in tmp_path.iterdir()} == {"deep", "link"}
    assert (tmp_path / "deep" / "store" / "ledger.sqlite").is_file()


@pytest.mark.sqlite("names and places of folders")
@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        (12, "path of a folder"), (b"bytes", "path of a folder"), (["x"], "path of a folder"),
        ("", "working directory"), ("sqlite:///x.sqlite", "ledger="), ("http://host", "server"),
        ("a\0b", "NUL"), ("a\ud800", "surrogate"), (True, "path of a folder"),
    ],
)  # fmt: skip
def test_what_is_no_folder_is_refused_with_the_remedy(tmp_path, monkeypatch, path, remedy):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=remedy):
        LightMem(path)
    assert list(tmp_path.iterdir()) == []


def test_a_second_opening_shares_what_is_open(open_memory, tmp_path):
    first = open_memory(tmp_path)
    first.add(said("herons nest here"), user_id="ann")
    (tmp_path.parent / "link").unlink(missing_ok=True)
    (tmp_path.parent / "link").symlink_to(tmp_path)
    second = open_memory(tmp_path.parent / "link")
    assert second.recall("herons", user_id="ann", strict=True).hits
    second.add(said("storks as well"), user_id="ann")
    assert len(first.history(user_id="ann")) == 2
    first.close()
    with pytest.raises(StoreClosedError):
        first.users()
    second.add(said("and cranes"), user_id="ann")
    assert second.recall("cranes", user_id="ann", strict=True).hits
    second.close()
    assert len(open_memory(tmp_path).history(user_id="ann")) == 3


def test_a_cell_that_runs_again_opens_the_store_again(tmp_path):
    memory = None
    for turns in range(3):
        memory = LightMem(tmp_path, embedder=HashEmbedder())
        assert memory.stats().turns == turns
        memory.add(said(f"run {turns}"), user_id="ann")
    del memory
    gc.collect()
    with LightMem(tmp_path, embedder=HashEmbedder(), settings=Settings(k=3)) as other:
        assert other.stats().turns == 3, "the last one that was dropped let the folder go"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"settings": Settings(background_indexing=False, k=7)}, r"settings\.k is 5 there and 7"),
        ({"embedder": HashEmbedder(16)}, "embedder is 'hash-128' there and 'hash-16' here"),
        ({"ledger": "sqlite:///elsewhere.sqlite"}, "ledger is None there"),
    ],
)
def test_a_second_opening_with_other_settings_says_which(open_memory, tmp_path, options, named):
    memory = open_memory(tmp_path)
    with pytest.raises(StoreLockedError, match=named) as refused:
        open_memory(tmp_path, **options)
    assert "close" in str(refused.value)
    memory.close()
    open_memory(tmp_path, settings=Settings(background_indexing=False, k=7))


def test_threads_that_open_at_once_share_one_store(tmp_path):
    opened, errors = [], []

    def work(number):
        try:
            memory = LightMem(tmp_path, embedder=HashEmbedder())
            opened.append(memory)
            memory.add(said(f"line {number}"), user_id="ann")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert errors == []
    assert len(opened[0].history(user_id="ann")) == 8
    for each in opened:
        each.close()


@pytest.mark.sqlite("names and places of folders")
def test_a_folder_that_was_removed_under_an_open_store_is_a_new_one(open_memory, tmp_path):
    old = open_memory(tmp_path / "store")
    old.add(said("gone with the folder"), user_id="ann")
    shutil.rmtree(tmp_path / "store")
    new = open_memory(tmp_path / "store")
    assert new.stats().turns == 0
    new.add(said("kept"), user_id="ann")
    new.close()
    old.close()
    assert open_memory(tmp_path / "store").stats().turns == 1


@pytest.mark.sqlite("names and places of folders")
@pytest.mark.parametrize("made_anew", [False, True])
def test_nothing_is_written_where_nobody_would_find_it(open_memory, tmp_path, made_anew):
    old = open_memory(tmp_path / "store")
    old.add(said("gone with the folder"), user_id="ann")
    shutil.rmtree(tmp_path / "store")
    if made_anew:
        open_memory(tmp_path / "store").add(said("of the new one"), user_id="ann")
    with pytest.raises(LedgerError, match="was removed or replaced while it was open"):
        old.add(said("lost"), user_id="ann")


@pytest.fixture
def used(open_memory, tmp_path):
    """A closed store with 20 turns, and vectors of them."""
    path = tmp_path / "store"
    with open_memory(path, settings=INDEXED) as memory:
        memory.add(said(*(f"turn {n}" for n in range(20))), user_id="ann")
        memory.index_pending()
    return path


def lose(ledger: Path) -> None:
    ledger.unlink()


def empty(ledger: Path) -> None:
    ledger.write_bytes(b"")


def overwrite(ledger: Path) -> None:
    ledger.write_bytes(os.urandom(ledger.stat().st_size))


def cut(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2)


def cut_within_a_page(ledger: Path) -> None:
    os.truncate(ledger, 1_000)


@pytest.mark.sqlite("the file is lost or damaged")
@pytest.mark.parametrize("harm", [lose, empty, overwrite, cut, cut_within_a_page])
def test_a_lost_or_damaged_ledger_is_no_new_one(open_memory, used, harm):
    whole = (used / "ledger.sqlite").read_bytes()
    index = sorted(each.name for each in (used / "index").rglob("*"))
    harm(used / "ledger.sqlite")
    for _ in range(2):
        with pytest.raises(LedgerError, match="backup") as refused:
            open_memory(used)
        assert str(used / "ledger.sqlite") in str(refused.value)
    assert sorted(each.name for each in (used / "index").rglob("*")) == index
    (used / "ledger.sqlite").write_bytes(whole)
    assert open_memory(used).stats().turns == 20


@pytest.mark.sqlite("the file is lost or damaged")
def test_a_ledger_lost_before_anything_was_indexed_is_missed_too(open_memory, tmp_path):
    with open_memory(tmp_path) as memory:
        memory.add(said("never indexed"), user_id="ann")
    shutil.rmtree(tmp_path / "index", ignore_errors=True)
    (tmp_path / "ledger.sqlite").unlink()
    with pytest.raises(LedgerError, match="is missing"):
        open_memory(tmp_path)


@pytest.mark.sqlite("the file is lost or damaged")
def test_a_ledger_elsewhere_is_missed_too(open_memory, tmp_path):
    elsewhere = tmp_path / "elsewhere.sqlite"
    options = {"ledger": f"sqlite:///{elsewhere}"}
    with open_memory(tmp_path / "store", **options) as memory:
        memory.add(said("heron"), user_id="ann")
        memory.index_pending()
    elsewhere.unlink()
    with pytest.raises(LedgerError, match="is missing") as refused:
        open_memory(tmp_path / "store", **options)
    assert str(elsewhere) in str(refused.value)
    assert not elsewhere.exists()


@pytest.mark.sqlite("the file is lost or damaged")
def test_the_remedy_begins_anew(open_memory, used):
    (used / "ledger.sqlite").unlink()
    with pytest.raises(LedgerError) as refused:
        open_memory(used)
    assert "'index' and 'ledger.created'" in str(refused.value)
    shutil.rmtree(used / "index")
    (used / "ledger.created").unlink()
    assert open_memory(used).stats().turns == 0


@pytest.mark.sqlite("the file is lost or damaged")
def test_damage_within_the_ledger_is_named_when_it_is_met(open_memory, used):
    with (used / "ledger.sqlite").open("r+b") as file:
        whole = file.seek(0, os.SEEK_END)
        file.seek(8 * 4_096)
        file.write(os.urandom(whole - 8 * 4_096))

    def use():
        memory = open_memory(used)
        memory.history(user_id="ann")
        memory.reindex()

    with pytest.raises(LedgerError, match="restore it from a backup") as refused:
        use()
    assert str(used / "ledger.sqlite") in str(refused.value)


def test_counting_beside_a_rebuild_never_fails(open_memory, tmp_path):
    memory = open_memory(tmp_path, settings=dataclasses.replace(INDEXED, shards=2))
    memory.add(said(*(f"x {n}" for n in range(20))), user_id="ann")
    memory.index_pending()
    errors, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            try:
                memory.stats()
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(6):
        memory.reindex()
    stop.set()
    thread.join(30)
    assert errors == []


def by_letters(texts):
    return HashEmbedder(32).embed_documents(texts)


def by_turned_letters(texts):
    return HashEmbedder(32).embed_documents([text[::-1] for text in texts])


def lambdas():
    return (lambda texts: by_letters(texts)), (lambda texts: by_turned_letters(texts))


def test_two_functions_of_one_name_are_two_embedders(open_memory, tmp_path):
    first, second = lambdas()
    with open_memory(tmp_path, embedder=first) as memory:
        memory.add(said("herons nest"), user_id="ann")
        memory.index_pending()
    with open_memory(tmp_path, embedder=second) as memory:
        memory.add(said("storks nest"), user_id="ann")
        with pytest.raises(EmbeddingMismatchError, match="replace_embedder=True"):
            memory.index_pending()
        with pytest.raises(EmbeddingMismatchError):
            memory.recall("herons", user_id="ann", strict=True)
        found = memory.recall("herons", user_id="ann")
        assert "another embedder" in found.degraded[0]
        assert found.hits, "by words"
        assert memory.stats().pending == 1, "no vector of the second model was stored"
    again, _ = lambdas()  # another object of the same code
    with open_memory(tmp_path, embedder=again) as memory:
        assert memory.index_pending() == 1
        assert memory.recall("storks", user_id="ann", strict=True).hits
    with open_memory(tmp_path, embedder=second, replace_embedder=True) as memory:
        assert memory.index_pending() == 2
        assert memory.recall("herons", user_id="ann", strict=True).hits


def test_two_functions_never_mix_in_a_store_that_both_have_open(open_memory, tmp_path):
    first, second = lambdas()
    one, other = open_memory(tmp_path, embedder=first), open_memory(tmp_path, embedder=second)
    one.add(said("herons nest"), user_id="ann")
    one.index_pending()
    with pytest.raises(EmbeddingMismatchError):
        other.recall("herons", user_id="ann", strict=True)
    assert one.recall("herons", user_id="ann", strict=True).hits


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/model", "two words", "a/b/c", ""])
def test_what_can_be_no_model_is_refused_at_opening(tmp_path, name):
    with pytest.raises(ModelUnavailableError, match="neither a folder"):
        LightMem(tmp_path / "store", embedder=name)
    assert list(tmp_path.iterdir()) == []


class Zeros(HashEmbedder):
    """Has no vector for every second text, or for any."""

    def __init__(self, every: int) -> None:
        super().__init__(32)
        self._every = every

    def embed_documents(self, texts):
        vectors = super().embed_documents(texts)
        vectors[:: self._every] = 0
        return vectors


@pytest.mark.sqlite("looks into the index of a folder")
@pytest.mark.parametrize("every", [1, 2])
def test_zero_vectors_are_no_damage(open_memory, tmp_path, every):
    settings = dataclasses.replace(INDEXED, shards=1)
    folders = []
    for _ in range(2):
        with open_memory(tmp_path, embedder=Zeros(every), settings=settings) as memory:
            if not memory.users():
                memory.add(said(*(f"word{n} place{n % 7}" for n in range(100))), user_id="ann")
            memory.index_pending()
        folders.append([each.name for each in (tmp_path / "index").glob("generation-*")])
        (tmp_path / "index" / "closed-cleanly.json").unlink(missing_ok=True)  # as after a crash
    assert folders[0] == folders[1], "rebuilt without need"


@pytest.mark.sqlite("looks into the index of a folder")
def test_an_index_of_the_first_versions_is_rebuilt_and_searched(open_memory, tmp_path, monkeypatch):
    """They named items by their row alone."""
    from lightmem_integrations.storage.chroma import index

    with monkeypatch.context() as then:
        then.setattr(index, "entry_ids", lambda _, rows: [str(row) for row in rows])
        with open_memory(tmp_path, settings=INDEXED) as memory:
            memory.add(said(*(f"heron {n}" for n in range(20))), user_id="ann")
            memory.index_pending()
    marker = tmp_path / "index" / "closed-cleanly.json"
    known = json.loads(marker.read_text())
    marker.write_text(json.dumps({name: known[name] for name in ("files", "counts")}))
    with open_memory(tmp_path, settings=INDEXED) as memory:
        memory.index_pending()
        found = memory.recall("heron 7", user_id="ann", strict=True)
        assert found.degraded == ()
        assert found.hits[0].text.endswith("heron 7")


def modes(folder: Path) -> dict[str, int]:
    return {
        str(each.relative_to(folder)): each.stat().st_mode & 0o777 for each in folder.rglob("*")
    }


@pytest.mark.sqlite("names and places of folders")
def test_a_folder_that_was_there_keeps_its_mode_and_ours_are_private(open_memory, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "index.html").write_text("served by somebody else")
    (folder / "index.html").chmod(0o644)
    with open_memory(folder, settings=dataclasses.replace(INDEXED, shards=1)) as memory:
        memory.add(said(*(f"turn {n}" for n in range(30))), user_id="ann")
        memory.index_pending()
        found = modes(folder)
        assert found["index"] == 0o700
        assert {found[f"ledger.sqlite{end}"] for end in ("", "-wal", "-shm")} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o755
    found = modes(folder)
    assert found.pop("index.html") == 0o644
    assert set(found.values()) == {0o600, 0o700}, found
