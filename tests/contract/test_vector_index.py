"""What every vector index must do: exact, Chroma in a folder, in memory and on a server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from lightmem_integrations import ChromaIndex, ExactIndex, IndexUnavailableError
from lightmem_integrations.storage.chroma.generations import ClientGenerations, chroma_settings
from lightmem_integrations.storage.postgresql.index import PgVectorIndex
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.schema import sessions, turns, users
from lightmem_integrations.storage.schema import vectors as vectors_table
from lightmem_integrations.storage.sql import upsert
from lightmem_integrations.storage.vector_bytes import pack_vector
from lightmem_integrations.testing.index_contract import A, IndexContract, batch, ids, vectors


@pytest.fixture
def server(chroma_server):
    """Gives indexes on a real server of this machine, and closes them."""
    host, port = chroma_server
    made = []

    def connect(namespace: str, shards: int = 2) -> ChromaIndex:
        made.append(ChromaIndex.server(host, port, namespace=namespace, shards=shards))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture
def client(chroma_server):
    """A client of a real server, made by whoever uses the index, as for Chroma Cloud."""
    import chromadb

    host, port = chroma_server
    made = chromadb.HttpClient(host, port, settings=chroma_settings())
    yield made
    ClientGenerations(made, "none", owned=True).close(whole=False)  # Chroma's own leaves sockets


class WithRows(PgVectorIndex):
    """Writes to the ledger first what it is to hold of it: it holds nothing else."""

    def _upsert(self, connection, batch, **options):
        user, same = int(batch.scope[:2], 16), {"searchable": 0, "terms": 0, "length": 0}
        same |= {"key": batch.scope, "name": batch.scope, "user": user, "session": user}
        same |= dict.fromkeys(("role", "text", "digest"), "") | {"window_from": 0, "version": 1}
        same |= dict.fromkeys(("said_at", "offset", "recorded_at"), 0)
        rows = [
            same | {"id": n, "turn": n, "position": n, "key": str(n), "vector": pack_vector(vector)}
            for n, vector in zip(batch.ids, batch.vectors, strict=True)
        ]
        owner = [same | {"id": user}]
        for table, new in ((users, owner), (sessions, owner), (turns, rows), (vectors_table, rows)):
            of_it = [{k: v for k, v in row.items() if k in table.c} for row in new]
            of_it = [row | {"terms": ""} for row in of_it] if table is turns else of_it
            connection.execute(upsert(table).on_conflict_do_nothing(), of_it)
        super()._upsert(connection, batch, **options)


class TestExactIndex(IndexContract):
    exact = True

    @pytest.fixture
    def index(self):
        return ExactIndex()


class TestChromaInAFolder(IndexContract):
    @pytest.fixture
    def index(self, tmp_path):
        made = ChromaIndex.embedded(tmp_path / "index", shards=3)
        yield made
        made.close()


class TestChromaInMemory(IndexContract):
    @pytest.fixture
    def index(self):
        made = ChromaIndex.ephemeral()
        yield made
        made.close()


class TestChromaOnAServer(IndexContract):
    @pytest.fixture
    def index(self, server):
        return server(f"test-{uuid.uuid4().hex}", shards=3)


class TestChromaOfAClient(IndexContract):
    @pytest.fixture
    def index(self, client):
        made = ChromaIndex.of_client(client, namespace=f"of-{uuid.uuid4().hex}", shards=3)
        yield made
        made.close()


class TestPgVector(IndexContract):
    tolerance = 3e-4  # the ledger has half vectors, and pgvector is given no others
    counts = False  # what it holds is what the ledger has: its foreign keys see to that

    @pytest.fixture
    def index(self, postgresql_database):
        ledger = PostgresLedger(postgresql_database)
        made = WithRows(ledger)
        made.replace([])
        yield made
        made.close()
        ledger.close()


def test_a_folder_that_was_closed_is_found_again(tmp_path):
    one = ChromaIndex.embedded(tmp_path / "index", shards=3)
    one.upsert(batch(A, 0, 30))
    one.close()
    two = ChromaIndex.embedded(tmp_path / "index", shards=3)
    assert two.healthy({A: 30}, {A: 30})
    assert len(two.search(A, vectors(1)[0], 9, size=30)) == 9
    two.close()


def test_replace_leaves_no_old_file(tmp_path):
    index = ChromaIndex.embedded(tmp_path / "index", shards=2)
    index.upsert(batch(A, 0, 50))
    for _ in range(3):
        index.replace(iter([batch(A, 0, 50)]))
        generations = [each for each in (tmp_path / "index").iterdir() if each.is_dir()]
        assert len(generations) == 1
    index.close()


def test_ephemeral_indexes_do_not_see_each_other():
    one, two = ChromaIndex.ephemeral(), ChromaIndex.ephemeral()
    one.upsert(batch(A, 0, 5))
    assert two.search(A, vectors(1)[0], 5, size=5) == []
    assert two.healthy({}, {})


def test_a_client_that_was_given_stays_its_givers(client):
    index = ChromaIndex.of_client(client, namespace="given")
    index.upsert(batch(A, 0, 5))
    index.close()
    assert any(each.name.startswith("given-") for each in client.list_collections())
    again = ChromaIndex.of_client(client, namespace="given")
    assert again.healthy({A: 5}, {A: 5})
    assert len(again.search(A, vectors(1)[0], 9, size=5)) == 5


def test_two_namespaces_share_a_server(server):
    one = server("one")
    two = server("one-two")
    one.upsert(batch(A, 0, 5))
    two.upsert(batch(A, 50, 6))
    one.replace(iter([batch(A, 10, 3)]))
    assert len(one.search(A, vectors(1)[0], 9, size=3)) == 3
    assert len(two.search(A, vectors(1)[0], 9, size=6)) == 6, "replace removed a neighbour's"


def test_a_server_is_found_again(server):
    one = server("again")
    one.upsert(batch(A, 0, 5))
    one.replace(iter([batch(A, 0, 5)]))
    two = server("again")
    assert two.healthy({A: 5}, {A: 5})
    assert len(two.search(A, vectors(1)[0], 9, size=5)) == 5


def test_processes_that_share_a_server_see_what_each_other_writes(server):
    one, two = server("shared"), server("shared")
    query = vectors(1)[0]
    assert two.search(A, query, 9, size=5) == []
    one.upsert(batch(A, 0, 5))
    assert len(two.search(A, query, 9, size=5)) == 5
    one.replace(iter([batch(A, 10, 3)]))  # the collections that two knows are gone
    with contextlib.suppress(IndexUnavailableError):
        two.search(A, query, 9, size=3)
    assert set(ids(two.search(A, query, 9, size=3))) == {10, 11, 12}
    one.replace(iter([batch(A, 10, 3)]))
    with contextlib.suppress(IndexUnavailableError):
        two.upsert(batch(A, 20, 1))
    two.upsert(batch(A, 20, 1))
    assert set(ids(one.search(A, query, 9, size=4))) == {10, 11, 12, 20}


def test_a_server_that_is_not_there_is_our_error():
    with pytest.raises(IndexUnavailableError):
        ChromaIndex.server("127.0.0.1", 9)


def test_a_whole_memory_on_a_server(server, open_memory, tmp_path):
    from lightmem_integrations import Turn

    index = server("whole")
    memory = open_memory(tmp_path, index=index)
    for user in ("ann", "bob"):
        memory.add([Turn(role="user", text=f"heron {user} {n}") for n in range(9)], user_id=user)
    memory.index_pending()
    found = memory.recall("heron ann 3", user_id="ann", strict=True)
    assert found.hits[0].text == "heron ann 3"
    memory.forget(user_id="ann")
    assert memory.recall("heron", user_id="bob", k=9, strict=True).degraded == ()
    memory.close()
    again = server("whole")
    memory = open_memory(tmp_path, index=again)
    memory.index_pending()
    assert len(memory.recall("heron", user_id="bob", k=9, strict=True).hits) == 9


_BESIDE = """
import sys
from lightmem_integrations import ChromaIndex, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

