"""Memory in LCEL chains: streaming, batches and tracing go on as before."""

from __future__ import annotations

import threading
import time

import pytest
from blockbuster import blockbuster_ctx
from langchain.agents import create_agent
from langchain.agents.middleware import PIIMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command

from lightmem_integrations import Turn
from lightmem_integrations.errors import (
    IndexUnavailableError,
    InvalidRequestError,
    ScopeError,
)
from lightmem_integrations.langchain import (
    LightMemConsolidator,
    LightMemRecall,
    LightMemReranker,
    LightMemRetriever,
    record_turns,
)
from lightmem_integrations.testing import ScriptedWriter

ALICE = {"configurable": {"user_id": "alice", "thread_id": "t"}}
PROMPT = ChatPromptTemplate([("system", "{memory}"), ("human", "{question}")])
SLACK = 0.15


def recall_in(memory, **options):
    """The step; with time enough, so that a busy machine fails no test."""
    return LightMemRecall(
        memory=memory, **{"recall_seconds": 30, "input_key": "question", **options}
    )


def make_chain(memory, model, **options):
    chain = RunnablePassthrough.assign(memory=recall_in(memory)) | PROMPT | model
    return record_turns(chain | StrOutputParser(), memory, input_key="question", **options)


def recorded(memory, user_id="alice", session_id="t"):
    return [(t.role, t.text) for t in memory.history(user_id=user_id, session_id=session_id)]


async def test_what_was_said_in_one_chain_run_is_known_in_the_next(memory, scripted):
    model = scripted("Nice!", "Mimi.", "Mimi!")
    chain = make_chain(memory, model)
    chain.invoke({"question": "My cat is called Mimi."}, ALICE)
    chain.invoke({"question": "What is my cat called?"}, ALICE)
    assert "My cat is called Mimi." in model.prompts[1][0].text
    await chain.ainvoke({"question": "Sure?"}, ALICE)
    assert recorded(memory) == [
        ("user", "My cat is called Mimi."),
        ("assistant", "Nice!"),
        ("user", "What is my cat called?"),
        ("assistant", "Mimi."),
        ("user", "Sure?"),
        ("assistant", "Mimi!"),
    ]


async def test_streaming_is_unbroken_and_recorded_once(memory, scripted):
    answer = "One two three four five."
    chain = make_chain(memory, scripted(answer, answer, answer))
    words = list(chain.stream({"question": "Count?"}, ALICE))
    assert "".join(words) == answer
    assert len(words) > 3
    words = [word async for word in chain.astream({"question": "Again?"}, ALICE)]
    assert "".join(words) == answer
    assert len(words) > 3
    events = [
        event["data"]["chunk"].text
        async for event in chain.astream_events({"question": "Events?"}, ALICE, version="v2")
        if event["event"] == "on_chat_model_stream"
    ]
    assert "".join(events) == answer
    assert len(recorded(memory)) == 6


async def test_a_batch_runs_at_once(memory):
    inside, most, lock = 0, 0, threading.Lock()

    def work(text):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.1)
        with lock:
            inside -= 1
        return f"heard {text}"

    chain = record_turns(RunnableLambda(work), memory)
    said = [f"number {n}" for n in range(6)]
    configs = [{"configurable": {"user_id": f"user {n}"}, "max_concurrency": 3} for n in range(6)]
    assert chain.batch(said, configs) == [f"heard {text}" for text in said]
    assert 1 < most <= 3
    assert await chain.abatch(said, configs) == [f"heard {text}" for text in said]
    for n in range(6):
        expected = [("user", f"number {n}"), ("assistant", f"heard number {n}")] * 2
        assert recorded(memory, f"user {n}", "default") == expected


def test_config_and_tracing_are_passed_on(memory, scripted):
    class Watching(BaseCallbackHandler):
        def __init__(self):
            self.runs = {}

        def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
            self.runs[kwargs.get("name")] = (kwargs.get("tags"), kwargs.get("metadata"))

    watching = Watching()
    chain = make_chain(memory, scripted())
    chain.invoke(
        {"question": "Hello?"},
        {**ALICE, "callbacks": [watching], "tags": ["mine"], "metadata": {"a": 1}},
    )
    tags, metadata = watching.runs["LightMemRecall"]
    assert "mine" in tags
    assert metadata["a"] == 1


