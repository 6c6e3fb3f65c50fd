"""No component shows one user what another said, whatever the ids; and none invents a user."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import create_retriever_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime

from lightmem_integrations.errors import ScopeError
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    LightMemRetriever,
    LightMemToolkit,
    import_documents,
    record_turns,
)
from lightmem_integrations.langchain.scope import user_of_call

USERS = ("alice", "Alice", "alice ", "bob@example.com", "7")
NOT_USERS = ("", "   ", "*", "%", 7, ["alice"])


@dataclass
class Context:
    user_id: object


def with_memory(memory, **options):
    """The middleware; with time enough, so that a busy machine fails no test."""
    return LightMemMiddleware(memory, **{"recall_seconds": 30, **options})


def secret(user_id):
    return f"My secret word is {user_id.encode().hex()}z."


def asked():
    """The same message with the same id for everybody."""
    return {"messages": [HumanMessage("What is my secret word?", id="m1")]}


def others(user_id):
    return [secret(other) for other in USERS if other != user_id]


def check(prompt, user_id):
    assert secret(user_id) in prompt
    assert not any(other in prompt for other in others(user_id))


def by_configuration(user_id):
    return {"config": {"configurable": {"thread_id": f"t-{user_id}", "user_id": user_id}}}


def by_context(user_id):
    return {"context": Context(user_id), "config": {"configurable": {"thread_id": f"t-{user_id}"}}}


@pytest.mark.parametrize("named", [by_configuration, by_context])
def test_agent_users_take_turns(memory, scripted, named):
    model = scripted()
    agent = create_agent(model, middleware=[with_memory(memory)], context_schema=Context)
    for user_id in USERS:
        first = {"messages": [HumanMessage(secret(user_id), id="m0")]}
        agent.invoke(first, **named(user_id))
    for _ in range(2):
        for user_id in USERS:
            agent.invoke(asked(), **named(user_id))
            check(model.last_prompt, user_id)
    assert sorted(memory.users()) == sorted(USERS)


async def test_agent_users_at_once(memory, scripted, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id))
    model = scripted()
    agent = create_agent(model, middleware=[with_memory(memory)], checkpointer=InMemorySaver())

    async def ask(user_id):
        question = HumanMessage(f"What is my secret word? {user_id!r} asks.", id="m1")
        config = by_configuration(user_id)["config"]
        config["configurable"]["thread_id"] += " at once"
        await agent.ainvoke({"messages": [question]}, config)

    await asyncio.gather(*(ask(user_id) for user_id in USERS for _ in range(3)))
    for prompt in model.prompts:
        question = prompt[-1].text
        user_id = next(user_id for user_id in USERS if question.endswith(f"{user_id!r} asks."))
        check("\n".join(message.text for message in prompt), user_id)


async def test_retriever_users_take_turns(memory, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id), session_id="s")
    retriever = LightMemRetriever(memory=memory)
    for user_id in USERS:
        config = {"configurable": {"user_id": user_id}}
        found = [
            retriever.invoke("secret word", config),
            retriever.invoke("secret word", user_id=user_id),
            retriever.for_user(user_id).invoke("secret word"),
            await retriever.ainvoke("secret word", config),
            await retriever.for_user(user_id).ainvoke("secret word"),
        ]
        assert [[d.page_content for d in documents] for documents in found] == [
            [secret(user_id)]
        ] * 5


async def test_retriever_users_in_one_batch(memory, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id), session_id="s")
    retriever = LightMemRetriever(memory=memory)
    queries = ["secret word"] * len(USERS)
    configs = [{"configurable": {"user_id": user_id}} for user_id in USERS]
    expected = [[secret(user_id)] for user_id in USERS]
    for found in (retriever.batch(queries, configs), await retriever.abatch(queries, configs)):
        assert [[d.page_content for d in documents] for documents in found] == expected


async def test_chain_memory_users_take_turns(memory):
    for user_id in USERS:
        LightMemMemory(memory=memory, user_id=user_id, session_id="old").save_context(
            {"input": secret(user_id)}, {"output": "Noted."}
        )
    shared = LightMemMemory(memory=memory, user_id_key="who", session_id="new")
    for user_id in USERS:
        inputs = {"input": "What is my secret word?", "who": user_id}
        check(shared.load_memory_variables(inputs)["history"], user_id)
        check((await shared.aload_memory_variables(inputs))["history"], user_id)
        await shared.asave_context(inputs, {"output": f"answer to {user_id!r}"})
    for user_id in USERS:
        history = shared.load_memory_variables({"who": user_id})["history"]
        assert history == f"Human: What is my secret word?\nAI: answer to {user_id!r}"


async def test_recall_users_take_turns_and_come_at_once(memory, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id), session_id="s")
    step = LightMemRecall(memory=memory, recall_seconds=30)
    configs = [{"configurable": {"user_id": user_id}} for user_id in USERS]
    queries = [{"question": "What is my secret word?"}] * len(USERS)
    results = [
        [step.invoke(query, config) for query, config in zip(queries, configs, strict=True)],
        [await step.ainvoke(query, config) for query, config in zip(queries, configs, strict=True)],
        step.batch(queries, configs),
        await step.abatch(queries, configs),
        [LightMemRecall(memory=memory, user_id=u, recall_seconds=30).invoke("word") for u in USERS],
    ]
    for found in results:
        for user_id, text in zip(USERS, found, strict=True):
            check(text, user_id)


async def test_recorded_chain_users_come_at_once(memory):
    chain = record_turns(RunnableLambda(lambda given: f"heard {given}"), memory)
    configs = [{"configurable": {"user_id": user_id, "thread_id": "t"}} for user_id in USERS]
    said = [secret(user_id) for user_id in USERS]
    chain.batch(said, configs)
    await chain.abatch(said, configs)
    for user_id in USERS:
        until = time.monotonic() + 60  # a chain does not wait for a record that takes long
        while len(memory.history(user_id=user_id, session_id="t")) < 4 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        told = [turn.text for turn in memory.history(user_id=user_id, session_id="t")]
        assert told == [secret(user_id), f"heard {secret(user_id)}"] * 2
    with pytest.raises(ScopeError):
        chain.invoke("hello")
    with pytest.raises(ScopeError):
        await chain.ainvoke("hello", {"configurable": {"user_id": " "}})
    assert sorted(memory.users()) == sorted(USERS)


async def test_tool_users_take_turns(memory, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id), session_id="s")
    search = LightMemToolkit(memory=memory).get_tools()[0]
    for user_id in USERS:
        config = {"configurable": {"user_id": user_id}}
        check(search.invoke({"query": "secret word"}, config), user_id)
        check(await search.ainvoke({"query": "secret word"}, config), user_id)


async def test_history_users_take_turns(memory):
    for user_id in USERS:
        history = LightMemChatMessageHistory(memory, user_id=user_id, session_id="s")
        history.add_messages([HumanMessage(secret(user_id), id="m0")])
    for user_id in USERS:
        history = LightMemChatMessageHistory(memory, user_id=user_id, session_id="s")
        assert [each.text for each in history.messages] == [secret(user_id)]
        assert [each.text for each in await history.aget_messages()] == [secret(user_id)]
        history.clear()
    for user_id in NOT_USERS:
        with pytest.raises(ScopeError):
            LightMemChatMessageHistory(memory, user_id=user_id)


def test_one_import_for_many_users(memory):
    documents = [Document(secret(u), metadata={"who": u}, id="d") for u in USERS]
    import_documents(memory, documents, user_key="who")
    retriever = LightMemRetriever(memory=memory)
    for user_id in USERS:
        (found,) = retriever.for_user(user_id).invoke("secret word")
        assert found.page_content == secret(user_id)
    for nobody in ({}, {"who": " "}, {"who": 7}):
        mixed = [Document("x", metadata={"who": "new"}), Document("y", metadata=nobody)]
        with pytest.raises(ScopeError):
            import_documents(memory, mixed, user_key="who")
    assert "new" not in memory.users()


def test_retriever_as_a_tool_of_an_agent_takes_its_user_from_the_run(memory, scripted, remember):
    for user_id in USERS:
        remember(user_id, secret(user_id))
    tool = create_retriever_tool(LightMemRetriever(memory=memory), "search", "Search memory.")
    call = {"name": "search", "args": {"query": "secret word"}, "id": "c"}
    for user_id in USERS:
        for named in (by_configuration, by_context):
            model = scripted(AIMessage("", tool_calls=[call]), "Done.")
            agent = create_agent(model, tools=[tool], context_schema=Context)
            agent.invoke(asked(), **named(user_id))
            check(model.last_prompt, user_id)


def test_an_agent_without_a_user_answers_nobody(memory, scripted):
    model = scripted()
    agent = create_agent(model, middleware=[with_memory(memory)])
    with pytest.raises(ScopeError, match="user_id"):
        agent.invoke(asked())
    assert model.prompts == []
    assert memory.users() == ()


async def test_an_agent_without_a_user_answers_nobody_async(memory, scripted):
    model = scripted()
    agent = create_agent(model, middleware=[with_memory(memory)])
    with pytest.raises(ScopeError, match="user_id"):
        await agent.ainvoke(asked())
    assert model.prompts == []


@pytest.mark.parametrize("user_id", NOT_USERS)
def test_what_is_no_user_is_refused_everywhere(memory, scripted, user_id):
    agent = create_agent(scripted(), middleware=[with_memory(memory)], context_schema=Context)
    with pytest.raises(ScopeError):
        agent.invoke(asked(), {"configurable": {"user_id": user_id}})
    with pytest.raises(ScopeError):
        # A blank context is not passed over for the configuration.
        agent.invoke(asked(), {"configurable": {"user_id": "alice"}}, context=Context(user_id))
    with pytest.raises(ScopeError):
        with_memory(memory, user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemRetriever(memory=memory, user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemRetriever(memory=memory).invoke("word", {"configurable": {"user_id": user_id}})
    with pytest.raises(ScopeError):
        LightMemRetriever(memory=memory).invoke("word", user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemRetriever(memory=memory).for_user(user_id)
    with pytest.raises(ScopeError):
        LightMemRecall(memory=memory, user_id=user_id)
    with pytest.raises(ScopeError):
        record_turns(RunnableLambda(str), memory, user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemToolkit(memory=memory, user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemMemory(memory=memory, user_id=user_id)
    with pytest.raises(ScopeError):
        LightMemMemory(memory=memory, user_id_key="who").load_memory_variables({"who": user_id})


async def test_no_user_at_all_is_refused(memory):
    retriever = LightMemRetriever(memory=memory)
    with pytest.raises(ScopeError):
        retriever.invoke("word")
    with pytest.raises(ScopeError):
        await retriever.ainvoke("word")
    with pytest.raises(ScopeError):
        retriever.batch(["word"])
    with pytest.raises(ScopeError):
        LightMemMemory(memory=memory)
    shared = LightMemMemory(memory=memory, user_id_key="who")
    with pytest.raises(ScopeError):
        shared.load_memory_variables({})
    with pytest.raises(ScopeError):
        shared.save_context({"input": "hi"}, {"output": "hi"})
    with pytest.raises(ScopeError):
        shared.clear()


def test_a_bound_retriever_stays_bound(memory, remember):
    remember("alice", "My secret word is plum.")
    remember("bob", "My secret word is pear.")
    bound = LightMemRetriever(memory=memory).for_user("alice")
    with pytest.raises(ScopeError):
        bound.invoke("secret word", user_id="bob")
    with pytest.raises(ScopeError):
        bound.for_user("bob")
    found = bound.invoke("secret word", {"configurable": {"user_id": "bob"}})
    assert [d.page_content for d in found] == ["My secret word is plum."]


def test_who_decides_about_the_user():
    config = {"configurable": {"user_id": "configured"}}
    server = SimpleNamespace(user=SimpleNamespace(identity="authenticated"))
    everything = Runtime(context={"user_id": "in context"})
    nothing_in_context = Runtime(context=SimpleNamespace(other=1))
    authenticated = Runtime(context=SimpleNamespace(other=1), server_info=server)
    assert user_of_call(config, user_id="given", runtime=everything) == "given"
    assert user_of_call(config, user_id=None, runtime=everything) == "in context"
    assert user_of_call(config, user_id=None, runtime=nothing_in_context) == "configured"
    assert user_of_call({}, user_id=None, runtime=authenticated) == "authenticated"
    with pytest.raises(ScopeError):
        user_of_call({}, user_id=None, runtime=Runtime())


@pytest.mark.parametrize(
    ("context", "config"),
    [({"user_id": "bob"}, {}), (None, {"configurable": {"user_id": "bob"}})],
    ids=["context", "configuration"],
)
def test_a_request_names_nobody_but_whom_the_server_authenticated(context, config):
    server = SimpleNamespace(user=SimpleNamespace(identity="alice"))
    runtime = Runtime(context=context, server_info=server)
    with pytest.raises(ScopeError, match=r"bob.*alice.*Leave user_id out"):
        user_of_call(config, user_id=None, runtime=runtime)
    same = Runtime(context={"user_id": "alice"}, server_info=server)
    assert user_of_call({}, user_id=None, runtime=same) == "alice"
    assert user_of_call(config, user_id="carol", runtime=runtime) == "carol"