url, host, port = sys.argv[1:]
settings = Settings(background_indexing=False, embed_seconds=60)
index = ChromaIndex.server(host, int(port), namespace="beside")
with LightMem(url, index=index, embedder=HashEmbedder(), settings=settings) as memory:
    found = memory.recall("heron 1", user_id="ann", strict=True)
    assert found.hits[0].text == "heron 1" and not found.degraded, found
    memory.add(Turn(role="user", text="stork 2"), user_id="ann")
    memory.index_pending()
    memory.forget(user_id="bob")
"""


@pytest.mark.slow
def test_processes_on_one_database_share_a_server(chroma_server, postgresql_database):
    from lightmem_integrations import LightMem, Settings, SettingsError, Turn
    from lightmem_integrations.safety import key_of
    from lightmem_integrations.testing import HashEmbedder

    host, port = chroma_server
    index = ChromaIndex.server(host, port, namespace="beside")
    settings = Settings(background_indexing=False, embed_seconds=60)
    given = {"embedder": HashEmbedder(), "settings": settings}
    with LightMem(postgresql_database, index=index, **given) as memory:
        for user in ("ann", "bob"):
            said = [Turn(role="user", text=f"heron {n}") for n in range(9)]
            memory.add(said, user_id=user)
        memory.index_pending()
        command = [sys.executable, "-c", _BESIDE, postgresql_database, host, str(port)]
        subprocess.run(command, check=True, timeout=120)
        found = memory.recall("stork 2", user_id="ann", k=10, strict=True)
        assert found.hits[0].text == "stork 2"
        assert found.degraded == ()
        assert len(found.hits) == 10
        assert memory.users() == ("ann",)
        assert index.search(key_of("bob"), HashEmbedder().embed_query("heron 1"), 9, size=9) == []
    with pytest.raises(SettingsError, match=r"ChromaIndex.*PgVectorIndex"):
        LightMem(postgresql_database, **given)
    again = ChromaIndex.server(host, port, namespace="beside")
    with LightMem(postgresql_database, index=again, **given) as memory:
        assert memory.recall("stork", user_id="ann", strict=True).hits


@pytest.mark.slow
def test_a_server_that_dies_degrades_recall_and_loses_nothing(open_memory, tmp_path):
    """Its own server, since this one is killed."""
    from lightmem_integrations import Turn

    program = Path(sys.executable).parent / "chroma"
    if not program.exists():
        pytest.skip("there is no chroma program beside this Python")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "run", "--path", tmp_path / "server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                index = ChromaIndex.server("127.0.0.1", port, shards=1)
                break
            except IndexUnavailableError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        memory = open_memory(tmp_path / "store", index=index)
        memory.add(Turn(role="user", text="A heron."), user_id="ann")
        memory.index_pending()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    found = memory.recall("heron", user_id="ann")
    assert found.hits
    assert found.degraded
    with pytest.raises(IndexUnavailableError):
        memory.recall("heron", user_id="ann", strict=True)
    assert not index.healthy({A: 1}, {A: 1})
    memory.add(Turn(role="user", text="Another heron."), user_id="ann")
    assert len(memory.recall("heron", user_id="ann").hits) == 2
    index.close()
