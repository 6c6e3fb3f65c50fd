"""Users and sessions stay apart, in threads and tasks too, and nobody blocks the event loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core.llms import ChatMessage

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory, LightMemRetriever

TURNS = 320
USERS = 8


def said(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def answered(text: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=text)


def test_the_same_session_id_of_two_users_is_two_sessions(core: LightMem) -> None:
    alice, bob = (
        LightMemMemory.from_defaults(memory=core, strict=True, user_id=name, session_id="s")
        for name in ("alice", "bob")
    )
    alice.put(said("My locker code is 1234."))
    bob.put(said("What is the locker code?"))
    assert bob.get() == [said("What is the locker code?")]
    assert alice.get_all() == [said("My locker code is 1234.")]
    bob.reset()
    assert alice.get_all() == [said("My locker code is 1234.")]


def test_names_that_look_alike_are_different_users(core: LightMem) -> None:
    names = ["alice", "Alice", "alice ", "alice\n", "al/ice", "a" * 300]
    for name in names:
        memory = LightMemMemory.from_defaults(
            memory=core, strict=True, user_id=name, session_id="s"
        )
        memory.put(said(f"My name is {names.index(name)}."))
    for name in names:
        memory = LightMemMemory.from_defaults(
            memory=core, strict=True, user_id=name, session_id="s"
        )
        assert memory.get_all() == [said(f"My name is {names.index(name)}.")]
        found = LightMemRetriever(core, user_id=name).retrieve("What is my name?")
        assert [node.text for node in found] == [f"My name is {names.index(name)}."]


@pytest.mark.slow
def test_many_threads_keep_their_turns_apart_and_in_order(core: LightMem) -> None:
    memories = [
        LightMemMemory.from_defaults(
            memory=core, strict=True, user_id=f"user {number}", session_id="s"
        )
        for number in range(USERS)
    ]

    def turn(number: int) -> None:
        memory = memories[number % USERS]
        memory.put(said(f"u{number % USERS} question {number}"))
        for message in memory.get():
            for other in range(USERS):
                assert other == number % USERS or f"u{other} " not in str(message.content)
        memory.put(answered(f"u{number % USERS} answer {number}"))

    numbers = list(range(TURNS))
    random.Random(7).shuffle(numbers)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(turn, numbers))
    for number, memory in enumerate(memories):
        texts = [str(message.content) for message in memory.get_all()]
        assert len(texts) == 2 * TURNS // USERS
        assert all(text.startswith(f"u{number} ") for text in texts)


@pytest.mark.slow
async def test_many_tasks_keep_their_turns_apart(core: LightMem) -> None:
    async def turn(number: int) -> None:
        name = f"user {number % USERS}"
        memory = LightMemMemory.from_defaults(
            memory=core, strict=True, user_id=name, recall=number % 4 == 0
        )
        await memory.aput(said(f"u{number % USERS} question {number}"))
        text = "\n".join(str(message.content) for message in await memory.aget())
        assert f"u{number % USERS} question {number}" in text
        assert not any(f"u{other} " in text for other in range(USERS) if other != number % USERS)
        await memory.aput(answered(f"u{number % USERS} answer {number}"))

    await asyncio.gather(*(turn(number) for number in range(TURNS)))
    assert core.stats().turns == 2 * TURNS


async def test_a_slow_model_does_not_block_the_event_loop(tmp_path) -> None:
    def slow(texts: Sequence[str]) -> list[list[float]]:
        time.sleep(0.3)
        return [[1.0, float(len(text))] for text in texts]

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    with LightMem(tmp_path / "slow", embedder=slow) as core:
        core.add([], user_id="alice")
        earlier = LightMemMemory.from_defaults(memory=core, strict=True, user_id="alice")
        await earlier.aput(said("I moved to Lisbon in May."))
        memory = LightMemMemory.from_defaults(memory=core, strict=True, user_id="alice")
        await memory.aput(said("Where do I live?"))
        beating = asyncio.create_task(tick())
        await memory.aget()
        during_get, ticks = ticks, 0
        await LightMemRetriever(core, user_id="alice").aretrieve("Where do I live?")
        during_retrieve = ticks
        beating.cancel()
    assert during_get >= 10
    assert during_retrieve >= 10


async def test_sync_calls_work_inside_a_running_loop(core: LightMem) -> None:
    memory = LightMemMemory.from_defaults(memory=core, strict=True, user_id="alice")
    memory.put(said("Hello"))
    assert memory.get() == await memory.aget() == [said("Hello")]
