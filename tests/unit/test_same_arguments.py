"""Arguments of one name mean the same in every method of a memory."""

import dataclasses
import datetime as dt
import inspect

import pytest

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

UTC = dt.timezone.utc
NOON = dt.datetime(2025, 5, 1, 12, tzinfo=UTC)
SECOND = dt.timedelta(seconds=1)
SAID = [
    Turn(role="user", text="Ann.home = Lisbon", id="a", time=NOON - SECOND, metadata={"n": 1}),
    Turn(role="user", text="Ann.boat = Heron", id="b", time=NOON, metadata={"n": 2}),
    Turn(role="user", text="Ann.pet = Rex", id="c", time=NOON + SECOND),
]
# A time that is asked for is itself later, and not earlier, than itself.
CONDITIONS = [
    ({"session_id": "b"}, "b"),
    ({"since": NOON}, "bc"),
    ({"until": NOON}, "a"),
    ({"since": NOON, "until": NOON + SECOND}, "b"),
    ({"filter": {"n": {"$gte": 2}}}, "b"),
    ({"filter": {"n": {"$ne": 2}}}, "ac"),
    ({"filter": {"time": {"$lt": NOON.isoformat()}}}, "a"),
    ({"filter": {"session_id": {"$in": ["a", "c"]}}}, "ac"),
    ({"filter": {"$not": {"n": {"$exists": True}}}, "since": NOON}, "c"),
]


@pytest.fixture(params=[None, "family"])
def whose(request):
    return {"user_id": "ann"} | ({} if request.param is None else {"space": request.param})


@pytest.fixture
def memory(open_memory, whose):
    memory = open_memory(writer=ScriptedWriter())
    memory.spaces.grant("family", user_id="ann", write=True)
    for turn in SAID:
        memory.add(turn, session_id=turn.id, **whose)
    memory.consolidate(final=True)
    return memory


def ids(turns):
    return "".join(sorted(turn.id for turn in turns))


@pytest.mark.parametrize(("condition", "meets"), CONDITIONS)
def test_a_condition_is_met_by_the_same_wherever_it_is_given(memory, whose, condition, meets):
    given = dict(condition)
    spaces = {"spaces": [whose["space"]]} if "space" in whose else {}
    for tiers in (("mtm",), ("ltm",)):
        found = memory.recall("Home, boat and pet of Ann?", user_id="ann", k=9, tiers=tiers,
                              strict=True, **spaces, **given)  # fmt: skip
        assert ids(turn for hit in found.hits for turn in hit.turns) == meets
    if set(given) == {"filter"}:
        facts, episodes = memory.facts(**whose, **given), memory.episodes(**whose, **given)
        proof = [memory.explain(fact.id, **whose).evidence[0].turn for fact in facts]
        assert ids(proof) == meets
        assert ids(turn for episode in episodes for turn in episode.turns) == meets
        sessions = [memory.history(session_id=each, **whose, **given) for each in "abc"]
        assert ids(turn for turns in sessions for turn in turns) == meets
    if "session_id" in given:
        assert ids(memory.history(**whose, **given)) == meets
        assert memory.pin(**whose, **given) == memory.unpin(**whose, **given) == len(meets)
        assert memory.set_importance(0.5, **whose, **given) == len(meets)
    assert memory.forget(**whose, **given).turns == len(meets)
    left = [memory.history(session_id=each, **whose) for each in "abc"]
    assert ids(turn for turns in left for turn in turns) == "".join(sorted({*"abc"} - {*meets}))


def test_as_of_a_time_what_was_said_just_then_is_known(memory, whose):
    spaces = {"spaces": [whose["space"]]} if "space" in whose else {}
    found = memory.recall("Home, boat and pet of Ann?", user_id="ann", as_of=NOON, **spaces)
    assert ids(turn for hit in found.hits for turn in hit.turns) == "ab"
    proof = [memory.explain(fact.id, **whose) for fact in memory.facts(**whose, as_of=NOON)]
    assert ids(each.turn for found in proof for each in found.evidence) == "ab"
    lines = memory.profile(**whose, as_of=NOON).lines
    assert "".join(sorted(turn for line in lines for turn in line.turn_ids)) == "ab"


def test_every_method_that_is_about_one_users_memory_is_about_a_spaces_too():
    # A sweep is of everybody's, and an export of a space goes with the whole store.
    whole = {"sweep", "asweep", "export", "aexport"}
    names = [name for name in vars(LightMem) if not name.startswith("_") and name not in whole]
    methods = [getattr(LightMem, name) for name in names]
    taking = [each for each in methods if inspect.isfunction(each)
              and "user_id" in inspect.signature(each).parameters]  # fmt: skip
    assert len(taking) > 20
    without = [each.__name__ for each in taking
               if not {"space", "spaces"} & inspect.signature(each).parameters.keys()]  # fmt: skip
    assert without == []


def test_a_dry_run_counts_what_forget_erases_and_erases_nothing(memory, whose):
    def held():
        said = [memory.history(session_id=each, **whose) for each in "abc"]
        facts = [(each.id, each.version) for each in memory.facts(**whose)]
        return said, facts, len(memory.episodes(**whose))

    before = held()
    for given in ({"session_id": "a"}, {"filter": {"n": 2}}, {}):
        planned = memory.forget(**whose, **given, dry_run=True)
        assert held() == before
        assert not planned.purged
        counts = planned.turns, planned.sessions, planned.episodes, planned.facts, planned.vectors
        assert counts[:4] == ((1, 1, 1, 1) if given else (3, 3, 3, 3))
    assert memory.stats(**whose).pending == 0
    memory.add(
        Turn(role="user", text="Ann.boat = Heron", id="b", time=NOON), session_id="x", **whose
    )
    erased = memory.forget(**whose, session_id="a")
    assert (erased.turns, erased.sessions, erased.episodes, erased.facts) == (1, 1, 1, 1)
    assert memory.forget(user_id="nobody", dry_run=True).turns == 0


def test_an_erasure_is_what_its_dry_run_said(memory, whose):
    memory.add(Turn(role="user", text="Ann.home = Porto replaces"), session_id="d", **whose)
    memory.consolidate(final=True)
    for fact in memory.facts(**whose):
        if fact.value == "Heron":
            memory.edit(fact.id, value="Egret", **whose)
        elif fact.value == "Rex":
            memory.retract(fact.id, **whose)
    porto = next(fact.id for fact in memory.facts(**whose) if fact.value == "Porto")
    seen = []
    for given in ({"memory_ids": [porto]}, {"turn_ids": ["b"]}, {}):
        planned = memory.forget(**whose, **given, dry_run=True)
        erased = memory.forget(**whose, **given)
        assert dataclasses.replace(erased, purged=False, remains=()) == planned
        seen.append((erased.turns, erased.episodes, erased.facts))
    assert seen == [(1, 1, 1), (1, 1, 2), (2, 2, 2)]
