"""After forget and purge, no file of a database cluster holds a byte of what was erased."""

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.storage.packed_vectors import PackedVectors
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from postgresql import PostgresServer, make_database

pytestmark = pytest.mark.slow

CANARIES = ("CANARYtext", "CANARYsession", "CANARYspeaker", "CANARYmeta", "CANARYfact",
            "canarytext", "CANARYdocument", "CANARYuser", "CANARYagent")  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as server:
        yield server


def in_files(server, needles):
    """Which needles lie where: in tables and indexes, the log, or elsewhere in the cluster."""
    found = {}
    for path in server.data.rglob("*"):
        if not path.is_file():
            continue
        data, top = path.read_bytes(), path.relative_to(server.data).parts[0]
        for name, needle in needles.items():
            if needle in data:
                found.setdefault(top, set()).add(name)
    return found


def admin(url):
    plain = make_url(url).set(drivername="postgresql", query={})
    return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)


def vectors_of(*texts):
    codes = PackedVectors.of(HashEmbedder().embed_documents(list(texts))).codes
    return {f"vector {text}": each.tobytes() for text, each in zip(texts, codes, strict=True)}


def filled(url, **query):
    given = make_url(url).update_query_dict({name: str(value) for name, value in query.items()})
    memory = LightMem(
        given.render_as_string(hide_password=False),
        embedder=HashEmbedder(),
        writer=ScriptedWriter(),
        settings=Settings(background_indexing=False),
    )
    for number in range(40):
        memory.add(Turn(role="user", text=f"Bo.likes + plain{number}"), user_id="bo")
    long = ["", "long " * 900]  # some of it lies beside its row
    turns = [
        Turn(
            role="user",
            text=f"Eva.home{n} = CANARYfact{n} CANARYtext {long[n == 1]}",
            speaker="CANARYspeaker",
            metadata={"topic": f"CANARYmeta{n}"},
        )
        for n in range(8)
    ]
    memory.add(turns, user_id="CANARYuser", session_id="CANARYsession", agent_id="CANARYagent")
    memory.index_pending()
    memory.consolidate(final=True)
    assert memory.facts(user_id="CANARYuser")
    return memory


@pytest.mark.parametrize("analyzed", [False, True])
def test_no_byte_is_left_in_the_cluster(server, analyzed):
    url = make_database(server.url(), f"erased_{analyzed}".lower())
    memory = filled(url)
    store = pytest.importorskip("lightmem_integrations.langchain").LightMemStore(memory)
    store.put(("notes",), "k", {"text": "CANARYdocument"})
    with admin(url) as database:
        if analyzed:  # samples of columns go into the planner's statistics
            database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")
    needles = {each: each.encode() for each in CANARIES}
    needles |= vectors_of(memory.history(user_id="CANARYuser", session_id="CANARYsession")[0].text)
    seen = in_files(server, needles)
    assert set(needles) <= set.union(*seen.values()), "the scan sees it all"
    store.delete(("notes",), "k")
    receipt = memory.forget(user_id="CANARYuser")
    assert receipt.turns
    assert receipt.facts
    assert (receipt.purged, receipt.remains) == (True, ()), "a superuser, and nobody else there"
    with admin(url) as database:
        database.execute("CHECKPOINT")
    assert in_files(server, needles) == {}
    assert len(memory.history(user_id="bo")) == 40
    memory.close()
    assert in_files(server, needles) == {}


def test_a_sweep_at_night_completes_what_requests_forgot_without_a_purge(server):
    url = make_database(server.url(), "by_night")
    memory = filled(url)
    receipt = memory.forget(user_id="CANARYuser", purge=False)
    assert not receipt.purged
    assert receipt.remains
    memory.close()
    with LightMem(
        url, embedder=HashEmbedder(), settings=Settings(background_indexing=False)
    ) as night:
        swept = night.sweep()
        assert (swept.purged, swept.remains) == (True, ())
        assert night.sweep().purged, "nothing is left to do"
    with admin(url) as database:
        database.execute("CHECKPOINT")
    assert in_files(server, {each: each.encode() for each in CANARIES}) == {}


def test_who_may_not_touch_the_log_is_told_that_it_remains(server):
    url = make_database(server.url(), "plain_user")
    with admin(url) as database:
        database.execute("CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE plain_user TO plain")
    memory = filled(make_url(url).set(username="plain").render_as_string())
    receipt = memory.forget(user_id="CANARYuser")
    assert not receipt.purged
    assert [each for each in receipt.remains if "write-ahead log" in each] == list(receipt.remains)
    assert "write-ahead log" in str(receipt)
    with admin(url) as database:
        database.execute("CHECKPOINT")
    needles = {each: each.encode() for each in CANARIES}
    assert in_files(server, needles).keys() <= {"pg_wal"}
    memory.close()


def test_what_others_still_read_is_said_to_remain_and_purged_by_the_next_call(server):
    url = make_database(server.url(), "read")
    memory = filled(url, lock_timeout=500)
    with admin(url) as database:
        database.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        database.execute("SELECT count(*) FROM lightmem.turns")
        receipt = memory.forget(user_id="CANARYuser")
        assert not receipt.purged
        assert any("turns" in each for each in receipt.remains)
        database.execute("COMMIT")
    assert memory.forget(user_id="nobody").purged
    with admin(url) as database:
        database.execute("CHECKPOINT")
    assert in_files(server, {each: each.encode() for each in CANARIES}) == {}
    memory.close()


def test_a_table_that_is_too_large_to_be_locked_is_vacuumed_and_named(server):
    url = make_database(server.url(), "large")
    memory = filled(url, rewrite_mebibytes=1)
    with admin(url) as database:
        database.execute("INSERT INTO lightmem.meta SELECT i::text, repeat('x', 900)"
                         " FROM generate_series(1, 2000) i")  # fmt: skip
    receipt = memory.forget(user_id="CANARYuser")
    assert not receipt.purged
    assert any("rewrite_mebibytes" in each and "meta" in each for each in receipt.remains)
    memory.close()


def test_without_purge_the_receipt_says_what_remains(server):
    memory = filled(make_database(server.url(), "later"))
    receipt = memory.forget(user_id="CANARYuser", purge=False)
    assert not receipt.purged
    assert len(receipt.remains) == 2
    memory.close()
