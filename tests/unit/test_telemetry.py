"""Spans and metrics of a memory: named by the convention, below the caller's, without content."""

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from lightmem_integrations import Completion, NotFoundError, ReadOnlyError, ScopeError, Turn
from lightmem_integrations.telemetry import observed
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from traced import tracing

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs" / "telemetry.md"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
USER, SESSION, SPEAKER = "alice-canary@example.com", "session-canary", "Speaker-Canary"
TEXT, QUERY, FIELD = (
    "The heron-canary lives in Lisbon.",
    "Where is the heron-canary?",
    "field-canary",
)
SECRETS = (USER, SESSION, SPEAKER, "canary", "heron", "Lisbon")


@pytest.fixture
def traced():
    with pytest.MonkeyPatch.context() as patch:
        yield tracing(patch)


class Broken(HashEmbedder):
    def embed_query(self, text):
        raise RuntimeError(f"no vector of {text}")


class Model:
    """A language model that writes one fact, or that fails."""

    name = "scripted-8B"

    def __init__(self, fails=False):
        self.fails = fails

    def complete(self, messages, *, schema=None, max_tokens=256, seconds=None):
        if self.fails:
            raise RuntimeError(f"refused: {messages}")
        empty = {name: [] for name in schema["properties"]}
        return Completion(json.dumps({**empty, "summary": "A heron."}), 120, 30)


def said(text=TEXT, **given):
    return Turn(role="user", text=text, speaker=SPEAKER, metadata={"place": FIELD}, **given)


def a_life(memory):
    """Every call that has a span."""
    memory.add([said(), said("Ann.home = Lisbon")], user_id=USER, session_id=SESSION)
    memory.recall(QUERY, user_id=USER, session_id=SESSION)
    memory.consolidate(user_id=USER)
    memory.pin(user_id=USER, session_id=SESSION)
    memory.unpin(user_id=USER, session_id=SESSION)
    memory.set_importance(0.5, user_id=USER, session_id=SESSION)
    for fact in memory.facts(user_id=USER):
        memory.edit(fact.id, user_id=USER, value="Porto")
    for fact in memory.facts(user_id=USER):
        memory.retract(fact.id, user_id=USER)
    memory.sweep(user_id=USER)
    memory.forget(user_id=USER)


def table(heading):
    """Names in the table under a heading of the documentation, and what each is."""
    text = DOCS.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", text, re.MULTILINE))


def everything(traced):
    """All that left the process, as text."""
    spans = [span.to_json() for span in traced.spans]
    points = [repr(point) for points in traced.points().values() for point in points]
    return "\n".join(spans + points)


def test_every_name_stands_in_the_documentation_as_the_convention_has_it(
    traced, open_memory, monkeypatch
):
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    a_life(open_memory(writer=ScriptedWriter()))
    memory = open_memory(embedder=Broken(), writer=Model())
    memory.add(said(), user_id=USER)
    memory.recall(QUERY, user_id=USER)
    memory.consolidate()
    theirs, ours = table("Names of the convention"), table("Names of ours")
    assert all(name.startswith("lightmem.") for name in ours)
    known = {**theirs, **ours}
    operations = {name for name, kind in theirs.items() if kind == "operation"}
    used = set()
    for span in traced.spans:
        operation = span.attributes.get("gen_ai.operation.name")
        if operation is None:
            assert re.fullmatch(r"lightmem\.(recall\.[a-z_]+|consolidate\.episode)", span.name)
        else:
            model = span.attributes.get("gen_ai.request.model")
            assert span.name == (operation if model is None else f"{operation} {model}")
            assert span.kind is (SpanKind.INTERNAL if model is None else SpanKind.CLIENT)
            assert ("gen_ai.provider.name" in span.attributes) is (model is not None)
            assert operation in operations
            used.add(operation)
        for name in span.attributes:
            assert known[name] in ("attribute", "content"), name
            used.add(name)
    for metric, points in traced.points().items():
        assert known[metric] == "metric"
        used |= {metric, *(name for point in points for name in point.attributes)}
    spans = {"lightmem.recall.*", "lightmem.consolidate.episode"}
    of_items = {"lightmem.namespace.hash"}  # tests/langchain/test_telemetry.py
    assert used == set(known) - spans - of_items, "and nothing stands there that is never seen"


