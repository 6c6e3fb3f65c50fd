"""The retriever: LangChain's own acceptance suite, and what a chain gets from it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from langchain_tests.integration_tests import RetrieversIntegrationTests

from lightmem_integrations import Hit, Plan, Recall, Source, Turn
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain import LightMemRetriever
from lightmem_integrations.testing import ScriptedWriter

MAY = dt.datetime(2026, 5, 4, 9, 30, tzinfo=dt.timezone.utc)


class TestLangChainAcceptance(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def filled(self, memory, remember):
        remember("alice", *(f"On day {n} I drank tea number {n}." for n in range(6)))
        self.memory = memory

    @property
    def retriever_constructor(self):
        return LightMemRetriever

    @property
    def retriever_constructor_params(self):
        return {"memory": self.memory, "user_id": "alice"}

    @property
    def retriever_query_example(self):
        return "Which tea did I drink?"


@pytest.fixture
def retriever(memory):
    memory.add(
        [
            Turn(role="user", speaker="Ann", text="We go to Rome.", time=MAY, id="m1"),
            Turn(role="assistant", text="Have a good trip.", time=MAY, id="m2"),
        ],
        user_id="alice",
        session_id="trip",
        agent_id="travel",
    )
    return LightMemRetriever(memory=memory, user_id="alice")


def test_a_document_says_where_it_comes_from(retriever):
    best = retriever.invoke("Where do we go?")[0]
    assert best.page_content == "We go to Rome."
    assert best.id == "mtm:trip:m1"
    assert 0.5 < best.metadata["score"] <= 1
    assert best.metadata["parts"]
    expected = {
        "tier": "mtm",
        "when": "2026-05-04T09:30:00+00:00",
        "session_id": "trip",
        "turn_ids": ["m1"],
        "episode_id": None,
        "agent_id": "travel",
        "role": "user",
        "speaker": "Ann",
    }
    assert {name: best.metadata[name] for name in expected} == expected
    assert Document(**json.loads(best.model_dump_json())) == best


def test_ids_are_stable_and_unlike(retriever):
    first, second = retriever.invoke("Where do we go?"), retriever.invoke("Where do we go?")
    assert [document.id for document in first] == [document.id for document in second]
    assert len({document.id for document in first}) == len(first) == 2


def test_two_facts_of_one_turn_are_two_documents(memory, monkeypatch):
    source = Source(session_id="trip", turn_ids=("m1",))
    hits = [
        Hit(text=text, tier="ltm", score=1.0, parts={}, when=MAY, source=source, turns=())
        for text in ("Ann goes to Rome.", "Ann goes in May.")
    ]
    found = Recall(query="", hits=tuple(hits), text="", tokens=0, plan=Plan(queries=("",)))
    monkeypatch.setattr(memory, "recall", lambda query, **kwargs: found)
    first, second = LightMemRetriever(memory=memory, user_id="alice").invoke("Where?")
    assert first.id != second.id
    assert first.metadata["tier"] == "ltm"
    assert first.metadata["role"] is None


async def test_options_of_a_call(retriever):
    assert len(retriever.invoke("Where do we go?", k=1)) == 1
    assert len(await retriever.ainvoke("Where do we go?", k=1)) == 1
    assert len(retriever.bind(k=1).invoke("Where do we go?")) == 1
    assert retriever.invoke("Where do we go?", session_id="other") == []
    assert retriever.invoke("Where do we go?", until=MAY) == []
    assert retriever.invoke("Where do we go?", tiers=("ltm",)) == []
    by_ann = retriever.invoke("Where do we go?", speakers=["Ann"])
    assert by_ann[0].metadata["speaker"] == "Ann"


def test_limits_of_the_constructor(memory, remember):
    remember("alice", *(f"On day {n} I drank tea number {n}." for n in range(9)))
    few = LightMemRetriever(memory=memory, user_id="alice", k=2)
    assert len(few.invoke("Which tea did I drink?")) == 2
    short = LightMemRetriever(memory=memory, user_id="alice", k=9, max_tokens=80)
    assert 0 < len(short.invoke("Which tea did I drink?")) < 9


def test_a_blank_query_is_an_error(retriever):
    with pytest.raises(InvalidRequestError):
        retriever.invoke("  ")


def test_in_a_chain(retriever, memory):
    unbound = LightMemRetriever(memory=memory)
    chain = {
        "context": unbound | RunnableLambda(lambda found: found[0].page_content),
        "question": RunnablePassthrough(),
    } | RunnableLambda(lambda given: f"{given['context']} {given['question']}")
    config = {"configurable": {"user_id": "alice"}}
    assert chain.invoke("Where do we go?", config) == "We go to Rome. Where do we go?"


def test_callbacks_see_the_run(retriever):
    class Watching(BaseCallbackHandler):
        seen = ()

        def on_retriever_start(self, serialized, query, **kwargs):
            self.seen = (*self.seen, query)

        def on_retriever_end(self, documents, **kwargs):
            self.seen = (*self.seen, len(documents))

    watching = Watching()
    retriever.invoke("Where do we go?", {"callbacks": [watching]})
    assert watching.seen == ("Where do we go?", 2)


def test_the_memory_is_neither_serialised_nor_copied(retriever, memory):
    assert "memory" not in retriever.model_dump()
    assert LightMemRetriever(memory=memory).for_user("bob").memory is memory


def test_the_arguments_of_a_vector_stores_retriever_work(memory, remember):
    remember("alice", *(f"On day {n} I drank tea number {n}." for n in range(6)))
    question = "Which tea did I drink?"
    bound = {"memory": memory, "user_id": "alice"}
    three = LightMemRetriever(**bound, search_kwargs={"k": 3})
    assert len(three.invoke(question)) == 3
    assert len(three.invoke(question, k=1)) == 1
    three.search_kwargs["k"] = 2
    assert len(three.invoke(question)) == 2
    sure = LightMemRetriever(
        **bound, search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.3}
    )
    assert sure.invoke(question)
    assert sure.invoke("What is the capital of Mongolia?") == []
    assert LightMemRetriever(**bound, score_threshold=0.3).invoke("Who won the vote?") == []
    changing = three.configurable_fields(search_kwargs=ConfigurableField(id="search_kwargs"))
    config = {"configurable": {"search_kwargs": {"k": 4}}}
    assert len(changing.invoke(question, config)) == 4


async def test_a_call_that_is_awaited_takes_them_too(retriever):
    assert await retriever.ainvoke("Who won the vote?", score_threshold=0.9) == []


def test_a_score_is_between_0_and_1_and_keeps_the_order(retriever):
    scores = [each.metadata["score"] for each in retriever.invoke("Where do we go?")]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"kk": 3}, "Did you mean k?"),
        ({"search_kwargs": {"score_treshold": 0.5}}, "Did you mean score_threshold?"),
        ({"search_kwargs": {"fetch_k": 20}}, "fetch_k"),
        ({"search_type": "mmr"}, "similarity"),
        ({"search_kwargs": {"k": 0}}, None),
    ],
)
def test_an_argument_that_nothing_takes_is_an_error(memory, given, meant):
    if meant is None:  # only the call can tell
        with pytest.raises(InvalidRequestError, match="k is 0"):
            LightMemRetriever(memory=memory, user_id="alice", **given).invoke("Where?")
        return
    with pytest.raises(ValueError, match=meant):
        LightMemRetriever(memory=memory, user_id="alice", **given)


@pytest.mark.parametrize("unknown", [{"kk": 3}, {"where": {"a": 1}}])
async def test_an_argument_of_a_call_that_nothing_takes_is_an_error(retriever, unknown):
    with pytest.raises(InvalidRequestError, match=next(iter(unknown))):
        retriever.invoke("Where?", **unknown)
    with pytest.raises(InvalidRequestError, match=next(iter(unknown))):
        await retriever.ainvoke("Where?", **unknown)


def test_a_document_says_that_only_the_month_of_a_fact_is_known(memory):
    told = Turn(role="user", text="event Ann.race + Berlin since 2026-03", time=MAY)
    memory.add(told, user_id="alice")
    memory.index_pending()
    memory.consolidate(writer=ScriptedWriter(), final=True)
    retriever = LightMemRetriever(memory=memory, user_id="alice", tiers=("ltm",))
    (found,) = retriever.invoke("Which race did Ann run?")
    assert found.metadata["when"].startswith("2026-03-01")
    assert found.metadata["when_precision"] == "month"
