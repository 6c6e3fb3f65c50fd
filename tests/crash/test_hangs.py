"""What never answers: an embedder, a writer, an index. Every call ends, and so does the process."""

import subprocess
import sys
import time

import pytest

from lightmem_integrations import LightMem
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

SETUP = """
import logging, os, sys, threading, time
from lightmem_integrations import *
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
never, hanging = threading.Event(), set()

def hang(name):
    if name in hanging:
        never.wait()

class Embedder(HashEmbedder):
    def embed_documents(self, texts):
        hang("embedder")
        return super().embed_documents(texts)
    def embed_query(self, text):
        hang("embedder")
        return super().embed_query(text)

class Writer(ScriptedWriter):
    called = threading.Event()
    def write(self, turns):
        self.called.set()
        hang("writer")
        return super().write(turns)

class Index(ExactIndex):
    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        return (lambda *given, **named: (hang(name), found(*given, **named))[1]) \
            if callable(found) else found

SHORT = dict(work_seconds=0.5, embed_seconds=0.5, catch_up_seconds=0.5, close_seconds=0.5)

def opened(*, hung=None, index=None, writer=None, writer_seconds=0.5, **settings):
    consolidation = ConsolidationSettings(quiet_seconds=0, writer_seconds=writer_seconds)
    memory = LightMem(
        sys.argv[1], embedder=Embedder(8), index=index, writer=writer,
        settings=Settings(**SHORT | {"background_indexing": False, "consolidation": consolidation}
                          | settings),
    )
    memory.add(Turn(role="user", text="Ann.likes + herons"), user_id="ann")
    memory.index_pending()
    hanging.add(hung)
    memory.add(Turn(role="user", text="Ann.likes + tea"), user_id="ann", session_id="two")
    return memory

def says(error, setting, call):
    try:
        call()
    except error as raised:
        assert setting in str(raised), raised
        assert "0.5 s" in str(raised), raised
    else:
        raise AssertionError("nothing was raised")
"""


@pytest.fixture
def child(programs):
    """Runs a script; fails if its process does not end by itself in time."""

    def child(folder, script, *, seconds=60.0):
        started = time.monotonic()
        done = programs.run(SETUP + script, folder, timeout=150)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - started < seconds, done.stderr
        return done

    return child


@pytest.mark.parametrize("call", ["index_pending", "warm_up", "reindex"])
def test_work_by_hand_says_which_setting_ended_it(child, tmp_path, call):
    child(
        tmp_path / "store",
        f"""
memory = opened(hung="embedder")
says(ModelError, "Settings.work_seconds", memory.{call})
hanging.clear()
never.set()
assert memory.index_pending() >= 0  # it answers again
assert memory.recall("tea", user_id="ann", strict=True).hits
""",
    )


def test_an_embedder_that_comes_back_is_used_by_the_background_too(child, tmp_path):
    child(
        tmp_path / "store",
        """
memory = opened(hung="embedder", background_indexing=True)
time.sleep(1)
hanging.clear()  # what hangs already never returns
until = time.monotonic() + 40
while memory.stats().pending and time.monotonic() < until:
    time.sleep(0.05)
assert not memory.stats().pending
""",
    )


def test_a_writer_that_hangs_is_in_the_report(child, tmp_path):
    child(
        tmp_path / "store",
        """
memory = opened()
hanging.add("writer")
report = memory.consolidate(writer=Writer(), final=True)
assert report.failed == 1, report
assert "0.5 s of ConsolidationSettings.writer_seconds" in report.problems[0], report
hanging.clear()
memory.consolidate(writer=Writer(), final=True)
assert [fact.value for fact in memory.facts(user_id="ann")] == ["tea"]  # the other one rests
""",
    )


def test_a_run_by_hand_beside_a_writer_that_hangs_leaves_out_whom_it_holds(child, tmp_path):
    child(
        tmp_path / "store",
        """
from lightmem_integrations.testing import ScriptedWriter
memory = opened(
    writer=Writer(), background_consolidation=True, writer_seconds=600
)
hanging.add("writer")
memory.add(Turn(role="user", text="Ann.likes + rain"), user_id="ann", session_id="three")
assert Writer.called.wait(30)
memory.add(Turn(role="user", text="Bob.likes + snow"), user_id="bob")
report = memory.consolidate(writer=ScriptedWriter(), final=True)
assert (report.busy, report.written) == (1, 1), report
assert "Settings.work_seconds" in report.problems[-1], report
assert [fact.value for fact in memory.facts(user_id="bob")] == ["snow"]
""",
    )


