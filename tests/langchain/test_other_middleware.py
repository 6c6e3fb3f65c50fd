"""Other middlewares change a prompt as if memory were not there, and memory stays in the prompt."""

from __future__ import annotations

import asyncio
from typing import get_args, get_origin

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState, dynamic_prompt
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from lightmem_integrations.langchain import LightMemMiddleware

ASKED = "What is my cat called?"
KNOWN = "My cat is called Mimi."
ALICE = {"configurable": {"thread_id": "t", "user_id": "alice"}}
PLACES = ["message", "question", "system"]


@tool
def look_up() -> str:
    """Look something up."""
    return "twelve degrees"


def calling():
    return AIMessage("", tool_calls=[{"name": "look_up", "args": {}, "id": "call"}])


def changing(change):
    """A middleware that changes each request, in both ways of calling."""

    class Changing(AgentMiddleware):
        def wrap_model_call(self, request, handler):
            return handler(change(request) or request)

        async def awrap_model_call(self, request, handler):
            return await handler(change(request) or request)

    return Changing()


def run(model, *middleware, memory=None, asynchronous=False):
    """One question of two steps and the state that is left."""
    agent = create_agent(
        model,
        tools=[look_up],
        middleware=middleware,
        system_prompt="Be nice.",
        checkpointer=InMemorySaver(),
    )
    given = {"messages": [HumanMessage(ASKED, id="q")]}
    if asynchronous:
        return asyncio.run(agent.ainvoke(given, ALICE))["messages"]
    return agent.invoke(given, ALICE)["messages"]


@dynamic_prompt
def dynamic(request):
    return "Be brief."


def overriding(request):
    return request.override(system_message=SystemMessage("Be brief."))


def overriding_text(request):
    return request.override(system_prompt="Be brief.")


def setting(request):
    request.system_prompt = "Be brief."


def removing(request):
    return request.override(system_message=None)


def adding(request):
    own = request.system_message.content_blocks
    return request.override(system_message=SystemMessage(content=[*own, "Be brief."]))


@pytest.mark.filterwarnings("ignore:Direct attribute assignment")
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("ours_first", [True, False], ids=["ours-first", "ours-last"])
@pytest.mark.parametrize(
    "change", [dynamic, overriding, overriding_text, setting, removing, adding]
)
def test_memory_stays_in_a_system_message_that_is_made_anew(
    memory, scripted, remember, change, ours_first, asynchronous
):
    remember("alice", KNOWN)
    model = scripted(calling(), "Mimi.")
    ours = LightMemMiddleware(memory, recall_seconds=30, inject="system")
    other = change if change is dynamic else changing(change)
    both = [ours, other] if ours_first else [other, ours]
    run(model, *both, asynchronous=asynchronous)
    for prompt in model.prompts:
        assert prompt[0].type == "system"
        assert prompt[0].text.count(KNOWN) == 1
        assert ("Be brief." in prompt[0].text) is (change is not removing)
        assert not any(KNOWN in message.text for message in prompt[1:])


@pytest.mark.parametrize("inject", ["message", "question"])
def test_memory_stays_before_a_question_if_messages_are_made_anew(
    memory, scripted, remember, inject
):
    remember("alice", KNOWN)
    model = scripted(calling(), "Mimi.")
    ours = LightMemMiddleware(memory, recall_seconds=30, inject=inject)
    other = changing(lambda request: request.override(messages=[*request.state["messages"]]))
    run(model, ours, other)
    assert ["\n".join(m.text for m in p).count(KNOWN) for p in model.prompts] == [1, 1]


@pytest.mark.parametrize("inject", PLACES)
def test_a_block_that_another_middleware_rewords_is_not_put_there_again(
    memory, scripted, remember, inject
):
    remember("alice", KNOWN)
    model = scripted(calling(), "Mimi.")

    def redacted(message):
        return type(message)(message.text.replace("Mimi", "[NAME]"), id=message.id)

    def redact(request):
        return request.override(
            system_message=redacted(request.system_message),
            messages=[redacted(m) if m.type == "human" else m for m in request.messages],
        )

    ours = LightMemMiddleware(memory, recall_seconds=30, inject=inject)
    run(model, ours, changing(redact))
    for prompt in model.prompts:
        text = "\n".join(message.text for message in prompt)
        assert "[NAME]" in text
        assert "Mimi" not in text


def append(request):
    if not any(message.text == "Mind the time." for message in request.messages):
        request.messages.append(SystemMessage("Mind the time."))


def put_first(request):
    if request.messages[0].text != "Mind the time.":
        request.messages.insert(0, SystemMessage("Mind the time."))


def take_away(request):
    del request.messages[:-2]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("inject", PLACES)
@pytest.mark.parametrize("ours_first", [True, False], ids=["ours-first", "ours-last"])
@pytest.mark.parametrize("change", [append, put_first, take_away])
def test_a_change_of_the_list_of_messages_is_one_of_the_agents_state(
    memory, scripted, remember, change, ours_first, inject, asynchronous
):
    remember("alice", KNOWN)
    without = run(scripted(calling(), "Mimi."), changing(change), asynchronous=asynchronous)
    model = scripted(calling(), "Mimi.")
    ours = LightMemMiddleware(memory, recall_seconds=30, inject=inject)
    both = [ours, changing(change)] if ours_first else [changing(change), ours]
    state = run(model, *both, asynchronous=asynchronous)
    if change is not take_away:
        for prompt in model.prompts:
            texts = [message.text for message in prompt]
            assert texts.count("Mind the time.") == 1
            assert "\n".join(texts).count(KNOWN) == 1
        assert [message.text for message in state] == [message.text for message in without]
    assert "<memory>" not in repr(state)


def test_a_block_that_is_changed_in_its_place_does_not_come_into_the_state(
    memory, scripted, remember
):
    remember("alice", KNOWN)

    def shout(request):
        request.messages[-1] = HumanMessage(request.messages[-1].text.upper().lower())

    ours = LightMemMiddleware(memory, recall_seconds=30, inject="question")
    state = run(scripted("Mimi."), ours, changing(shout))
    assert [message.text for message in state] == [ASKED, "Mimi."]


def test_two_memories_stay_in_a_system_message_that_is_made_anew(memory, scripted, remember):
    remember("alice", KNOWN)
    remember("team", "The office cat is called Felix.")
    model = scripted("Mimi and Felix.")
    names = {"alice": "LightMemMiddleware", "team": "TeamMemory"}
    ours = [
        LightMemMiddleware(memory, user_id=user, name=name, recall_seconds=30, inject="system")
        for user, name in names.items()
    ]
    run(model, *ours, changing(overriding))
    assert "Be brief." in model.prompts[0][0].text
    assert KNOWN in model.prompts[0][0].text
    assert "Felix" in model.prompts[0][0].text


def test_a_type_checker_takes_it_beside_those_of_langchain():
    # A list of middlewares has one type of state for all of them, and create_agent keeps to it.
    (base,) = LightMemMiddleware.__orig_bases__
    assert get_origin(get_args(base)[0]) is AgentState
    assert LightMemMiddleware.state_schema is not AgentState
