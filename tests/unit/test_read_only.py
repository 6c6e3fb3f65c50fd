"""Reading a store beside the process that owns it: what is written there shows at once."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lightmem_integrations import (
    ExactIndex,
    LightMem,
    ReadOnlyError,
    Settings,
    SettingsError,
    StorageError,
    StoreLockedError,
    Turn,
)
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite("a database is read beside who writes it"),
]

OWNER = """
import sys
from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
memory = LightMem(
    sys.argv[1], embedder=HashEmbedder(), writer=ScriptedWriter(),
    settings=Settings(background_indexing=False, column_mebibytes=int(sys.argv[2])),
)
for line in sys.stdin:
    verb, _, text = line.strip().partition(" ")
    if verb == "add":
        memory.add(Turn(role="user", text=text, id=text), user_id="ann")
        memory.index_pending()
    elif verb == "forget":
        memory.forget(user_id="ann", turn_ids=[text])
    elif verb == "consolidate":
        memory.consolidate()
    print("done", flush=True)
"""


class Owner:
    """Another process that has a store open, and does what it is told."""

    def __init__(self, folder, column_mebibytes=64):
        command = [sys.executable, "-c", OWNER, str(folder), str(column_mebibytes)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, **pipes)

    def do(self, order):
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def own():
    """Starts owners, and ends them."""
    started = []

    def own(folder, **options):
        started.append(Owner(folder, **options))
        return started[-1]

    yield own
    for each in started:
        each.process.stdin.close()
        each.process.stdout.close()
        each.process.wait(30)


def found(memory, question):
    return [hit.text for hit in memory.recall(question, user_id="ann", strict=True).hits]


# With columns of 0 MiB, every user is in the owner's vector index.
@pytest.mark.parametrize("column_mebibytes", [64, 0])
def test_a_reader_sees_what_the_owner_writes_and_erases_meanwhile(
    open_memory, own, tmp_path, column_mebibytes
):
    owner = own(tmp_path / "store", column_mebibytes=column_mebibytes)
    owner.do("add the heron stands")
    settings = Settings(background_indexing=False, column_mebibytes=column_mebibytes)
    with pytest.raises(StoreLockedError):
        open_memory(tmp_path / "store", settings=settings)
    reader = open_memory(tmp_path / "store", settings=settings, read_only=True)
    assert found(reader, "heron") == ["the heron stands"]
    owner.do("add Ann.home = Lisbon")
    assert found(reader, "home Lisbon")[0] == "Ann.home = Lisbon"
    owner.do("consolidate")
    assert [fact.value for fact in reader.facts(user_id="ann")] == ["Lisbon"]
    owner.do("forget the heron stands")
    assert "the heron stands" not in found(reader, "heron")
    assert reader.stats().turns == 1
    owner.do("add the owner writes on")


def test_a_reader_changes_nothing_and_says_so(open_memory, own, tmp_path):
    own(tmp_path / "store").do("add the heron stands")
    before = {
        each.name: each.read_bytes()
        for each in (tmp_path / "store").iterdir()
        if each.is_file() and not each.name.endswith("-shm")
    }
    reader = open_memory(tmp_path / "store", read_only=True, writer=ScriptedWriter())
    for write in (
        lambda: reader.add(Turn(role="user", text="more"), user_id="ann"),
        lambda: reader.forget(user_id="ann"),
        lambda: reader.forget(user_id="nobody"),
        lambda: reader.consolidate(),
        lambda: reader.clear_short_term(user_id="ann"),
        lambda: reader.index_pending(),
        lambda: reader.reindex(),
    ):
        with pytest.raises(ReadOnlyError, match="reading only"):
            write()
    found(reader, "heron")
    reader.close()
    for name, content in before.items():
        assert (tmp_path / "store" / name).read_bytes() == content, name


def test_readers_work_in_the_background_without_a_warning(open_memory, own, tmp_path, caplog):
    own(tmp_path / "store").do("add the heron stands")
    settings = Settings(background_consolidation=True)
    for _ in range(2):
        reader = open_memory(tmp_path / "store", settings=settings, read_only=True)
        assert found(reader, "heron") == ["the heron stands"]
    reader.close()
    assert not caplog.records


def test_an_owner_opens_a_store_that_is_being_read(open_memory, tmp_path):
    with LightMem(tmp_path / "store", embedder=HashEmbedder()) as memory:
        memory.add(Turn(role="user", text="the heron stands"), user_id="ann")
        memory.index_pending()
    reader = open_memory(tmp_path / "store", read_only=True)
    assert found(reader, "heron") == ["the heron stands"]
    owner = open_memory(tmp_path / "store")
    owner.add(Turn(role="user", text="the stork stands"), user_id="ann")
    owner.index_pending()
    assert set(found(reader, "stork")) == {"the heron stands", "the stork stands"}
    owner.forget(user_id="ann")
    assert reader.users() == ()


def test_there_is_nothing_to_read_where_there_is_no_store(open_memory, tmp_path):
    with pytest.raises(StorageError, match="There is no store"):
        open_memory(tmp_path / "store", read_only=True)
    assert not (tmp_path / "store").exists()
    for path, index in ((None, None), (tmp_path, ExactIndex())):
        with pytest.raises(SettingsError, match="read_only=True"):
            open_memory(path, index=index, read_only=True)


@pytest.mark.parametrize(
    "command", [["recall", "heron", "-u", "ann"], ["inspect", "-u", "ann"], ["stats"], ["users"]]
)
def test_the_commands_that_read_do_so_beside_the_owner(open_memory, own, tmp_path, command):
    from lightmem_integrations.cli import app

    store = str(tmp_path / "store")
    with LightMem(store) as memory:  # the embedder of the commands
        memory.add(Turn(role="user", text="the heron stands"), user_id="ann")
    holder = LightMem(store)
    arguments = [command[0], store, *command[1:]]
    try:
        in_use = [sys.executable, "-m", "lightmem_integrations.cli", *arguments]
        refused = subprocess.run(in_use, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert "in use" in refused.stderr
        done = CliRunner().invoke(app, [*arguments, "--read-only"])
    finally:
        holder.close()
    assert done.exit_code == 0, done.output
    assert "ann" in done.output or "1" in done.output
