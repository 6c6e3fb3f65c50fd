"""A filter finds what looking at every turn finds, whatever it asks for."""

import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.records.filter_form import filter_of
from lightmem_integrations.records.filters import values_of
from lightmem_integrations.testing import HashEmbedder
from thorough import cases

pytestmark = pytest.mark.slow

CASES = cases(10_000)
RECALLS = cases(5_000)  # a recall takes ten times as long
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
# Few values of each kind, so that turns share them; and some that a database may take for equal.
TEXTS = ["", "a", "ab", "b", "A", "1", "true", "null", "[1]", "a\0b", "%", "\U0001f600", "\uffff"]
NUMBERS = [0, 1, 1.0, -1, 0.1, 2**53, 2**53 + 1, 2.0**53, 2**63 - 1, -(2**63), 1e300, -0.0]
NAMES = ["a", "b", "a.b", "A", "two words", "turn", "\U0001f600"]
WORDS = ["ann", "Ann", "s1", "s2", "user", "assistant", "", "n"]

scalars = st.sampled_from([*TEXTS, *NUMBERS, True, False, None])
values = scalars | st.lists(scalars, max_size=3)
ordered = st.sampled_from([*TEXTS, *NUMBERS])
times = st.integers(0, 30).map(lambda n: START + n * dt.timedelta(hours=1))
moments = times | times.map(dt.datetime.isoformat)
words = st.sampled_from(WORDS)
EQUAL, ORDERED = ("$eq", "$ne"), ("$gt", "$gte", "$lt", "$lte")


def asked(names, same, before, part):
    """What is asked of a name: a value, or operators with theirs."""
    operators = {
        **dict.fromkeys(EQUAL, same),
        **dict.fromkeys(("$in", "$nin"), st.lists(same, max_size=4)),
        **dict.fromkeys(ORDERED, before),
        "$exists": st.booleans(),
    } | ({} if part is None else {"$contains": part})
    one = st.sampled_from(sorted(operators)).flatmap(
        lambda sign: st.fixed_dictionaries({sign: operators[sign]})
    )
    two = st.builds(lambda some, more: some | more, one, one)
    condition = same | one | two | st.builds(lambda it: {"$not": it}, one)
    return st.builds(lambda name, it: {name: it}, names, condition)


comparisons = st.one_of(
    asked(st.sampled_from(NAMES), values, ordered, scalars),
    asked(st.sampled_from(["agent_id", "session_id", "speaker", "role"]), words, words, words),
    asked(st.just("time"), moments, moments, None),
)
filters = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda some, more: some | more, inner, inner),
        st.builds(lambda it: {"$not": it}, inner),
        st.builds(
            lambda sign, each: {sign: each},
            st.sampled_from(["$and", "$or"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=6,
)


class Filled:
    """A store in which every turn is found, and what filters compare of each."""

    def __init__(self, turns):
        self.memory = LightMem(
            embedder=HashEmbedder(16), settings=Settings(background_indexing=False)
        )
        self.known = {}
        for n, (metadata, session, agent, speaker, role, time) in enumerate(turns):
            turn = Turn(role=role, text=f"heron {n}", id=f"t{n}", metadata=metadata,
                        speaker=speaker, time=time)  # fmt: skip
            self.memory.add(turn, user_id="ann", session_id=session, agent_id=agent)
            self.known[turn.id] = values_of(turn, session, agent)
        # Another user's turns, which no filter may reach.
        self.memory.add([Turn(role="user", text="heron", id=f"bob{n}", metadata={"a": value})
                         for n, value in enumerate([*TEXTS, *NUMBERS])],
                        user_id="bob", session_id="s1")  # fmt: skip
        self.memory.index_pending()

    def recalled(self, condition):
        found = self.memory.recall(
            "heron", user_id="ann", k=len(self.known), max_tokens=100_000, filter=condition,
            strict=True,
        )  # fmt: skip
        shown = {turn.id for hit in found.hits for turn in (*hit.turns, *hit.neighbours)}
        assert shown == {turn.id for hit in found.hits for turn in hit.turns}
        return shown

    def in_history(self, condition):
        return {
            turn.id
            for session in self.memory.sessions(user_id="ann")
            for turn in self.memory.history(user_id="ann", session_id=session, filter=condition)
        }


@pytest.fixture(scope="module")
def filled():
    chance = random.Random(7)
    pick = chance.choice

    def value():
        some = [*TEXTS, *NUMBERS, True, False, None]
        return (
            pick(some)
            if chance.random() < 0.7
            else [pick(some) for _ in range(chance.randrange(4))]
        )

    turns = [
        (
            {name: value() for name in NAMES if chance.random() < 0.5},
            pick(["s1", "s2"]), pick([None, "ann", "n"]), pick([None, "ann", "Ann"]),
            pick(["user", "assistant"]), START + chance.randrange(30) * dt.timedelta(hours=1),
        )
        for _ in range(40)
    ]  # fmt: skip
    filled = Filled(turns)
    yield filled
    filled.memory.close()


def expected(filled, condition):
    read = filter_of(condition)
    assert repr(filter_of(read)) == repr(read)  # adapters hand on what they have read
    return {name for name, known in filled.known.items() if read.matches(known)}


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters)
def test_a_filter_finds_what_looking_at_every_turn_finds(filled, condition):
    assert filled.in_history(condition) == expected(filled, condition)


@settings(max_examples=RECALLS, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters)
def test_recall_returns_all_that_meets_a_filter_and_nothing_else(filled, condition):
    assert filled.recalled(condition) == expected(filled, condition)


def test_the_one_turn_among_ten_thousand_that_fits_is_found():
    with LightMem(
        embedder=HashEmbedder(16), settings=Settings(background_indexing=False)
    ) as memory:
        memory.add(
            [Turn(role="user", text=f"The heron came back {n} times.",
                  metadata={"n": n, "needle": n == 7_777}) for n in range(10_000)],
            user_id="ann",
        )  # fmt: skip
        memory.index_pending()
        for condition in (
            {"n": 7_777}, {"needle": True}, {"n": {"$gt": 7_776.5, "$lt": 7_777.5}},
            {"$not": {"n": {"$ne": 7_777}}},
        ):  # fmt: skip
            found = memory.recall("When does the train leave?", user_id="ann", filter=condition)
            assert [turn.metadata["n"] for hit in found.hits for turn in hit.turns] == [7_777]
            assert not found.hits[0].neighbours
