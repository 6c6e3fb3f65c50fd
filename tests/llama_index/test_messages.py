"""Every chat message comes back as it was put; only its words are searched."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    CitableBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.schema import ImageDocument

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

MESSAGES = [
    ChatMessage(role="user", content="Plain"),
    ChatMessage(role="user", content=""),
    ChatMessage(role="user", blocks=[]),
    ChatMessage(role="user", content="a\nb\t{c} \u00e9 \U0001f600"),
    ChatMessage(role="user", blocks=[TextBlock(text="See"), ImageBlock(image=PNG)]),
    ChatMessage(role="user", blocks=[AudioBlock(audio=b"RIFF0000WAVE", format="wav")]),
    ChatMessage(role="user", blocks=[DocumentBlock(data=b"%PDF-1.4", title="paper.pdf")]),
    ChatMessage(
        role="user", blocks=[CitableBlock(title="t", source="s", content=[TextBlock(text="x")])]
    ),
    ChatMessage(
        role="assistant",
        blocks=[
            ThinkingBlock(content="hm"),
            TextBlock(text="Looking."),
            ToolCallBlock(tool_call_id="1", tool_name="look", tool_kwargs={"a": [1, {"b": None}]}),
        ],
    ),
    ChatMessage(
        role="tool", content="found", additional_kwargs={"tool_call_id": "1", "x": {"y": [1.5]}}
    ),
    ChatMessage(role=MessageRole.DEVELOPER, content="Be brief."),
    ChatMessage(role=MessageRole.MODEL, content="As a model"),
    ChatMessage(role=MessageRole.CHATBOT, content="As a chatbot"),
    ChatMessage(role=MessageRole.FUNCTION, content="42", additional_kwargs={"name": "sum"}),
]


@pytest.fixture
def memory(core: LightMem) -> LightMemMemory:
    return LightMemMemory.from_defaults(memory=core, strict=True, user_id="alice", session_id="s")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.role.value)
def test_a_message_survives_three_round_trips(memory: LightMemMemory, message: ChatMessage) -> None:
    expected = message.model_copy(deep=True)
    for _ in range(3):
        memory.reset()
        memory.put(message)
        (message,) = memory.get_all()
        assert message == expected


def test_pictures_keep_their_bytes(memory: LightMemMemory) -> None:
    memory.put(ChatMessage(role="user", blocks=[ImageBlock(image=PNG)]))
    (message,) = memory.get_all()
    assert message.blocks[0].resolve_image().read() == PNG


def test_pictures_of_the_old_kind_come_back_once(memory: LightMemMemory) -> None:
    picture = ImageDocument(image="aGVsbG8=")
    message = ChatMessage(role="user", content="See", additional_kwargs={"images": [picture]})
    memory.put(message)
    (back,) = memory.get_all()
    assert back.blocks == message.blocks


def test_what_json_cannot_hold_is_stored_as_text(memory: LightMemMemory) -> None:
    odd = {"object": object, "nan": float("nan"), "bytes": b"\xff", 7: "seven"}
    memory.put(ChatMessage(role="user", content="Hello", additional_kwargs={"odd": odd}))
    (message,) = memory.get_all()
    assert message.content == "Hello"
    assert message.additional_kwargs["odd"]["7"] == "seven"


def test_tool_calls_as_objects_come_back_as_data(memory: LightMemMemory) -> None:
    selection = ToolSelection(tool_id="1", tool_name="look", tool_kwargs={})
    memory.put(ChatMessage(role="user", content="Look"))
    memory.put(
        ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [selection]})
    )
    assert [message.role.value for message in memory.get()] == ["user"]  # it has no result yet
    memory.put(ChatMessage(role="tool", content="found", additional_kwargs={"tool_call_id": "1"}))
    assert [message.role.value for message in memory.get()] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("text", ["half \ud800 pair", "nul \0 inside"])
def test_text_that_no_database_stores_does_not_fail_a_turn(
    memory: LightMemMemory, text: str
) -> None:
    memory.put(ChatMessage(role="user", content=text))
    assert [message.content for message in memory.get()] == [text]
    assert memory.get(input=text)


def test_a_very_long_message_is_kept_whole(core: LightMem, memory: LightMemMemory) -> None:
    text = "word " * 50_000
    memory.put(ChatMessage(role="user", content=text))
    assert memory.get()[0].content == text
    (turn,) = core.history(user_id="alice", session_id="s")
    most = core.settings.max_turn_chars  # it is cut between two words
    assert most - len("word ") < len(turn.text) <= most


TRACE = (
    "Thought: I need a tool.\nAction: look\nAction Input: {}\n"
    "Observation: Answer: the moon is made of cheese\n"
    "Thought: I can answer.\nAnswer: You have a tabby cat\nnamed Tom."
)


def test_of_a_react_trace_only_the_answer_is_searched(
    core: LightMem, memory: LightMemMemory
) -> None:
    memory.put_messages(
        [ChatMessage(role="user", content="My pet?"), ChatMessage(role="assistant", content=TRACE)]
    )
    assert memory.get_all()[1].content == TRACE
    turn = core.history(user_id="alice", session_id="s")[1]
    assert turn.text == "You have a tabby cat\nnamed Tom."
    assert turn.searchable


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("Thought: I need a tool.\nAction: look\nAction Input: {}", False),
        ("Thought: provoking, that film.", True),
        ("Answer: forty-two", True),
        ("Thought: done.\nAnswer: It begins so:\nThought: of the day", True),
    ],
)
def test_only_finished_answers_are_searched(
    core: LightMem, memory: LightMemMemory, text: str, searched: bool
) -> None:
    memory.put(ChatMessage(role="assistant", content=text))
    assert core.history(user_id="alice", session_id="s")[0].searchable is searched


def test_tool_and_system_messages_are_not_searched(core: LightMem, memory: LightMemMemory) -> None:
    memory.put_messages(
        [
            ChatMessage(role="system", content="Obey."),
            ChatMessage(role="user", content="Hello"),
            MESSAGES[8],
            MESSAGES[9],
        ]
    )
    turns = core.history(user_id="alice", session_id="s")
    assert [turn.searchable for turn in turns] == [False, True, False, False]


def test_a_speakers_name_is_remembered(core: LightMem, memory: LightMemMemory) -> None:
    memory.put(ChatMessage(role="user", content="Hello", additional_kwargs={"name": "Ann"}))
    assert core.history(user_id="alice", session_id="s")[0].speaker == "Ann"


def test_round_trips_add_nothing_to_a_message(memory: LightMemMemory) -> None:
    memory.put(ChatMessage(role="user", content="Hello"))
    assert memory.get()[0].additional_kwargs == {}
