"""Memory follows the thread: what a fork, a regeneration or an edit replaced is not recalled."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware, before_model
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command
from pydantic import Field

from lightmem_integrations.langchain import LightMemMiddleware, record_turns

THREAD = {"configurable": {"thread_id": "t1", "user_id": "alice"}}
LATER = {"configurable": {"thread_id": "t2", "user_id": "alice"}}


@tool
def look_up() -> str:
    """Look something up."""
    return "twelve degrees"


def calling(name, call_id="call-1"):
    return AIMessage("", tool_calls=[{"name": name, "args": {}, "id": call_id}])


class Chat:
    """An agent with memory in one thread, called synchronously or not."""

    def __init__(self, model, memory, *, is_async, **options):
        self.model, self.memory, self.is_async = model, memory, is_async
        options = {"checkpointer": InMemorySaver(), **options}
        others = options.pop("middleware", [])
        remembering = LightMemMiddleware(memory, recall_seconds=30)
        self.agent = create_agent(model, middleware=[remembering, *others], **options)

    async def run(self, given, config=THREAD):
        if self.is_async:
            return await self.agent.ainvoke(given, config)
        return self.agent.invoke(given, config)

    async def ask(self, text, config=THREAD, **named):
        return await self.run({"messages": [HumanMessage(text, **named)]}, config)

    def update(self, *messages, config=THREAD):
        return self.agent.update_state(config, {"messages": list(messages)})

    def before(self, node, place=0):
        """Configuration of a checkpoint from which this node goes on, the newest first."""
        found = [each for each in self.agent.get_state_history(THREAD) if each.next == (node,)]
        return self.of(found[place].config)

    def after(self, text):
        """Configuration of the last checkpoint whose last message says this."""
        for each in self.agent.get_state_history(THREAD):
            said = each.values.get("messages", [])
            if said and said[-1].text == text and not each.next:
                return self.of(each.config)
        raise AssertionError(text)

    def of(self, config):
        return {"configurable": {**config["configurable"], "user_id": "alice"}}

    def ids(self):
        return [each.id for each in self.agent.get_state(THREAD).values["messages"]]

    def standing(self):
        turns = self.memory.history(user_id="alice", session_id="t1")
        return [turn.text for turn in turns if not turn.superseded]

    def superseded(self):
        turns = self.memory.history(user_id="alice", session_id="t1")
        return [turn.text for turn in turns if turn.superseded]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def chat(request, memory, scripted):
    def chat(*replies, **options):
        return Chat(scripted(*replies), memory, is_async=request.param, **options)

    return chat


async def test_a_regenerated_answer_takes_the_place_of_the_discarded_one(chat):
    bot = chat("Your hotel is the Ritz.", "Your hotel is the Plaza.")
    await bot.ask("Which hotel is mine?")
    await bot.run(None, bot.before("model"))
    assert "Ritz" not in bot.model.last_prompt
    assert bot.standing() == ["Which hotel is mine?", "Your hotel is the Plaza."]
    assert bot.superseded() == ["Your hotel is the Ritz."]


async def test_only_the_last_step_of_an_answer_with_tools_is_made_anew(chat):
    bot = chat(calling("look_up"), "It is cold.", "It is mild.", tools=[look_up])
    await bot.ask("Is it cold?")
    await bot.run(None, bot.before("model"))
    assert "It is cold." not in bot.model.last_prompt
    assert bot.standing() == ["Is it cold?", "It is mild."]


async def test_a_fork_is_told_nothing_of_what_it_left(chat):
    bot = chat("Hello Ann.", "Rome it is.", "Porto it is.", "In Porto.")
    await bot.ask("I am Ann.")
    await bot.ask("I choose the hotel in Rome.")
    await bot.ask("I choose the hotel in Porto.", bot.after("Hello Ann."))
    assert "Rome" not in bot.model.last_prompt
    assert bot.standing() == [
        "I am Ann.", "Hello Ann.", "I choose the hotel in Porto.", "Porto it is.",
    ]  # fmt: skip
    await bot.ask("Which hotel did I choose?", LATER)
    assert "Porto" in bot.model.last_prompt
    assert "Rome" not in bot.model.last_prompt


async def test_a_branch_that_is_taken_up_again_is_remembered_again(chat):
    bot = chat("Hello Ann.", "Rome it is.", "Porto it is.", "A fine day.", "Good.")
    await bot.ask("I am Ann.")
    await bot.ask("I choose the hotel in Rome.")
    await bot.ask("I choose the hotel in Porto.", bot.after("Hello Ann."))
    await bot.ask("How is the weather?", bot.after("Rome it is."))
    await bot.ask("Which hotel did I choose?", LATER)
    assert "Rome" in bot.model.last_prompt
    assert "Porto" not in bot.model.last_prompt


async def test_an_answer_that_was_removed_and_its_question_asked_again(chat):
    bot = chat("The Ritz.", "The Plaza.")
    await bot.ask("Which hotel is mine?", id="h1")
    bot.update(RemoveMessage(id=bot.ids()[-1]))
    await bot.ask("Which hotel is mine?", id="h1")
    assert "Ritz" not in bot.model.last_prompt
    assert bot.standing() == ["Which hotel is mine?", "The Plaza."]


async def test_an_exchange_that_was_removed_and_said_otherwise(chat):
    bot = chat("Hello Ann.", "Rome it is.", "Porto it is.")
    await bot.ask("I am Ann.")
    await bot.ask("My hotel is in Rome.")
    bot.update(*(RemoveMessage(id=each) for each in bot.ids()[-2:]))
    await bot.ask("My hotel is in Porto.")
    assert "Rome" not in bot.model.last_prompt
    assert bot.standing()[2:] == ["My hotel is in Porto.", "Porto it is."]


async def test_a_question_that_was_edited_and_answered_anew(chat):
    bot = chat("Rome it is.", "Porto it is.", "In Porto.")
    await bot.ask("My hotel is in Rome.", id="h1")
    fork = bot.update(HumanMessage("My hotel is in Porto.", id="h1"), config=bot.before("model"))
    await bot.run(None, bot.of(fork))
    assert bot.standing() == ["My hotel is in Porto.", "Porto it is."]
    await bot.ask("Where is my hotel?", LATER)
    assert "Rome" not in bot.model.last_prompt
    assert "My hotel is in Porto." in bot.model.last_prompt


async def test_an_earlier_message_that_was_edited_in_place(chat):
    bot = chat("Noted.", "You are welcome.", "In Porto.")
    await bot.ask("My hotel is in Rome.", id="h1")
    bot.update(HumanMessage("My hotel is in Porto.", id="h1"))
    await bot.ask("Thanks.")
    assert bot.standing() == ["My hotel is in Porto.", "Noted.", "Thanks.", "You are welcome."]
    await bot.ask("Where is my hotel?", LATER)
    assert "Rome" not in bot.model.last_prompt


async def test_an_answer_that_a_person_put_right(chat):
    bot = chat("Your hotel is the Ritz.", "You are welcome.", "The Plaza.")
    await bot.ask("Which hotel is mine?")
    bot.update(AIMessage("Your hotel is the Plaza.", id=bot.ids()[-1]))
    await bot.ask("Thanks.")
    await bot.ask("Which hotel did you say is mine?", LATER)
    assert "Plaza" in bot.model.last_prompt
    assert "Ritz" not in bot.model.last_prompt


async def test_what_was_summarised_stands(chat, scripted):
    summarising = SummarizationMiddleware(
        model=scripted(*["They talked."] * 9), trigger=("messages", 4), keep=("messages", 2)
    )
    bot = chat(*"12345", middleware=[summarising])
    for number in range(5):
        await bot.ask(f"My number {number} is {number * 11}.")
    assert len(bot.standing()) == 10
    assert len(bot.ids()) < 8


@pytest.mark.parametrize("kept", [1, 2, 3])
async def test_what_was_trimmed_stands(chat, kept):
    @before_model
    def trim(state, runtime):
        first, *others = state["messages"]
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), first, *others[-kept:]]}

    tools = [calling("look_up", "call-2"), calling("look_up", "call-3")]
    replies = [*"ab", calling("look_up"), *tools, "c", "d"]
    bot = chat(*replies, middleware=[trim], tools=[look_up])
    for number in range(4):
        await bot.ask(f"My number {number} is {number * 11}.")
    assert bot.superseded() == []


async def test_messages_that_were_deleted_from_the_front_or_the_middle_stand(chat):
    bot = chat(*"abcde", calling("look_up"), "f", "g", tools=[look_up])
    for number in range(6):
        await bot.ask(f"My number {number} is {number * 11}.")
    ids = bot.ids()
    bot.update(*(RemoveMessage(id=each) for each in (*ids[:2], *ids[4:6], *ids[-3:-1])))
    await bot.ask("And what else?")
    assert len(bot.standing()) == 14


async def test_a_run_that_is_interrupted_and_resumed_supersedes_nothing(chat):
    from langchain.agents.middleware import HumanInTheLoopMiddleware

    asking = HumanInTheLoopMiddleware(interrupt_on={"look_up": True})
    bot = chat("Hi.", calling("look_up"), "Done.", tools=[look_up], middleware=[asking])
    await bot.ask("Hello!")
    await bot.ask("Look it up.")
    await bot.run(Command(resume={"decisions": [{"type": "approve"}]}))
    assert bot.standing() == ["Hello!", "Hi.", "Look it up.", "Done."]


async def test_a_thread_whose_checkpoints_were_lost_supersedes_nothing(chat, memory, scripted):
    bot = chat("Hi.", "Yes.")
    await bot.ask("I am Ann.")
    again = Chat(scripted("Yes."), memory, is_async=bot.is_async)
    await again.ask("Who am I?")
    assert again.standing() == ["I am Ann.", "Hi.", "Who am I?", "Yes."]


async def test_agents_beside_each_other_in_a_graph_do_not_supersede_each_other(memory, scripted):
    graph = StateGraph(MessagesState)
    for name in ("poet", "critic"):
        agent = create_agent(
            scripted(f"I am the {name}."), middleware=[LightMemMiddleware(memory)], name=name
        )
        graph.add_node(name, agent)
        graph.add_edge(START, name)
    made = graph.compile(checkpointer=InMemorySaver())
    await made.ainvoke({"messages": [HumanMessage("Who are you?")]}, THREAD)
    turns = memory.history(user_id="alice", session_id="t1")
    assert len(turns) == 3
    assert not any(turn.superseded for turn in turns)


def test_a_chain_that_is_handed_another_history_follows_it(memory):
    replies = iter(["The Ritz.", "The Plaza.", "Fine."])
    chain = record_turns(RunnableLambda(lambda _: AIMessage(next(replies))), memory)
    asked = HumanMessage("Which hotel is mine?", id="h1")
    chain.invoke([asked], THREAD)
    chain.invoke([asked], THREAD)
    turns = memory.history(user_id="alice", session_id="t1")
    assert [turn.text for turn in turns if turn.superseded] == ["The Ritz."]
    chain.invoke([HumanMessage("My hotel is the Plaza.", id="h1")], THREAD)
    turns = memory.history(user_id="alice", session_id="t1")
    assert [turn.text for turn in turns if not turn.superseded] == [
        "My hotel is the Plaza.", "Fine.",
    ]  # fmt: skip


class TogetherChatModel(FakeListChatModel):
    """Answers once two questions were asked."""

    responses: list[str] = Field(default_factory=lambda: ["Noted."])
    both: Any = Field(default_factory=lambda: threading.Barrier(2, timeout=30))

    def _call(self, *given, **options):
        self.both.wait()
        return "Noted."


def test_of_two_questions_at_once_in_one_session_neither_replaces_the_other(memory):
    """As a server answers them that keeps no thread of its own, in one process or in several."""
    remembering = LightMemMiddleware(memory, recall_seconds=30)
    agent = create_agent(TogetherChatModel(), middleware=[remembering])
    said = ["My box is blue.", "My cup is red."]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda text: agent.invoke({"messages": [("user", text)]}, THREAD), said))
    turns = memory.history(user_id="alice", session_id="t1")
    assert sorted(turn.text for turn in turns if not turn.superseded) == [
        *said, "Noted.", "Noted.",
    ]  # fmt: skip
    found = memory.recall("Which colour is my box, and which one my cup?", user_id="alice")
    assert {hit.turns[0].text for hit in found.hits} >= set(said)
