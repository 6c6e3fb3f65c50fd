"""A memory in a database that was opened before a fork, as under ``gunicorn --preload``."""

import subprocess
import sys

import pytest

CODE = """
import os, sys, threading, time
from lightmem_integrations import LightMem, Settings, StoreClosedError, Turn
from lightmem_integrations.testing import HashEmbedder

memory = LightMem(sys.argv[1], embedder=HashEmbedder(), settings=Settings())
memory.add(Turn(role="user", text="Heron of the parent."), user_id="ann")
documents = memory.documents(lambda *_: [])
spaces = memory.spaces
stop = threading.Event()
def busy():  # so that locks and connections of all kinds are held when it forks
    while not stop.is_set():
        memory.recall("heron", user_id="ann")
        memory.add(Turn(role="user", text="Busy."), user_id="other")
threads = [threading.Thread(target=busy, daemon=True) for _ in range(3)]
for each in threads: each.start()
time.sleep(0.5)

def child(number):
    if number == 0:
        memory.close()  # of what was never used here
        return
    threading.Timer(25, os._exit, [9]).start()
    if number == 1:
        spaces.grant("family", user_id="ann", write=True)
    if number == 2:
        with documents.reading() as view:
            assert view.paths(()) == []
    memory.add(Turn(role="user", text=f"Heron of child {number}."), user_id="ann")
    found = {hit.text for hit in memory.recall("heron", user_id="ann", strict=True, k=20).hits}
    assert {"Heron of the parent.", f"Heron of child {number}."} <= found, found
    until = time.monotonic() + 20
    while memory.stats(user_id="ann").pending and time.monotonic() < until:
        time.sleep(0.1)
    assert not memory.stats(user_id="ann").pending, "the child's threads embed"
    memory.close()
    try:
        memory.users()
    except StoreClosedError:
        return
    raise SystemExit(7)

children = []
for number in range(5):
    pid = os.fork()
    if pid == 0:
        try:
            child(number)
        except BaseException:
            import traceback; traceback.print_exc(); os._exit(1)
        os._exit(0)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
stop.set()
for each in threads: each.join()
texts = [turn.text for turn in memory.history(user_id="ann")]
assert sorted(texts) == ["Heron of child 1.", "Heron of child 2.", "Heron of child 3.",
                         "Heron of child 4.", "Heron of the parent."], texts
memory.close()
sys.exit(any(codes))
"""


@pytest.mark.slow
def test_children_of_a_process_with_an_open_memory_use_it(postgresql_database):
    done = subprocess.run(
        [sys.executable, "-c", CODE, postgresql_database],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
