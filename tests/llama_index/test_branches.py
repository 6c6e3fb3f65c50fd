"""A history that was cut back or edited: what it replaced is kept, and not recalled."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory

WHICH = "Which hotel did I choose?"


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=text)


ANN = [user("I am Ann."), assistant("Hello Ann.")]
ROME = [user("I choose the hotel in Rome."), assistant("Rome it is.")]
PORTO = [user("I choose the hotel in Porto."), assistant("Porto it is.")]


@pytest.fixture
def chat(core: LightMem) -> LightMemMemory:
    memory = LightMemMemory.from_defaults(memory=core, user_id="alice", session_id="chat")
    memory.put_messages([*ANN, *ROME])
    return memory


def recalled_elsewhere(core: LightMem) -> str:
    return core.recall(WHICH, user_id="alice", strict=True).text


def marked(core: LightMem) -> list[str]:
    turns = core.history(user_id="alice", session_id="chat")
    return [turn.text for turn in turns if turn.superseded]


def test_a_history_that_was_cut_back_and_goes_on_otherwise(core: LightMem, chat) -> None:
    chat.set(ANN)
    chat.put(user(WHICH))
    assert "Rome" not in str(chat.get())
    chat.put_messages(PORTO)
    assert "Rome" not in recalled_elsewhere(core)
    assert "Porto" in recalled_elsewhere(core)
    assert marked(core) == [message.content for message in ROME]


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_a_message_that_was_edited(core: LightMem, chat, kept: int) -> None:
    said = [*ANN, *ROME]
    edited = list(said)
    edited[kept] = ChatMessage(role=said[kept].role, content="I choose the hotel in Porto, then.")
    chat.set(edited)
    assert chat.get_all() == edited
    assert marked(core) == [said[kept].content]
    assert "Porto" in recalled_elsewhere(core)


def test_a_regenerated_answer(core: LightMem, chat) -> None:
    chat.set([*ANN, ROME[0]])
    chat.put(assistant("Which one in Rome?"))
    assert marked(core) == ["Rome it is."]
    assert "Rome it is." not in recalled_elsewhere(core)


def test_an_answer_that_is_regenerated_after_the_front_was_trimmed(core: LightMem, chat) -> None:
    chat.set(ROME)
    assert marked(core) == []
    chat.set([ROME[0], assistant("Noted.")])
    assert "Rome it is." not in recalled_elsewhere(core)


@pytest.mark.parametrize(
    "history",
    [
        ROME,
        [ChatMessage(role="system", content="They talked about hotels."), *ROME],
        [user("So far: hotels."), ROME[1]],
        [*ANN[:1], *ROME],
        [*PORTO],
        [],
    ],
    ids=["front", "summary", "summary of a user", "middle", "another", "none"],
)
def test_what_was_trimmed_summarised_or_begun_anew_stands(core, chat, history) -> None:
    chat.set(history)
    assert marked(core) == []
    assert "Rome it is." in recalled_elsewhere(core)


def test_a_history_that_is_handed_over_again_is_remembered_again(core: LightMem, chat) -> None:
    chat.set([*ANN, *PORTO])
    assert "Rome" not in recalled_elsewhere(core)
    chat.set([*ANN, *ROME])
    assert chat.get_all() == [*ANN, *ROME]
    assert "Rome" in recalled_elsewhere(core)
    assert "Porto" not in recalled_elsewhere(core)


def test_reset_supersedes_nothing(core: LightMem, chat) -> None:
    chat.reset()
    chat.put_messages(PORTO)
    assert marked(core) == []
    assert "Rome" in recalled_elsewhere(core)