def test_questions_of_every_form(memory, remember):
    remember("alice", "My cat is called Mimi.")
    one = recall_in(memory, user_id="alice", input_key=None)
    for given in (
        "my cat",
        HumanMessage("my cat"),
        [HumanMessage("Hi"), AIMessage("Hello."), HumanMessage("my cat")],
        {"question": "my cat"},
        {"messages": [HumanMessage("my cat")]},
    ):
        assert "My cat is called Mimi." in one.invoke(given)
    assert one.invoke("") == ""
    with pytest.raises(InvalidRequestError, match="input_key"):
        one.invoke({"question": "my cat", "language": "English"})
    with pytest.raises(InvalidRequestError, match="input_key"):
        recall_in(memory, user_id="alice", input_key="q").invoke({"question": "my cat"})


def test_as_messages_for_a_placeholder(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.")
    model = scripted()
    prompt = ChatPromptTemplate([MessagesPlaceholder("memory"), ("human", "{question}")])
    step = recall_in(memory, output="messages")
    chain = RunnablePassthrough.assign(memory=step) | prompt | model
    chain.invoke({"question": "my cat"}, ALICE)
    assert "Mimi" in model.prompts[0][0].text
    chain.invoke({"question": "my cat"}, {"configurable": {"user_id": "bob"}})
    assert [message.type for message in model.prompts[1]] == ["human"]


def test_what_stands_in_the_history_is_not_recalled(memory):
    history = [HumanMessage("My cat is called Mimi."), AIMessage("Nice.")]
    chain = record_turns(RunnableLambda(lambda _: "Nice."), memory)
    chain.invoke("My cat is called Mimi.", ALICE)
    step = recall_in(memory, history_key="history")
    given = {"question": "my cat", "history": history}
    assert step.invoke(given, ALICE) == ""
    assert "Mimi" in step.invoke({**given, "history": []}, ALICE)


def test_answers_of_every_form(memory):
    answers = {
        "text": "A.",
        "message": AIMessage("B."),
        "messages": {"messages": [HumanMessage("q"), AIMessage("C.", id="c")]},
        "one of several": {"output": "D.", "steps": []},
        "named": {"reply": "E.", "steps": []},
    }
    for name, answer in answers.items():
        key = "reply" if name == "named" else None
        chain = record_turns(RunnableLambda(lambda _, a=answer: a), memory, output_key=key)
        config = {"configurable": {"user_id": "alice", "session_id": name}}
        assert chain.invoke("q", config) == answer
        assert [text for _, text in recorded(memory, session_id=name)][1] in "A.B.C.D.E."


def test_an_unclear_answer_is_returned_and_logged(memory, caplog):
    chain = record_turns(RunnableLambda(lambda _: {"a": 1, "b": 2}), memory)
    assert chain.invoke("q", ALICE) == {"a": 1, "b": 2}
    assert "output_key" in caplog.text
    assert recorded(memory) == []


def test_a_chain_that_fails_records_nothing(memory):
    def fail(_):
        raise RuntimeError("overloaded")

    with pytest.raises(RuntimeError, match="overloaded"):
        record_turns(RunnableLambda(fail), memory).invoke("q", ALICE)
    assert recorded(memory) == []


def test_around_a_graph(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.", session_id="earlier")
    model = scripted("Mimi.")
    step = recall_in(memory, input_key=None)

    def answer(state):
        block = step.invoke(state["messages"])  # the user comes from the run
        return {"messages": [model.invoke([("system", block), *state["messages"]])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    graph = record_turns(builder.compile(), memory)
    graph.invoke({"messages": [HumanMessage("What is my cat called?", id="q")]}, ALICE)
    assert "My cat is called Mimi." in model.prompts[0][0].text
    assert recorded(memory) == [("user", "What is my cat called?"), ("assistant", "Mimi.")]


async def test_a_slow_memory_keeps_the_budget(memory, caplog):
    step = recall_in(memory, user_id="alice", recall_seconds=0.2, input_key=None)
    step.invoke("warm up")
    memory.recall_takes = 0.8
    for call in ("invoke", "ainvoke"):
        started = time.monotonic()
        found = getattr(step, call)("my cat")
        assert (await found if call == "ainvoke" else found) == ""
        assert time.monotonic() - started < 0.2 + SLACK
    assert "Recall took over 0.2 s" in caplog.text


def test_a_slow_store_does_not_hold_up_the_answer(memory, patience):
    patience.undo()
    chain = record_turns(RunnableLambda(lambda _: "Fine."), memory)
    chain.invoke("Hello?", ALICE)
    memory.add_takes = 5.0
    started = time.monotonic()
    assert chain.invoke("How are you?", ALICE) == "Fine."
    assert time.monotonic() - started < 0.5 + 2.5  # not the store's five
    until = time.monotonic() + 30
    while len(recorded(memory)) < 4:
        assert time.monotonic() < until
        time.sleep(0.05)


async def test_a_broken_memory_does_not_break_the_chain(memory, scripted, caplog):
    chain = make_chain(memory, scripted("Fine.", "Fine."))
    memory.fault = IndexUnavailableError("disk is gone")
    assert chain.invoke({"question": "How are you?"}, ALICE) == "Fine."
    assert await chain.ainvoke({"question": "How are you?"}, ALICE) == "Fine."
    assert "Recall failed: IndexUnavailableError: disk is gone" in caplog.text
    assert "Recording failed: IndexUnavailableError: disk is gone" in caplog.text
    with pytest.raises(IndexUnavailableError):
        recall_in(memory, strict=True).invoke({"question": "How are you?"}, ALICE)


async def test_the_event_loop_is_never_blocked(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.")
    model = scripted()
    chain = make_chain(memory, model)
    await chain.ainvoke({"question": "my cat"}, ALICE)  # imports what is imported on first use
    with blockbuster_ctx():
        await chain.ainvoke({"question": "my cat"}, ALICE)
        async for _ in chain.astream({"question": "my cat"}, ALICE):
            pass
    assert "Mimi" in model.last_prompt


RECORDED = {
    "function": lambda _, __: RunnableLambda(lambda text: f"heard {text}"),
    "model": lambda _, model: model,
    "named": lambda _, model: (PROMPT | model).with_config(run_name="answering"),
    "chain": lambda memory, model: (
        RunnablePassthrough.assign(memory=recall_in(memory)) | PROMPT | model | StrOutputParser()
    ),
    "agent": lambda _, model: create_agent(model, name="helper"),
}


@pytest.mark.parametrize("kind", RECORDED)
def test_a_recorded_chain_describes_itself_as_the_chain_does(memory, scripted, kind):
    chain = RECORDED[kind](memory, scripted())
    ours = record_turns(chain, memory, input_key="question")
    for described in (
        lambda each: each.get_input_jsonschema(),
        lambda each: each.get_output_jsonschema(),
        lambda each: each.input_schema.model_json_schema(),
        lambda each: each.get_name(),
        lambda each: each.InputType,
        lambda each: each.OutputType,
        lambda each: each.config_specs,
        lambda each: len(each.get_prompts()),
        lambda each: len(each.get_graph().to_json(with_schemas=True)["nodes"]),
        lambda each: (each | str).get_input_jsonschema(),
    ):
        assert described(ours) == described(chain)
    assert ours.get_graph().to_json(with_schemas=True)["edges"]
    assert "graph" in ours.get_graph(**({"xray": True} if kind == "agent" else {})).draw_mermaid()
    assert ours.get_config_jsonschema()


@pytest.mark.filterwarnings("ignore:This API is in beta")
async def test_every_runnable_can_be_wrapped_and_described(memory, scripted, remember):
    remember("alice", "My cat is called Mimi.")
    job = LightMemConsolidator(memory=memory)
    ranked = {"query": "cat", "documents": [Document("My cat is called Mimi.")]}
    chain = make_chain(memory, scripted())
    for runnable, given in (
        (recall_in(memory), {"question": "my cat"}),
        (recall_in(memory, input_key=None, output="messages"), "my cat"),
        (LightMemRetriever(memory=memory), "my cat"),
        (LightMemReranker(), ranked),
        (job, {}),
        (chain, {"question": "my cat"}),
    ):
        schema = runnable.get_input_jsonschema()
        if isinstance(given, dict):
            properties = schema.get("$defs", {}).get("Ranked", schema).get("properties", {})
            assert set(given) == set(properties)
        else:
            assert schema["type"] == "string"
        for described in (
            runnable.get_output_jsonschema(),
            runnable.config_schema().model_json_schema(),
            runnable.get_graph().to_json(with_schemas=True),
            runnable.get_name(),
        ):
            assert described
        named = runnable.with_config(run_name="named", tags=["mine"])
        assert str(named.invoke(given, ALICE))
        assert len(runnable.batch([given] * 2, ALICE)) == 2
        assert len(await runnable.abatch([given] * 2, [ALICE] * 2)) == 2
        assert len(list(runnable.batch_as_completed([given] * 2, ALICE))) == 2
        assert list(runnable.transform(iter([given]), ALICE))
        events = [each async for each in named.astream_events(given, ALICE, version="v2")]
        assert events[0]["name"] == events[-1]["name"] == "named"
        as_tool = runnable.as_tool(name="about", description="What is known.")
        assert str(as_tool.invoke(given, ALICE))
        if runnable is not job:
            assert as_tool.args
    failed, found = recall_in(memory, input_key=None).batch(
        ["my cat"] * 2, [{}, ALICE], return_exceptions=True
    )
    assert isinstance(failed, ScopeError)
    assert "Mimi" in found


@pytest.mark.parametrize(
    "mode", ["invoke", "updates", "values", "messages", ["values", "updates"], "events"]
)
async def test_an_agent_is_recorded_whichever_way_it_streams(memory, scripted, mode):
    agent = record_turns(create_agent(scripted("Mimi.")).with_config(tags=["mine"]), memory)
    given = {"messages": [("user", "What is my cat called?")]}
    if mode == "invoke":
        agent.invoke(given, ALICE, context={"language": "English"})
    elif mode == "events":
        assert [each async for each in agent.astream_events(given, ALICE, version="v2")]
    else:
        assert list(agent.stream(given, ALICE, stream_mode=mode))
    assert recorded(memory) == [("user", "What is my cat called?"), ("assistant", "Mimi.")]


async def test_an_agent_at_the_end_of_a_chain_is_recorded_however_it_runs(memory, scripted):
    to_state = RunnableLambda(lambda question: {"messages": [("user", question)]})
    chain = record_turns(to_state | create_agent(scripted(*["Mimi."] * 3)), memory)
    chain.invoke("My cat?", ALICE)
    assert list(chain.stream("My cat?", ALICE))
    assert [each async for each in chain.astream("My cat?", ALICE)]
    assert recorded(memory) == [("user", "My cat?"), ("assistant", "Mimi.")] * 3


def as_they_come(states):
    yield from states


AFTER_AN_AGENT = {
    "retry": lambda agent: agent.with_retry(),
    "bound": lambda agent: agent.with_retry().with_config(tags=["mine"]),
    "fallbacks": lambda agent: agent.with_fallbacks([agent]),
    "function": lambda agent: agent | RunnableLambda(lambda state: state),
    "generator": lambda agent: agent | RunnableGenerator(as_they_come),
}


@pytest.mark.parametrize("mode", ["invoke", "updates", "values", ["values", "updates"]])
@pytest.mark.parametrize("kind", AFTER_AN_AGENT)
def test_an_agent_with_something_around_it_is_recorded(memory, scripted, kind, mode):
    chain = record_turns(AFTER_AN_AGENT[kind](create_agent(scripted("Mimi."))), memory)
    given = {"messages": [("user", "My cat?")]}
    if mode == "invoke":
        chain.invoke(given, ALICE)
    else:
        assert list(chain.stream(given, ALICE, stream_mode=mode))
    assert recorded(memory) == [("user", "My cat?"), ("assistant", "Mimi.")]


@pytest.mark.parametrize("mode", ["invoke", "updates", "values"])
def test_what_an_agent_redacts_is_not_recorded(memory, scripted, mode):
    agent = create_agent(
        scripted("Sent.", "Yes."),
        middleware=[PIIMiddleware("email")],
        checkpointer=InMemorySaver(),
    )
    chain = record_turns(agent, memory)
    for question in ("Write to carol@example.org.", "Did you write to carol@example.org?"):
        given = {"messages": [("user", question)]}
        if mode == "invoke":
            chain.invoke(given, ALICE)
        else:
            assert list(chain.stream(given, ALICE, stream_mode=mode))
    assert recorded(memory) == [
        ("user", "Write to [REDACTED_EMAIL]."),
        ("assistant", "Sent."),
        ("user", "Did you write to [REDACTED_EMAIL]?"),
        ("assistant", "Yes."),
    ]


def test_the_user_of_a_graphs_context_is_the_user(memory, scripted):
    agent = record_turns(create_agent(scripted("Mimi.")), memory)
    agent.invoke({"messages": [("user", "My cat?")]}, context={"user_id": "alice"})
    assert len(recorded(memory, session_id="default")) == 2


MESSAGES = {
    "tuples": [("system", "Be brief."), ("user", "My cat is called Mimi.")],
    "dictionaries": [{"role": "user", "content": "My cat is called Mimi."}],
    "a tuple": ("user", "My cat is called Mimi."),
    "a prompt": PROMPT.invoke({"memory": "", "question": "My cat is called Mimi."}),
    "strings": ["My cat is called Mimi."],
    "a tuple of messages": (HumanMessage("My cat is called Mimi."),),
}


@pytest.mark.parametrize("given", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("in_state", [True, False])
def test_messages_of_every_form(memory, given, in_state):
    chain = record_turns(RunnableLambda(lambda _: "Nice."), memory)
    given = {"messages": given} if in_state else given
    chain.invoke(given, ALICE)
    assert recorded(memory) == [("user", "My cat is called Mimi."), ("assistant", "Nice.")]
    remembered = recall_in(memory, input_key=None)
    assert remembered.invoke(given, {"configurable": {"user_id": "bob"}}) == ""
    bob = {"configurable": {"user_id": "bob", "thread_id": "other"}}
    chain.invoke("The best cat is Mimi.", bob)
    assert "The best cat is Mimi." in remembered.invoke(given, bob)


def test_a_resume_is_nothing_that_a_person_said(memory, scripted):
    agent = record_turns(create_agent(scripted("Mimi.")), memory)
    agent.invoke(Command(update={"messages": [HumanMessage("My cat?")]}), ALICE)
    assert recorded(memory) == [("assistant", "Mimi.")]


async def test_consolidation_as_a_job(memory):
    for user_id in ("alice", "bob", "ann", "ben"):
        memory.add(Turn(role="user", text="Me.home = Porto"), user_id=user_id, session_id="s")
    job = LightMemConsolidator(memory=memory, options={"writer": ScriptedWriter()})
    assert job.invoke("alice").facts == 1
    assert job.invoke({"user_id": "bob"}).written == 1
    assert job.invoke({}, ALICE).written == 0  # nothing new
    users = [{"user_id": user_id} for user_id in ("ann", "ben")]
    assert [each.facts for each in job.batch(users, {"max_concurrency": 1})] == [1, 1]
    assert (await job.ainvoke("alice")).written == 0
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Porto"]
    for nobody in ({}, {"user": "alice"}, "", " ", None):
        with pytest.raises(ScopeError):
            job.invoke(nobody)


def test_a_question_that_is_forgotten_while_a_chain_answers_it_is_not_written_down(memory):
    def answer(_):
        memory.forget(user_id="alice")
        return "Forgotten."

    memory.add(Turn(role="user", text="My passport is 4711."), user_id="alice", session_id="t")
    chain = record_turns(RunnableLambda(answer), memory)
    chain.invoke("Forget my passport 4711.", ALICE)
    assert recorded(memory) == [("assistant", "Forgotten.")]
    chain.invoke("Are you sure?", {"configurable": {"user_id": "bob", "thread_id": "t"}})
    assert len(recorded(memory, "bob")) == 2
