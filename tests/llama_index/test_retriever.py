"""Memory as a retriever: nodes, their metadata, and LlamaIndex's query engine around it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, QueryBundle, TextNode
from llama_index.core.tools import RetrieverTool

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.errors import InvalidRequestError, ScopeError
from lightmem_integrations.llama_index import LightMemRetriever
from lightmem_integrations.testing import ScriptedWriter

MAY = dt.datetime(2026, 5, 3, 9, tzinfo=dt.timezone.utc)
JUNE = dt.datetime(2026, 6, 3, 9, tzinfo=dt.timezone.utc)


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(
        [
            Turn(role="user", text="I moved to Lisbon.", speaker="Ann", time=MAY, id="t1"),
            Turn(role="user", text="Lisbon is lovely in summer.", time=JUNE, id="t2"),
        ],
        user_id="alice",
        session_id="s1",
    )
    core.add(
        Turn(role="user", text="Lisbon has good coffee.", id="t1", time=JUNE),
        user_id="alice",
        session_id="s2",
    )
    core.add(Turn(role="user", text="I hide in Lisbon.", id="t1"), user_id="bob", session_id="s1")
    return core


def texts(nodes: list[Any]) -> set[str]:
    return {node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes}


@pytest.mark.parametrize("user_id", ["", None, "*"])
def test_a_retriever_needs_exactly_one_user(core: LightMem, user_id: Any) -> None:
    with pytest.raises(ScopeError):
        LightMemRetriever(core, user_id=user_id)


def test_nodes_say_where_they_come_from(known: LightMem) -> None:
    nodes = LightMemRetriever(known, user_id="alice").retrieve("Who moved to Lisbon?")
    assert texts(nodes) == {
        "I moved to Lisbon.",
        "Lisbon is lovely in summer.",
        "Lisbon has good coffee.",
    }
    found = next(each for each in nodes if each.text == "I moved to Lisbon.")
    assert type(found.node) is TextNode
    assert type(found.score) is float
    parts = found.metadata.pop("score_parts")
    assert parts
    assert all(type(part) is float for part in parts.values())
    assert found.metadata == {
        "tier": "mtm",
        "when": "2026-05-03T09:00+00:00",
        "session_id": "s1",
        "turn_ids": ["t1"],
        "speaker": "Ann",
    }
    assert [node.score for node in nodes] == sorted((n.score for n in nodes), reverse=True)


def test_models_see_no_ids_or_scores(known: LightMem) -> None:
    node = LightMemRetriever(known, user_id="alice", k=1).retrieve("Who moved to Lisbon?")[0]
    seen = node.get_content(metadata_mode=MetadataMode.LLM)
    assert "when: 2026-05-03" in seen
    assert "speaker: Ann" in seen
    assert not any(word in seen for word in ("tier", "session", "turn", "score", "alice"))
    assert node.node.get_content(metadata_mode=MetadataMode.EMBED) == "I moved to Lisbon."


def test_node_ids_are_stable_and_tell_sessions_and_users_apart(known: LightMem) -> None:
    first = LightMemRetriever(known, user_id="alice").retrieve("Lisbon")
    again = LightMemRetriever(known, user_id="alice").retrieve("Lisbon")
    other = LightMemRetriever(known, user_id="bob").retrieve("Lisbon")
    ids = {node.node_id for node in first}
    assert len(ids) == 3
    assert ids == {node.node_id for node in again}
    assert not ids & {node.node_id for node in other}


async def test_async_finds_the_same(known: LightMem) -> None:
    retriever = LightMemRetriever(known, user_id="alice")
    assert texts(await retriever.aretrieve("Lisbon")) == texts(retriever.retrieve("Lisbon"))
    assert texts(await retriever._aretrieve(query_bundle=QueryBundle("Lisbon"))) == texts(
        retriever._retrieve(query_bundle=QueryBundle("Lisbon"))
    )


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"k": 1}, 1),
        ({"session_id": "s2"}, 1),
        ({"exclude_session": "s1"}, 1),
        ({"since": JUNE}, 2),
        ({"until": JUNE}, 1),
        ({"speakers": ["Ann"]}, 1),
        ({"tiers": ["ltm"]}, 0),
    ],
)
def test_limits_hold(known: LightMem, limits: dict[str, Any], expected: int) -> None:
    nodes = LightMemRetriever(known, user_id="alice", **limits).retrieve("Lisbon")
    assert len(nodes) == expected


@pytest.mark.parametrize("question", ["", "   "])
async def test_a_blank_question_finds_nothing(known: LightMem, question: str) -> None:
    retriever = LightMemRetriever(known, user_id="alice")
    assert retriever.retrieve(question) == []
    assert await retriever.aretrieve(question) == []


def test_senseless_limits_are_refused(known: LightMem) -> None:
    with pytest.raises(InvalidRequestError):
        LightMemRetriever(known, user_id="alice", k=0).retrieve("Lisbon")


async def test_in_a_query_engine(known: LightMem, script) -> None:
    says = script("Ann.", "Ann again.")
    retriever = LightMemRetriever(known, user_id="alice")
    engine = RetrieverQueryEngine.from_args(retriever, llm=says.llm)
    assert str(engine.query("Who moved to Lisbon?")) == "Ann."
    response = await engine.aquery("Who moved to Lisbon?")
    assert str(response) == "Ann again."
    assert len(response.source_nodes) == 3
    for prompt in range(2):
        assert "I moved to Lisbon." in says.said_to(prompt)
        assert "I hide" not in says.said_to(prompt)


async def test_as_a_tool_the_model_cannot_choose_the_user(known: LightMem) -> None:
    tool = RetrieverTool.from_defaults(
        LightMemRetriever(known, user_id="alice"), name="memory", description="What was said."
    )
    answer = str(await tool.acall("Lisbon", user_id="bob"))
    assert "I moved to Lisbon." in answer
    assert "I hide" not in answer
    assert "session_id" not in answer


def test_callbacks_see_the_retrieval(known: LightMem) -> None:
    seen = LlamaDebugHandler(print_trace_on_end=False)
    retriever = LightMemRetriever(known, user_id="alice", callback_manager=CallbackManager([seen]))
    retriever.retrieve("Lisbon")
    assert len(seen.get_event_pairs()) == 1


def test_the_arguments_of_a_vector_index_retriever_work(known: LightMem) -> None:
    two = LightMemRetriever(known, user_id="alice", similarity_top_k=2)
    assert len(two.retrieve("Lisbon")) == 2
    sure = LightMemRetriever(known, user_id="alice", similarity_cutoff=0.3)
    assert sure.retrieve("Who moved to Lisbon?")
    assert sure.retrieve("How do I configure the VPN?") == []


def test_the_frameworks_own_cutoff_works_on_our_scores(known: LightMem) -> None:
    retriever = LightMemRetriever(known, user_id="alice")
    cut = SimilarityPostprocessor(similarity_cutoff=0.3)
    for question, wanted in (("Who moved to Lisbon?", True), ("Configure the VPN?", False)):
        nodes = retriever.retrieve(question)
        assert all(0 <= (node.score or 0.0) <= 1 for node in nodes)
        assert bool(cut.postprocess_nodes(nodes, query_str=question)) is wanted


@pytest.mark.parametrize("unknown", [{"kk": 3}, {"top_k": 3}])
def test_an_argument_that_nothing_takes_is_an_error(known: LightMem, unknown: Any) -> None:
    with pytest.raises(TypeError, match=next(iter(unknown))):
        LightMemRetriever(known, user_id="alice", **unknown)


def test_a_model_reads_that_only_the_month_of_a_fact_is_known(core: LightMem) -> None:
    told = Turn(role="user", text="event Ann.race + Berlin since 2026-03", time=JUNE)
    core.add(told, user_id="alice")
    core.index_pending()
    core.consolidate(writer=ScriptedWriter(), final=True)
    retriever = LightMemRetriever(core, user_id="alice", tiers=["ltm"])
    (found,) = retriever.retrieve("Which race did Ann run?")
    read = found.get_content(metadata_mode=MetadataMode.LLM)
    assert "when: 2026-03-01" in read
    assert "when_precision: month" in read
