"""Spaces through LangChain: read and written as the user may, chosen by the run's context."""

import dataclasses

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver

from lightmem_integrations import AccessError, Turn
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    LightMemRetriever,
    LightMemToolkit,
    record_turns,
)


@dataclasses.dataclass
class Context:
    user_id: str
    team: str | None = None


@pytest.fixture
def store(memory):
    """Ann and Bob share a household; only Ann is in the office."""
    memory.spaces.grant("family", user_id="ann", write=True)
    memory.spaces.grant("family", user_id="bob", write=True)
    memory.spaces.grant("office", user_id="ann", write=True)
    for space, code in (("family", "heron"), ("office", "osprey")):
        said = Turn(role="user", text=f"The wifi code is {code}.")
        memory.add(said, user_id="ann", space=space)
    return memory


def ask(agent, text, user_id, team=None, thread="t"):
    return agent.invoke(
        {"messages": [HumanMessage(text)]},
        {"configurable": {"thread_id": thread}},
        context=Context(user_id, team),
    )


def agent_with(model, store, **options):
    middleware = LightMemMiddleware(store, recall_seconds=30, **options)
    return create_agent(
        model, middleware=[middleware], context_schema=Context, checkpointer=InMemorySaver()
    )


def said_in(store, space, thread="t"):
    return [turn.text for turn in store.history(user_id="ann", session_id=thread, space=space)]


def test_an_agent_recalls_from_the_spaces_that_its_user_may_read(store, scripted):
    for user_id, codes in (("ann", {"heron", "osprey"}), ("bob", {"heron"}), ("cy", set())):
        model = scripted("Here it is.")
        ask(agent_with(model, store, spaces="all"), "What is the wifi code?", user_id)
        assert {code for code in ("heron", "osprey") if code in model.last_prompt} == codes
        assert len(store.history(user_id=user_id, session_id="t")) == 2


def test_an_agent_works_in_the_space_of_its_runs_context(store, scripted):
    model = scripted("Heron.", "Osprey.", "Nothing.")
    agent = agent_with(model, store, space=lambda context: context.team)
    ask(agent, "What is the wifi code?", "bob", "family", "t1")
    assert "[family] " in model.last_prompt
    assert "osprey" not in model.last_prompt
    assert said_in(store, "family", "t1") == ["What is the wifi code?", "Heron."]
    assert store.history(user_id="bob", session_id="t1") == ()
    ask(agent, "What is the wifi code?", "bob", None, "t2")
    assert "heron" not in model.last_prompt
    assert len(store.history(user_id="bob", session_id="t2")) == 2


def test_without_a_grant_an_agent_answers_without_memory(store, scripted):
    model = scripted("I do not know.")
    result = ask(agent_with(model, store, space="office"), "What is the wifi code?", "bob")
    assert result["messages"][-1].content == "I do not know."
    assert "osprey" not in model.last_prompt
    assert said_in(store, "office") == []
    strict = agent_with(scripted("No."), store, spaces=["office"], strict=True)
    with pytest.raises(AccessError):
        ask(strict, "What is the wifi code?", "bob", thread="t3")


def test_who_only_reads_a_space_recalls_from_it_and_adds_nothing(store, scripted, caplog):
    store.spaces.grant("office", user_id="bob")
    model = scripted("Osprey.")
    ask(agent_with(model, store, space="office"), "What is the wifi code?", "bob")
    assert "osprey" in model.last_prompt
    assert "Recording failed: AccessError: User 'bob' may not write" in caplog.text
    assert "Recall failed" not in caplog.text
    assert said_in(store, "office") == []


def test_a_revoked_grant_is_gone_in_the_next_turn_of_a_thread(store, scripted):
    model = scripted("Heron.", "Gone.")
    agent = agent_with(model, store, spaces="all")
    ask(agent, "What is the wifi code?", "bob")
    assert "[family]" in model.last_prompt
    store.spaces.revoke("family", user_id="bob")
    ask(agent, "Say the wifi code again.", "bob")
    assert "[family]" not in model.last_prompt


def test_a_retriever_says_whose_a_document_is(store):
    retriever = LightMemRetriever(memory=store, user_id="bob", spaces="all")
    store.add(Turn(role="user", text="My locker code is 77."), user_id="bob")
    found = retriever.invoke("code")
    assert {each.metadata.get("space") for each in found} == {None, "family"}
    assert len({each.id for each in found}) == len(found)
    assert LightMemRetriever(memory=store).invoke("code", user_id="ann", spaces=["office"])
    by_config = LightMemRetriever(memory=store, spaces=lambda given: [given["team"]])
    given = {"configurable": {"user_id": "bob", "team": "family"}}
    assert by_config.invoke("wifi code", given)[0].metadata["space"] == "family"
    given["configurable"]["team"] = "office"
    with pytest.raises(AccessError):
        by_config.invoke("wifi code", given)


def test_a_chain_recalls_from_spaces_and_is_recorded_in_one(store):
    given = {"configurable": {"user_id": "bob", "session_id": "t"}}
    recall = LightMemRecall(memory=store, spaces="all", recall_seconds=30)
    assert "heron" in recall.invoke("What is the wifi code?", given)
    chain = record_turns(RunnableLambda(lambda _: "Noted."), store, space="family")
    chain.invoke("I bought bread.", given)
    assert said_in(store, "family") == ["I bought bread.", "Noted."]


def test_a_history_and_a_memory_of_a_space(store):
    history = LightMemChatMessageHistory(store, user_id="bob", session_id="t", space="family")
    history.add_user_message("I bought bread.")
    assert [message.content for message in history.messages] == ["I bought bread."]
    assert said_in(store, "family") == ["I bought bread."]
    history.clear()
    assert history.messages == []
    classic = LightMemMemory(memory=store, user_id="bob", session_id="u", space="family")
    classic.save_context({"input": "I bought milk."}, {"output": "Good."})
    assert said_in(store, "family", "u") == ["I bought milk.", "Good."]
    assert "heron" in classic.load_memory_variables({"input": "What is the wifi code?"})["history"]


def test_tools_search_and_write_a_space(store):
    search, remember, *_ = LightMemToolkit(
        memory=store, user_id="bob", session_id="notes", space="family"
    ).get_tools()
    assert "[family]" in search.invoke("wifi code")
    remember.invoke("The cat is called Basil.")
    assert said_in(store, "family", "notes") == ["The cat is called Basil."]
