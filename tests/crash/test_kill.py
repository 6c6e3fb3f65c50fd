"""kill -9 at a random moment: what was acknowledged is there, and nothing is there by half."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.testing import HashEmbedder
from thorough import cases

RUNS = cases(160)
BATCH = 5

# Logs every operation before ("start") and after ("done") it, unbuffered.
WRITER = """
import json, random, sys
from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

path, seed, background = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
chance = random.Random(seed)
settings = Settings(
    background_indexing=background, embed_batch=16, shards=3, column_mebibytes=0
)
memory = LightMem(path, embedder=HashEmbedder(32), settings=settings)
print(json.dumps(["open"]), flush=True)
number = 0
while True:
    number += 1
    user, session = f"user {chance.randrange(3)}", f"s{chance.randrange(2)}"
    kind = chance.choices(["add", "recall", "index", "forget"], [12, 4, 3, 1])[0]
    batch = f"{seed}-{number}"
    print(json.dumps(["start", kind, user, session, batch]), flush=True)
    if kind == "add":
        turns = [Turn(role="user", text=f"batch {batch} line {n}", id=f"{batch}/{n}")
                 for n in range(5)]
        memory.add(turns, user_id=user, session_id=session)
    elif kind == "recall":
        memory.recall(f"batch {batch}", user_id=user)
    elif kind == "index":
        memory.index_pending()
    else:
        memory.forget(user_id=user, session_id=session, purge=chance.random() < 0.5)
    print(json.dumps(["done", kind, user, session, batch]), flush=True)
"""


def killed_writer(path, seed) -> tuple[list[list[str]], int]:
    """Runs the writer until a random moment; returns its log and its return code."""
    chance = random.Random(seed)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(seed), str(seed % 2 == 0)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # or what readline() read ahead would be missing from communicate()
    )
    first = process.stdout.readline()
    assert first, process.stderr.read().decode()
    # So many operations begun or done, not so many seconds: a busy machine does few in a second.
    begun = [process.stdout.readline() for _ in range(chance.randrange(2, 24))]
    time.sleep(chance.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    lines = b"".join(begun) + rest
    whole = lines[: lines.rfind(b"\n") + 1].splitlines()
    return [json.loads(line) for line in whole], process.returncode


class Expected:
    """What must be stored, and what may be: the operation in flight may have happened or not."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[str, str], set[str]] = {}

    def apply(self, log: list[list[str]]) -> list[str] | None:
        """Replays a log; returns the operation that was under way."""
        under_way = None
        for what, kind, user, session, batch in log:
            under_way = [kind, user, session, batch] if what == "start" else None
            if what == "done":
                self.commit(kind, user, session, batch)
        return under_way

    def commit(self, kind: str, user: str, session: str, batch: str) -> None:
        if kind == "add":
            self.sessions.setdefault((user, session), set()).add(batch)
        elif kind == "forget":
            self.sessions.pop((user, session), None)


def batches_of(memory: LightMem, user: str, session: str) -> set[str]:
    """Batches stored in a session; fails if one is there by half."""
    found: dict[str, int] = {}
    for turn in memory.history(user_id=user, session_id=session):
        batch = turn.id.split("/")[0]
        found[batch] = found.get(batch, 0) + 1
    assert set(found.values()) <= {BATCH}, "a batch is there by half"
    return set(found)


@pytest.mark.slow
def test_kills_lose_nothing_that_was_acknowledged(tmp_path, open_index, open_ledger):
    path = tmp_path / "store"
    expected = Expected()
    in_flight = acknowledged = 0
    for seed in range(RUNS):
        log, code = killed_writer(path, seed)
        assert code == -signal.SIGKILL, "the kill did not land"
        acknowledged += sum(entry[0] == "done" for entry in log)
        under_way = expected.apply(log)
        in_flight += under_way is not None

        start = time.monotonic()
        settings = Settings(background_indexing=seed % 3 == 0, shards=3, column_mebibytes=0)
        with LightMem(path, embedder=HashEmbedder(32), settings=settings) as memory:
            if under_way:
                kind, user, session, batch = under_way
                before = expected.sessions.get((user, session), set())
                now = batches_of(memory, user, session)
                if now != before:  # it was in flight and got through
                    expected.commit(kind, user, session, batch)
            for (user, session), batches in expected.sessions.items():
                assert batches_of(memory, user, session) == batches
                for each in sorted(batches)[-1:]:
                    found = memory.recall(
                        f"batch {each} line 3", user_id=user, session_id=session, k=20, strict=True
                    )
                    assert any(each in hit.text for hit in found.hits)
            assert time.monotonic() - start < 30, "reopening took too long"
            stored = sum(map(len, expected.sessions.values())) * BATCH
            assert memory.stats().turns == stored
            if seed % 4 == 0 or seed == RUNS - 1:
                memory.index_pending()
                assert memory.stats().pending == 0
                assert memory.stats().index == "ready"
        if seed % 4 == 0 or seed == RUNS - 1:
            index = open_index(path, shards=3)
            check_the_index_against_the_ledger(index, open_ledger(path))
            index.close()
    assert acknowledged > 3 * RUNS, "too little was written for the kills to mean anything"
    assert in_flight >= 0.3 * RUNS, "too few kills hit an operation"


def check_the_index_against_the_ledger(index, ledger) -> None:
    """Each user's vectors in Chroma are exactly those of the user's turns."""
    from lightmem_integrations.storage.turn_vectors import user_vectors
    from lightmem_integrations.storage.users import find_user, list_users

    with ledger.read() as connection:
        users = [find_user(connection, each) for each in list_users(connection)]
        vectors = [user_vectors(connection, user.row) for user in users]
    for user, (rows, matrix) in zip(users, vectors, strict=True):
        assert len(rows) == user.searchable
        for row, vector in list(zip(rows, matrix, strict=True))[::7]:
            found = index.search(user.key, vector, 300, size=len(rows))
            assert {each.id for each in found} <= set(rows)
            same = [each.id for each in found if each.similarity > 1 - 1e-3]
            assert row in same or len(same) > 100
        assert len(index.search(user.key, matrix[0], 300, size=len(rows))) == min(300, len(rows))


@pytest.mark.slow
def test_a_kill_during_erasure_is_made_good_at_the_next_opening(tmp_path, open_index, open_ledger):
    script = """
import os, sys
from lightmem_integrations import ChromaIndex, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder
settings = Settings(background_indexing=False, column_mebibytes=0)
memory = LightMem(sys.argv[1], embedder=HashEmbedder(), settings=settings)
for user in ("victim", "other"):
    turns = [Turn(role="user", text=f"CANARY-{user} number {n}") for n in range(40)]
    memory.add(turns, user_id=user)
memory.index_pending()
ChromaIndex.replace = lambda index, batches: os.kill(os.getpid(), 9)
memory.forget(user_id="victim")
"""
    path = tmp_path / "store"
    done = subprocess.run([sys.executable, "-c", script, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    settings = Settings(background_indexing=False, column_mebibytes=0)
    with LightMem(path, embedder=HashEmbedder(), settings=settings) as memory:
        assert memory.users() == ("other",)
        assert not memory.recall("CANARY number 3", user_id="victim", strict=True).hits
        assert memory.recall("number 3", user_id="other", strict=True).hits
        memory.index_pending()
    check_the_index_against_the_ledger(open_index(path), open_ledger(path))
    left = [
        file for file in path.rglob("*") if file.is_file() and b"CANARY-victim" in file.read_bytes()
    ]
    assert left == []
