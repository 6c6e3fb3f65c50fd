"""`lightmem worker` on a folder, of which it is the owner: ended by SIGTERM."""

import signal
import subprocess
import sys

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from slow_worker import COMMAND

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite("of a folder; those of a database are in tests/postgresql"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM"),
]

QUIET = Settings(background_indexing=False)


def test_sigterm_ends_a_worker_after_the_step_at_hand(tmp_path):
    folder = tmp_path / "memory"
    with LightMem(folder, settings=QUIET) as memory:
        for number in range(4):
            said = Turn(role="user", text=f"Ann.likes + thing{number}")
            memory.add(said, user_id="ann", session_id=f"s{number}")
    given = ["worker", str(folder), "--writer", "any", "--final", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *given], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 0
    assert rest.startswith("{"), "no second one was begun"
    with LightMem(folder, settings=QUIET) as memory:  # nobody has it any more
        assert len(memory.episodes(user_id="ann")) == 1, "what was at hand is stored"
        assert memory.stats().turns == 4
        assert memory.consolidate(final=True).busy == 0, "no lease is left"
