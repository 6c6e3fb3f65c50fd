"""Backup of a store in use, and reading one whose folder cannot be written."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LedgerError, LightMem, SettingsError, Turn
from lightmem_integrations.testing import HashEmbedder

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("a backup is a copy of the file")]


def test_no_acknowledged_turn_is_lost_in_a_backup(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store", background=True)
    acknowledged, stop = [], threading.Event()

    def write(number):
        count = 0
        while not stop.is_set():
            memory.add(Turn(role="user", text="x", id=f"{number}-{count}"), user_id="ann")
            acknowledged.append(f"{number}-{count}")
            count += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    copies = []
    for number in range(4):
        enough = len(acknowledged) + 5
        while len(acknowledged) < enough:
            threading.Event().wait(0.01)
        before = set(acknowledged)
        memory.backup(tmp_path / f"copy {number}")
        copies.append((tmp_path / f"copy {number}", before))
    stop.set()
    for each in threads:
        each.join(30)
    memory.close()
    for folder, before in copies:
        held = [turn.id for turn in open_memory(folder).history(user_id="ann")]
        assert before <= set(held)
        assert len(held) == len(set(held))


def test_a_backup_opens_as_a_store_also_over_an_index_of_later(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    memory.add([Turn(role="user", text=f"heron {n}") for n in range(10)], user_id="ann")
    memory.index_pending()
    memory.backup(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    names = {each.name: each.stat().st_mode & 0o777 for each in (tmp_path / "copy").iterdir()}
    assert names == {"ledger.sqlite": 0o600, "ledger.created": 0o600}
    memory.forget(user_id="ann")
    memory.add([Turn(role="user", text=f"stork {n}") for n in range(10)], user_id="ann")
    memory.index_pending()
    memory.close()
    shutil.copy(tmp_path / "copy" / "ledger.sqlite", tmp_path / "store" / "ledger.sqlite")
    for folder in (tmp_path / "copy", tmp_path / "store"):
        back = open_memory(folder)
        back.index_pending()
        found = back.recall("heron 7", user_id="ann", strict=True)
        assert found.hits[0].text.endswith("heron 7")
        assert found.degraded == ()


def test_a_backup_overwrites_nothing(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    memory.backup(tmp_path / "copy")
    for folder in (tmp_path / "copy", tmp_path / "store"):
        with pytest.raises(LedgerError, match="exists already"):
            memory.backup(folder)
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file"):
        memory.backup(tmp_path / "file")


OWNER = """
import sys
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder
memory = LightMem(sys.argv[1], embedder=HashEmbedder())
memory.add(Turn(role="user", text="In the log of another process."), user_id="ann")
print("open", flush=True)
sys.stdin.read()
"""


def test_the_command_copies_what_another_process_has_open(open_memory, tmp_path):
    from lightmem_integrations.cli import app

    command = [sys.executable, "-c", OWNER, str(tmp_path / "store")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"open\n"
        done = CliRunner().invoke(app, ["backup", str(tmp_path / "store"), str(tmp_path / "copy")])
        owner.stdin.close()
    assert done.exit_code == 0, done.output
    assert len(open_memory(tmp_path / "copy").history(user_id="ann")) == 1


def as_nobody(work) -> str:
    """What ``work`` says, run in a child process as a user who owns nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(65_534)
            os.setuid(65_534)
            said = work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return pipe.read()


@pytest.fixture
def foreign():
    """A folder below which others may read, and write nothing."""
    folder = Path(tempfile.mkdtemp(prefix="lightmem-foreign-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be another")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("in_use", [False, True])
def test_a_store_that_cannot_be_written_is_read(open_memory, foreign, in_use):
    memory = open_memory(foreign / "store")
    memory.add([Turn(role="user", text=f"heron {n}") for n in range(10)], user_id="ann")
    memory.index_pending()
    memory.recall("heron 7", user_id="ann", strict=True)  # all modules are loaded
    if not in_use:
        memory.close()
    for each in foreign.rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)
    before = sorted(foreign.rglob("*"))

    def read():
        with LightMem(foreign / "store", embedder=HashEmbedder()) as found:
            hits = found.recall("heron 7", user_id="ann", strict=True).hits
            assert hits[0].text.endswith("heron 7")
            assert found.stats().turns == 10
            try:
                found.add(Turn(role="user", text="more"), user_id="ann")
            except LedgerError as error:
                return str(error)
        return "it was written"

    assert "reading only" in as_nobody(read)
    assert sorted(foreign.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be another")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_store_that_may_not_be_read_or_made_says_so(open_memory, foreign):
    open_memory(foreign / "private").close()

    def say(path):
        return lambda: str(LightMem(path, embedder=HashEmbedder()).path)

    for path in (foreign / "private", foreign / "new"):
        said = as_nobody(say(path))
        assert said.startswith("StorageError"), said
        assert "Permission denied" in said
    assert list(foreign.iterdir()) == [foreign / "private"]
