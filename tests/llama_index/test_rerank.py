"""The Selector as a node postprocessor: order, budgets, failures, events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    ImageNode,
    MetadataMode,
    NodeWithScore,
    QueryBundle,
    TextNode,
)

from lightmem_integrations.errors import InvalidRequestError, ModelError, SettingsError
from lightmem_integrations.llama_index import LightMemRerank
from lightmem_integrations.recall.rank_texts import rank_texts

TEXTS = [
    "The harbour opens at six.",
    "My sister plays the cello in an orchestra.",
    "Trains to Porto leave at nine.",
    "We moved to Lisbon in May.",
]
ASKED = "Which instrument does my sister play?"


def nodes_of(texts: Sequence[str]) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(id_=f"n{place}", text=text, metadata={"page": place}), score=0.5
        )
        for place, text in enumerate(texts)
    ]


def ids(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [each.node.node_id for each in nodes]


def broken(texts: Sequence[str]) -> list[list[float]]:
    raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    "arguments", [{"top_n": 0}, {"max_tokens": 0}, {"max_candidates": -1}, {"timeout": 0}]
)
def test_senseless_budgets_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        LightMemRerank(**arguments)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(SettingsError):
        LightMemRerank(embedder=7)


def test_the_answer_comes_first_and_the_order_is_the_selectors() -> None:
    ranked = LightMemRerank(top_n=4).postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)
    assert ranked[0].text == TEXTS[1]
    shown = [node.node.get_content(MetadataMode.EMBED) for node in nodes_of(TEXTS)]
    assert ids(ranked) == [f"n{each.place}" for each in rank_texts(ASKED, shown).texts]
    assert all(type(each.score) is float for each in ranked)


def test_the_nodes_given_are_not_changed() -> None:
    given = nodes_of(TEXTS)
    before = [each.model_dump() for each in given]
    ranked = LightMemRerank(max_tokens=8).postprocess_nodes(given, query_str=ASKED)
    assert [each.model_dump() for each in given] == before
    assert ranked[0].metadata["retrieval_score"] == 0.5
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert "retrieval_score" not in ranked[0].node.get_content(metadata_mode=mode)


def test_top_n_and_tokens_hold() -> None:
    assert len(LightMemRerank(top_n=2).postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)) == 2
    rerank = LightMemRerank(max_tokens=30, tokenizer_fn=str.split)
    ranked = rerank.postprocess_nodes(nodes_of(TEXTS * 5), query_str=ASKED)
    words = [each.node.get_content(metadata_mode=MetadataMode.LLM).split() for each in ranked]
    assert 0 < sum(map(len, words)) <= 30


def test_a_text_that_does_not_fit_makes_room_for_a_smaller_one() -> None:
    texts = ["My sister plays the cello.", "My sister plays " + "very well " * 30, "Good morning."]
    rerank = LightMemRerank(max_tokens=14, tokenizer_fn=str.split)
    assert ids(rerank.postprocess_nodes(nodes_of(texts), query_str=ASKED)) == ["n0", "n2"]


def test_the_best_is_cut_rather_than_dropped() -> None:
    long = "My sister plays the cello. " + "It is an old one. " * 100
    rerank = LightMemRerank(max_tokens=20, tokenizer_fn=str.split)
    (best,) = rerank.postprocess_nodes(nodes_of([long]), query_str=ASKED)
    assert best.text.startswith("My sister plays the cello.")
    assert best.text.endswith(" ...")
    assert len(best.node.get_content(metadata_mode=MetadataMode.LLM).split()) <= 20


def test_only_the_first_candidates_are_scored() -> None:
    ranked = LightMemRerank(max_candidates=1).postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)
    assert ids(ranked) == ["n0", "n1", "n2", "n3"]
    assert [each.score is None for each in ranked] == [False, True, True, True]


@pytest.mark.parametrize("query", [None, "", "  "])
def test_without_a_question_the_order_stays(query: str | None) -> None:
    bundle = None if query is None else QueryBundle(query)
    ranked = LightMemRerank(top_n=3).postprocess_nodes(nodes_of(TEXTS), query_bundle=bundle)
    assert ids(ranked) == ["n0", "n1", "n2"]
    assert [each.score for each in ranked] == [0.5, 0.5, 0.5]


def test_no_nodes_are_no_nodes() -> None:
    assert LightMemRerank().postprocess_nodes([], query_str=ASKED) == []


def test_nodes_without_text_stay_behind() -> None:
    picture = NodeWithScore(node=ImageNode(id_="picture", image_url="https://example.org/a.png"))
    ranked = LightMemRerank().postprocess_nodes([picture, *nodes_of(TEXTS)], query_str=ASKED)
    assert ids(ranked)[0] == "n1"
    assert "picture" in ids(ranked)


def test_a_broken_embedder_leaves_the_words() -> None:
    ranked = LightMemRerank(embedder=broken).postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)
    assert ranked[0].text == TEXTS[1]
    with pytest.raises(ModelError):
        LightMemRerank(embedder=broken, strict=True).postprocess_nodes(
            nodes_of(TEXTS), query_str=ASKED
        )


def test_a_late_model_leaves_the_given_order() -> None:
    def slow(texts: Sequence[str]) -> list[list[float]]:
        time.sleep(0.5)
        return [[1.0, 0.0] for _ in texts]

    rerank = LightMemRerank(embedder=slow, timeout=0.01)
    ranked = rerank.postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)
    assert ids(ranked) == ["n0", "n1", "n2", "n3"]
    assert [each.score for each in ranked] == [0.5] * 4


async def test_async_gives_the_same() -> None:
    rerank = LightMemRerank(top_n=2)
    found = await rerank.apostprocess_nodes(nodes_of(TEXTS), query_str=ASKED)
    assert found == rerank.postprocess_nodes(nodes_of(TEXTS), query_str=ASKED)


def test_it_works_behind_a_retriever_in_a_query_engine(script: Any) -> None:
    class All(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return nodes_of(TEXTS)

    says = script("The cello.")
    engine = RetrieverQueryEngine.from_args(
        All(), llm=says.llm, node_postprocessors=[LightMemRerank(top_n=1)]
    )
    answer = engine.query(ASKED)
    assert [each.text for each in answer.source_nodes] == [TEXTS[1]]
    assert TEXTS[1] in says.said_to(0)
    assert TEXTS[0] not in says.said_to(0)


def test_tracing_sees_it() -> None:
    seen: list[str] = []

    class Handler(BaseEventHandler):
        def handle(self, event: Any, **_: Any) -> None:
            seen.append(event.class_name())

    debug = LlamaDebugHandler(print_trace_on_end=False)
    handler, root = Handler(), get_dispatcher()
    root.add_event_handler(handler)
    try:
        LightMemRerank(callback_manager=CallbackManager([debug])).postprocess_nodes(
            nodes_of(TEXTS), query_str=ASKED
        )
    finally:
        root.event_handlers.remove(handler)
    assert seen == ["ReRankStartEvent", "ReRankEndEvent"]
    assert debug.get_event_pairs(CBEventType.RERANKING)


def test_it_can_be_written_down() -> None:
    saved = LightMemRerank(top_n=3, max_tokens=100).to_dict()
    assert {"top_n": 3, "max_tokens": 100, "class_name": "LightMemRerank"}.items() <= saved.items()
