"""An agent whose user's profile stands before the conversation, where a prompt cache keeps it."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from lightmem_integrations.langchain import LightMemMiddleware

FRENCH = "Please always answer in French."
WHO = {"configurable": {"user_id": "alice", "thread_id": "t"}}


def agent_of(memory, model, **options):
    middleware = LightMemMiddleware(memory, profile=True, recall_seconds=30, **options)
    return create_agent(
        model,
        system_prompt=SystemMessage("You are a cook."),
        middleware=[middleware],
        checkpointer=InMemorySaver(),
    )


def ask(agent, text):
    return agent.invoke({"messages": [("user", text)]}, WHO)


@pytest.mark.parametrize("inject", ["message", "question", "system"])
def test_an_instruction_is_in_every_prompt_whatever_the_question(
    memory, scripted, remember, inject
):
    remember("alice", FRENCH, "I moved to Lisbon in May.")
    model = scripted("Soup.", "A Lisbonne.")
    agent = agent_of(memory, model, inject=inject, k=1, max_tokens=60)
    ask(agent, "What should I cook?")
    result = ask(agent, "Where do I live?")
    first, second = ([message.text for message in prompt] for prompt in model.prompts)
    assert first[0].startswith("You are a cook.")
    assert f"- {FRENCH}" in first[0]
    if inject != "system":  # else what is recalled stands behind it
        assert first[0] == second[0]
        assert "Lisbon" in "".join(second[-2:])
    kept = [*result["messages"], *agent.get_state(WHO).values["messages"]]
    assert not any("<memory>" in message.text for message in kept)


def test_what_a_user_asks_for_from_now_on_is_in_the_next_prompt(memory, scripted):
    model = scripted("D'accord.", "Bonjour!")
    agent = agent_of(memory, model)
    ask(agent, FRENCH)
    ask(agent, "Hello!")
    assert FRENCH not in model.prompts[0][0].text
    assert f"- {FRENCH}" in model.prompts[1][0].text


def test_nobody_else_sees_it(memory, scripted, remember):
    remember("bob", FRENCH)
    model = scripted("Soup.")
    ask(agent_of(memory, model), "What should I cook?")
    assert "French" not in model.last_prompt


def test_a_profile_that_fails_leaves_the_turn_as_it_is(memory, scripted, remember, monkeypatch):
    remember("alice", FRENCH)

    def fail(**_):
        raise OSError("disk gone")

    monkeypatch.setattr(memory, "profile", fail)
    model = scripted("Soup.")
    result = ask(agent_of(memory, model), "What should I cook?")
    assert result["messages"][-1].text == "Soup."
    with pytest.raises(OSError, match="disk gone"):
        ask(agent_of(memory, scripted("Soup."), strict=True), "What should I cook?")
