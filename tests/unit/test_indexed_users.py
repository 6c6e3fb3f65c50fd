"""Who is in the vector index: users with more turns than are compared one by one."""

import dataclasses
import functools
import json
import signal
import subprocess
import sys

import pytest

from lightmem_integrations import ExactIndex, LightMem, Settings, Turn
from lightmem_integrations.engine.indexer import Indexer
from random_words import EMBEDDER, RandomWords

pytestmark = pytest.mark.slow

LIMIT = 2**20 // 850  # turns for whose columns one mebibyte is enough
SETTINGS = Settings(background_indexing=False, column_mebibytes=1, shards=1, embed_batch=100)
ALL = dataclasses.replace(SETTINGS, column_mebibytes=0)


@pytest.fixture
def opened(open_memory):
    return functools.partial(open_memory, embedder=RandomWords())


def said(numbers) -> list[Turn]:
    return [Turn(role="user", text=f"heron number{n}", id=f"t{n}") for n in numbers]


def found(memory: LightMem, number: int, user_id: str = "ann") -> str:
    result = memory.recall(f"number{number}", user_id=user_id, strict=True)
    assert result.degraded == ()
    return result.hits[0].turns[0].id


@pytest.fixture
def held(open_index):
    """Number of vectors in the index of a closed store."""

    def held(folder) -> int:
        index = open_index(folder, shards=1)
        try:
            return sum(index._generations.counts().values())
        finally:
            index.close()

    return held


def test_small_users_take_no_room_in_the_index(opened, tmp_path, held):
    with opened(tmp_path, settings=SETTINGS) as memory:
        for user in ("ann", "bob"):
            memory.add(said(range(300)), user_id=user)
        memory.index_pending()
        assert memory.stats().pending == 0
        assert found(memory, 7, "bob") == "t7"
        memory.forget(user_id="bob", turn_ids=["t7"])
        assert memory.reindex() == 599
    assert list(tmp_path.glob("index/generation-*")) == []
    with opened(tmp_path, settings=SETTINGS) as memory:  # nothing is missed
        memory.index_pending()
        assert found(memory, 8, "bob") == "t8"
    assert held(tmp_path) == 0


def test_a_user_who_grows_is_indexed_whole_and_found_all_the_while(
    opened, tmp_path, held, monkeypatch
):
    with opened(tmp_path, settings=SETTINGS) as memory:
        memory.add(said(range(LIMIT)), user_id="ann")
        memory.add(said(range(20)), user_id="bob")
        memory.index_pending()
        memory.add(said([LIMIT]), user_id="ann")
        batch, seen = Indexer._index_batch, []

        def and_recall(indexer, user_row):
            seen.append((found(memory, 3), found(memory, LIMIT)))
            batch(indexer, user_row)

        monkeypatch.setattr(Indexer, "_index_batch", and_recall)
        memory.index_pending()
        monkeypatch.undo()
        assert len(seen) >= LIMIT // SETTINGS.embed_batch, "in batches"
        assert set(seen) == {("t3", f"t{LIMIT}")}
        assert memory.stats().pending == 0
        assert found(memory, 5) == "t5"
    assert held(tmp_path) == LIMIT + 1
    with opened(tmp_path, settings=SETTINGS) as memory:  # shrinks, and stays
        memory.forget(user_id="ann", turn_ids=["t0", "t1"], purge=False)
        memory.add(said([LIMIT + 1]), user_id="ann")
        memory.index_pending()
        assert found(memory, LIMIT + 1) == f"t{LIMIT + 1}"
    assert held(tmp_path) == LIMIT


def test_an_index_that_is_lost_is_rebuilt_for_those_who_were_in_it(opened, tmp_path, held, caplog):
    for folder, count in ((tmp_path / "large", LIMIT + 1), (tmp_path / "small", LIMIT)):
        with opened(folder, settings=SETTINGS) as memory:
            memory.add(said(range(count)), user_id="ann")
            memory.index_pending()
        for each in folder.glob("index/**/*"):
            if each.is_file():
                each.unlink()
        with caplog.at_level("WARNING"), opened(folder, settings=SETTINGS) as memory:
            memory.index_pending()
            assert found(memory, 9) == "t9"
        assert ("rebuilt" in caplog.text) == (count > LIMIT)
        assert held(folder) == (count if count > LIMIT else 0)
        caplog.clear()


def test_a_store_in_which_all_users_are_indexed_goes_on_until_it_is_rebuilt(
    opened, tmp_path, held, caplog
):
    with opened(tmp_path, settings=ALL) as memory:
        memory.add(said(range(LIMIT + 1)), user_id="ann")
        memory.add(said(range(20)), user_id="bob")
        memory.index_pending()
    assert held(tmp_path) == LIMIT + 21
    with caplog.at_level("WARNING"), opened(tmp_path, settings=SETTINGS) as memory:
        memory.add(said([20]), user_id="bob")
        memory.index_pending()
        assert found(memory, 20, "bob") == "t20"
    assert "rebuilt" not in caplog.text
    assert held(tmp_path) == LIMIT + 22
    with opened(tmp_path, settings=SETTINGS) as memory:
        assert memory.reindex() == LIMIT + 22
        assert found(memory, 7, "bob") == "t7"
        assert found(memory, 7) == "t7"
    assert held(tmp_path) == LIMIT + 1


def test_an_index_of_ones_own_gets_what_was_compared_one_by_one(opened, tmp_path):
    with opened(tmp_path, settings=SETTINGS) as memory:
        memory.add(said(range(250)), user_id="ann")
        memory.index_pending()
    index = ExactIndex()
    with opened(tmp_path, settings=SETTINGS, index=index) as memory:
        memory.index_pending()
        assert repr(index) == "ExactIndex(vectors=250)"
        assert found(memory, 7) == "t7"
        memory.forget(user_id="ann", turn_ids=["t7"], purge=False)
        assert repr(index) == "ExactIndex(vectors=249)"


GROWING = (
    EMBEDDER
    + """
import json, os, sys
from lightmem_integrations import ChromaIndex, LightMem, Settings
settings = Settings(**json.loads(sys.argv[2]))
nth, upsert, calls = int(sys.argv[3]), ChromaIndex.upsert, 0

def killing(index, batch):
    global calls
    calls += 1
    if calls == nth and nth % 2:
        os.kill(os.getpid(), 9)
    upsert(index, batch)
    if calls == nth:
        os.kill(os.getpid(), 9)

ChromaIndex.upsert = killing
LightMem(sys.argv[1], embedder=RandomWords(), settings=settings).index_pending()
"""
)


def test_indexing_a_user_who_grew_is_resumed_after_kills(opened, tmp_path, held):
    with opened(tmp_path, settings=SETTINGS) as memory:
        memory.add(said(range(LIMIT)), user_id="ann")
        memory.index_pending()
        memory.add(said([LIMIT]), user_id="ann")
    options = {"background_indexing": False, "column_mebibytes": 1, "shards": 1, "embed_batch": 100}
    for nth in (1, 2, 2, 1, 3):
        done = subprocess.run(
            [sys.executable, "-c", GROWING, str(tmp_path), json.dumps(options), str(nth)],
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        with opened(tmp_path, settings=SETTINGS) as memory:
            assert found(memory, 3) == "t3"
    with opened(tmp_path, settings=SETTINGS) as memory:
        memory.index_pending()
        assert found(memory, 3) == "t3"
    assert held(tmp_path) == LIMIT + 1
