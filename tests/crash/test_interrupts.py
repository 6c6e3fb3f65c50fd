"""Ctrl-C, cancellation and SIGTERM at any moment: nothing half done, nothing left locked."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

QUIET = Settings(background_indexing=False)


def interrupted(call, at):
    """Call with KeyboardInterrupt at a step; the error, and how many steps there were."""
    steps = 0

    def trace(frame, event, _):
        nonlocal steps
        if not any(
            name in frame.f_code.co_filename for name in ("lightmem", "sqlalchemy", "contex")
        ):
            return None
        if event in ("call", "line", "return"):
            steps += 1
            if steps == at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt as error:
        return error, steps
    finally:
        sys.settrace(before)
    return None, steps


@pytest.mark.sqlite("in PostgreSQL the server ends what is left, after idle_timeout")
@pytest.mark.parametrize("part", range(3))
def test_an_interrupt_anywhere_in_a_write_holds_up_no_other_thread(tmp_path, part):
    """Of the 4,000 steps a sample, another one each time: coprime strides visit all in the end."""
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8), settings=QUIET) as memory:

        def add(text="said"):
            memory.add(Turn(role="user", text=text), user_id="ann")

        add()
        _, steps = interrupted(add, at=0)
        kept, stored, at = [], 2, 1 + os.getpid() % 97 + part * 31
        while at < steps:
            error, _ = interrupted(add, at)
            kept.append(error)  # as a notebook keeps the last traceback, with all its frames
            before = len(memory.history(user_id="ann"))
            assert before in (stored, stored + 1)
            other = threading.Thread(target=add, args=("later",))
            other.start()
            other.join(20)
            assert not other.is_alive(), f"step {at} left the ledger locked"
            stored = len(memory.history(user_id="ann"))
            assert stored == before + 1, f"step {at} made the next write fail"
            at += 97


SLOW = """
import os, signal, sys, threading, time
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder
# A shell's background job is started deaf to it, and so are its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
inside = threading.Event()
class Slow(HashEmbedder):
    def embed_documents(self, texts):
        inside.set()
        time.sleep(3)
        return super().embed_documents(texts)
"""


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", SLOW + script, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.sqlite("a database has no folder to let go")
def test_an_interrupt_while_closing_lets_the_folder_go(tmp_path):
    done = run(
        """
closing, once = threading.Event(), threading.Lock()
class Interrupts(Slow):
    def embed_documents(self, texts):  # still at work when the signal comes, on any machine
        inside.set()
        closing.wait(60)
        if once.acquire(blocking=False):  # both the warm-up and the indexer may be in here
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)
        return super().embed_documents(texts)
memory = LightMem(sys.argv[1], embedder=Interrupts(8))
memory.add(Turn(role="user", text="x"), user_id="ann")
assert inside.wait(60), "nothing was embedded"
try:
    closing.set()
    memory.close()
except KeyboardInterrupt:
    print("interrupted")
memory.close()
with LightMem(sys.argv[1], embedder=HashEmbedder(8)) as memory:
    print(len(memory.history(user_id="ann")))
    memory.index_pending()
    time.sleep(3)  # meanwhile the thread that was left behind finds a closed store
    print(len(memory.recall("x", user_id="ann", strict=True).hits))
""",
        tmp_path / "store",
    )
    assert done.stdout.split() == ["interrupted", "1", "1"], done.stderr


def test_sigterm_as_an_exception_leaves_a_store_that_works(tmp_path):
    done = run(
        """
def stop(*_):
    raise SystemExit(3)
signal.signal(signal.SIGTERM, stop)
memory = LightMem(sys.argv[1], embedder=HashEmbedder(8))
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
n = 0
while True:
    memory.add(Turn(role="user", text="x", id=str(n)), user_id="ann")
    n += 1
    print(n, flush=True)
""",
        tmp_path / "store",
    )
    assert done.returncode == 3, done.stderr
    acknowledged = int(done.stdout.split()[-1])
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8), settings=QUIET) as memory:
        stored = len(memory.history(user_id="ann"))
        assert stored in (acknowledged, acknowledged + 1)


def test_a_cancelled_call_is_done_or_not_and_the_store_goes_on(tmp_path):
    async def cancel() -> int:
        async with LightMem(tmp_path / "store", embedder=HashEmbedder(8)) as memory:
            for n in range(20):
                turns = [Turn(role="user", text="x", id=f"{n}-{m}") for m in range(3)]
                task = asyncio.create_task(memory.aadd(turns, user_id="ann"))
                await asyncio.sleep(n * 0.0005)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await memory.aadd(Turn(role="user", text="last"), user_id="ann")
            await memory.aindex_pending()
            return len(await memory.ahistory(user_id="ann"))

    assert asyncio.run(cancel()) % 3 == 1


HANGS = """
import sys, threading, time, os
from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder
inside = threading.Event()
class Hangs(HashEmbedder):
    hangs = True
    def embed_documents(self, texts):
        if not self.hangs:
            return super().embed_documents(texts)
        inside.set()
        time.sleep(600)
    def embed_query(self, text):
        return self.embed_documents([text])[0]
embedder = Hangs(8)
embedder.hangs = False
limits = Settings(close_seconds=0.5, embed_seconds=0.5, catch_up_seconds=0.5)
memory = LightMem(sys.argv[1], embedder=embedder, settings=limits)
memory.add(Turn(role="user", text="herons"), user_id="ann")
memory.index_pending()
embedder.hangs = True
memory.add(Turn(role="user", text="more herons"), user_id="ann")
inside.wait(60)
"""


@pytest.mark.parametrize(
    "call",
    [
        "memory.close(); os._exit(0)",
        "pass",  # the end of the interpreter
        "assert memory.forget(user_id='ann').turns == 2; os._exit(0)",
        "assert memory.recall('herons', user_id='ann').hits; os._exit(0)",
        "memory.stats(); os._exit(0)",
    ],
)
def test_an_embedder_that_hangs_holds_up_nothing_else(tmp_path, call):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HANGS + call, str(tmp_path / "store")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 100
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8)):
        pass  # the folder is free


def test_a_chroma_server_that_never_answers_is_an_error_in_time():
    import socket

    from lightmem_integrations import ChromaIndex, IndexUnavailableError

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        with pytest.raises(IndexUnavailableError, match=r"within 0\.5 s"):
            ChromaIndex.server("127.0.0.1", silent.getsockname()[1], seconds=0.5)
