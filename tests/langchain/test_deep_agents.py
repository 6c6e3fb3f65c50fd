"""Deep agents: memory beside their sub-agents, their files, their memory files, their summaries."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.langchain import LightMemMiddleware, LightMemStore, record_turns

pytest.importorskip("deepagents", exc_type=ImportError)

from deepagents import create_deep_agent
from deepagents.backends import CompositeBackend, StateBackend, StoreBackend
from deepagents.middleware.summarization import SummarizationMiddleware

pytestmark = pytest.mark.slow

WAYS = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@pytest.fixture(scope="module")
def memory():
    with LightMem() as opened:
        yield opened


@pytest.fixture
def user(memory):
    """A user who said something in an earlier session."""
    name = uuid.uuid4().hex
    turn = Turn(role="user", text="I want to pay 900 euros of rent at most.")
    memory.add([turn], user_id=name, session_id="earlier")
    return name


@pytest.fixture
def ours(memory):
    return LightMemMiddleware(memory, recall_seconds=30)


def named(user, thread="t"):
    return {"configurable": {"user_id": user, "thread_id": thread}}


def calling(name, call_id="call", **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": call_id}])


def ask(agent, text, config, asynchronous=False):
    """The answer of one run."""
    given = text if isinstance(text, Command) else {"messages": [("user", text)]}
    run = asyncio.run(agent.ainvoke(given, config)) if asynchronous else agent.invoke(given, config)
    return run["messages"][-1].text


def kept(memory, user, thread="t"):
    return [(turn.role, turn.text) for turn in memory.history(user_id=user, session_id=thread)]


def prompts_with(model, text):
    return [text in "\n".join(message.text for message in prompt) for prompt in model.prompts]


def rent_finder(middleware, **options):
    return {
        "name": "rent-finder",
        "description": "Finds rents.",
        "system_prompt": "You find rents.",
        "middleware": middleware,
        **options,
    }


TASK = "I live in Berlin and hate Munich: compare the rents."
DELEGATED = [("user", "Compare rents, please."), ("assistant", "Berlin.")]


@WAYS
@pytest.mark.parametrize("with_checkpoints", [True, False])
def test_a_sub_agent_recalls_and_what_it_is_told_is_not_the_users(
    memory, scripted, user, ours, with_checkpoints, asynchronous
):
    sub_model = scripted("Berlin is cheaper.")
    model = scripted(calling("task", description=TASK, subagent_type="rent-finder"), "Berlin.")
    agent = create_deep_agent(
        model,
        middleware=[ours],
        subagents=[rent_finder([LightMemMiddleware(memory, recall_seconds=30)], model=sub_model)],
        checkpointer=InMemorySaver() if with_checkpoints else None,
    )
    assert ask(agent, DELEGATED[0][1], named(user), asynchronous) == "Berlin."
    assert prompts_with(model, "900 euros") == [True, True]
    assert prompts_with(sub_model, "900 euros") == [True]
    assert kept(memory, user) == DELEGATED


def test_a_sub_agent_that_is_a_graph_of_its_own(memory, scripted, user, ours):
    sub_model = scripted("Berlin is cheaper.")
    graph = create_agent(sub_model, middleware=[LightMemMiddleware(memory, recall_seconds=30)])
    sub_agent = {"name": "rent-finder", "description": "Finds rents.", "runnable": graph}
    model = scripted(calling("task", description=TASK, subagent_type="rent-finder"), "Berlin.")
    agent = create_deep_agent(model, middleware=[ours], subagents=[sub_agent])
    ask(agent, DELEGATED[0][1], named(user))
    assert prompts_with(sub_model, "900 euros") == [True]
    assert kept(memory, user) == DELEGATED


@pytest.mark.filterwarnings("ignore:The feature `forked subagents` is in beta")
@WAYS
def test_a_fork_that_continues_the_conversation_records_nothing(
    memory, scripted, user, ours, asynchronous
):
    model = scripted(
        calling("task", description=TASK, subagent_type="rent-finder"),
        "Berlin is cheaper.",
        "Berlin.",
    )
    fork = rent_finder([], mode="fork")
    agent = create_deep_agent(
        model, middleware=[ours], subagents=[fork], checkpointer=InMemorySaver()
    )
    assert ask(agent, DELEGATED[0][1], named(user), asynchronous) == "Berlin."
    assert prompts_with(model, "900 euros") == [True, True, True]
    assert kept(memory, user) == DELEGATED


def files(store):
    """Files of the thread, and under /memories/ those of the user."""
    own = StoreBackend(
        store=store, namespace=lambda runtime: (runtime.context["user_id"], "memories")
    )
    return CompositeBackend(default=StateBackend(), routes={"/memories/": own})


@WAYS
def test_files_of_a_user_outlive_the_thread_and_are_the_users_own(
    memory, scripted, user, ours, asynchronous
):
    store = LightMemStore(memory)
    path = "/memories/rents.md"
    script = [
        calling("write_file", file_path=path, content="Berlin: 800\nMunich: 1200\n"),
        calling("edit_file", file_path=path, old_string="800", new_string="850"),
        calling("write_file", file_path="/draft.md", content="only here"),
        "Noted.",
        calling("ls", path="/memories/"),
        calling("read_file", file_path=path),
        calling("grep", pattern="Munich", path="/memories/"),
        calling("glob", pattern="**/*.md", path="/memories/"),
        calling("read_file", file_path="/draft.md"),
        "850.",
        calling("read_file", file_path=path),
        "Unknown.",
    ]
    model = scripted(*script)
    agent = create_deep_agent(
        model,
        middleware=[ours],
        backend=files(store),
        store=store,
        context_schema=dict,
        checkpointer=InMemorySaver(),
    )

    def run(who, thread):
        given = {"messages": [("user", "Which rents do you know?")]}
        config = {"configurable": {"thread_id": thread}}
        if asynchronous:
            state = asyncio.run(agent.ainvoke(given, config, context={"user_id": who}))
        else:
            state = agent.invoke(given, config, context={"user_id": who})
        return [message.text for message in state["messages"] if message.type == "tool"]

    run(user, "first")
    listed, read, found, matched, draft = run(user, "second")
    assert path in listed
    assert "Berlin: 850" in read
    assert path in found
    assert path in matched
    assert "not found" in draft
    assert "not found" in run(f"not-{user}", "third")[0]
    assert [item.key for item in store.search((user, "memories"))] == ["/rents.md"]
    assert "Berlin: 850" in store.search((user, "memories"), query="rents")[0].value["content"]
    assert len(kept(memory, user, "first")) == 2


@WAYS
def test_memory_files_and_memories_stand_in_one_prompt(memory, scripted, user, asynchronous):
    store = LightMemStore(memory)
    store.put((user, "memories"), "/AGENTS.md", {"content": "Be brief.", "encoding": "utf-8"})
    for inject in ("message", "question", "system"):
        model = scripted("900 euros.")
        agent = create_deep_agent(
            model,
            middleware=[LightMemMiddleware(memory, recall_seconds=30, inject=inject)],
            memory=["/memories/AGENTS.md"],
            backend=files(store),
            context_schema=dict,
        )
        given = {"messages": [("user", "How much rent will I pay?")]}
        context = {"user_id": user}
        if asynchronous:
            asyncio.run(agent.ainvoke(given, named(user, inject), context=context))
        else:
            agent.invoke(given, named(user, inject), context=context)
        system, *said = [message.text for message in model.prompts[0]]
        assert "Be brief." in system
        assert ("900 euros" in system) is (inject == "system")
        assert ("900 euros" in "\n".join(said)) is (inject != "system")
        assert kept(memory, user, inject) == [
            ("user", "How much rent will I pay?"),
            ("assistant", "900 euros."),
        ]


@WAYS
def test_its_own_summaries_are_neither_asked_about_nor_recorded(
    memory, scripted, user, ours, asynchronous
):
    model = scripted(*(f"Answer {n}." for n in range(20)))
    summaries = scripted(*["They talked about rents."] * 20)
    backend = StateBackend()
    summarize = SummarizationMiddleware(
        model=summaries, backend=backend, trigger=("messages", 4), keep=("messages", 1)
    )
    agent = create_deep_agent(
        model, middleware=[ours, summarize], backend=backend, checkpointer=InMemorySaver()
    )
    questions = [f"What rent can I pay in {city}?" for city in ("Rome", "Bonn", "Nice", "Bern")]
    for question in questions:
        ask(agent, question, named(user), asynchronous)
    assert summaries.prompts
    assert prompts_with(model, "900 euros") == [True] * len(questions)
    expected = [
        turn
        for n, question in enumerate(questions)
        for turn in (("user", question), ("assistant", f"Answer {n}."))
    ]
    assert kept(memory, user) == expected


def test_an_approval_neither_loses_nor_repeats_the_question(memory, scripted, user, ours):
    model = scripted(calling("write_file", file_path="/a.md", content="x"), "Written.")
    agent = create_deep_agent(
        model,
        middleware=[ours],
        interrupt_on={"write_file": True},
        checkpointer=InMemorySaver(),
    )
    assert agent.invoke({"messages": [("user", "Write it down.")]}, named(user))["__interrupt__"]
    answer = ask(agent, Command(resume={"decisions": [{"type": "approve"}]}), named(user))
    assert answer == "Written."
    assert prompts_with(model, "900 euros") == [True, True]
    assert kept(memory, user) == [("user", "Write it down."), ("assistant", "Written.")]


def test_a_recorded_deep_agent(memory, scripted, user):
    agent = record_turns(create_deep_agent(scripted("Berlin.")), memory)
    assert ask(agent, "Where is rent cheap?", named(user)) == "Berlin."
    assert kept(memory, user) == [("user", "Where is rent cheap?"), ("assistant", "Berlin.")]
