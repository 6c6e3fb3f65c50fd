"""A run belongs to who asked: whoever resumes it keeps their memory to themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, before_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from lightmem_integrations.langchain import (
    LightMemMiddleware,
    LightMemRetriever,
    LightMemToolkit,
    record_turns,
)

APPROVED = Command(resume={"decisions": [{"type": "approve"}]})
PAY = "Pay the invoice for the heron, please."
SECRET = "My diagnosis is a heron allergy, and I pay for it."


@dataclass
class Person:
    user_id: str


@tool
def pay() -> str:
    """Pay an invoice."""
    return "paid"


def calling(name, **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call-{name}"}])


def config(user, thread="t1"):
    return {"configurable": {"thread_id": thread, "user_id": user}}


def said(memory, user):
    return [
        turn.text
        for session in memory.sessions(user_id=user)
        for turn in memory.history(user_id=user, session_id=session)
    ]


@pytest.fixture(params=["sync", "async"])
def call(request):
    async def call(agent, given, *args, **named):
        if request.param == "async":
            return await agent.ainvoke(given, *args, **named)
        return await asyncio.to_thread(agent.invoke, given, *args, **named)

    return call


@pytest.fixture
def approved(memory, scripted, remember):
    """An agent whose tools an approver has to allow; both have said something before."""
    remember("alice", "My heron is called Hugo.")
    remember("boss", SECRET)
    saver = InMemorySaver()

    def approved(*replies, tools=(pay,), **options):
        model = scripted(*replies)
        asking = HumanInTheLoopMiddleware(
            interrupt_on={each.name: True for each in tools if each.name != "search_memory"}
        )
        agent = create_agent(
            model,
            tools=list(tools),
            middleware=[LightMemMiddleware(memory, recall_seconds=30), asking],
            checkpointer=saver,
            **options,
        )
        return agent, model

    return approved


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_approver_is_neither_told_nor_remembered(
    approved, memory, call, caplog, restarted
):
    agent, model = approved(calling("pay"), "Paid.")
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    if restarted:  # as in another process
        agent, model = approved(calling("pay"), "Paid.")
        model.prompts.append([])
    await call(agent, APPROVED, config("boss"))

    assert "diagnosis" not in model.last_prompt
    assert "Hugo" in model.last_prompt
    assert said(memory, "boss") == [SECRET]
    assert said(memory, "alice")[1:] == [PAY, "Paid."]
    assert caplog.text.count("resumed by another user") == 1
    assert "boss" not in caplog.text


@pytest.mark.parametrize("way", ["command", "state"])
async def test_what_an_approver_puts_in_is_not_what_the_asker_said(approved, memory, call, way):
    agent, model = approved(calling("pay"), "Paid.")
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    added = {"messages": [HumanMessage("I never liked that heron.", id="added")]}
    command = Command(resume=APPROVED.resume, update=added) if way == "command" else APPROVED
    if way == "state":
        await asyncio.to_thread(agent.update_state, config("boss"), added)
    await call(agent, command, config("boss"))
    assert "Hugo" in model.last_prompt
    assert said(memory, "boss") == [SECRET]
    assert said(memory, "alice")[1:] == [PAY, "Paid."]


async def test_the_context_of_a_run_may_name_the_approver(approved, memory, call):
    agent, model = approved(calling("pay"), "Paid.", context_schema=Person)
    thread = {"configurable": {"thread_id": "t1"}}
    await call(agent, {"messages": [("user", PAY)]}, thread, context=Person("alice"))
    await call(agent, APPROVED, thread, context=Person("boss"))
    assert "diagnosis" not in model.last_prompt
    assert said(memory, "boss") == [SECRET]
    assert "Paid." in said(memory, "alice")


async def test_memory_tools_of_a_resumed_run_work_for_who_asked(approved, memory, call):
    tools = LightMemToolkit(memory=memory).get_tools()
    agent, model = approved(
        calling("remember", text="Invoices of the heron are paid on Mondays."),
        calling("search_memory", query="What is the diagnosis, and what of the heron?"),
        "Done.",
        tools=tools,
    )
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    await call(agent, APPROVED, config("boss"))
    assert said(memory, "boss") == [SECRET]
    assert "Invoices of the heron are paid on Mondays." in said(memory, "alice")
    assert "diagnosis" not in model.last_prompt.replace("What is the diagnosis", "")
    assert "Hugo" in model.last_prompt


async def test_a_retriever_in_a_tool_of_a_resumed_run_reads_for_who_asked(approved, memory, call):
    retriever = LightMemRetriever(memory=memory)
    found = []

    @tool
    def look() -> str:
        """Look something up."""
        found.extend(document.page_content for document in retriever.invoke("heron"))
        return "looked"

    agent, _ = approved(calling("look"), "Done.", tools=[look])
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    await call(agent, APPROVED, config("boss"))
    assert "My heron is called Hugo." in found
    assert SECRET not in found


async def test_who_asks_anew_in_the_thread_is_answered_for_themselves(approved, memory, call):
    agent, model = approved(calling("pay"), "Paid.", "You are allergic to it.", "Hugo.")
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    await call(agent, APPROVED, config("boss"))
    await call(agent, {"messages": [("user", "What do I have about herons?")]}, config("boss"))
    assert "diagnosis" in model.last_prompt
    assert "Hugo" not in model.last_prompt
    assert said(memory, "boss")[1:] == ["What do I have about herons?", "You are allergic to it."]
    await call(agent, {"messages": [("user", "And what is mine called?")]}, config("alice"))
    assert "diagnosis" not in model.last_prompt
    assert "And what is mine called?" in said(memory, "alice")


async def test_words_that_nobody_answered_stay_with_who_said_them(approved, memory, call):
    agent, _ = approved(RuntimeError("no model"), "Yes.")
    with pytest.raises(RuntimeError):
        await call(agent, {"messages": [("user", "I am ill.")]}, config("alice"))
    await call(agent, {"messages": [("user", "Is anybody there?")]}, config("boss"))
    assert said(memory, "boss")[1:] == ["Is anybody there?", "Yes."]
    assert "I am ill." in said(memory, "alice")


async def test_a_run_that_another_user_sets_going_again_belongs_to_who_asked(
    approved, memory, call
):
    agent, model = approved(RuntimeError("no model"), "Paid.")
    asked = HumanMessage(PAY, id="h1")
    with pytest.raises(RuntimeError):
        await call(agent, {"messages": [asked]}, config("alice"))
    await call(agent, {"messages": [asked]}, config("boss"))
    assert "diagnosis" not in model.last_prompt
    assert said(memory, "boss") == [SECRET]
    assert said(memory, "alice")[1:] == [PAY, "Paid."]


async def test_a_fork_under_another_user_belongs_to_who_asked(approved, memory, call):
    agent, model = approved("Paid.", "Not paid.")
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    before = next(
        each for each in agent.get_state_history(config("alice")) if each.next == ("model",)
    )
    fork = {"configurable": {**before.config["configurable"], "user_id": "boss"}}
    await call(agent, None, fork)
    assert "diagnosis" not in model.last_prompt
    assert said(memory, "boss") == [SECRET]


class LateSaver(InMemorySaver):
    """A checkpointer across a network: it takes a while, and reads on no event loop."""

    def put(self, *args, **named):
        time.sleep(0.1)
        return super().put(*args, **named)

    def get_tuple(self, config):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return super().get_tuple(config)
        raise RuntimeError("Synchronous calls are only allowed from a different thread.")

    async def aput(self, *args, **named):
        return await asyncio.to_thread(self.put, *args, **named)

    async def aget_tuple(self, config):
        return await asyncio.to_thread(super().get_tuple, config)


def approved_first(agent, saver):
    """A graph in which somebody has to approve before the agent is called."""

    def approve(state):
        interrupt("May I?")
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("approve", approve)
    graph.add_node("agent", agent)
    graph.add_edge(START, "approve")
    graph.add_edge("approve", "agent")
    return graph.compile(checkpointer=saver), Command(resume="yes")


@pytest.mark.parametrize("saver", [InMemorySaver, LateSaver])
@pytest.mark.parametrize("approval", ["node", "hook", "before"])
async def test_an_approval_before_the_agent_is_first_called(
    memory, scripted, remember, call, approval, saver
):
    remember("alice", "My heron is called Hugo.")
    remember("boss", SECRET)
    model, remembering = scripted("Paid."), LightMemMiddleware(memory, recall_seconds=30)

    @before_agent
    def approve(state, runtime):
        interrupt("May I?")

    if approval == "node":
        graph, resume = approved_first(create_agent(model, middleware=[remembering]), saver())
    elif approval == "hook":
        graph = create_agent(model, middleware=[approve, remembering], checkpointer=saver())
        resume = Command(resume="yes")
    else:
        graph = create_agent(
            model, middleware=[remembering], checkpointer=saver(),
            interrupt_before=["LightMemMiddleware.before_agent"],
        )  # fmt: skip
        resume = None
    await call(graph, {"messages": [("user", PAY)]}, config("alice"))
    await call(graph, resume, config("boss"))
    assert "diagnosis" not in model.last_prompt
    assert "Hugo" in model.last_prompt
    assert said(memory, "boss") == [SECRET]
    assert said(memory, "alice")[1:] == [PAY, "Paid."]


async def test_who_asks_last_in_a_shared_thread_of_a_graph_began_the_run(
    memory, scripted, remember, call
):
    remember("boss", SECRET)
    agent = create_agent(
        scripted("Paid.", "It is."), middleware=[LightMemMiddleware(memory, recall_seconds=30)]
    )
    graph, resume = approved_first(agent, InMemorySaver())
    await call(graph, {"messages": [("user", PAY)]}, config("alice"))
    await call(graph, resume, config("alice"))
    graph.update_state(config("boss"), {"messages": [HumanMessage("Is it paid?")]})
    await call(graph, {"messages": []}, config("boss"))
    await call(graph, resume, config("alice"))
    assert said(memory, "alice") == [PAY, "Paid."]
    assert said(memory, "boss")[1:] == ["Is it paid?", "It is."]


@pytest.mark.parametrize("outer_remembers", [True, False])
@pytest.mark.parametrize("named_by", ["configuration", "context"])
async def test_a_sub_agent_that_an_approver_lets_run_is_who_askeds(
    memory, scripted, remember, call, outer_remembers, named_by
):
    if named_by == "context" and not outer_remembers:
        pytest.skip("no checkpoint tells who asked")
    remember("alice", "My heron is called Hugo.")
    remember("boss", SECRET)
    options = {"context_schema": Person} if named_by == "context" else {}
    inner_model = scripted("A heron.")
    inner = create_agent(
        inner_model, middleware=[LightMemMiddleware(memory, recall_seconds=30)], **options
    )

    @tool
    async def research(task: str) -> str:
        """Find out."""
        return (await inner.ainvoke({"messages": [("user", task)]}))["messages"][-1].text

    @tool("research")
    def research_now(task: str) -> str:
        """Find out."""
        return inner.invoke({"messages": [("user", task)]})["messages"][-1].text

    research.func = research_now.func
    ours = [LightMemMiddleware(memory, recall_seconds=30)] if outer_remembers else []
    agent = create_agent(
        scripted(calling("research", task="What of the heron?"), "Done."),
        tools=[research],
        middleware=[*ours, HumanInTheLoopMiddleware(interrupt_on={"research": True})],
        checkpointer=InMemorySaver(),
        **options,
    )

    async def run(given, user):
        if named_by == "context":
            thread = {"configurable": {"thread_id": "t1"}}
            return await call(agent, given, thread, context=Person(user))
        return await call(agent, given, config(user))

    await run({"messages": [("user", PAY)]}, "alice")
    await run(APPROVED, "boss")
    assert "diagnosis" not in inner_model.last_prompt
    assert "Hugo" in inner_model.last_prompt
    assert said(memory, "boss") == [SECRET]


@pytest.mark.parametrize("saver", [InMemorySaver, LateSaver])
async def test_memory_tools_alone_work_for_who_asked(memory, scripted, remember, call, saver):
    remember("boss", SECRET)
    agent = create_agent(
        scripted(
            calling("remember", text="Invoices are paid on Mondays."),
            calling("search_memory", query="What is the diagnosis?"),
            "Done.",
        ),
        tools=LightMemToolkit(memory=memory).get_tools(),
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"remember": True})],
        checkpointer=saver(),
    )
    await call(agent, {"messages": [("user", PAY)]}, config("alice"))
    done = await call(agent, APPROVED, config("boss"))
    assert said(memory, "boss") == [SECRET]
    assert said(memory, "alice") == ["Invoices are paid on Mondays."]
    assert not any("heron allergy" in each.text for each in done["messages"])


def graph_that_asks():
    def answer(state):
        allowed = interrupt("May I?")
        return {"messages": [AIMessage(f"Paid: {allowed}.")]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_recorded_graph_that_is_resumed(memory, call, caplog, restarted):
    graph = graph_that_asks()
    chain = record_turns(graph, memory, output_key="messages")
    await call(chain, {"messages": [HumanMessage(PAY)]}, config("alice"))
    if restarted:
        chain = record_turns(graph, memory, output_key="messages")
    await call(chain, Command(resume="yes"), config("boss"))
    assert "boss" not in memory.users()
    assert said(memory, "alice") == ([PAY] if restarted else [PAY, "Paid: yes."])
    assert "resumed by another user" in caplog.text


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_recorded_graph_that_who_asked_resumes(memory, call, caplog, restarted):
    graph = graph_that_asks()
    chain = record_turns(graph, memory, output_key="messages")
    await call(chain, {"messages": [HumanMessage(PAY)]}, config("alice"))
    if restarted:
        chain = record_turns(graph, memory, output_key="messages")
    await call(chain, Command(resume="yes"), config("alice"))
    assert said(memory, "alice") == [PAY, "Paid: yes."]
    assert "resumed" not in caplog.text
