"""Wrong arguments: the error names the value and the remedy, and nothing is made or changed."""

import datetime as dt
import re
import subprocess
import sys

import pytest

from lightmem_integrations import (
    InvalidRequestError,
    InvalidTurnError,
    LightMem,
    LightMemError,
    Turn,
)
from lightmem_integrations.settings import ConsolidationSettings

pytestmark = pytest.mark.slow

MAY = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)
JUNE = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("arguments", "named", "remedy"),
    [
        ({"settings": {"k": 3}}, "{'k': 3}", "Settings(k=10)"),
        ({"settings": "x"}, "'x'", "Settings(k=10)"),
        ({"settings": ConsolidationSettings()}, "ConsolidationSettings", "Settings(k=10)"),
        ({"index": "chroma"}, "'chroma'", "ChromaIndex.server(...)"),
        ({"index": 12}, "12", "ChromaIndex.server(...)"),
        ({"reranker": ""}, "''", "reranker="),
        ({"reranker": "./no/such"}, "'./no/such'", "reranker="),
        ({"slm": "./no/such.gguf"}, "no/such.gguf", "Check the path"),
        ({"writer": "./no/such.gguf"}, "no/such.gguf", "Check the path"),
        ({"writer": "gpt-4"}, "'gpt-4'", ".gguf"),
        ({"count_tokens": 5}, "5", "a function"),
        ({"count_tokens": "tiktoken"}, "'tiktoken'", "a function"),
        ({"ledger": 12}, "12", "sqlite:///"),
        ({"embedder": 12}, "12", "a LangChain Embeddings"),
        ({"replace_embedder": "no"}, "'no'", "True or False"),
        ({"replace_index": 0}, "replace_index is 0", "True or False"),
        ({"read_only": None}, "read_only is None", "True or False"),
    ],
    ids=str,
)
def test_at_opening(tmp_path, arguments, named, remedy):
    pytest.importorskip("sentence_transformers")
    with pytest.raises(LightMemError) as refused:
        LightMem(tmp_path / "store", **arguments)
    assert named in str(refused.value)
    assert remedy in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def memory():
    with LightMem() as memory:
        memory.add(Turn(role="user", text="I live in Oslo.", time=MAY), user_id="ann")
        memory.consolidate(final=True)
        yield memory


@pytest.mark.parametrize(
    ("method", "arguments", "named"),
    [
        ("recall", {"query": "home", "since": JUNE, "until": MAY}, "2026-06-01"),
        ("recall", {"query": "home", "since": "2026-05-01"}, "'2026-05-01'"),
        ("recall", {"query": "home", "as_of": dt.date(2026, 5, 1)}, "datetime.date(2026, 5, 1)"),
        ("recall", {"query": "home", "as_of": MAY.replace(tzinfo=None)}, "T00:00:00+00:00"),
        ("recall", {"query": "home", "k": -1}, "-1"),
        ("recall", {"query": "  "}, "'  '"),
        ("recall", {"query": "home", "count_tokens": 3}, "3"),
        ("forget", {"since": JUNE, "until": MAY}, "2026-06-01"),
        ("forget", {"since": "yesterday"}, "'yesterday'"),
        ("forget", {"dry_run": ""}, "dry_run is ''"),
        ("forget", {"purge": "no"}, "'no'"),
        ("sweep", {"purge": 0}, "purge is 0"),
        ("audit", {"fix": "no"}, "'no'"),
        ("consolidate", {"dry_run": "no"}, "dry_run is 'no'"),
        ("consolidate", {"retry_set_aside": 0}, "retry_set_aside is 0"),
        ("consolidate", {"final": None}, "final is None"),
        ("consolidate", {"on_progress": "print"}, "on_progress is 'print', a str. Pass a function"),
        ("edit", {"fact_id": "x", "valid_from": "2026-13"}, "'2026-13'"),
        ("edit", {"fact_id": "x", "valid_to": dt.datetime(2026, 5, 1)}, "2026, 5, 1"),  # noqa: DTZ001
        ("explain", {"fact_id": "nosuch"}, "'nosuch'"),
        ("retract", {"fact_id": "nosuch"}, "'nosuch'"),
    ],
)
def test_of_a_call(memory, method, arguments, named):
    before = memory.stats()
    with pytest.raises(LightMemError) as refused:
        getattr(memory, method)(user_id="ann", **arguments)
    assert named in str(refused.value)
    assert memory.stats().turns == before.turns


def test_whether_a_space_may_be_written_is_true_or_false(memory):
    with pytest.raises(InvalidRequestError, match="write is 'yes'"):
        memory.spaces.grant("family", user_id="ann", write="yes")
    assert not memory.spaces.names()


@pytest.mark.parametrize("given", ["I moved.", b"I moved.", {"role": "user", "content": "x"}])
def test_words_where_turns_are_expected_are_not_taken_letter_by_letter(memory, given):
    named = rf"turns is {re.escape(repr(given))}, a {type(given).__name__}. Pass a Turn"
    with pytest.raises(InvalidTurnError, match=named):
        memory.add(given, user_id="ann")


def test_an_empty_span_of_time_is_no_mistake(memory):
    assert memory.recall("home", user_id="ann", since=MAY, until=MAY, strict=True).hits == ()


@pytest.mark.parametrize(
    ("package", "missing", "brought", "left_out"),
    [
        ("langchain", "langchain_classic", "LightMemMiddleware", "LightMemMemory"),
        ("langchain", "langgraph", "LightMemRetriever", "LightMemMiddleware"),
        ("testing", "langchain_core", "HashEmbedder", "ExtractiveChatModel"),
        ("testing", "llama_index", "ScriptedWriter", "ExtractiveLLM"),
    ],
)
def test_a_star_brings_what_the_extras_bring(package, missing, brought, left_out):
    pytest.importorskip("langgraph")
    # None in sys.modules is how Python marks a module that cannot be imported.
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from lightmem_integrations.{package} import *\n"
        f"print({brought!r} in dir(), {left_out!r} in dir())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    ("package", "missing", "extra"),
    [
        (
            "langchain",
            ("langchain_core", "langchain", "langgraph", "langchain_classic"),
            "langchain",
        ),
        ("llama_index", ("llama_index",), "llama-index"),
    ],
)
def test_a_star_without_any_extra_names_it(package, missing, extra):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
        f"from lightmem_integrations.{package} import *"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    error = [line for line in done.stderr.splitlines() if not line.startswith("Cause and remedy")]
    assert f"pip install 'lightmem-integrations[{extra}]'" in error[-1]