@pytest.mark.parametrize("method", ["upsert", "search", "delete", "replace", "healthy", "close"])
def test_an_index_that_hangs_in_one_method_holds_up_no_call(child, tmp_path, method):
    done = child(
        tmp_path / "store",
        f"""
memory = opened(index=Index(), hung={method!r})
for call in (memory.index_pending, memory.warm_up, memory.reindex):
    try:
        call()
    except IndexUnavailableError as error:
        assert "0.5 s of Settings." in str(error), error
found = memory.recall("herons", user_id="ann")
assert [hit.text for hit in found.hits][0] == "Ann.likes + herons", found
try:
    memory.forget(user_id="ann")
except IndexUnavailableError as error:
    assert "0.5 s of Settings.work_seconds" in str(error), error
assert not memory.recall("herons", user_id="ann").hits
memory.close()
""",
    )
    assert ("closed without its index" in done.stderr) == (method == "close")
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8)) as memory:
        assert memory.users() == ()


def test_documents_are_written_and_found_though_the_embedder_hangs(child, tmp_path):
    pytest.importorskip("langgraph")
    child(
        tmp_path / "store",
        """
from lightmem_integrations.langchain import LightMemStore
memory = opened()
store, strict = LightMemStore(memory), LightMemStore(memory, strict=True)
store.put(("ann",), "a", {"text": "herons"})
hanging.add("embedder")
store.put(("ann",), "b", {"text": "tea"})
assert {item.key for item in store.search(("ann",), query="tea")} == {"a", "b"}
says(ModelError, "Settings.embed_seconds", lambda: strict.search(("ann",), query="tea"))
says(ModelError, "Settings.embed_seconds", lambda: strict.put(("ann",), "c", {"text": "x"}))
hanging.clear()
assert store.search(("ann",), query="tea")[0].key == "b"
""",
    )


def test_the_interpreter_ends_though_a_chain_still_waits_for_memory(child, tmp_path):
    pytest.importorskip("langchain_core")
    child(
        tmp_path / "store",
        """
from lightmem_integrations.langchain import LightMemRecall
memory = opened(embed_seconds=600, catch_up_seconds=600)
recall = LightMemRecall(memory=memory, user_id="ann", recall_seconds=0.2)
hanging.add("embedder")
began = time.monotonic()
recall.invoke("herons")  # found by its words where these come in time, else nothing
assert time.monotonic() - began < 5
""",
    )


def test_what_is_still_being_recorded_at_the_end_of_the_interpreter_is_kept(child, tmp_path):
    pytest.importorskip("langchain_core")
    child(
        tmp_path / "store",
        """
from langchain_core.runnables import RunnableLambda
from lightmem_integrations.langchain import record_turns
memory = opened(close_seconds=30)
add = memory.add
memory.add = lambda *given, **named: (time.sleep(2), add(*given, **named))
chain = record_turns(RunnableLambda(lambda _: "At the harbour."), memory, user_id="ann")
chain.invoke("Where are the herons?")
""",
    )
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8)) as memory:
        assert [turn.text for turn in memory.history(user_id="ann")][1:] == [
            "Where are the herons?", "At the harbour.",
        ]  # fmt: skip


def test_a_program_that_ends_before_its_index_was_opened_says_nothing_of_it(tmp_path):
    """A script on a busy machine, whose turns are embedded and indexed at the next opening."""
    program = """
import sys, time
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder

class Slow(HashEmbedder):
    def embed_documents(self, texts):
        time.sleep(1)
        return super().embed_documents(texts)

memory = LightMem(sys.argv[1], embedder=Slow(8))
memory.add(Turn(role="user", text="I moved to Lisbon."), user_id="ann")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "store"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8)) as memory:
        memory.index_pending()
        assert memory.recall("Lisbon", user_id="ann", strict=True).hits
