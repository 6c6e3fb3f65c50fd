"""A memory survives JSON, pickle and copies, and finds its store again."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import subprocess
import sys

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.workflow import Context, JsonPickleSerializer, JsonSerializer

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.errors import StorageError
from lightmem_integrations.llama_index import LightMemMemory

# Making an agent reads every attribute of it, deprecated ones of pydantic among them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
    "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
)

HELLO = ChatMessage(role="user", content="Hello")


def of_alice(core: LightMem, **arguments: object) -> LightMemMemory:
    return LightMemMemory.from_defaults(
        **{"memory": core, "user_id": "alice", "strict": True} | arguments
    )


def through_json(memory: LightMemMemory) -> LightMemMemory:
    return LightMemMemory.from_dict(json.loads(json.dumps(memory.to_dict())))


def through_text(memory: LightMemMemory) -> LightMemMemory:
    return LightMemMemory.from_string(memory.to_string())


def through_serializer(memory: LightMemMemory) -> LightMemMemory:
    return JsonSerializer().deserialize(JsonSerializer().serialize(memory))


def through_pickle_serializer(memory: LightMemMemory) -> LightMemMemory:
    return JsonPickleSerializer().deserialize(JsonPickleSerializer().serialize(memory))


def through_pickle(memory: LightMemMemory) -> LightMemMemory:
    return pickle.loads(pickle.dumps(memory))


WAYS = [
    through_json,
    through_text,
    through_serializer,
    through_pickle,
    through_pickle_serializer,
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_living_memory_comes_back_as_it_is(core: LightMem, way) -> None:
    memory = of_alice(core, session_id="s", token_limit=700, k=3, insert_method="system")
    memory.put(HELLO)
    back = way(memory)
    back.put(ChatMessage(role="assistant", content="Hi"))
    assert back.to_dict() == memory.to_dict()
    assert back.memory is core
    assert len(back.get_all()) == len(memory.get_all()) == 2


def test_a_deep_copy_is_the_memory_itself(core: LightMem) -> None:
    memory = of_alice(core)
    assert copy.deepcopy({"memory": memory})["memory"] is memory


def test_the_tokenizer_is_kept_in_this_process(core: LightMem) -> None:
    memory = of_alice(core, tokenizer_fn=str.split)
    assert through_json(memory).tokenizer_fn == str.split


def test_a_memory_that_is_gone_finds_its_open_store(core: LightMem) -> None:
    memory = of_alice(core, session_id="s", token_limit=700, recall=False, strict=True)
    memory.put(HELLO)
    saved = memory.to_dict()
    del memory
    gc.collect()
    back = LightMemMemory.from_dict(saved)
    assert back.memory is core
    assert back.to_dict() == saved
    assert back.get() == [HELLO]


def test_a_closed_folder_is_opened_again(tmp_path) -> None:
    with LightMem(tmp_path / "kept") as core:
        memory = of_alice(core, session_id="s")
        memory.put(HELLO)
        saved = json.dumps(memory.to_dict())
    first = LightMemMemory.from_dict(json.loads(saved))
    second = LightMemMemory.from_dict(json.loads(saved))
    assert first.get_all() == second.get_all() == [HELLO]
    assert first.memory is second.memory
    first.memory.close()
    assert LightMemMemory.from_dict(json.loads(saved)).get_all() == [HELLO]
    LightMemMemory.from_dict(json.loads(saved)).memory.close()


def test_a_path_is_opened_once(tmp_path) -> None:
    first = LightMemMemory.from_defaults(path=tmp_path / "m", user_id="alice", session_id="s")
    first.put(HELLO)
    second = LightMemMemory.from_defaults(path=str(tmp_path / "m"), user_id="bob")
    assert first.memory is second.memory
    with LightMem(tmp_path / "m") as own:
        assert own.users() == ("alice",)
    store = first.memory
    del first, second
    gc.collect()
    again = LightMemMemory.from_defaults(path=tmp_path / "m", user_id="alice", session_id="s")
    assert again.memory is store
    assert again.get_all() == [HELLO]
    store.close()


def test_a_path_that_the_program_opened_itself_is_shared(tmp_path) -> None:
    with LightMem(tmp_path / "m") as core:
        of_alice(core)
        assert LightMemMemory.from_defaults(path=tmp_path / "m", user_id="alice").memory is core


def test_a_store_without_a_folder_is_gone_when_it_is_closed() -> None:
    with LightMem() as core:
        saved = of_alice(core).to_dict()
        assert saved["path"] is None
    with pytest.raises(StorageError, match="in memory only"):
        LightMemMemory.from_dict(saved)


def test_another_store_may_be_given(core: LightMem, tmp_path) -> None:
    saved = of_alice(core, session_id="s").to_dict()
    with LightMem(tmp_path / "other") as other:
        back = LightMemMemory.from_dict(saved, memory=other)
        assert back.memory is other
        assert (back.user_id, back.session_id) == ("alice", "s")


def test_changed_data_makes_another_memory(core: LightMem) -> None:
    memory = of_alice(core, session_id="s")
    other = LightMemMemory.from_dict({**memory.to_dict(), "user_id": "bob"})
    assert other is not memory
    memory.put(HELLO)
    assert other.get_all() == []
    assert LightMemMemory.from_dict(memory.to_dict()) is memory


ANOTHER_PROCESS = """
import asyncio, json, sys
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.workflow import Context
from lightmem_integrations import LightMem, Settings

def answer(messages, **_):
    print(*(message.content for message in messages), sep="\\n")
    return ChatMessage(role="assistant", content="In Lisbon.")

async def main():
    open_here = LightMem(sys.argv[1], settings=Settings(k=7)) if "open" in sys.argv else None
    llm = MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)
    agent = FunctionAgent(llm=llm)
    context = Context.from_dict(agent, json.loads(sys.stdin.read()))
    memory = await context.store.get("memory")
    print("k =", memory.memory.settings.k)
    await agent.run(user_msg="Where do I live?", ctx=context)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_context_goes_on_in_another_process(tmp_path, script) -> None:
    with LightMem(tmp_path / "kept", settings=Settings(k=3)) as core:
        core.add(Turn(role="user", text="I moved to Lisbon in May."), user_id="alice")
        agent = FunctionAgent(llm=script("Hello Mimi.").llm)
        context = Context(agent)
        await agent.run(user_msg="My cat is Mimi.", ctx=context, memory=of_alice(core))
        saved = json.dumps(context.to_dict())
    for arguments in ([], ["open"]):
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "kept"), *arguments],
            input=saved, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for part in ("My cat is Mimi.", "Hello Mimi.", "I moved to Lisbon", "Where do I live?"):
            assert part in done.stdout
        assert ("k = 7" if arguments else "k = 3") in done.stdout
        assert ("k is 7 there and 3 here" in done.stderr) == bool(arguments)
