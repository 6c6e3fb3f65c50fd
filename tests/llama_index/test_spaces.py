"""Spaces through LlamaIndex: read and written as the user may, marked as theirs."""

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import Memory

from lightmem_integrations import AccessError, LightMem, Settings, Turn
from lightmem_integrations.llama_index import (
    LightMemBlock,
    LightMemMemory,
    LightMemRetriever,
    LightMemToolSpec,
)
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.usefixtures("stock_memories_closed")


@pytest.fixture
def store():
    settings = Settings(background_indexing=False)
    with LightMem(embedder=HashEmbedder(), settings=settings) as store:
        store.spaces.grant("family", user_id="ann", write=True)
        store.spaces.grant("family", user_id="bob", write=True)
        said = Turn(role="user", text="The wifi code is heron.")
        store.add(said, user_id="ann", space="family")
        store.add(Turn(role="user", text="My locker code is 77."), user_id="bob")
        yield store


def said_in(store, space):
    return [turn.text for turn in store.history(user_id="ann", session_id="s", space=space)]


def test_a_memory_of_a_space_is_written_and_recalled_there(store):
    memory = LightMemMemory(memory=store, user_id="bob", session_id="s", space="family")
    memory.put(ChatMessage(role="user", content="What is the wifi code?"))
    got = memory.get()
    assert "[family] " in got[-1].content
    assert "heron" in got[-1].content
    assert said_in(store, "family") == ["What is the wifi code?"]
    assert store.history(user_id="bob", session_id="s") == ()
    memory.put(ChatMessage(role="assistant", content="It is heron."))
    assert [each.role for each in memory.get_all()] == ["user", "assistant"]
    memory.reset()
    assert memory.get_all() == []
    assert LightMemMemory.from_string(memory.to_string()) is memory


def test_a_memory_recalls_from_spaces_and_writes_its_own(store):
    memory = LightMemMemory(memory=store, user_id="bob", session_id="s", spaces="all")
    memory.put(ChatMessage(role="user", content="What is the wifi code?"))
    assert "heron" in memory.get()[-1].content
    assert len(store.history(user_id="bob", session_id="s")) == 1
    assert said_in(store, "family") == []


def test_a_retriever_says_whose_a_node_is(store):
    nodes = LightMemRetriever(store, user_id="bob", spaces=["family"]).retrieve("code")
    assert {node.node.metadata.get("space") for node in nodes} == {None, "family"}
    assert len({node.node.node_id for node in nodes}) == len(nodes)
    with pytest.raises(AccessError):
        LightMemRetriever(store, user_id="cy", spaces=["family"]).retrieve("code")


async def test_a_block_of_a_space_forgets_with_the_grant(store):
    block = LightMemBlock(memory=store, user_id="bob", spaces=["family"])
    asked = [ChatMessage(role="user", content="What is the wifi code?")]
    assert "heron" in await block.aget(asked)
    store.spaces.revoke("family", user_id="bob")
    assert "heron" not in await block.aget(asked), "nor from a recall that it remembers"
    store.spaces.grant("family", user_id="bob")
    assert "heron" in await block.aget(asked)


async def test_a_block_writes_into_its_space(store):
    block = LightMemBlock(memory=store, user_id="bob", space="family")
    memory = Memory.from_defaults(session_id="s", memory_blocks=[block])
    await memory.aput(ChatMessage(role="user", content="I bought bread."))
    await block.save(memory)
    assert said_in(store, "family") == ["I bought bread."]
    asked = [ChatMessage(role="user", content="Who bought bread?")]
    assert "bread" in await block.aget(asked, session_id="other")


def test_a_memory_without_a_grant_goes_on_without(store):
    memory = LightMemMemory(memory=store, user_id="cy", session_id="s", spaces=["family"])
    memory.put(ChatMessage(role="user", content="What is the wifi code?"))
    assert "heron" not in memory.get()[-1].content
    strict = LightMemMemory(memory=store, user_id="cy", spaces=["family"], strict=True)
    strict.put(ChatMessage(role="user", content="What is the wifi code?"))
    with pytest.raises(AccessError):
        strict.get()


def test_who_only_reads_a_space_is_warned_once_what_to_grant(store, caplog):
    store.spaces.grant("family", user_id="cy")
    failed = []
    memory = LightMemMemory(
        memory=store, user_id="cy", session_id="s", space="family", on_error=failed.append
    )
    for role in ("user", "assistant", "user"):
        memory.put(ChatMessage(role=role, content="What is the wifi code?"))
    assert "heron" in str(memory.get()), "what may be read is recalled all the same"
    (said,) = [each for each in caplog.records if each.name.startswith("lightmem_integrations")]
    assert (said.levelname, said.exc_info) == ("WARNING", None)
    assert "memory.spaces.grant(space, user_id=..., write=True)" in said.getMessage()
    assert [type(each) for each in failed] == [AccessError] * 3
    store.spaces.grant("family", user_id="cy", write=True)
    memory.put(ChatMessage(role="assistant", content="It is heron."))
    assert len(said_in(store, "family")) == 4
    store.spaces.grant("family", user_id="cy")
    memory.put(ChatMessage(role="user", content="Thanks."))
    assert caplog.text.count("memory.spaces.grant") == 2


def test_tools_search_and_change_a_space(store):
    spec = LightMemToolSpec(store, user_id="bob", space="family")
    assert "Remembered" in spec.remember("The cat is called Basil.")
    told = spec.search_memory("What is the cat called?")
    (line,) = [line for line in told.splitlines() if "Basil" in line]
    place = line.partition("]")[0].strip("[")
    assert place.startswith("family/")
    assert "[family]" in line
    assert spec.correct_memory(place, "The cat is called Otto.") == "Corrected."
    told = spec.search_memory("What is the cat called?")
    assert "Otto" in told
    assert "Basil" not in told


def test_tools_change_nothing_of_others_and_of_no_other_space(store):
    spec = LightMemToolSpec(store, user_id="bob", spaces=["family"])
    told = spec.search_memory("wifi code")
    (line,) = [line for line in told.splitlines() if "heron" in line]
    place = line.partition("]")[0].strip("[")
    for change in (
        lambda each: each.forget_memory(place),
        lambda each: each.correct_memory(place, "x"),
    ):
        assert "no memory" in change(spec)
        assert "no memory" in change(LightMemToolSpec(store, user_id="ann"))
    assert len(store.history(user_id="ann", space="family")) == 1
    assert LightMemToolSpec(store, user_id="ann", spaces="all").forget_memory(place) == "Forgotten."
