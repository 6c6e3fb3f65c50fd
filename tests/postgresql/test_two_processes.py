"""Two stores on one database, as in two processes: what each finds first, the other may change."""

import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import Engine, event

from lightmem_integrations import EmbeddingMismatchError, LightMem, Settings, Turn
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from thorough import cases

pytestmark = pytest.mark.slow

LEASE, KILLS = 2.0, cases(100)
SETTINGS = Settings(
    background_indexing=False, consolidation=ConsolidationSettings(lease_seconds=LEASE)
)

WORKER = f"""
import sys, time
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

class Waits(ScriptedWriter):
    def write(self, turns):
        print("writing", flush=True)
        time.sleep(600)

settings = Settings(
    background_indexing=False, consolidation=ConsolidationSettings(lease_seconds={LEASE})
)
memory = LightMem(sys.argv[1], embedder=HashEmbedder(16), settings=settings)
memory.consolidate(writer=Waits(), final=True)
"""


@pytest.fixture
def stores(postgresql_database):
    opened = [
        LightMem(
            f"{postgresql_database}?application_name=lightmem{number}",
            embedder=HashEmbedder(16), settings=SETTINGS,
        )
        for number in range(2)
    ]  # fmt: skip
    yield opened
    for memory in opened:
        memory.close()


def both(*calls):
    """Runs calls at once; returns what they raised."""
    begin, raised = threading.Barrier(len(calls)), []

    def run(call):
        begin.wait(30)
        try:
            call()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_the_first_turns_of_a_user_are_all_kept(stores):
    for number in range(30):
        adds = [
            lambda memory=memory, side=side, number=number: memory.add(
                Turn(role="user", text=f"Side {side}.", id=f"t{side}"), user_id=f"u{number}"
            )
            for side, memory in enumerate(stores)
        ]
        assert both(*adds) == []
        assert {turn.id for turn in stores[0].history(user_id=f"u{number}")} == {"t0", "t1"}


def test_a_user_whom_another_process_writes_and_erases_meanwhile_is_written(stores):
    one, two = stores

    def call_the_other(connection, cursor, statement, *_):
        if "application_name=lightmem0" not in str(connection.engine.url) or not left:
            return
        if left[0] in " ".join(statement.split()).lower().replace('"', ""):
            wanted.pop(left.pop(0))()

    turn = Turn(role="user", text="I moved to Porto.", id="t")
    wanted = {
        "insert into users": lambda: two.add(turn, user_id="ann"),
        "from users": lambda: two.forget(user_id="ann"),
    }
    left = list(wanted)
    event.listen(Engine, "before_cursor_execute", call_the_other)
    try:
        one.add(turn, user_id="ann")
    finally:
        event.remove(Engine, "before_cursor_execute", call_the_other)
    assert not left, "the other process never came between"
    assert [each.id for each in one.history(user_id="ann")] == ["t"]


def test_documents_are_put_and_erased_in_one_namespace_at_once(stores):
    langchain = pytest.importorskip("lightmem_integrations.langchain")
    one, two = (langchain.LightMemStore(memory, strict=True) for memory in stores)
    for number in range(40):
        space = ("ann", str(number % 5))
        assert both(
            lambda space=space: one.put(space, "k", {"text": "heron"}),
            lambda space=space: two.put(space, "k", {"text": "stork"}),
        ) == []  # fmt: skip
        assert one.get(space, "k").value["text"] in {"heron", "stork"}
        assert both(
            lambda space=space: one.delete(space, "k"),
            lambda space=space: two.put(space, "other", {"text": "crane"}),
        ) == []  # fmt: skip
        assert two.get(space, "other").value["text"] == "crane"
        assert both(
            lambda space=space: one.delete(space, "other"),
            lambda space=space: two.delete(space, "other"),
        ) == []  # fmt: skip


def test_vectors_of_two_embedders_never_mix(postgresql_database):
    class Named(HashEmbedder):
        name = "another"

    with (
        LightMem(postgresql_database, embedder=HashEmbedder(16), settings=SETTINGS) as one,
        LightMem(
            f"{postgresql_database}?application_name=two", embedder=Named(16), settings=SETTINGS
        ) as two,
    ):  # both opened before there was any vector
        one.add(Turn(role="user", text="A heron."), user_id="ann")
        one.index_pending()
        two.add(Turn(role="user", text="A stork."), user_id="bob")
        with pytest.raises(EmbeddingMismatchError, match="another"):
            two.index_pending()


@pytest.mark.parametrize("name", ["hash-16", "another"])
def test_an_embedder_that_another_process_replaced_compares_no_vectors(
    stores, postgresql_database, name
):
    def embedded(self, texts):
        return HashEmbedder.embed_documents(self, [text[::-1] for text in texts])

    other = type("Other", (HashEmbedder,), {"name": name, "embed_documents": embedded})

    old = stores[0]
    old.add(Turn(role="user", text="A heron."), user_id="ann")
    old.index_pending()
    assert old.recall("heron", user_id="ann", strict=True).hits
    with LightMem(
        f"{postgresql_database}?application_name=new", embedder=other(16), settings=SETTINGS,
        replace_embedder=True,
    ) as new:  # fmt: skip
        new.index_pending()
        assert new.recall("heron", user_id="ann", strict=True).hits
        with pytest.raises(EmbeddingMismatchError, match="replace_embedder"):
            old.recall("heron", user_id="ann", strict=True)
        found = old.recall("heron", user_id="ann")
        assert [hit.text for hit in found.hits] == ["A heron."], "found by its words"
        assert any("replace_embedder" in each for each in found.degraded)


def test_the_work_of_a_killed_worker_goes_on_within_its_lease(stores, postgresql_database):
    memory = stores[0]
    for number in range(KILLS):
        memory.add(
            Turn(role="user", text=f"Ann.likes + thing{number}"),
            user_id="ann", session_id=f"s{number}",
        )  # fmt: skip
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, postgresql_database], stdout=subprocess.PIPE, text=True
        )
        try:
            assert worker.stdout.readline() == "writing\n"
            time.sleep(LEASE * 0.7)  # renewed meanwhile
            assert memory.consolidate(writer=ScriptedWriter(), final=True).busy == 1
        finally:
            worker.kill()
            worker.wait()
            worker.stdout.close()
        killed = time.monotonic()
        began = killed
        while not memory.consolidate(writer=ScriptedWriter(), final=True).written:
            time.sleep(0.05)
            began = time.monotonic()
        assert began - killed <= LEASE + 1
    facts = memory.facts(user_id="ann", include_past=True)
    assert sorted(fact.value for fact in facts) == sorted(f"thing{n}" for n in range(KILLS))
    assert len(memory.episodes(user_id="ann")) == KILLS