def test_every_call_is_a_child_of_the_span_around_it(traced, open_memory):
    memory = open_memory(writer=ScriptedWriter())
    with traced.app.start_as_current_span("chat turn"):
        a_life(memory)
    for name in ("create_memory", "search_memory", "upsert_memory"):
        assert traced.parent(traced.one(name)) == "chat turn"
    for name, calls in (("update_memory", 5), ("delete_memory", 2)):
        assert [traced.parent(span) for span in traced.named(name)] == ["chat turn"] * calls
    assert traced.parent(traced.one("lightmem.consolidate.episode")) == "upsert_memory"
    counts = {span.name: span.attributes.get("gen_ai.memory.record.count") for span in traced.spans}
    assert (counts["create_memory"], counts["search_memory"]) == (2, 2)


def test_what_is_decided_pinned_or_weighed_is_an_update_of_so_many(traced, open_memory):
    memory = open_memory(writer=ScriptedWriter())
    for town in ("Lisbon", "Porto"):
        memory.add(said(f"Ann.home = {town} since 2025-05-01"), user_id=USER)
    memory.consolidate()
    (conflict,) = memory.conflicts(user_id=USER)
    memory.resolve(conflict.id, user_id=USER, keep=conflict.first.id)
    chosen = {"user_id": USER, "session_id": "default"}
    memory.pin(**chosen)
    memory.set_importance(0.5, **chosen)
    memory.unpin(**chosen)
    counts = [
        span.attributes["gen_ai.memory.record.count"] for span in traced.named("update_memory")
    ]
    assert counts == [1, 2, 2, 2]
    with pytest.raises(NotFoundError):
        memory.resolve("none", user_id=USER, keep="none")
    failed = traced.named("update_memory")[-1]
    assert failed.attributes["error.type"] == "NotFoundError"
    assert set(failed.attributes) <= set(table("Names of the convention"))


def test_a_recall_has_one_child_for_each_stage_also_those_in_other_threads(traced, open_memory):
    memory = open_memory()
    memory.add(said(), user_id=USER)
    recall = memory.recall(QUERY, user_id=USER)
    search = traced.one("search_memory")
    stages = [span for span in traced.spans if span.name.startswith("lightmem.recall.")]
    direct = {span.name for span in stages if traced.parent(span) == "search_memory"}
    timed = {f"lightmem.recall.{stage.replace(' ', '_')}" for stage in recall.milliseconds}
    assert direct == timed - {"lightmem.recall.total"}
    for part in ("coarse_words", "coarse_vectors"):
        assert traced.parent(traced.one(f"lightmem.recall.{part}")) == "lightmem.recall.coarse"
    for stage in ("lightmem.recall.embed", "lightmem.recall.catch_up"):  # in a thread for models
        assert stage in [traced.parent(s) for s in traced.named("embeddings hash-128")]
    assert {span.context.trace_id for span in stages} == {search.context.trace_id}


async def test_awaited_calls_are_children_too(traced, open_memory):
    memory = open_memory()
    with traced.app.start_as_current_span("request"):
        await memory.aadd(said(), user_id=USER)
        await memory.arecall(QUERY, user_id=USER)
    assert traced.parent(traced.one("create_memory")) == "request"
    assert traced.parent(traced.one("search_memory")) == "request"


def test_calls_of_models_are_children_with_their_tokens(traced, open_memory):
    memory = open_memory(writer=Model())
    memory.add(said(), user_id=USER)
    memory.consolidate()
    (chat, *_) = traced.named("chat scripted-8B")
    assert traced.roots(chat) == ["lightmem.consolidate.episode", "upsert_memory"]
    assert chat.attributes["gen_ai.usage.input_tokens"] == 120
    tokens = traced.points()["gen_ai.client.token.usage"]
    assert {(p.attributes["gen_ai.token.type"], p.sum) for p in tokens} == {
        ("input", 120 * tokens[0].count),
        ("output", 30 * tokens[0].count),
    }


