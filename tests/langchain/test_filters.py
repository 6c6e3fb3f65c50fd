"""Filters by metadata, through LangChain's retriever and what it writes."""

import datetime as dt

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda

from filter_cases import ALSO, CASES, MAY, QUESTION, WRONG, fill
from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    LightMemRetriever,
    LightMemToolkit,
    record_turns,
)

DAY = dt.timedelta(days=1)


@pytest.fixture
def filled(memory):
    fill(memory)
    return memory


def found(documents):
    return {document.metadata["n"] for document in documents}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [(case, expected) for case, _, expected in CASES] + ALSO,
    ids=lambda case: str(case)[:50],
)
def test_a_retriever_returns_what_meets_a_filter(filled, condition, expected):
    options = {"memory": filled, "user_id": "alice"}
    by_field = LightMemRetriever(**options, filter=condition)
    by_kwargs = LightMemRetriever(**options, search_kwargs={"filter": condition})
    assert found(by_field.invoke(QUESTION)) == expected
    assert found(by_kwargs.invoke(QUESTION)) == expected
    assert found(LightMemRetriever(**options).invoke(QUESTION, filter=condition)) == expected


@pytest.mark.parametrize(("condition", "message"), WRONG)
def test_a_retriever_refuses_what_is_no_filter(filled, condition, message):
    options = {"memory": filled, "user_id": "alice"}
    with pytest.raises(InvalidRequestError, match=message):
        LightMemRetriever(**options, filter=condition)
    with pytest.raises(InvalidRequestError, match=message):
        LightMemRetriever(**options, search_kwargs={"filter": condition})
    with pytest.raises(InvalidRequestError, match=message):
        LightMemRetriever(**options).invoke(QUESTION, filter=condition)


def test_a_filter_of_the_call_takes_the_place_of_the_retrievers(filled):
    retriever = LightMemRetriever(memory=filled, user_id="alice", filter={"n": 1})
    assert found(retriever.invoke(QUESTION, filter={"n": 2})) == {2}


def test_an_agent_recalls_and_records_by_the_context_of_its_run(filled, scripted):
    model = scripted("Yes.", "No.")
    by_topic = LightMemMiddleware(
        filled,
        filter=lambda context: {"topic": context["topic"]},
        metadata=lambda context: {"topic": context["topic"], "asked": True},
    )
    agent = create_agent(model, context_schema=dict, middleware=[by_topic])
    for topic, place in (("work", 1), ("travel", 3)):
        question = {"messages": [("user", QUESTION)]}
        agent.invoke(question, context={"user_id": "alice", "topic": topic})
        assert f"at place {place}." in model.last_prompt
        assert model.last_prompt.count("at place") == 1
    told = filled.history(user_id="alice", filter={"asked": True, "topic": "work"})
    assert [turn.role for turn in told] == ["user", "assistant"]


def test_a_middleware_refuses_what_is_no_filter_when_it_is_made(memory):
    with pytest.raises(InvalidRequestError, match="no operator"):
        LightMemMiddleware(memory, filter={"topic": {"$like": "h"}})
    with pytest.raises(InvalidTurnError, match="'when' is"):
        LightMemMiddleware(memory, metadata={"when": object()})


def test_what_a_message_says_of_itself_becomes_metadata(memory):
    history = LightMemChatMessageHistory(memory, user_id="alice")
    said = {"topic": "birds", "tags": ["a"], "deep": {"a": 1}, "bad": float("nan"), "role": "x"}
    history.add_messages([HumanMessage("I saw a heron.", id="m1", additional_kwargs=said)])
    (turn,) = memory.history(user_id="alice", filter={"topic": "birds"})
    assert turn.metadata == {"topic": "birds", "tags": ["a"]}
    assert history.messages[0].additional_kwargs["deep"] == {"a": 1}
    retriever = LightMemRetriever(memory=memory, user_id="alice", filter={"tags": ["a"]})
    assert retriever.invoke(QUESTION)[0].metadata["topic"] == "birds"


def by_topic(context):
    return {"topic": context["topic"]}


def config(topic):
    return {"configurable": {"user_id": "alice", "topic": topic}}


def test_a_retriever_takes_a_function_of_the_runs_context(filled):
    retriever = LightMemRetriever(memory=filled, filter=by_topic)
    in_kwargs = LightMemRetriever(memory=filled, search_kwargs={"filter": by_topic})
    for each in (retriever, in_kwargs):
        assert found(each.invoke(QUESTION, config("work"))) == {1}
        assert found(each.invoke(QUESTION, config("home"))) == {0, 2}
    assert found(retriever.invoke(QUESTION, config("home"), filter={"n": 3})) == {3}
    unlimited = LightMemRetriever(memory=filled, filter=lambda _: None)
    assert found(unlimited.invoke(QUESTION, config("work"))) == {0, 1, 2, 3, 4}


