"""Whose words are kept, and in what form: the person's, as the model was allowed to see them."""

import asyncio
import datetime as dt
import itertools
import time
import uuid
from typing import Annotated

import pytest
from langchain.agents import AgentState, create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    SummarizationMiddleware,
    ToolCallLimitMiddleware,
    dynamic_prompt,
)
from langchain_core.messages import AIMessage, HumanMessage, convert_to_messages
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import (
    LightMemChatMessageHistory,
    LightMemMemory,
    LightMemMiddleware,
    LightMemRecall,
    record_turns,
)

SECRET = "carol@example.org"


@pytest.fixture(scope="module")
def store():
    with LightMem() as opened:
        yield opened


@pytest.fixture
def user():
    return uuid.uuid4().hex


def ours(store, **options):
    return LightMemMiddleware(store, **{"recall_seconds": 30, **options})


def named(user, thread="t"):
    return {"configurable": {"user_id": user, "thread_id": thread}}


def asked(*texts):
    return {"messages": [("user", text) for text in texts]}


def kept(store, user, thread="t"):
    return [(turn.role, turn.text) for turn in store.history(user_id=user, session_id=thread)]


def calling(name, **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "call"}])


@tool
def look_up() -> str:
    """Look something up."""
    return "twelve degrees"


ORDERS = list(itertools.permutations(("pii", "summary", "ours")))


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("others_first", [False, True], ids=["others-last", "others-first"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_what_is_redacted_is_kept_nowhere(store, scripted, user, order, others_first, asynchronous):
    model = scripted(RuntimeError("busy"), calling("look_up"), "Sent.", "Yes.")

    @dynamic_prompt
    def prompt(request):
        return "Be brief."

    middleware = {
        "pii": PIIMiddleware("email"),
        "summary": SummarizationMiddleware(
            model=scripted(*["They wrote a letter."] * 9),
            trigger=("messages", 2),
            keep=("messages", 1),
        ),
        "ours": ours(store),
    }
    others = [
        prompt,
        ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False),
        HumanInTheLoopMiddleware(interrupt_on={"look_up": True}),
    ]
    ordered = [middleware[name] for name in order]
    saver = InMemorySaver()
    agent = create_agent(
        model,
        tools=[look_up],
        middleware=[*others, *ordered] if others_first else [*ordered, *others],
        checkpointer=saver,
    )

    def run(given):
        if asynchronous:
            return asyncio.run(agent.ainvoke(given, named(user)))
        return agent.invoke(given, named(user))

    assert run(asked(f"Write to {SECRET} about tea."))["__interrupt__"]
    run(Command(resume={"decisions": [{"type": "approve"}]}))
    run(asked(f"Did you write to {SECRET}?"))

    assert kept(store, user) == [
        ("user", "Write to [REDACTED_EMAIL] about tea."),
        ("assistant", "Sent."),
        ("user", "Did you write to [REDACTED_EMAIL]?"),
        ("assistant", "Yes."),
    ]
    assert SECRET not in repr(saver.get_tuple(named(user)).checkpoint)
    assert SECRET not in repr(agent.get_state(named(user)))


def test_a_question_that_is_blocked_is_not_kept(store, scripted, user):
    agent = create_agent(
        scripted(),
        middleware=[ours(store), PIIMiddleware("email", strategy="block")],
    )
    with pytest.raises(Exception, match="email"):
        agent.invoke(asked(f"Write to {SECRET}."), named(user))
    assert kept(store, user) == []


class Guard(AgentMiddleware):
    """Raises before the agent begins, where the question holds the secret."""

    def before_agent(self, state, runtime):
        if SECRET in state["messages"][-1].text:
            raise ValueError("blocked")


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("guard", [PIIMiddleware("email", strategy="block"), Guard()])
@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_question_that_was_blocked_is_not_kept_by_the_next_run(
    store, scripted, user, guard, bound, with_ids, asynchronous
):
    saver = InMemorySaver()

    def run(*given):
        agent = create_agent(  # made anew, as after a restart
            scripted(calling("look_up"), "Fine."),
            tools=[look_up],
            middleware=[guard, ours(store, **({"user_id": user} if bound else {}))],
            checkpointer=saver,
            **({} if with_ids else {"state_schema": NoIds}),
        )
        if asynchronous:
            return asyncio.run(agent.ainvoke(*given, named(user)))
        return agent.invoke(*given, named(user))

    run(asked("Hello."))
    with pytest.raises(Exception, match=r"email|blocked"):
        run(asked("Hear me.", f"Write to {SECRET}."))
    run(asked("What is new?", "Tell me."))
    assert kept(store, user) == [
        ("user", "Hello."),
        ("assistant", "Fine."),
        ("user", "What is new?"),
        ("user", "Tell me."),
        ("assistant", "Fine."),
    ]


def test_a_question_under_a_summary_is_looked_up_after_a_restart(store, scripted, user):
    saver, model = InMemorySaver(), scripted(calling("look_up"), "Take an umbrella.")

    def made():
        summarize = SummarizationMiddleware(
            model=scripted(*["About weather."] * 3), trigger=("messages", 2), keep=("messages", 1)
        )
        approve = HumanInTheLoopMiddleware(interrupt_on={"look_up": True})
        return create_agent(
            model,
            tools=[look_up],
            middleware=[ours(store), summarize, approve],
            checkpointer=saver,
        )

    LightMemChatMessageHistory(store, user_id=user, session_id="old").add_user_message(
        "I live in Oslo."
    )
    made().invoke(asked("How is the weather in my city, Oslo?"), named(user))
    made().invoke(Command(resume={"decisions": [{"type": "approve"}]}), named(user))
    assert "How is the weather" not in model.last_prompt
    assert "I live in Oslo." in model.last_prompt
    assert kept(store, user) == [
        ("user", "How is the weather in my city, Oslo?"),
        ("assistant", "Take an umbrella."),
    ]


@pytest.mark.parametrize("memory_outside", [True, False])
def test_a_task_of_a_supervisor_is_not_the_users(store, scripted, user, memory_outside):
    LightMemChatMessageHistory(store, user_id=user, session_id="old").add_user_message(
        "I want to stay below 900 euros of rent."
    )
    sub_model = scripted("Berlin is cheaper.")
    sub_agent = create_agent(sub_model, middleware=[ours(store)])
    task = "I live in Berlin and I hate Munich: compare the rents."

    @tool
    def research(task: str) -> str:
        """Give a task to the research agent."""
        return sub_agent.invoke(asked(task))["messages"][-1].text

    agent = create_agent(
        scripted(calling("research", task=task), "Berlin."),
        tools=[research],
        middleware=[ours(store)] if memory_outside else [],
    )
    agent.invoke(asked("Compare rents, please."), named(user))
    exchange = [("user", "Compare rents, please."), ("assistant", "Berlin.")]
    assert kept(store, user) == (exchange if memory_outside else [])
    assert "900 euros" in sub_model.last_prompt


def test_a_chain_that_a_tool_calls_records_nothing(store, scripted, user):
    chain = record_turns(RunnableLambda(lambda text: f"Done: {text}"), store)

    @tool
    def research(task: str) -> str:
        """Give a task to the research chain."""
        return chain.invoke(task)

    agent = create_agent(scripted(calling("research", task="I hate Munich."), "Done."), [research])
    agent.invoke(asked("Go on."), named(user))
    assert store.users() == () or user not in store.users()


def test_what_a_person_says_to_an_agent_within_a_graph_is_theirs(store, scripted, user):
    graph = StateGraph(MessagesState)
    graph.add_node("agent", create_agent(scripted("Nice."), middleware=[ours(store)]))
    graph.add_edge(START, "agent")
    graph.add_edge("agent", END)
    graph.compile().invoke(asked("I moved to Lisbon."), named(user))
    assert kept(store, user) == [("user", "I moved to Lisbon."), ("assistant", "Nice.")]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "other",
    [
        ModelCallLimitMiddleware(run_limit=1),
        ToolCallLimitMiddleware(run_limit=1, exit_behavior="end"),
        ModelRetryMiddleware(max_retries=0, on_failure="continue"),
    ],
    ids=lambda other: type(other).__name__,
)
def test_a_notice_of_a_middleware_is_not_the_models_answer(store, scripted, user, other, first):
    script = [calling("look_up"), calling("look_up")]
    if isinstance(other, ModelRetryMiddleware):
        script = [RuntimeError("overloaded")]
    agent = create_agent(
        scripted(*script),
        tools=[look_up],
        middleware=[ours(store), other] if first else [other, ours(store)],
    )
    result = agent.invoke(asked("How is the weather?"), named(user))
    assert result["messages"][-1].text
    assert kept(store, user) == [("user", "How is the weather?")]


