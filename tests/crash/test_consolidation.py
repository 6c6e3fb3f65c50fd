"""kill -9 during consolidation: nothing is there by half, and a rerun makes nothing twice."""

import datetime as dt
import signal

import pytest
from sqlalchemy import func, select

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    episodes,
    evidence,
    facts,
)
from lightmem_integrations.storage.work_queue import count_due
from lightmem_integrations.testing import HashEmbedder
from thorough import THOROUGH

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
SESSIONS, TURNS = 4, 6

# The moment is given as a function that is replaced by one that kills, at its nth call.
WORKER = """
import functools, os, sys
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.consolidation import episode, pipeline, worker
from lightmem_integrations.knowledge import integrate
from lightmem_integrations.storage.chroma.index import ChromaIndex
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

path, point, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
calls = 0

def killing(function, *, after):
    def call(*args, **options):
        global calls
        calls += 1
        if calls == nth and not after:
            os.kill(os.getpid(), 9)
        result = function(*args, **options)
        if calls == nth:
            os.kill(os.getpid(), 9)
        return result
    return call

class Pieces:
    def __init__(self, turns, *, final, gap_seconds):
        self.closed = [tuple(turns[at : at + 2]) for at in range(0, len(turns), 2)]
        self.open = ()

writer = ScriptedWriter()
if point == "after read":
    pipeline.unread = killing(pipeline.unread, after=True)
elif point == "after model":
    writer.write = killing(writer.write, after=True)
elif point == "before commit":
    integrate.insert_episode = killing(integrate.insert_episode, after=True)
elif point == "after commit":
    pipeline.consolidate_episode = killing(pipeline.consolidate_episode, after=True)
elif point == "mid-index":
    ChromaIndex.upsert = killing(ChromaIndex.upsert, after=nth % 2 == 0)
elif point == "before clearing":
    episode.clear_if_done = killing(episode.clear_if_done, after=False)
worker.consolidate = functools.partial(pipeline.consolidate, segment=Pieces)
settings = Settings(background_indexing=False, shards=2, embed_batch=5, column_mebibytes=0)
memory = LightMem(path, embedder=HashEmbedder(32), settings=settings)
memory.consolidate(writer=writer, final=True)
print("finished")
"""


def prepared(path):
    """Four sessions; every turn brings a fact, half of them about what has one value at a time."""
    settings = Settings(background_indexing=False, shards=2, column_mebibytes=0)
    with LightMem(path, embedder=HashEmbedder(32), settings=settings) as memory:
        for session in range(SESSIONS):
            memory.add(
                [
                    Turn(
                        role="user",
                        text=f"Ann.likes + thing{session}x{number}"
                        if number % 2
                        else f"Ann.home = town{session}x{number}",
                        time=MAY + dt.timedelta(days=session, minutes=number),
                    )
                    for number in range(TURNS)
                ],
                user_id="ann",
                session_id=f"s{session}",
            )


def whole(memory, ledger):
    """Fails if anything is there by half or twice; returns how many episodes there are."""
    with ledger.read() as connection:

        def count(query):
            return connection.execute(query).scalar_one()

        made = count(select(func.count()).select_from(episodes))
        assert count(select(func.count()).select_from(episode_turns)) == 2 * made
        assert count(select(func.count()).select_from(facts)) == 2 * made
        assert count(select(func.count()).select_from(assertions)) == 2 * made
        assert count(select(func.count()).select_from(evidence)) == 2 * made
        due = count_due(connection)
    # A session is due exactly as long as turns of it are in no episode.
    by_session = {}
    for each in memory.episodes(user_id="ann"):
        by_session[each.session_id] = by_session.get(each.session_id, 0) + 1
    assert due == SESSIONS - sum(number == TURNS // 2 for number in by_session.values())
    return made


@pytest.mark.slow
@pytest.mark.sqlite("one process owns a folder")
@pytest.mark.parametrize(
    ("point", "nth"),
    [
        (point, nth)
        for point in ("after read", "after model", "before commit", "after commit", "mid-index",
                      "before clearing")
        for nth in ((1, 2, 3, 4, 5) if THOROUGH else (1, 2, 4))
        if point != "after read" or nth <= SESSIONS
    ],
)  # fmt: skip
def test_a_kill_leaves_nothing_by_half_and_a_rerun_nothing_twice(
    tmp_path, programs, consolidated, open_ledger, point, nth
):
    path = tmp_path / "store"
    prepared(path)
    done = programs.run(WORKER, path, point, nth, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    settings = Settings(background_indexing=False, shards=2)
    with LightMem(path, embedder=HashEmbedder(32), settings=settings) as memory:
        ledger = open_ledger(path)
        made = whole(memory, ledger)
        # One process at a time owns a folder: the lease of a dead one holds nobody up.
        report = consolidated(memory)
        assert (report.busy, report.written) == (0, SESSIONS * TURNS // 2 - made)
        assert whole(memory, ledger) == SESSIONS * TURNS // 2
        assert consolidated(memory).written == 0
        values = [fact.value for fact in memory.facts(user_id="ann", include_past=True)]
        assert len(values) == len(set(values)) == SESSIONS * TURNS
        assert [fact.value for fact in memory.facts(user_id="ann") if fact.attribute == "home"] == [
            f"town{SESSIONS - 1}x{TURNS - 2}"
        ]
        memory.index_pending()
        found = memory.recall("thing3x5", user_id="ann", strict=True).hits
        assert any("thing3x5" in hit.text for hit in found)