def test_a_step_of_a_chain_recalls_what_meets_its_filter(filled):
    bound = LightMemRecall(memory=filled, user_id="alice", filter={"topic": "work"}, strict=True)
    by_run = LightMemRecall(memory=filled, filter=by_topic, strict=True)
    day = {"time": {"$gte": MAY + DAY, "$lt": MAY + 2 * DAY}}
    by_day = LightMemRecall(memory=filled, user_id="alice", filter=day, strict=True)
    of_runs = by_run.invoke(QUESTION, config("work"))
    for text in (bound.invoke(QUESTION), of_runs, by_day.invoke(QUESTION)):
        assert "place 1." in text
        assert text.count("place") == 1


def test_a_classic_memory_recalls_and_records_by_its_filter_and_metadata(filled):
    memory = LightMemMemory(
        memory=filled, user_id="alice", session_id="now", input_key="input", strict=True,
        filter=by_topic, metadata=lambda inputs: {"topic": inputs["topic"], "asked": True},
    )  # fmt: skip
    asked = {"input": QUESTION, "topic": "work"}
    assert memory.load_memory_variables(asked)["history"].count("place") == 1
    memory.save_context(asked, {"output": "At the weir."})
    told = filled.history(
        user_id="alice", session_id="now", filter={"asked": True, "topic": "work"}
    )
    assert [turn.role for turn in told] == ["user", "assistant"]
    fixed = LightMemMemory(memory=filled, user_id="alice", filter={"topic": "travel"}, strict=True)
    assert "place 3." in fixed.load_memory_variables({"input": QUESTION})["history"]


def test_a_chain_records_with_the_metadata_of_its_run(filled):
    chain = record_turns(RunnableLambda(lambda _: "At the weir."), filled, metadata=by_topic)
    chain.invoke(QUESTION, config("birds"))
    told = filled.history(user_id="alice", filter={"topic": "birds"})
    assert [turn.text for turn in told] == [QUESTION, "At the weir."]


def test_tools_search_and_change_only_what_meets_the_applications_filter(filled):
    toolkit = LightMemToolkit(
        memory=filled, session_id="now", filter=by_topic, note_metadata=by_topic, strict=True
    )
    search, remember, forget, correct = toolkit.get_tools()
    shown = search.invoke({"query": QUESTION, "filter": {}}, config("work"))
    assert "place 1." in shown
    assert shown.count("place") == 1
    assert "no memory" in forget.invoke({"memory_id": "s0/t0"}, config("work"))
    refused = correct.invoke({"memory_id": "s0/t0", "text": "It was a crane."}, config("work"))
    assert "no memory" in refused
    remember.invoke({"text": "The heron nests in the oak."}, config("work"))
    assert "in the oak" in search.invoke({"query": "Where does it nest?"}, config("work"))
    assert "in the oak" not in search.invoke({"query": "Where does it nest?"}, config("home"))
    assert forget.invoke({"memory_id": "s1/t1"}, config("work")) == "Forgotten."


def test_an_agents_tools_have_the_filter_of_its_middleware(filled, scripted):
    call = {"name": "search_memory", "args": {"query": QUESTION}, "id": "c1", "type": "tool_call"}
    model = scripted(AIMessage("", tool_calls=[call]), "Yes.")
    limited = LightMemMiddleware(filled, user_id="alice", tools=True, filter={"topic": "work"})
    said = create_agent(model, middleware=[limited]).invoke({"messages": [("user", QUESTION)]})
    (told,) = [each.text for each in said["messages"] if each.type == "tool"]
    assert "place 1." in told
    assert told.count("place") == 1


@pytest.mark.parametrize("component", [LightMemRecall, LightMemMemory, LightMemToolkit])
def test_a_component_refuses_what_is_no_filter_when_it_is_made(memory, component):
    def make():
        made = component(memory=memory, user_id="alice", filter={"topic": {"$like": "h"}})
        return made.get_tools()

    with pytest.raises(InvalidRequestError, match="no operator"):
        make()


def test_a_chain_refuses_what_is_no_metadata_when_it_is_made(memory):
    with pytest.raises(InvalidTurnError, match="'when' is"):
        record_turns(RunnableLambda(str), memory, metadata={"when": object()})
    with pytest.raises(InvalidTurnError, match="'when' is"):
        LightMemMemory(memory=memory, user_id="alice", metadata={"when": object()})
