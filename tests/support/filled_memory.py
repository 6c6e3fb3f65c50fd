"""A memory with something of every kind that a store can hold."""

import datetime as dt

import pytest

from lightmem_integrations import Branch, ConsolidationSettings, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

MAY = dt.datetime(2025, 5, 1, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def said(text, number=0, **more):
    return Turn(role="user", text=text, time=MAY + dt.timedelta(days=number), **more)


class Failing(ScriptedWriter):
    def write(self, turns, **_):
        raise ValueError("nothing usable")


def fill(memory, consolidated, folder):
    """Two users, a space and documents, with something of every kind."""
    ann = {"user_id": "ann"}
    memory.add(
        [
            said("Ann.home = Porto", id="a", metadata={"topic": "home", "tags": ["x", 1, None]}),
            said("Ann.likes + tea", 1, message={"role": "user", "n": [1.5, {"é": None}]}),
            Turn(role="assistant", text="Noted\u2028.", time=MAY, speaker="Ada", importance=0.5),
            Turn(role="tool", text="", message={"r": 1}, time=MAY, searchable=False),
        ],
        session_id="../../etc/passwd", agent_id="\0agent", **ann,
    )  # fmt: skip
    consolidated(memory, size=2, settings={"capacity": 1, "verbatim": 1})
    memory.add([said("Ann.home = Lisbon", 9), said("Ann.likes + jazz", 9)], session_id="2", **ann)
    memory.add(said("Ann.dog = Rex replaces", 10, pinned=True), session_id="2", **ann)
    consolidated(memory, size=2)
    (jazz,) = [fact for fact in memory.facts(**ann) if fact.value == "jazz"]
    memory.edit(jazz.id, value="blues", **ann)
    (tea,) = [fact for fact in memory.facts(**ann) if fact.value == "tea"]
    memory.retract(tea.id, **ann)
    for agent, home in (("one", "Rome"), ("two", "Oslo")):
        memory.add(said(f"Bob.home = {home}", 3), session_id=agent, agent_id=agent, **ann)
    consolidated(memory, size=1)
    assert memory.conflicts(**ann)
    first, second = said("I said this.", 4, id="m1"), said("and this.", 4, id="m2")
    for turns, ids in (
        ([first, second], ["m1", "m2"]),
        ([said("No, that.", 5, id="m3")], ["m1", "m3"]),
    ):
        branch = Branch(history="app", turn_ids=ids)
        memory.add(turns, session_id="branches", branch=branch, **ann)
    memory.clear_short_term(session_id="2", **ann)
    memory.add([said("to be forgotten", 6, id="gone"), said("it stays", 6)], session_id="f", **ann)
    memory.forget(turn_ids=["gone"], **ann)
    memory.add(said("Always answer in French.", 7), user_id="bob")
    memory.close()
    settings = Settings(background_indexing=False, consolidation=ConsolidationSettings(max_tries=1))
    with LightMem(folder, embedder=HashEmbedder(), settings=settings, writer=Failing()) as again:
        assert again.consolidate(user_id="bob").set_aside
        again.spaces.grant("family", user_id="ann", write=True)
        again.spaces.grant("family", user_id="bob")
        again.add(said("Milk is out.", 8), user_id="ann", space="family")
        store = pytest.importorskip("lightmem_integrations.langchain").LightMemStore(again)
        store.put(("notes", "bob"), "k\0", {"text": "buy millet"})
        store.put(("notes",), "plain", {"n": 1}, index=False)
