"""A session as a chat message history: every message comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain import LightMemChatMessageHistory, session_history

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*deprecated:langchain_core._api.deprecation.LangChainDeprecationWarning"
)

CALL = {"name": "look_up", "args": {"x": [1, {"y": None}]}, "id": "c1", "type": "tool_call"}
EVERY_KIND = [
    SystemMessage("Be kind.", id="s"),
    HumanMessage("Hello!", name="Ann", id="h"),
    HumanMessage("No id, and extras.", additional_kwargs={"a": 1}, response_metadata={"b": [2]}),
    HumanMessage([{"type": "text", "text": "What is this?"}, {"type": "image", "url": "x"}]),
    AIMessage("", tool_calls=[CALL], id="a1"),
    ToolMessage(
        "12 degrees", tool_call_id="c1", artifact={"t": 12}, status="error", name="look_up"
    ),
    AIMessage(
        "Fine.",
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model": "m"},
        id="a2",
    ),
    AIMessageChunk("chunk", id="a3"),
    ChatMessage("as a critic", role="critic"),
    FunctionMessage("{}", name="f"),
    HumanMessage(""),
    RemoveMessage(id="h0"),
]


def make(memory, **options):
    return LightMemChatMessageHistory(memory, **{"user_id": "alice", "session_id": "s", **options})


async def test_every_kind_of_message_is_kept_whole(memory):
    make(memory).add_messages(EVERY_KIND[:6])
    await make(memory).aadd_messages(EVERY_KIND[6:])
    for found in (make(memory).messages, await make(memory).aget_messages()):
        assert found == EVERY_KIND
        assert [type(each) for each in found] == [type(each) for each in EVERY_KIND]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(
    st.lists(
        st.builds(HumanMessage, texts, name=st.none() | st.just("Ann"))
        | st.builds(AIMessage, texts)
        | st.builds(ToolMessage, texts, tool_call_id=st.text("abc", min_size=1)),
        max_size=5,
    )
)
def test_whatever_is_added_comes_back(memory, messages):
    history = make(memory, session_id="property")
    history.clear()
    history.add_messages(messages)
    assert history.messages == messages


async def test_clear_begins_anew_and_forgets_nothing(memory):
    history = make(memory, messages=[HumanMessage("My cat is called Mimi.")])
    assert history == make(memory)
    history.clear()
    assert history.messages == []
    history.add_ai_message("Hello again.")
    assert [each.text for each in history.messages] == ["Hello again."]
    await history.aclear()
    assert history.messages == []
    assert "Mimi" in memory.recall("my cat", user_id="alice").text


def test_adding_a_message_twice_adds_it_once_and_an_edit_is_kept(memory):
    history = make(memory)
    for _ in range(2):
        history.add_messages([HumanMessage("I live in Oslo.", id="m")])
    history.add_messages([HumanMessage("I live in Bergen.", id="m"), AIMessage("Nice.", id="n")])
    said = [each.text for each in history.messages]
    assert said == ["I live in Oslo.", "I live in Bergen.", "Nice."]


def test_a_window_never_parts_a_tool_call_from_its_result(memory):
    history = make(memory)
    for n in range(4):
        history.add_messages(
            [
                HumanMessage(f"question {n}"),
                AIMessage("", tool_calls=[CALL]),
                ToolMessage("word " * 30, tool_call_id="c1"),
                AIMessage(f"answer {n}"),
            ]
        )
    for tokens in (1, 40, 80, 1_000):
        kinds = [each.type for each in make(memory, max_tokens=tokens).messages]
        assert kinds == ["human", "ai", "tool", "ai"] * (len(kinds) // 4)
        assert kinds
    assert len(make(memory, max_tokens=80).messages) < 16
    with pytest.raises(InvalidRequestError, match="max_tokens"):
        make(memory, max_tokens=0)


async def test_in_runnable_with_message_history(memory, scripted):
    model = scripted("Hi Ann.", "Ann.", "Ann!")
    prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{question}")])
    chain = RunnableWithMessageHistory(
        prompt | model,
        session_history(memory),
        input_messages_key="question",
        history_messages_key="history",
        history_factory_config=LightMemChatMessageHistory.session_specs,
    )
    config = {"configurable": {"user_id": "alice", "session_id": "s"}}
    chain.invoke({"question": "I am Ann."}, config)
    await chain.ainvoke({"question": "Who am I?"}, config)
    words = [chunk.text for chunk in chain.stream({"question": "Sure?"}, config)]
    assert "".join(words) == "Ann!"
    assert [m.text for m in model.prompts[1]] == ["I am Ann.", "Hi Ann.", "Who am I?"]
    assert len(make(memory).messages) == 6
    assert len(make(memory, user_id="bob").messages) == 0
    with pytest.raises(ValueError, match="user_id"):
        chain.invoke({"question": "Who am I?"}, {"configurable": {"session_id": "s"}})