def wait_for(condition):
    until = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def test_what_is_done_later_links_to_what_left_it(traced, open_memory):
    memory = open_memory(background=True)
    left, linked = [], []
    # A thread at work already may embed what is said before it hears of it: the next one links to
    # that, too.
    for _ in range(10):
        with traced.app.start_as_current_span("chat turn") as turn:
            memory.add(said(), user_id=USER)
        left.append(traced.named("create_memory")[-1].context.span_id)
        wait_for(lambda: not memory.stats().pending)
        embedded = traced.named("embeddings hash-128")
        assert all(each.parent is None for each in embedded)
        asked = turn.get_span_context().trace_id
        assert all(each.context.trace_id != asked for each in embedded)
        linked = [link.context.span_id for each in embedded for link in each.links]
        assert linked == left[: len(linked)]
        if linked == left:
            break
        time.sleep(0.3)
    assert linked == left


def test_a_call_interrupted_as_it_begins_is_not_under_way(open_memory, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    memory = open_memory()
    memory.add(said(), user_id=USER)
    with monkeypatch.context() as patch:
        patch.setattr(observed, "span", interrupted)
        with pytest.raises(KeyboardInterrupt):
            memory.recall(QUERY, user_id=USER)
    memory.warm_up()  # a recall of no call


def test_no_content_and_no_id_of_a_user_leaves_the_process(traced, open_memory):
    a_life(open_memory(writer=ScriptedWriter()))
    memory = open_memory(embedder=Broken(), writer=Model(fails=True))
    memory.add(said(), user_id=USER, session_id=SESSION)
    assert memory.recall(QUERY, user_id=USER).degraded
    assert memory.consolidate().failed
    with pytest.raises(ScopeError):
        memory.recall(QUERY, user_id=USER + "x" * 10_001)
    with pytest.raises(ScopeError):
        memory.add(said(), user_id=USER, session_id="")
    told = everything(traced)
    assert "search_memory" in told
    assert not [secret for secret in SECRETS if secret in told]


def test_content_is_recorded_where_somebody_asks_for_it(traced, open_memory, monkeypatch):
    monkeypatch.setenv(CAPTURE, "true")
    memory = open_memory()
    (turn,) = memory.add(said(), user_id=USER, session_id=SESSION)
    memory.recall(QUERY, user_id=USER)
    added, found = traced.one("create_memory").attributes, traced.one("search_memory").attributes
    assert json.loads(added["gen_ai.memory.records"]) == [{"content": TEXT, "id": turn.id}]
    assert added["gen_ai.conversation.id"] == SESSION
    assert found["gen_ai.memory.query.text"] == QUERY
    (record,) = json.loads(found["gen_ai.memory.records"])
    assert TEXT in record["content"]
    assert 0 <= record["score"] <= 1
    assert USER not in everything(traced)
    monkeypatch.setenv(CAPTURE, "EVENT_ONLY")
    memory.recall(QUERY, user_id=USER)
    assert "gen_ai.memory.query.text" not in traced.named("search_memory")[1].attributes


def test_a_user_has_one_hash_in_a_store_and_another_one_elsewhere(traced, open_memory, tmp_path):
    def hashes(folder, user):
        memory = open_memory(folder)
        memory.add(said(), user_id=user)
        memory.close()
        return tuple(
            traced.named("create_memory")[-1].attributes[name]
            for name in ("user.hash", "gen_ai.memory.store.id")
        )

    alice, store = hashes(tmp_path / "a", "alice")
    assert hashes(tmp_path / "a", "alice") == (alice, store)
    assert hashes(tmp_path / "a", "bob")[0] != alice
    other, other_store = hashes(tmp_path / "b", "alice")
    assert (other != alice, other_store != store) == (True, True)


@pytest.mark.sqlite("reads beside the owner of a folder")
def test_a_store_that_is_only_read_is_traced_and_not_written(traced, open_memory, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opentelemetry.trace._TRACER_PROVIDER", None)
        owner = open_memory(tmp_path)
        owner.add(said(), user_id=USER)
    reader = open_memory(tmp_path, read_only=True)
    assert reader.recall(QUERY, user_id=USER).hits
    assert traced.one("search_memory").attributes["user.hash"]
    with pytest.raises(ReadOnlyError):
        reader.add(said(), user_id=USER)
    assert traced.one("create_memory").attributes["error.type"] == "ReadOnlyError"


def test_errors_and_degraded_recalls_are_told_apart(traced, open_memory):
    memory = open_memory(embedder=Broken())
    memory.add(said(), user_id=USER)
    memory.recall(QUERY, user_id=USER)
    with pytest.raises(ScopeError):
        memory.recall(QUERY, user_id="*")
    embed, (went_on, refused) = traced.one("lightmem.recall.embed"), traced.named("search_memory")
    assert (embed.attributes["error.type"], embed.status.status_code) == (
        "ModelError", StatusCode.ERROR,
    )  # fmt: skip
    assert went_on.status.status_code is StatusCode.UNSET
    assert went_on.attributes["lightmem.degraded.reasons"] == ("searched by words only",)
    assert refused.status.status_code is StatusCode.ERROR
    assert refused.attributes["error.type"] == "ScopeError"
    points = traced.points()
    assert [p.value for p in points["lightmem.recall.degraded"]] == [1]
    failed = [p for p in points["gen_ai.client.operation.duration"]
              if p.attributes["gen_ai.operation.name"] == "search_memory"]  # fmt: skip
    assert sorted(p.attributes.get("error.type", "") for p in failed) == ["", "ScopeError"]


def test_turns_that_wait_are_a_gauge(traced, open_memory):
    memory = open_memory()
    memory.add([said(), said("Another one.")], user_id=USER)
    store = traced.one("create_memory").attributes["gen_ai.memory.store.id"]

    def waiting():
        points = traced.points().get("lightmem.turns.waiting", ())
        return [p.value for p in points if p.attributes["gen_ai.memory.store.id"] == store]

    assert waiting() == [2]
    memory.index_pending()
    assert waiting() == [0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: 1)  # as a forked child, which inherits the store
        assert waiting() == []
    memory.close()
    assert traced.points()  # of a closed store nothing is asked, and nothing fails


class Failing(SpanProcessor):
    def on_start(self, span, parent_context=None):
        raise RuntimeError("no room")

    def on_end(self, span):
        raise RuntimeError("no room")


def test_a_broken_processor_breaks_no_call(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    with pytest.MonkeyPatch.context() as patch:
        tracing(patch, Failing())
        a_life(memory)
    assert memory.metrics().recalls.count == 1


def test_a_provider_that_cannot_be_had_breaks_no_call(open_memory, monkeypatch):
    def none():
        raise RuntimeError("no such provider")

    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", none)
    monkeypatch.setattr("opentelemetry.metrics.get_meter_provider", none)
    memory = open_memory()
    memory.add(said(), user_id=USER)
    assert memory.recall(QUERY, user_id=USER).hits


def test_calls_of_many_threads_do_not_mix(traced, open_memory):
    memory = open_memory()
    memory.add(said(), user_id="u")

    def ask(number):
        with traced.app.start_as_current_span(f"turn {number}"):
            memory.recall(QUERY, user_id="u")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    searches = traced.named("search_memory")
    assert sorted(traced.parent(span) for span in searches) == [f"turn {n}" for n in range(8)]
    embeds = [span for span in traced.spans if span.name == "lightmem.recall.embed"]
    assert sorted(traced.roots(span)[-1] for span in embeds) == [f"turn {n}" for n in range(8)]


def test_without_a_provider_nothing_is_loaded():
    program = """
        import sys
        from lightmem_integrations import LightMem, Turn
        from lightmem_integrations.testing import HashEmbedder

        with LightMem(embedder=HashEmbedder()) as memory:
            memory.add(Turn(role="user", text="A heron."), user_id="u")
            assert memory.recall("heron", user_id="u").hits
            memory.consolidate()
            assert memory.metrics().recalls.count == 1
        print([name for name in sys.modules if name.startswith("opentelemetry")])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.sqlite("looks into the ledger of a folder")
def test_with_the_interface_alone_the_store_keeps_no_key(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    memory.add(said(), user_id=USER)
    memory.recall(QUERY, user_id=USER)
    memory.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger:
        kept = [name for (name,) in ledger.execute("SELECT name FROM meta")]
    assert "embedder.name" in kept
    assert not [name for name in kept if name.startswith("telemetry")]
