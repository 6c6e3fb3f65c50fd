"""kill -9 in the middle of a copy: half of it is no store, and the next run goes on."""

import random
import subprocess
import sys
import time
from itertools import takewhile

import pytest

from lightmem_integrations import LedgerError, LightMem, Settings, Turn, copy_store
from lightmem_integrations.storage.transfer.whole import COPIED
from lightmem_integrations.testing import HashEmbedder

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("copies folders, and says itself where to")]

RUNS = 6
TURNS = 5_000  # some seconds of writing

# It goes on when it is let: on a busy machine it would be done before anybody kills it.
COPY = """
import sys
from lightmem_integrations import copy_store
def tell(what, done, total):
    if what == "copying":
        print(done, total, flush=True)
        sys.stdin.readline()
copy_store(sys.argv[1], sys.argv[2], on_progress=tell)
"""


@pytest.fixture(params=["folder", "postgresql"])
def target(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "copy")
    return request.getfixturevalue("postgresql_database")


def opened(place):
    settings = Settings(background_indexing=False)
    return LightMem(place, embedder=HashEmbedder(16), settings=settings)


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


def rows_written(process):
    """What a copy says of itself, each time it goes on."""
    for line in process.stdout:
        yield int(line.split()[0])
        go_on(process)


def test_a_copy_goes_on_after_kill_9(tmp_path, target):
    with opened(tmp_path / "store") as memory:
        for user in ("ann", "bob"):
            turns = [
                Turn(role="user", text=f"heron {n}", metadata={"n": n}) for n in range(TURNS // 2)
            ]
            memory.add(turns, user_id=user)
        memory.index_pending()
    chance, most = random.Random(7), 0
    for _ in range(RUNS):
        command = [sys.executable, "-c", COPY, str(tmp_path / "store"), target]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            told = rows_written(process)
            repeated = list(takewhile(lambda done, most=most: done <= most, told))
            assert len(repeated) <= len(COPIED), "a run writes what the one before wrote"
            for _ in range(chance.randrange(2, 8)):
                most = next(told)
            go_on(process)
            time.sleep(chance.random() / 50)
            process.kill()
            most = max((int(line.split()[0]) for line in process.stdout), default=most)
        with pytest.raises(LedgerError, match="unfinished copy"):
            opened(target)
    assert most > TURNS // 2
    assert all(each.same for each in copy_store(tmp_path / "store", target).tables)
    with opened(tmp_path / "store") as memory, opened(target) as copy:
        for user in ("ann", "bob"):
            for question in ("heron 7", "heron 2499"):
                theirs, mine = (
                    [each.text for each in one.recall(question, user_id=user, strict=True).hits]
                    for one in (memory, copy)
                )
                assert mine == theirs
            met = copy.recall("heron", user_id=user, filter={"n": 2_499}, strict=True)
            assert [each.text for each in met.hits] == ["heron 2499"]
