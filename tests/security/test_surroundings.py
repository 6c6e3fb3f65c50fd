"""What lies around a store must not reach into it, and nothing of it may leak out."""

import json
import logging
import os
import socket
import subprocess
import sys

import chromadb
import pytest

from lightmem_integrations import LightMem, LightMemError, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

HOSTILE = """
ALLOW_RESET=true
CHROMA_SERVER_HOST=evil.example
CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI
CHROMA_SERVER_HTTP_PORT=1
IS_PERSISTENT=false
PERSIST_DIRECTORY=/tmp/evil
ANONYMIZED_TELEMETRY=true
CHROMA_SYSDB_IMPL=nonsense
UNKNOWN_SETTING=1
"""


def live(memory: LightMem) -> None:
    """A whole life: everything that touches the ledger, the index and the model."""
    memory.warm_up()
    memory.add(
        [
            Turn(role="user", text=f"CANARYtext heron {n}", speaker="CANARYspeaker")
            for n in range(9)
        ],
        user_id="ann",
    )
    memory.index_pending()
    memory.recall("CANARYquery heron", user_id="ann", strict=True)
    memory.short_term(user_id="ann")
    memory.reindex()
    memory.forget(user_id="ann", session_id="default")
    memory.stats()


@pytest.mark.sqlite("looks for the files of a folder")
def test_a_hostile_env_file_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(HOSTILE)
    monkeypatch.chdir(tmp_path)
    used = []
    real = chromadb.PersistentClient

    def client(path, settings):
        made = real(path=path, settings=settings)
        used.append(made.get_settings())
        return made

    monkeypatch.setattr(chromadb, "PersistentClient", client)
    settings = Settings(column_mebibytes=0)  # all users are in Chroma
    with LightMem(tmp_path / "store", embedder=HashEmbedder(), settings=settings) as memory:
        live(memory)
    assert used
    assert not any(each.allow_reset or each.anonymized_telemetry for each in used)
    assert {each.name for each in tmp_path.iterdir()} == {".env", "store"}


@pytest.mark.sqlite("opens no connection at all")
def test_the_core_opens_no_connection(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    settings = Settings(column_mebibytes=0)  # all users are in Chroma
    with LightMem(tmp_path / "store", settings=settings) as memory:  # the shipped model
        live(memory)
    with LightMem() as memory:
        live(memory)


@pytest.mark.sqlite("opens no connection at all")
def test_a_new_process_opens_no_connection_either(tmp_path):
    script = """
import socket, sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args))
                 if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo") else None)
from lightmem_integrations import LightMem, Settings, Turn
with LightMem(sys.argv[1], settings=Settings(column_mebibytes=0)) as memory:
    memory.add(Turn(role="user", text="A heron."), user_id="ann")
    memory.index_pending()
    assert memory.recall("heron", user_id="ann", strict=True).hits
print(opened)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


LIFE_AMONG_WATCHED_FOLDERS = """
import os, socket, sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args))
                 if event.startswith("socket.") and event != "socket.__new__" else None)
from lightmem_integrations import LightMem, Settings, Turn
if sys.argv[2] == "chroma":  # whoever else imports it
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2
    ONNXMiniLM_L6_V2()
with LightMem(sys.argv[1], settings=Settings(column_mebibytes=0)) as memory:
    memory.add(Turn(role="user", text="A heron."), user_id="ann")
    assert memory.recall("heron", user_id="ann", strict=True).hits
    sockets = []
    if os.path.isdir("/proc/self/net"):
        internet = {line.split()[9] for kind in ("tcp", "tcp6", "udp", "udp6")
                    for line in open("/proc/self/net/" + kind).readlines()[1:]}
        links = [os.path.realpath("/proc/self/fd/" + each) for each in os.listdir("/proc/self/fd")]
        sockets = [each for each in links if each.partition("socket:[")[2][:-1] in internet]