def test_nothing_is_kept_of_a_run_that_never_came_to_the_model(store, scripted, user):
    limit = ModelCallLimitMiddleware(thread_limit=1)
    agent = create_agent(
        scripted("One."), middleware=[limit, ours(store)], checkpointer=InMemorySaver()
    )
    agent.invoke(asked("first"), named(user))
    agent.invoke(asked("second"), named(user))
    assert kept(store, user) == [("user", "first"), ("assistant", "One.")]


THOUGHT = [
    "<think>They move up.</think>\nNoted.",
    "They move up.\n</think>\nNoted.",
    "<thinking>They</thinking>Noted.<thinking>move up.",
    "<seed:think>They move up.</seed:think>Noted.",
    "<scratchpad>They move up.</scratchpad>Noted.",
    "\u25c1think\u25b7They move up.\u25c1/think\u25b7Noted.",
    "<|channel|>analysis<|message|>They move up.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>"
    "Noted.<|return|>",
    [{"type": "thinking", "thinking": "They move up.", "signature": b"\1"}, "Noted."],
    [{"type": "reasoning", "reasoning": "They move up."}, {"type": "text", "text": "Noted."}],
]


@pytest.mark.parametrize("content", THOUGHT, ids=range(len(THOUGHT)))
def test_reasoning_is_not_what_the_model_said(store, scripted, user, content):
    create_agent(scripted(AIMessage(content)), middleware=[ours(store)]).invoke(
        asked("I moved."), named(user)
    )
    assert kept(store, user) == [("user", "I moved."), ("assistant", "Noted.")]


