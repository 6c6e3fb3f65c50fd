"""The days of a user are those of the user's own zone, whatever the server's is."""

import datetime as dt
import zoneinfo

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from lightmem_integrations import InvalidRequestError, LightMem, Settings, Turn
from lightmem_integrations.llama_index import (
    LightMemBlock,
    LightMemMemory,
    LightMemRetriever,
    LightMemToolSpec,
)
from lightmem_integrations.testing import HashEmbedder

# No two of them are ever on the same day: 25 hours lie between them.
WEST, EAST = "Pacific/Niue", "Pacific/Kiritimati"


@pytest.fixture
def store():
    with LightMem(embedder=HashEmbedder(8), settings=Settings(timezone="UTC")) as memory:
        yield memory


@pytest.mark.parametrize("zone", [WEST, EAST])
async def test_a_message_is_said_on_the_users_day(store, zone):
    memory = LightMemMemory(memory=store, user_id="ann", session_id="s", timezone=zone)
    memory.put(ChatMessage("I saw a heron yesterday."))
    block = LightMemBlock(memory=store, user_id="bo", session_id="s", timezone=zone)
    await block.aput([ChatMessage("I saw a heron yesterday.", role=MessageRole.USER)])
    for user in ("ann", "bo"):
        (turn,) = store.history(user_id=user, session_id="s")
        here = dt.datetime.now(zoneinfo.ZoneInfo(zone))
        assert turn.time.utcoffset() == here.utcoffset()
        assert abs((turn.time - here).total_seconds()) < 60


def test_a_question_is_read_by_the_users_day(store):
    now = dt.datetime.now(dt.timezone.utc)
    for hours in range(1, 80):
        time = now - dt.timedelta(hours=hours)
        store.add(Turn(role="user", text=f"A heron, {hours}.", time=time), user_id="ann")
    asked = "What heron did I see yesterday?"
    in_time = {}
    for zone in (WEST, EAST):
        nodes = LightMemRetriever(
            store, user_id="ann", k=79, max_tokens=9_000, timezone=zone
        ).retrieve(asked)
        fits = [node for node in nodes if node.node.metadata["score_parts"]["in_time"] > 0.99]
        in_time[zone] = {node.node.metadata["when"] for node in fits}
        since = store.recall(asked, user_id="ann", timezone=zone).plan.since
        assert since.date() == now.astimezone(zoneinfo.ZoneInfo(zone)).date() - dt.timedelta(days=1)
    assert in_time[WEST] != in_time[EAST]


@pytest.mark.parametrize(
    "made",
    [
        lambda store: LightMemMemory(memory=store, user_id="u", timezone="Mars/Base"),
        lambda store: LightMemBlock(memory=store, user_id="u", timezone="Mars/Base"),
        lambda store: LightMemRetriever(store, user_id="u", timezone="Mars/Base"),
        lambda store: LightMemToolSpec(store, user_id="u", timezone="Mars/Base"),
    ],
    ids=["memory", "block", "retriever", "tools"],
)
def test_a_zone_that_is_none_is_refused(store, made):
    with pytest.raises(InvalidRequestError, match="Mars/Base"):
        made(store)


def test_a_zone_is_kept_with_the_memory(store):
    memory = LightMemMemory(memory=store, user_id="ann", timezone=EAST)
    assert LightMemMemory.from_dict(memory.to_dict()).timezone == EAST
