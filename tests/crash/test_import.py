"""kill -9 in the middle of an import: nobody sees half of it, and the next run completes it."""

import random
import signal
import subprocess
import sys
import time

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

RUNS = 5
TURNS = 6_000  # some seconds of writing

IMPORT = """
import sys
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.testing import HashEmbedder
memory = LightMem(
    sys.argv[1], embedder=HashEmbedder(16), settings=Settings(background_indexing=False)
)
memory.load(sys.argv[2], on_progress=lambda done, total: print(done, total, flush=True))
"""


def opened(folder):
    settings = Settings(background_indexing=False)
    return LightMem(folder, embedder=HashEmbedder(16), settings=settings)


def test_an_import_goes_on_after_kill_9(tmp_path):
    file, folder = tmp_path / "store.jsonl", tmp_path / "copy"
    with opened(tmp_path / "store") as memory:
        for user in ("ann", "bob"):
            turns = [Turn(role="user", text=f"heron {n}") for n in range(TURNS // 2)]
            memory.add(turns, user_id=user)
        memory.export(file)
    chance, begun = random.Random(7), []
    for _ in range(RUNS):
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORT, str(folder), str(file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        begun.append(int((process.stdout.readline() or "0").split()[0]))
        time.sleep(chance.random() / 10)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with opened(folder) as memory:
            assert memory.users() in ((), ("ann", "bob")), "both or none"
    assert begun == sorted(begun)
    assert begun[-1] > begun[0], "no run writes what the one before wrote"
    with opened(folder) as memory:
        memory.load(file)
        assert memory.users() == ("ann", "bob")
        memory.export(tmp_path / "again.jsonl")
        memory.index_pending()
        assert len(memory.recall("heron 7", user_id="bob", strict=True).hits) > 0
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()