def test_thoughts_alone_are_no_answer(store, scripted, user):
    agent = create_agent(scripted("<think>They move up."), middleware=[ours(store)])
    agent.invoke(asked("I moved."), named(user))
    assert kept(store, user) == [("user", "I moved.")]


@pytest.mark.parametrize("way", ["middleware", "chain", "classic"])
@pytest.mark.parametrize(
    ("recall_answers", "answer", "recalled"),
    [
        (True, "Your tabby cat Mimi likes tea.", True),
        (False, "Your tabby cat Mimi likes tea.", False),
        (True, "I have nothing about a tabby cat in memory.", False),
        (True, "Your tabby cat hasn't come up before.", False),
        (True, "My memory doesn't contain your tabby cat's name.", False),
        (True, "There's nothing in our chat history about a tabby cat.", False),
    ],
)
def test_answers_are_kept_and_recalled_as_wanted(
    store, scripted, user, way, recall_answers, answer, recalled
):
    if way == "middleware":
        middleware = ours(store, recall_answers=recall_answers)
        create_agent(scripted(answer), middleware=[middleware]).invoke(asked("Hm?"), named(user))
    elif way == "chain":
        chain = record_turns(RunnableLambda(lambda _: answer), store, recall_answers=recall_answers)
        chain.invoke("Hm?", named(user))
    else:
        memory = LightMemMemory(
            memory=store, user_id=user, session_id="t", recall_answers=recall_answers
        )
        memory.save_context({"input": "Hm?"}, {"output": answer})
    assert ("assistant", answer) in kept(store, user)
    found = store.recall("What about the tabby cat?", user_id=user).text
    assert (answer in found) is recalled


class Odd:
    def __repr__(self):
        raise ValueError("no name")


def nested(levels):
    made: list = []
    for _ in range(levels):
        made = [made]
    return made


ODD = {
    "nul": "The number is 4417.\0",
    "half of a character": "The number is 4417. \ud83d",
    "bytes": [{"type": "text", "text": "The number is 4417."}, {"type": "media", "data": b"\x89"}],
    "time": [
        {
            "type": "text",
            "text": "The number is 4417.",
            "at": dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc),
        }
    ],
    "id": [{"type": "text", "text": "The number is 4417.", "of": uuid.uuid4(), "n": {1, 2}}],
    "no number": [{"type": "text", "text": "The number is 4417.", "n": float("nan")}],
    "object": [{"type": "text", "text": "The number is 4417.", "n": Odd()}],
    "depth": [{"type": "text", "text": "The number is 4417.", "n": nested(300)}],
    "length": "The number is 4417. " + "write failed on disk\n" * 6_000,
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_a_message_of_any_kind_is_kept(store, scripted, user, content):
    model = scripted(AIMessage(content), "4417.")
    agent = create_agent(model, middleware=[ours(store)])
    question = HumanMessage(content, name="  ", id="m\0" if content == ODD["nul"] else None)
    agent.invoke({"messages": [question]}, named(user))
    assert [role for role, text in kept(store, user) if "4417" in text] == ["user", "assistant"]
    agent.invoke(asked("What is the number?"), named(user, "later"))
    assert "4417" in model.last_prompt

    history = LightMemChatMessageHistory(store, user_id=user, session_id="h")
    history.add_messages([question, AIMessage(content, additional_kwargs={"odd": Odd})])
    assert ["4417" in message.text for message in history.messages] == [True, True]


