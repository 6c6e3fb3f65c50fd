"""What fades: confidence without support, and episodes for which there is no room."""

import datetime as dt
from dataclasses import replace

import pytest

from lightmem_integrations import Settings, Turn
from lightmem_integrations.consolidation.decay import utility
from lightmem_integrations.knowledge.to_records import decayed
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.episodes import (
    StoredEpisode,
)
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

UTC = dt.timezone.utc
MAY = dt.datetime(2025, 5, 1, tzinfo=UTC)
DAY = 86_400.0


def test_confidence_halves_without_support():
    assert decayed(0.8, 0.0, 0.0, 10) == 0.8
    assert decayed(0.8, 0.0, 10 * DAY, 10) == pytest.approx(0.4)
    assert decayed(0.8, 0.0, 20 * DAY, 10) == pytest.approx(0.2)
    assert decayed(0.8, 5.0, 0.0, 10) == 0.8, "a clock that runs behind makes nobody surer"


def test_confidence_is_read_as_of_now_and_support_renews_it(open_memory, consolidated):
    memory = open_memory()
    now = dt.datetime.now(UTC)
    memory.add(Turn(role="user", text="Ann.home = Lisbon", time=now - dt.timedelta(days=730)),
               user_id="ann")  # fmt: skip
    consolidated(memory)
    (old,) = memory.facts(user_id="ann")
    assert old.confidence == pytest.approx(0.5 / 4, abs=0.001)
    memory.add(Turn(role="user", text="Ann.home = Lisbon", time=now), user_id="ann")
    consolidated(memory)
    (new,) = memory.facts(user_id="ann")
    assert (new.id, new.valid_from) == (old.id, old.valid_from)
    assert new.confidence == pytest.approx(0.75, abs=0.001)


def test_confidence_fades_as_slowly_as_the_settings_say(open_memory):
    slow = ConsolidationSettings(half_life_days=730)
    memory = open_memory(
        settings=Settings(background_indexing=False, consolidation=slow), writer=ScriptedWriter()
    )
    then = dt.datetime.now(UTC) - dt.timedelta(days=730)
    memory.add(Turn(role="user", text="Ann.home = Lisbon", time=then), user_id="ann")
    memory.consolidate(final=True)
    assert memory.facts(user_id="ann")[0].confidence == pytest.approx(0.25, abs=0.001)


def test_usefulness_grows_with_youth_access_and_evidence():
    old = StoredEpisode(
        row=1, key="k", user=1, session=1, begins=0.0, ends=0.0, summary="", terms="",
        keywords=(), entities=(), speakers=(), state="verbatim", accesses=0, accessed_at=None,
        writer="w", version=1, recorded_at=0.0,
    )  # fmt: skip
    now = 100 * DAY
    least = utility(old, 0, now, 50)
    assert least == pytest.approx(0.25)
    assert utility(replace(old, ends=now), 0, now, 50) == pytest.approx(1.0)
    assert utility(old, 1, now, 50) == pytest.approx(least + 1)
    read = replace(old, accesses=3, accessed_at=now)
    assert utility(read, 0, now, 50) == pytest.approx(least + 2)
    assert utility(replace(read, accessed_at=50 * DAY), 0, now, 50) == pytest.approx(least + 1)


@pytest.fixture
def full(open_memory, consolidated, tmp_path):
    """Ten episodes of one turn each, indexed; the third and fourth bring facts."""
    memory = open_memory(tmp_path / "store")
    for number in range(10):
        text = f"Ann.likes + thing{number}" if number in (2, 3) else f"heron {number}"
        memory.add(
            Turn(role="user", text=text, id=f"t{number}", time=MAY + dt.timedelta(days=number)),
            user_id="ann",
        )
    memory.add(Turn(role="user", text="heron of another"), user_id="bob")
    memory.index_pending()
    consolidated(memory, size=1)
    return memory


def states(memory):
    return {each.turns[0].id: each.state for each in memory.episodes(user_id="ann")}


def found(memory, query="heron"):
    hits = memory.recall(query, user_id="ann", k=20, max_tokens=5000, strict=True).hits
    return {turn.id for hit in hits for turn in hit.turns}


def test_the_least_useful_are_compressed_and_then_dropped(full, consolidated):
    memory = full
    (hit,) = memory.recall("heron 0", user_id="ann", k=1, strict=True).hits
    assert hit.turns[0].id == "t0"
    memory.add(Turn(role="user", text="heron 10", id="t10"), user_id="ann")
    report = consolidated(memory, size=1, settings={"capacity": 8, "verbatim": 5})
    # 98% of the limits are filled, so that room is not made for every single episode.
    assert (report.evicted, report.compressed) == (4, 3)
    left = states(memory)
    assert "t10" in left, "the newest stays"
    assert left["t0"] == "verbatim", "what was recalled stays"
    assert {"t2", "t3"} <= set(left), "what facts rest on stays"
    assert sum(state == "verbatim" for state in left.values()) == 4
    searched = {turn for turn, state in left.items() if state == "verbatim"}
    assert found(memory, "heron thing2 thing3") == searched
    assert memory.stats(user_id="ann").searchable == len(searched)
    assert len(memory.history(user_id="ann")) == 11, "turns are still there"
    assert {turn.text for turn in memory.history(user_id="ann")} >= {"heron 1", "heron 4"}
    for fact in memory.facts(user_id="ann"):
        (evidence,) = memory.explain(fact.id, user_id="ann").evidence
        assert evidence.turn.text == f"Ann.likes + {fact.value}"
    assert memory.recall("heron", user_id="bob", strict=True).hits
    # Nothing comes back by itself.
    report = consolidated(memory, size=1, settings={"capacity": 8, "verbatim": 5})
    assert (report.written, report.evicted, report.compressed) == (0, 0, 0)
    memory.reindex()
    assert found(memory, "heron thing2 thing3") == searched


def test_forgetting_part_of_a_compressed_episode_makes_the_rest_searchable(
    open_memory, consolidated
):
    memory = open_memory()
    memory.add([Turn(role="user", text=f"heron {n}", id=f"t{n}", time=MAY) for n in range(4)],
               user_id="ann")  # fmt: skip
    memory.index_pending()
    consolidated(memory, size=2, settings={"verbatim": 1})
    assert found(memory) == {"t2", "t3"}
    memory.forget(user_id="ann", turn_ids=["t0"])
    assert found(memory) == {"t1", "t2", "t3"}
    assert memory.stats(user_id="ann").searchable == 3


def test_a_turn_said_again_after_compression_changes_nothing(full, consolidated):
    memory = full
    memory.add(Turn(role="user", text="heron", id="x"), user_id="ann")
    consolidated(memory, size=1, settings={"verbatim": 1})
    again = Turn(role="user", text="heron 0", id="t0")
    assert memory.add(again, user_id="ann")[0].text == "heron 0"
    assert consolidated(memory, size=1).written == 0


def test_another_embedder_gives_episodes_and_facts_new_vectors(open_memory, consolidated, tmp_path):
    path = tmp_path / "store"
    with open_memory(path) as memory:
        memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
        consolidated(memory)
    memory = open_memory(path, embedder=HashEmbedder(16), replace_embedder=True)
    asked = {"user_id": "ann", "tiers": ["ltm"], "strict": True}
    (by_words,) = memory.recall("Where is the home of Ann?", **asked).hits
    memory.add(Turn(role="user", text="Hello."), user_id="ann")
    consolidated(memory)
    (by_meaning,) = memory.recall("Where is the home of Ann?", **asked).hits
    assert by_words.text == by_meaning.text == "Ann home Lisbon."
    assert by_words.score != by_meaning.score
