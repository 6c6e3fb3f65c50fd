"""A store's life: opening, closing, counting, rebuilding, changing the embedder."""

import dataclasses
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest

from lightmem_integrations import (
    ChromaIndex,
    EmbeddingMismatchError,
    ExactIndex,
    InvalidRequestError,
    Settings,
    Turn,
)
from lightmem_integrations.testing import HashEmbedder

# Without columns in memory, every user is in the index.
INDEXED = Settings(background_indexing=False, column_mebibytes=0)


def said(number: int) -> list[Turn]:
    return [Turn(role="user", text=f"heron number {n}", id=f"t{n}") for n in range(number)]


def test_a_reopened_store_holds_and_finds_everything(open_memory, tmp_path):
    with open_memory(tmp_path, background=True) as memory:
        memory.add(said(40), user_id="ann", session_id="s")
        before = memory.recall("heron number 7", user_id="ann", strict=True)
    with open_memory(tmp_path) as memory:
        after = memory.recall("heron number 7", user_id="ann", strict=True)
        assert [hit.turns for hit in after.hits] == [hit.turns for hit in before.hits]
        assert after.text == before.text
        assert len(memory.history(user_id="ann", session_id="s")) == 40
        assert memory.path == tmp_path


@pytest.mark.sqlite("names and places of folders")
def test_without_a_path_nothing_is_left_behind(open_memory, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_memory() as memory:
        memory.add(said(3), user_id="ann")
        memory.index_pending()
        assert memory.recall("heron", user_id="ann", strict=True).hits
        assert memory.path is None
        assert memory.stats().bytes is None
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sqlite("names and places of folders")
def test_the_folder_is_for_its_owner_only(open_memory, tmp_path):
    memory = open_memory(tmp_path / "deep" / "store")
    memory.add(said(1), user_id="ann")
    memory.index_pending()
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o700


@pytest.mark.sqlite("names and places of folders")
def test_a_home_folder_may_be_written_with_a_tilde(open_memory, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    memory = open_memory("~/store")
    assert memory.path == tmp_path / "store"
    assert Path(memory.path).is_dir()


def test_the_numbers_are_right(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    empty = memory.stats()
    assert (empty.users, empty.turns, empty.dimension) == (0, 0, None)
    memory.add(said(3), user_id="ann", session_id="s1")
    memory.add(said(2), user_id="ann", session_id="s2")
    memory.add([*said(1), Turn(role="tool", text="not searched")], user_id="bob")
    stats = memory.stats()
    assert (stats.users, stats.sessions, stats.turns) == (2, 3, 7)
    assert (stats.searchable, stats.pending) == (6, 6)
    assert memory.index_pending() == 6
    stats = memory.stats()
    assert (stats.pending, stats.dimension, stats.embedder) == (0, 128, "hash-128")
    assert stats.index == "ready"
    assert stats.bytes > 0
    assert memory.stats(user_id="bob").turns == 2
    assert memory.stats(user_id="ann").sessions == 2
    assert memory.stats(user_id="stranger").turns == 0
    assert memory.users() == ("ann", "bob")
    assert memory.sessions(user_id="ann") == ("s1", "s2")
    assert memory.sessions(user_id="stranger") == ()


def test_sessions_are_listed_in_part_from_either_end(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    for name in ("c", "a", "b"):
        memory.add(said(1), user_id="ann", session_id=name)
    memory.add(said(1), user_id="bob", session_id="d")
    assert memory.sessions(user_id="ann", limit=2) == ("c", "a")
    assert memory.sessions(user_id="ann", limit=2, latest=True) == ("a", "b")
    assert memory.sessions(user_id="ann", limit=9, latest=True) == ("c", "a", "b")
    assert memory.sessions(user_id="ann", latest=True) == ("c", "a", "b")
    with pytest.raises(InvalidRequestError, match="limit"):
        memory.sessions(user_id="ann", limit=0)


def test_reindex_builds_the_index_from_the_ledger(open_memory, tmp_path):
    memory = open_memory(tmp_path, settings=INDEXED)
    memory.add(said(30), user_id="ann")
    memory.index_pending()
    before = memory.recall("heron number 3", user_id="ann", strict=True)
    assert memory.reindex() == 30
    memory.add(Turn(role="user", text="one more"), user_id="bob")
    assert memory.reindex() == 31
    after = memory.recall("heron number 3", user_id="ann", strict=True)
    assert [hit.turns for hit in after.hits] == [hit.turns for hit in before.hits]
    assert memory.reindex() == 31


@pytest.mark.sqlite("breaks off the rebuild of the index in a folder")
def test_a_rebuild_that_failed_midway_can_be_tried_again(open_memory, tmp_path, monkeypatch):
    from lightmem_integrations import IndexUnavailableError
    from lightmem_integrations.engine import indexer as indexing

    memory = open_memory(tmp_path, settings=INDEXED)
    memory.add(said(30), user_id="ann")
    memory.index_pending()
    memory.reindex()
    whole = indexing.batches

    def cut_short(ledger):
        yield from whole(ledger)
        raise OSError("disk full")

    monkeypatch.setattr(indexing, "batches", cut_short)
    for _ in range(2):
        with pytest.raises(IndexUnavailableError):
            memory.reindex()
    monkeypatch.setattr(indexing, "batches", whole)
    assert memory.reindex() == 30
    assert memory.recall("heron number 3", user_id="ann", strict=True).degraded == ()


def test_another_embedder_is_refused_unless_it_may_replace_the_old(open_memory, tmp_path):
    with open_memory(tmp_path) as memory:
        memory.add(said(3), user_id="ann")
        memory.index_pending()
    with pytest.raises(EmbeddingMismatchError, match="hash-128"):
        open_memory(tmp_path, embedder=HashEmbedder(16))
    with open_memory(tmp_path) as memory:  # the refusal has harmed nothing
        assert memory.recall("heron", user_id="ann", strict=True).hits
    with open_memory(tmp_path, embedder=HashEmbedder(16), replace_embedder=True) as memory:
        assert memory.stats().pending == 3
        assert len(memory.recall("heron", user_id="ann", strict=True).hits) == 3
        assert (memory.stats().dimension, memory.stats().pending) == (16, 0)
    with open_memory(tmp_path, embedder=HashEmbedder(16)) as memory:
        memory.index_pending()
        assert memory.recall("heron", user_id="ann", strict=True).hits
    with open_memory(tmp_path, embedder=HashEmbedder(16), replace_embedder=True) as memory:
        assert memory.stats().pending == 0, "the same embedder again replaces nothing"


def test_any_index_can_stand_in(open_memory, tmp_path):
    for number, index in enumerate((ExactIndex(), ChromaIndex.ephemeral())):
        memory = open_memory(tmp_path / str(number), index=index)
        memory.add(said(3), user_id="ann")
        assert (
            memory.recall("heron number 1", user_id="ann", strict=True).hits[0].turns[0].id == "t1"
        )
        memory.close()


def test_the_number_of_shards_may_change(open_memory, tmp_path):
    for shards in (1, 7, 3):
        settings = dataclasses.replace(INDEXED, shards=shards)
        with open_memory(tmp_path, settings=settings) as memory:
            memory.add(said(20), user_id="ann")
            memory.add(said(20), user_id="bob")
            memory.index_pending()
            for user in ("ann", "bob"):
                found = memory.recall("heron number 3", user_id=user, strict=True)
                assert found.hits[0].turns[0].id == "t3"
                assert found.degraded == ()


def test_another_ledger_may_be_named(open_memory, tmp_path):
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    with open_memory(ledger=url) as memory:
        memory.add(said(3), user_id="ann")
    with open_memory(ledger=url) as memory:
        assert memory.recall("heron", user_id="ann", strict=True).hits


@pytest.mark.parametrize(
    "url", ["nonsense", "nodb:///x", "postgresql://ann:pw@host/y", "sqlite+pysqlcipher:///x"]
)
def test_a_ledger_that_is_not_sqlite_is_refused_with_the_remedy(open_memory, url):
    from lightmem_integrations import LedgerError

    with pytest.raises(LedgerError, match="sqlite:///path") as refused:
        open_memory(ledger=url)
    assert "pw" not in str(refused.value)


@pytest.mark.sqlite("writes into the file")
@pytest.mark.parametrize("least", ["98", None], ids=str)
def test_a_ledger_of_a_newer_version_is_left_alone(open_memory, tmp_path, least):
    from lightmem_integrations import LedgerError

    open_memory(tmp_path).close()
    set_meta(tmp_path, version="99", least_version=least)
    with pytest.raises(LedgerError, match="99"):
        open_memory(tmp_path)


@pytest.mark.sqlite("writes into the file")
def test_a_ledger_to_which_a_newer_version_only_added_is_used(open_memory, tmp_path):
    open_memory(tmp_path).close()
    set_meta(tmp_path, version="99")
    with open_memory(tmp_path) as memory:
        memory.add(Turn(role="user", text="My cat is called Tom."), user_id="alice")
        assert memory.recall("cat?", user_id="alice").hits


def set_meta(folder, **values):
    database = sqlite3.connect(folder / "ledger.sqlite")
    for name, value in values.items():
        database.execute("DELETE FROM meta WHERE name = ?", (name,))
        if value is not None:
            database.execute("INSERT INTO meta VALUES (?, ?)", (name, value))
    database.commit()
    database.close()


def test_what_is_no_embedder_is_refused(open_memory):
    from lightmem_integrations import SettingsError

    with pytest.raises(SettingsError, match="no embedder"):
        open_memory(embedder=5)