PASTED = [
    "ERROR write failed on disk /dev/sda1 [pid 123]\n",
    '{"a":[1,2,{"b":"c d e"}]},',
    "\u78c1\u76d8\u5199\u5165\u5931\u8d25",
    "a",
    "\n",
    "<",
]


@pytest.mark.parametrize("way", ["middleware", "chain", "classic"])
@pytest.mark.parametrize("piece", PASTED, ids=range(len(PASTED)))
def test_a_question_of_a_megabyte_costs_little_and_is_kept(store, scripted, user, piece, way):
    LightMemChatMessageHistory(store, user_id=user, session_id="old").add_user_message(
        "My server is called web7."
    )
    question = "What is my server called? " + piece * (1_000_000 // len(piece))
    started = time.process_time()
    if way == "middleware":
        model = scripted("It is web7.")
        create_agent(model, middleware=[ours(store)]).invoke(asked(question), named(user))
        assert "My server is called web7." in model.last_prompt
    elif way == "chain":
        step = LightMemRecall(memory=store, recall_seconds=30)
        chain = step | RunnableLambda(lambda block: str("called web7." in block))
        assert record_turns(chain, store).invoke(question, named(user)) == "True"
    else:
        memory = LightMemMemory(memory=store, user_id=user, session_id="t")
        assert "called web7." in memory.load_memory_variables({"input": question})["history"]
        memory.save_context({"input": question}, {"output": "It is web7."})
    assert time.process_time() - started < 3  # measured: 0.1 to 0.8, with the model's own share
    until = time.monotonic() + 30
    while len(kept(store, user)) < 2 and time.monotonic() < until:
        time.sleep(0.05)  # no answer waits longer for a busy store, which records it all the same
    (role, text), _ = kept(store, user)
    assert role == "user"
    assert text.startswith("What is my server called?")
    assert "characters and more left out" in text


def test_a_message_that_cannot_be_read_does_not_fail_the_run(store, scripted, user, caplog):
    class Unreadable(HumanMessage):
        @property
        def text(self):
            raise ValueError("unreadable")

    agent = create_agent(scripted("Hi."), middleware=[ours(store)])
    result = agent.invoke({"messages": [Unreadable("Hello")]}, named(user))
    assert result["messages"][-1].text == "Hi."
    assert "unreadable" in caplog.text


class NoIds(AgentState):
    messages: Annotated[list, lambda old, new: [*(old or []), *convert_to_messages(new)]]


def without_ids(*middleware, model, tools=(), saver=None):
    """An agent whose messages carry no ids, as those of deep agents."""
    return create_agent(
        model, tools=list(tools), middleware=middleware, state_schema=NoIds, checkpointer=saver
    )


def test_a_message_without_an_id_is_one_message(store, scripted, user):
    model = scripted(
        "Nice.", RuntimeError("busy"), calling("look_up"), "In Lisbon.", "Lisbon.", "Yes."
    )
    agent = without_ids(ours(store), model=model, tools=[look_up], saver=InMemorySaver())
    agent.invoke(asked("I moved to Lisbon."), named(user))
    with pytest.raises(RuntimeError):
        agent.invoke(asked("Where do I live?"), named(user))
    agent.invoke(None, named(user))
    agent.invoke(asked("Where do I live?"), named(user))
    assert kept(store, user) == [
        ("user", "I moved to Lisbon."),
        ("assistant", "Nice."),
        ("user", "Where do I live?"),
        ("assistant", "In Lisbon."),
        ("user", "Where do I live?"),
        ("assistant", "Lisbon."),
    ]


def test_a_deep_agent_remembers(store, scripted, user):
    deepagents = pytest.importorskip("deepagents")
    task = calling("task", description="Compare the rents.", subagent_type="general-purpose")
    model = scripted("Nice.", task, "Rents compared.", "In Lisbon.")
    agent = deepagents.create_deep_agent(model, tools=[], middleware=[ours(store)])
    agent.invoke(asked("I moved to Lisbon in May."), named(user, "monday"))
    agent.invoke(asked("Where do I live now?"), named(user, "friday"))
    assert "I moved to Lisbon in May." in model.last_prompt
    assert kept(store, user, "monday") == [
        ("user", "I moved to Lisbon in May."),
        ("assistant", "Nice."),
    ]
    assert kept(store, user, "friday") == [
        ("user", "Where do I live now?"),
        ("assistant", "In Lisbon."),
    ]
