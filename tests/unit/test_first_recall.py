"""The first recall of a process: bounded whatever is cold, and it finds what words can find."""

import subprocess
import sys
import threading
import time

import pytest

from lightmem_integrations import InvalidRequestError, LightMem, Settings, Turn
from lightmem_integrations.storage.index import ExactIndex
from lightmem_integrations.testing import HashEmbedder


class Slow(HashEmbedder):
    """An embedder whose model does not load until it is let go."""

    def __init__(self):
        super().__init__()
        self.loaded = threading.Event()

    def embed_documents(self, texts):
        self.loaded.wait()
        return super().embed_documents(texts)


class Unopened(ExactIndex):
    """An index that does not open until it is let go."""

    def __init__(self):
        super().__init__()
        self.opened = threading.Event()

    def healthy(self, least, most):
        self.opened.wait()
        return super().healthy(least, most)

    def upsert(self, batch):
        self.opened.wait()
        super().upsert(batch)


@pytest.fixture
def cold():
    """A memory whose embedder is still loading."""
    embedder = Slow()
    with LightMem(embedder=embedder, settings=Settings(close_seconds=2)) as memory:
        for user_id, city in (("ann", "Lisbon"), ("bob", "Porto")):
            memory.add(Turn(role="user", text=f"I moved to {city} in May."), user_id=user_id)
        yield memory
        embedder.loaded.set()


def timed(recall):
    started = time.monotonic()
    found = recall()
    return found, time.monotonic() - started


def test_words_answer_in_time_while_the_embedder_loads(cold):
    found, seconds = timed(
        lambda: cold.recall("Where did I move to in May?", user_id="ann", recall_seconds=1)
    )
    assert seconds < 1.5
    assert [hit.turns[0].text for hit in found.hits] == ["I moved to Lisbon in May."]
    assert "recall_seconds" in " ".join(found.degraded)


def test_the_last_words_come_back_where_none_is_shared(cold):
    found = cold.recall("Home?", user_id="ann", recall_seconds=0.1)
    assert [hit.turns[0].text for hit in found.hits] == ["I moved to Lisbon in May."]
    assert found.degraded
    (hidden,) = cold.history(user_id="ann")
    assert not cold.recall("Home?", user_id="ann", recall_seconds=0.1, exclude={hidden.id}).hits


def test_without_recall_seconds_the_settings_bound_it():
    embedder = Slow()
    limits = Settings(embed_seconds=0.2, close_seconds=2)
    with LightMem(embedder=embedder, settings=limits) as memory:
        memory.add(Turn(role="user", text="I moved to Lisbon."), user_id="ann")
        found, seconds = timed(lambda: memory.recall("Where is home?", user_id="ann"))
        embedder.loaded.set()
    assert seconds < 2
    assert "Settings.embed_seconds" in " ".join(found.degraded)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "1", True])
def test_how_long_it_may_take_is_a_number_above_zero(open_memory, seconds):
    with pytest.raises(InvalidRequestError, match="recall_seconds"):
        open_memory().recall("Where?", user_id="ann", recall_seconds=seconds)


def test_no_recall_waits_for_the_index_to_open():
    index = Unopened()
    with LightMem(index=index, embedder=HashEmbedder()) as memory:
        for text in ("A heron at dusk.", "Trains at night."):
            memory.add(Turn(role="user", text=text), user_id="ann")
        found, seconds = timed(lambda: memory.recall("heron", user_id="ann", strict=True))
        assert seconds < 2
        assert found.hits[0].parts["dense"] > 0
        assert found.degraded == ()
        index.opened.set()


def test_what_the_index_lacks_still_is_found_by_meaning():
    index = Unopened()
    index.opened.set()
    with LightMem(index=index, embedder=HashEmbedder()) as memory:
        memory.add(Turn(role="user", text="A heron at dusk."), user_id="ann")
        memory.index_pending()
        index.opened.clear()
        memory.add(Turn(role="user", text="Trains at night."), user_id="ann")
        found, seconds = timed(lambda: memory.recall("night trains", user_id="ann", strict=True))
        assert seconds < 2
        assert found.hits[0].text == "Trains at night."
        assert found.hits[0].parts["dense"] > 0
        index.opened.set()


@pytest.mark.slow
def test_a_process_that_ends_while_it_warms_up_ends_well(tmp_path):
    for at_once in ("", "LightMem(sys.argv[1]).close()"):
        script = f"import sys\nfrom lightmem_integrations import LightMem\n{at_once}\n"
        script += "memory = LightMem(sys.argv[1])\n"
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "store")],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
