"""kill -9 while a writer works: the next process goes on at once, and writes nothing twice."""

import subprocess
import sys
import time

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from thorough import cases

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("one process owns a folder")]

KILLS = cases(60)

WORKER = """
import sys, time
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

class Waits(ScriptedWriter):
    def write(self, turns):
        if self.calls:  # the second episode is never finished
            print("writing", flush=True)
            time.sleep(600)
        else:
            print(f"began {time.monotonic() - opened:.3f}", flush=True)
        return super().write(turns)

memory = LightMem(
    sys.argv[1], embedder=HashEmbedder(32), settings=Settings(background_indexing=False)
)
opened = time.monotonic()
memory.consolidate(writer=Waits(), final=True)
"""


def test_workers_killed_while_a_writer_works(tmp_path):
    path, settings = tmp_path / "store", Settings(background_indexing=False)
    with LightMem(path, embedder=HashEmbedder(32), settings=settings) as memory:
        for number in range(KILLS + 2):
            memory.add(
                Turn(role="user", text=f"Ann.likes + thing{number}"),
                user_id="ann", session_id=f"s{number}",
            )  # fmt: skip
    for _ in range(KILLS):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, path], stdout=subprocess.PIPE, text=True
        )
        try:
            first, second = worker.stdout.readline(), worker.stdout.readline()
            assert first.startswith("began ")
            assert float(first.split()[1]) < 5.0  # a lease is 30 s, and holds nobody up
            assert second == "writing\n"
        finally:
            worker.kill()
            worker.wait()
            worker.stdout.close()
    with LightMem(path, embedder=HashEmbedder(32), settings=settings) as memory:
        began = time.monotonic()
        report = memory.consolidate(writer=ScriptedWriter(), final=True)
        assert (report.written, report.busy) == (2, 0)
        assert time.monotonic() - began < 5.0
        facts = memory.facts(user_id="ann", include_past=True)
        assert sorted(fact.value for fact in facts) == sorted(
            f"thing{number}" for number in range(KILLS + 2)
        )
        assert len(memory.episodes(user_id="ann")) == KILLS + 2
