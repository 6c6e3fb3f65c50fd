"""Every method has a twin to await, which gives the same and does not block the event loop."""

import asyncio
import inspect
import time

import pytest

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder

TWINS = ["add", "backup", "history", "short_term", "clear_short_term", "recall", "forget", "users",
         "sessions", "stats", "audit", "metrics", "show", "index_pending", "reindex", "warm_up",
         "close"]  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
def test_twins_take_the_same_arguments(name):
    one, two = getattr(LightMem, name), getattr(LightMem, f"a{name}")
    assert inspect.signature(one) == inspect.signature(two)
    assert inspect.iscoroutinefunction(two)
    assert two.__name__ == f"a{name}"
    assert two.__doc__


async def test_a_life_told_asynchronously():
    async with LightMem(embedder=HashEmbedder()) as memory:
        await memory.awarm_up()
        (turn,) = await memory.aadd(Turn(role="user", text="A heron."), user_id="u")
        assert await memory.ahistory(user_id="u") == (turn,)
        assert await memory.ashort_term(user_id="u") == (turn,)
        await memory.aindex_pending()
        assert await memory.areindex() == 1
        found = await memory.arecall("heron", user_id="u", strict=True)
        assert found.hits[0].turns == (turn,)
        await memory.aclear_short_term(user_id="u")
        assert await memory.ausers() == ("u",)
        assert await memory.asessions(user_id="u") == ("default",)
        assert (await memory.astats()).turns == 1
        assert (await memory.aforget(user_id="u")).turns == 1
        await memory.aclose()


async def test_the_loop_goes_on_while_a_model_thinks(open_memory):
    class Slow(HashEmbedder):
        def embed_query(self, text):
            time.sleep(0.5)
            return super().embed_query(text)

    memory = open_memory(embedder=Slow())
    memory.add(Turn(role="user", text="A heron."), user_id="u")
    recall = asyncio.create_task(memory.arecall("heron", user_id="u"))
    ticks = 0
    while not recall.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 5, "a blocked loop would have ticked once"
    assert recall.result().hits


@pytest.mark.slow
async def test_two_hundred_at_once_stay_apart(open_memory, tmp_path):
    memory = open_memory(tmp_path, background=True)

    async def live(number):
        user = f"u{number}"
        await memory.aadd(Turn(role="user", text=f"heron of {user}"), user_id=user)
        found = await memory.arecall("heron", user_id=user, strict=True)
        return [hit.text for hit in found.hits]

    answers = await asyncio.gather(*(live(number) for number in range(200)))
    assert answers == [[f"heron of u{number}"] for number in range(200)]
