"""One process owns a folder: others are told at once, and a dead owner holds nothing."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lightmem_integrations import (
    ForkedProcessError,
    StorageError,
    StoreClosedError,
    StoreLockedError,
    Turn,
)

# A fork with threads about is what the first tests are about; Python 3.12 warns of every one.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

OWNER = """
import sys, time
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder
memory = LightMem(sys.argv[1], embedder=HashEmbedder())
memory.add(Turn(role="user", text="The owner was here."), user_id="u")
print("open", flush=True)
time.sleep(60)
"""

RIVAL = """
import sys, time
from lightmem_integrations import LightMem, StoreLockedError
from lightmem_integrations.testing import HashEmbedder
embedder = HashEmbedder()
import lightmem_integrations.storage.chroma
for _ in range(5):
    start = time.monotonic()
    try:
        LightMem(sys.argv[1], embedder=embedder)
        print("opened")
    except StoreLockedError:
        print("locked" if time.monotonic() - start < 1 else "locked late")
"""


def rival(path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RIVAL, str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.split("\n")[:-1]


@pytest.fixture
def owner(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "store")], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"open\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def child(work) -> int:
    """Runs ``work`` in a forked child; returns its exit status, or -1 if it hung for 10 s."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -1


@pytest.mark.sqlite("one process owns a folder")
def test_a_second_process_is_refused_within_a_second(owner, tmp_path):
    assert rival(tmp_path / "store") == ["locked"] * 5
    assert owner.poll() is None


@pytest.mark.sqlite("one process owns a folder")
def test_a_killed_owner_leaves_no_lock(owner, tmp_path, open_memory):
    with pytest.raises(StoreLockedError):
        open_memory(tmp_path / "store")
    owner.send_signal(signal.SIGKILL)
    assert owner.wait() == -signal.SIGKILL
    start = time.monotonic()
    memory = open_memory(tmp_path / "store")
    assert time.monotonic() - start < 1
    assert memory.history(user_id="u")[0].text == "The owner was here."


@pytest.mark.sqlite("one process owns a folder")
def test_the_last_of_a_process_to_close_lets_the_folder_go(open_memory, tmp_path):
    first, second = open_memory(tmp_path), open_memory(tmp_path)
    first.close()
    assert rival(tmp_path)[0] == "locked"
    second.close()
    assert rival(tmp_path)[0] == "opened"


def test_another_thread_may_close_it(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    thread = threading.Thread(target=memory.close)
    thread.start()
    thread.join(30)
    open_memory(tmp_path)


@pytest.mark.sqlite("one process owns a folder")
def test_a_failed_opening_leaves_no_lock(open_memory, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "ledger.sqlite").write_bytes(b"this is no database at all" * 100)
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            open_memory(tmp_path / "store")
        assert not isinstance(caught.value, StoreLockedError)
    (tmp_path / "store" / "ledger.sqlite").unlink()
    open_memory(tmp_path / "store")


def calls_on(memory):
    """Every way to use a store, for those that must refuse all of them."""
    return [
        lambda: memory.add(Turn(role="user", text="x"), user_id="u"),
        lambda: memory.recall("fork", user_id="u"),
        lambda: memory.history(user_id="u"),
        lambda: memory.short_term(user_id="u"),
        lambda: memory.clear_short_term(user_id="u"),
        lambda: memory.forget(user_id="u"),
        lambda: memory.sessions(user_id="u"),
        memory.users,
        memory.stats,
        memory.reindex,
        memory.index_pending,
        memory.warm_up,
        memory.consolidate,
        lambda: memory.facts(user_id="u"),
        lambda: memory.explain("x", user_id="u"),
    ]


@pytest.mark.sqlite("a child opens a database for itself")
@pytest.mark.parametrize("background", [False, True])
def test_a_forked_child_is_refused_and_does_not_hang(open_memory, tmp_path, background):
    memory = open_memory(tmp_path, background=background)
    memory.add(Turn(role="user", text="Before the fork."), user_id="u")
    memory.index_pending()
    calls = [*calls_on(memory), memory.close]

    def use():
        for call in calls:
            with pytest.raises(ForkedProcessError):
                call()

    assert child(use) == 0
    assert memory.recall("fork", user_id="u", strict=True).hits


@pytest.mark.sqlite("one process owns a folder")
@pytest.mark.parametrize("path", ["store", None])
def test_a_child_that_ends_takes_nothing_from_its_parent(open_memory, tmp_path, path):
    memory = open_memory(tmp_path / path if path else None)
    memory.add(Turn(role="user", text="Before the fork."), user_id="u")
    script = """
import os, sys
from pathlib import Path
from lightmem_integrations import *
from lightmem_integrations.testing import HashEmbedder
memory = LightMem(sys.argv[1] or None, embedder=HashEmbedder())
memory.add(Turn(role="user", text="Before."), user_id="u")
(folder,) = Path(os.environ["TMPDIR"]).rglob("owner.lock")
if os.fork() == 0:
    sys.exit(0)  # with all that a normal exit runs
os.wait()
assert os.path.exists(folder)
if sys.argv[1]:
    try:
        LightMem(sys.argv[1])
    except StoreLockedError:
        pass
    else:
        raise SystemExit("the child let go of the parent's lock")
memory.add(Turn(role="user", text="After."), user_id="u")
memory.index_pending()
memory.close()
print(os.path.exists(folder))
"""
    folder = tmp_path / "of the child"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(folder / "two") if path else ""],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(bool(path))


def test_a_closed_store_says_so(open_memory, tmp_path):
    memory = open_memory(tmp_path, background=True)
    memory.add(Turn(role="user", text="x"), user_id="u")
    memory.close()
    memory.close()
    for call in calls_on(memory):
        with pytest.raises(StoreClosedError):
            call()


def test_closing_under_load_neither_hangs_nor_crashes(tmp_path):
    script = """
import sys, threading
from lightmem_integrations import *
from lightmem_integrations.testing import HashEmbedder
memory = LightMem(sys.argv[1], embedder=HashEmbedder())
memory.add([Turn(role="user", text=f"line {n}") for n in range(300)], user_id="u")
memory.index_pending()
errors = []
def work():
    try:
        while True:
            memory.add(Turn(role="user", text="more"), user_id="u")
            memory.recall("line 7", user_id="u")
    except StorageError:
        pass
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=work) for _ in range(4)]
[each.start() for each in threads]
threading.Event().wait(0.5)
memory.close()
[each.join(20) for each in threads]
assert not any(each.is_alive() for each in threads), "a thread hangs"
assert not errors, errors
"""
    for number in range(3):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / str(number))],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.sqlite("one process owns a folder")
def test_a_path_that_cannot_be_a_folder_is_refused(open_memory, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file"):
        open_memory(tmp_path / "file")
    with pytest.raises(StorageError):
        open_memory(tmp_path / "file" / "below")