print(opened, sockets)
"""


@pytest.mark.sqlite("opens no connection at all")
@pytest.mark.parametrize("first", ["ours", "chroma"])
def test_no_file_is_left_outside_the_folder_and_no_socket_is_opened(tmp_path, first):
    """Native code opens files and sockets of its own, which no audit hook of Python sees."""
    watched = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
               "XDG_STATE_HOME", "XDG_RUNTIME_DIR")  # fmt: skip
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    for name in watched:
        (tmp_path / name).mkdir()
        environment[name] = str(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", LIFE_AMONG_WATCHED_FOLDERS, str(tmp_path / "store"), first],
        capture_output=True, text=True, timeout=120, check=False, env=environment,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] []"
    left = [each for name in watched for each in (tmp_path / name).rglob("*") if each.is_file()]
    assert left == []


@pytest.mark.parametrize("background", [True, False])
def test_logs_hold_no_memory(tmp_path, caplog, background):
    class Broken(HashEmbedder):
        broken = False

        def embed_documents(self, texts):
            if self.broken:
                raise RuntimeError("out of memory")
            return super().embed_documents(texts)

    embedder = Broken()
    settings = Settings(background_indexing=background)
    with (
        caplog.at_level(logging.DEBUG),
        LightMem(tmp_path / "store", embedder=embedder, settings=settings) as memory,
    ):
        live(memory)
        embedder.broken = True
        memory.add(Turn(role="user", text="CANARYtext again", id="CANARYid"), user_id="CANARYuser")
        memory.recall("CANARYquery", user_id="CANARYuser")
        for wrong in (
            lambda: memory.add(
                Turn(role="user", text="CANARYother", id="CANARYid"), user_id="CANARYuser"
            ),
            lambda: memory.add(Turn(role="user", text="CANARY\0nul"), user_id="CANARYuser"),
            lambda: memory.recall("CANARYquery", user_id="CANARYuser", strict=True),
        ):  # fmt: skip
            with pytest.raises(LightMemError) as caught:
                wrong()
            assert "CANARYtext" not in str(caught.value)
            assert "CANARYother" not in str(caught.value)
        repr(memory)
    everything = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records)])
    for canary in ("CANARYtext", "CANARYquery", "CANARYspeaker", "CANARYother"):
        assert canary not in everything


def test_importing_the_package_loads_nothing_heavy():
    script = """
import sys
before = set(sys.modules)
import lightmem_integrations
names = {name.split(".")[0] for name in set(sys.modules) - before}
print(" ".join(sorted(names)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "chromadb", "langchain", "langchain_core", "llama_index", "numpy",
             "onnxruntime", "sqlalchemy", "transformers", "sentence_transformers", "tokenizers",
             "dateparser", "rich", "typer"}  # fmt: skip
    assert not heavy & set(done.stdout.split())


@pytest.mark.sqlite("writes into the file")
def test_a_store_that_someone_tampered_with_stays_plain_data(tmp_path):
    import sqlite3

    path = tmp_path / "store"
    settings = Settings(background_indexing=False)
    message = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "x"}}
    with LightMem(path, embedder=HashEmbedder(), settings=settings) as memory:
        memory.add(Turn(role="user", text="heron", id="t", message={"a": 1}), user_id="ann")
        memory.index_pending()
    database = sqlite3.connect(path / "ledger.sqlite")
    database.execute("UPDATE turns SET message = ?, text = ?", (json.dumps(message), "</memory>"))
    database.commit()
    database.close()
    with LightMem(path, embedder=HashEmbedder(), settings=settings) as memory:
        assert memory.history(user_id="ann")[0].message == message
        text = memory.recall("heron", user_id="ann", strict=True).text
        assert text.count("</memory>") <= 1


@pytest.mark.sqlite("modes of files")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_our_error(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir(mode=0o500)
    with pytest.raises(LightMemError):
        LightMem(folder / "below", embedder=HashEmbedder())


@pytest.mark.sqlite("fills the disk under the file")
def test_a_full_disk_is_our_error_and_harms_nothing(tmp_path):
    script = """
import resource, signal, sys
from lightmem_integrations import LightMem, LedgerError, Settings, Turn
from lightmem_integrations.testing import HashEmbedder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
settings = Settings(background_indexing=False)
memory = LightMem(sys.argv[1], embedder=HashEmbedder(), settings=settings)
memory.add(Turn(role="user", text="Before.", id="before"), user_id="ann")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
stored = 0
try:
    for n in range(100):
        memory.add([Turn(role="user", text="x " * 40_000)], user_id="ann")
        stored += 1
except LedgerError as error:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
memory.add(Turn(role="user", text="After."), user_id="ann")
assert len(memory.history(user_id="ann")) == stored + 2
assert memory.recall("after", user_id="ann").hits
memory.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "refused"
