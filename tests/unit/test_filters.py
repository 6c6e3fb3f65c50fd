"""A filter limits recall, history, facts, episodes and forget; one that makes no sense says why."""

import datetime as dt

import pytest

from lightmem_integrations import Branch, Compare, InvalidRequestError, Turn

pytestmark = pytest.mark.slow

MAY = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
TOPICS = ("home", "work", "home", "travel")


@pytest.fixture
def memory(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    for n, topic in enumerate(TOPICS):
        turn = Turn(
            role="user", text=f"Ann.place{n} = heron{n}", id=f"t{n}", time=MAY + n * DAY,
            speaker=("Ann", None)[n % 2], metadata={"topic": topic, "n": n, "tags": ["x", topic]},
        )  # fmt: skip
        memory.add(turn, user_id="ann", session_id=f"s{n % 2}", agent_id=("a", None)[n % 2])
    memory.add(Turn(role="user", text="heron", metadata={"topic": "home"}), user_id="bob")
    memory.index_pending()
    return memory


def kept(memory, condition=None):
    return {
        turn.id
        for session in memory.sessions(user_id="ann")
        for turn in memory.history(user_id="ann", session_id=session, filter=condition)
    }


def named(case):
    """A case by its words; sets in order, so that all workers name it alike."""
    return " ".join(sorted(case)) if isinstance(case, set) else str(case)


CASES = [
    ({"topic": "home"}, {"t0", "t2"}),
    ({"topic": "home", "n": {"$gt": 0}}, {"t2"}),
    ({"topic": {"$ne": "home"}}, {"t1", "t3"}),
    ({"n": {"$gte": 1, "$lt": 3}}, {"t1", "t2"}),
    ({"topic": {"$in": ["work", "travel"]}}, {"t1", "t3"}),
    ({"topic": {"$in": []}}, set()),
    ({"missing": {"$nin": ["x"]}}, {"t0", "t1", "t2", "t3"}),
    ({"missing": {"$exists": False}}, {"t0", "t1", "t2", "t3"}),
    ({"tags": {"$contains": "work"}}, {"t1"}),
    ({"tags": ["x", "work"]}, {"t1"}),
    ({"topic": {"$contains": "rav"}}, {"t3"}),
    ({"n": True}, set()),
    ({"n": "1"}, set()),
    ({"n": {"$in": [1.0, 2**53 + 1]}}, {"t1"}),
    ({"$or": [{"topic": "work"}, {"n": 3}]}, {"t1", "t3"}),
    ({"$not": {"topic": "home"}}, {"t1", "t3"}),
    ({"topic": {"$not": {"$in": ["home", "work"]}}}, {"t3"}),
    ({"$and": [{"agent_id": "a"}, {"session_id": "s0"}, {"role": "user"}]}, {"t0", "t2"}),
    ({"agent_id": {"$ne": "a"}}, {"t1", "t3"}),
    ({"speaker": {"$exists": True}}, {"t0", "t2"}),
    ({"time": {"$gte": MAY + DAY, "$lt": "2026-05-03T00:00:00Z"}}, {"t1"}),
    (Compare("topic", "$eq", "home") & ~Compare("n", "$eq", 0), {"t2"}),
    ({"$or": [Compare("n", "$eq", 0) | Compare("n", "$eq", 1), {"n": 3}]}, {"t0", "t1", "t3"}),
]


@pytest.mark.parametrize(("condition", "expected"), CASES, ids=lambda case: named(case)[:60])
def test_recall_and_history_see_what_meets_a_filter(memory, condition, expected):
    found = memory.recall("heron0 heron1 heron2 heron3", user_id="ann", filter=condition)
    assert {turn.id for hit in found.hits for turn in hit.turns} == expected
    assert kept(memory, condition) == expected


def test_facts_and_episodes_are_those_with_a_turn_that_meets_it(memory, consolidated):
    consolidated(memory, size=1)
    home = {"topic": "home"}
    assert {fact.value for fact in memory.facts(user_id="ann", filter=home)} == {"heron0", "heron2"}
    found = memory.episodes(user_id="ann", filter=home)
    assert {turn.id for episode in found for turn in episode.turns} == {"t0", "t2"}
    known = memory.recall("heron1", user_id="ann", filter=home, tiers=["ltm"])
    assert {turn.id for hit in known.known for turn in hit.turns} <= {"t0", "t2"}


def test_forget_erases_what_meets_it_and_nothing_else(memory, consolidated):
    consolidated(memory, size=1)
    receipt = memory.forget(user_id="ann", filter={"topic": "home"})
    assert (receipt.turns, receipt.facts, receipt.episodes) == (2, 2, 2)
    assert kept(memory) == {"t1", "t3"}
    assert len(memory.history(user_id="bob")) == 1
    assert memory.forget(user_id="ann", filter={"topic": "home"}).turns == 0


def test_what_a_run_records_after_it_was_forgotten_by_a_filter_stays_away(memory):
    memory.forget(user_id="ann", filter={"topic": "home", "agent_id": "a"})
    late = [
        Turn(role="user", text="late", id=topic, time=MAY, metadata={"topic": topic})
        for topic in ("home", "work")
    ]
    run = Branch(history="agent", turn_ids=None)
    memory.add(late, user_id="ann", session_id="s9", agent_id="a", branch=run)
    assert [turn.id for turn in memory.history(user_id="ann", session_id="s9")] == ["work"]


def nested(levels):
    return {"n": 1} if levels == 0 else {"$not": nested(levels - 1)}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, r"filter is \{\}; pass a condition"),
        ("topic=home", "filter is 'topic=home'; pass a condition"),
        ({"topic": {"$like": "h"}}, r"no operator '\$like' here.*\$contains"),
        ({"topic": {"eq": "h"}}, "no operator 'eq'"),
        ({"$nor": [{"n": 1}]}, r"no operator '\$nor'"),
        ({"topic": {}}, "'topic' is {}; name a value"),
        ({"$and": []}, r"filter.\$and is \[\]; pass a list of at least one"),
        ({"$or": [{"n": 1}, {"$and": {"n": 1}}]}, r"filter.\$or\[1\].\$and is \{'n': 1\}"),
        ({"$or": [{"n": 1}, {"n": {"$gt": None}}]}, r"filter.\$or\[1\].'n': \$gt is given None"),
        ({"n": {"$gt": True}}, r"'n': \$gt is given True, a bool; it takes text or a finite"),
        ({"n": {"$lt": float("nan")}}, r"\$lt is given nan"),
        ({"n": float("inf")}, r"\$eq is given inf.*finite"),
        ({"n": 2**64}, "64 bits"),
        ({"n": MAY}, r"\$eq is given datetime"),
        ({"n": {"$in": "abc"}}, r"\$in is given 'abc', a str; it takes a list"),
        ({"n": {"$in": [1, float("nan")]}}, "given nan"),
        ({"n": {"$exists": 1}}, r"\$exists is given 1, an int; it takes True or False"),
        ({"tags": {"$contains": ["x"]}}, r"\$contains is given \['x'\]"),
        ({"agent_id": 5}, r"'agent_id': \$eq is given 5, an int; it takes text"),
        ({"time": 5}, "'time': .* it takes a datetime with a time zone"),
        ({"time": {"$gt": "2026-05-01"}}, "time zone"),
        ({"time": {"$gt": "yesterday"}}, "time zone"),
        ({"time": {"$contains": "2026"}}, "no part"),
        ({" ": 1}, "no name of a value"),
        ({1: 1}, "1 is no name of a value"),
        (nested(31), "deeper than 30 levels"),
        ({"$or": [{"n": 1}] * 501}, "more than 500 comparisons"),
        ({"n": {"$in": list(range(10_001))}}, "more than 10000 values"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_with_its_place(memory, condition, message):
    for ask in (
        lambda: memory.recall("heron", user_id="ann", filter=condition),
        lambda: memory.history(user_id="ann", filter=condition),
        lambda: memory.facts(user_id="ann", filter=condition),
        lambda: memory.episodes(user_id="ann", filter=condition),
        lambda: memory.forget(user_id="ann", filter=condition),
    ):
        with pytest.raises(InvalidRequestError, match=message):
            ask()
    assert len(kept(memory)) == len(TOPICS)


def test_the_largest_filters_are_answered(memory):
    for condition in (
        nested(28),
        {"$or": [{"n": n} for n in range(3, 503)]},
        {"n": {"$in": [*range(3, 6_000), *map(str, range(4_000))]}},
    ):
        assert kept(memory, condition)
        assert memory.recall("heron", user_id="ann", filter=condition, strict=True).hits


def test_a_filter_sees_what_was_added_replaced_and_forgotten_since_it_was_last_asked(memory):
    def found():
        for condition in ({"topic": "home"}, {"topic": {"$ne": "work"}}, {"n": 1}, {"n": True}):
            recalled = memory.recall("heron", user_id="ann", k=99, filter=condition, strict=True)
            read = {turn.id for hit in recalled.hits for turn in hit.turns}
            standing = memory.history(user_id="ann", session_id="s0", filter=condition)
            standing += memory.history(user_id="ann", session_id="s1", filter=condition)
            assert read == {turn.id for turn in standing if not turn.superseded}
            yield read

    assert [*map(len, found())] == [2, 3, 1, 0]
    more = [
        Turn(role="user", text=f"A heron, place {n}.", id=f"m{n}",
             metadata={"topic": topic, "n": n == 2})
        for n, topic in enumerate(["home", "work", "home"])
    ]  # fmt: skip
    run = Branch(history="app", turn_ids=[f"m{n}" for n in range(3)])
    memory.add(more, user_id="ann", session_id="s0", branch=run)
    memory.add(Turn(role="user", text="heron", metadata={"topic": "home"}), user_id="bob")
    assert [*map(len, found())] == [4, 5, 1, 1]
    memory.follow(Branch(history="app", turn_ids=["m0"]), user_id="ann", session_id="s0")
    assert [*map(len, found())] == [3, 4, 1, 0]
    memory.forget(user_id="ann", turn_ids=["m0", "t1"])
    assert [*map(len, found())] == [2, 3, 0, 0]


def test_forgetting_by_a_filter_leaves_what_lets_a_user_into_spaces(memory):
    memory.spaces.grant("family", user_id="ann")
    memory.forget(user_id="ann", filter={"topic": "home"})
    assert memory.spaces.of(user_id="ann")
