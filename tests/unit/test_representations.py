"""What everything public shows of itself, and what a copy or a pickled one of it is."""

from __future__ import annotations

import contextlib
import copy
import pickle
import subprocess
import sys

import pytest

from lightmem_integrations import (
    ChromaIndex,
    CrossEncoderReranker,
    ExactIndex,
    LightMem,
    OpenAICompatible,
    Settings,
    SLMReranker,
    StorageError,
    StoreLockedError,
    Turn,
)
from lightmem_integrations.models.onnx import OnnxEmbedder
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.tools import TOOLS, MemoryTools

pytestmark = pytest.mark.slow

SAID = "Alice.home = Zanzibar\nAlice.name = Quirin"
ANSWERED = "Zanzibar is an island, Quirin."
SECRETS = ("Zanzibar", "Quirin", "island", "sesame")


@contextlib.contextmanager
def filled(folder):
    with LightMem(folder, writer=ScriptedWriter()) as memory:
        turns = [
            Turn(role="user", text=SAID, message={"content": SAID}, id="t1"),
            Turn(role="assistant", text=ANSWERED, id="t2"),
        ]
        memory.add(turns, user_id="alice", session_id="s1")
        memory.consolidate(final=True)
        yield memory


@pytest.fixture
def memory(tmp_path):
    with filled(tmp_path / "store") as memory:
        yield memory


@pytest.fixture(scope="module")
def only_read(tmp_path_factory):
    with filled(tmp_path_factory.mktemp("only-read") / "store") as memory:
        yield memory


@pytest.fixture
def given(request, name):
    """The value of this name, of the memory that all share; what erases has one of its own."""
    memory = request.getfixturevalue("memory" if name == "Receipt" else "only_read")
    return PUBLIC[name](memory)


def fact(memory):
    return memory.facts(user_id="alice")[0]


PUBLIC = {
    "ChromaIndex": lambda memory: ChromaIndex.embedded(memory.path / "other"),
    "CrossEncoderReranker": lambda _: CrossEncoderReranker("some/model"),
    "Episodes": lambda memory: memory.episodes(user_id="alice"),
    "ExactIndex": lambda _: ExactIndex(),
    "Explanation": lambda memory: memory.explain(fact(memory).id, user_id="alice"),
    "Facts": lambda memory: memory.facts(user_id="alice"),
    "Hit": lambda memory: memory.recall("Where is Zanzibar?", user_id="alice").hits[0],
    "Hit of a fact": lambda memory: memory.recall("name?", user_id="alice", tiers=["ltm"]).hits[0],
    "LightMem": lambda memory: memory,
    "Metrics": lambda memory: memory.metrics(),
    "MemoryTools": lambda memory: MemoryTools(memory, user_id="alice", session_id="s1"),
    "OnnxEmbedder": lambda _: OnnxEmbedder(),
    "OpenAICompatible": lambda _: OpenAICompatible("http://localhost", "small", "sesame"),
    "Plan": lambda memory: memory.recall("Where is Zanzibar?", user_id="alice").plan,
    "Recall": lambda memory: memory.recall("Where is Zanzibar?", user_id="alice"),
    "Receipt": lambda memory: memory.forget(user_id="alice"),
    "Report": lambda memory: memory.consolidate(final=True),
    "SLMReranker": lambda _: SLMReranker(OpenAICompatible("http://localhost", "small", "sesame")),
    "SearchResult": lambda memory: PUBLIC["MemoryTools"](memory).search("Zanzibar"),
    "Settings": lambda memory: memory.settings,
    "Stats": lambda memory: memory.stats(),
    "Turn": lambda memory: memory.history(user_id="alice", session_id="s1")[0],
}


@pytest.mark.parametrize("name", PUBLIC)
def test_shows_what_it_is_and_no_memory(given, name):
    shown = repr(given)
    assert not any(secret in shown for secret in SECRETS)
    assert " object at 0x" not in shown


def test_shows_path_user_and_model(memory):
    path = str(memory.path)
    assert repr(memory) == f"LightMem(path={path!r}, embedder='all-MiniLM-L6-v2-int8')"
    assert repr(PUBLIC["MemoryTools"](memory)) == (
        f"MemoryTools(memory={memory!r}, user_id='alice', session_id='s1')"
    )
    memory.close()
    assert repr(memory).endswith(", closed=True)")
    assert "some/model" in repr(CrossEncoderReranker("some/model"))
    assert "'small'" in repr(PUBLIC["SLMReranker"](memory))
    assert "other" in repr(PUBLIC["ChromaIndex"](memory))
    assert repr(ExactIndex()) == "ExactIndex(vectors=0)"


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in ("ChromaIndex", "ExactIndex")])
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_can_be_copied_and_pickled(given, name, way):
    assert repr(way(given)) == repr(given)


def test_a_copy_of_a_memory_is_the_memory(memory):
    assert copy.copy(memory) is memory
    assert copy.deepcopy({"memory": memory})["memory"] is memory


def test_an_unpickled_memory_shares_the_open_store_with_its_options(tmp_path):
    settings = Settings(k=2)
    with LightMem(tmp_path / "s", settings=settings) as memory:
        other = pickle.loads(pickle.dumps(memory))
        other.add(Turn(role="user", text=SAID), user_id="alice")
        assert memory.recall("Zanzibar", user_id="alice").hits
        assert other.settings == settings
        other.close()
        assert memory.stats().turns == 1


READ = """
import pickle, sys
memory = pickle.load(open(sys.argv[1], "rb"))
print(memory.recall("Where did I move?", user_id="alice").hits[0].text)
memory.close()
"""


def test_another_process_opens_the_folder_when_this_one_has_closed_it(memory, tmp_path):
    (tmp_path / "pickled").write_bytes(pickle.dumps(memory))
    run = [sys.executable, "-c", READ, str(tmp_path / "pickled")]
    early = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert StoreLockedError.__name__ in early.stderr
    memory.close()
    later = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert later.stdout.strip() == SAID, later.stderr


def test_a_memory_without_a_folder_says_why_it_cannot_be_pickled(open_memory):
    memory = open_memory()
    with pytest.raises(StorageError, match=r"without a folder.*LightMem\('\./memory'\)"):
        pickle.dumps(memory)
    assert copy.deepcopy(memory) is memory
    assert repr(memory) == "LightMem(temporary=True, embedder='hash-128')"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tools_schema_is_found_by_its_name(tool):
    assert pickle.loads(pickle.dumps(tool.schema)) is tool.schema
