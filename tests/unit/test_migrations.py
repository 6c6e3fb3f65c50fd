"""Stores of older versions open as they are and go on."""

import gzip
import sqlite3
from pathlib import Path

import pytest

from lightmem_integrations import LedgerError, Turn
from lightmem_integrations.storage.migrations import MIGRATIONS
from lightmem_integrations.testing import HashEmbedder

# Written by version 1: three searchable turns of "ann", and one of "bob" that is never searched.
OLD = Path(__file__).parents[1] / "data" / "ledger_version_1.sqlite.gz"


@pytest.fixture
def old_store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "ledger.sqlite").write_bytes(gzip.decompress(OLD.read_bytes()))
    return folder


def columns(path):
    database = sqlite3.connect(path / "ledger.sqlite")
    try:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(row[1:] for row in database.execute(f"PRAGMA table_info('{name}')"))
            for (name,) in tables
        }
    finally:
        database.close()


def test_a_store_of_version_1_opens_and_what_it_holds_is_due(
    old_store, open_memory, open_ledger, consolidated
):
    memory = open_memory(old_store, embedder=HashEmbedder(16))
    assert open_ledger(old_store).get("version") == str(len(MIGRATIONS))
    assert [turn.text for turn in memory.history(user_id="ann", session_id="s1")] == [
        "heron 0", "heron 1", "heron 2",
    ]  # fmt: skip
    assert memory.recall("heron", user_id="ann", strict=True).hits
    memory.add(Turn(role="user", text="heron 3"), user_id="ann", session_id="s1")
    assert consolidated(memory, size=4).written == 1
    assert len(memory.episodes(user_id="ann")[0].turns) == 4
    assert not memory.episodes(user_id="bob")
    memory.forget(user_id="ann")
    assert memory.users() == ("bob",)


def test_a_migrated_store_is_like_a_new_one(old_store, open_memory, tmp_path):
    open_memory(old_store, embedder=HashEmbedder(16)).close()
    open_memory(tmp_path / "new").close()
    assert columns(old_store) == columns(tmp_path / "new")


def test_a_store_of_a_newer_version_is_refused(open_memory, open_ledger, tmp_path):
    path = tmp_path / "store"
    open_memory(path).close()
    open_ledger(path).put("version", "99")
    with pytest.raises(LedgerError, match="version 99"):
        open_memory(path)
