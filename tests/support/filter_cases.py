"""Cases of filters that both frameworks answer alike."""

import datetime as dt

from lightmem_integrations import Compare, Turn

MAY = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)
QUESTION = "Where did I see the heron?"


def fill(memory):
    """Five turns of alice, and one of bob that fits everything."""
    for n, (topic, agent) in enumerate(
        [("home", "a"), ("work", "a"), ("home", "b"), ("travel", None), (None, None)]
    ):
        metadata = {"n": n, "share": n / 4, "tags": ["x", f"t{n}"], "even": n % 2 == 0}
        memory.add(
            Turn(role="user", text=f"I saw the heron at place {n}.", id=f"t{n}",
                 time=MAY + n * dt.timedelta(days=1), speaker="Alice" if n else None,
                 metadata=metadata | ({} if topic is None else {"topic": topic})),
            user_id="alice", session_id=f"s{n % 2}", agent_id=agent,
        )  # fmt: skip
    memory.add(
        Turn(role="user", text="I saw the heron, too.", metadata={"topic": "home", "n": 0}),
        user_id="bob", session_id="s0", agent_id="a",
    )  # fmt: skip
    memory.index_pending()


# What is asked, as LlamaIndex says it (conditions of (key, operator, value), joined by the first),
# and the turns that meet it.
CASES = [
    ({"topic": "home"}, ["and", ("topic", "==", "home")], {0, 2}),
    ({"topic": {"$ne": "home"}}, ["and", ("topic", "!=", "home")], {1, 3, 4}),
    ({"topic": {"$in": ["home", "work"]}}, ["and", ("topic", "in", ["home", "work"])], {0, 1, 2}),
    ({"topic": {"$nin": ["home", "work"]}}, ["and", ("topic", "nin", ["home", "work"])], {3, 4}),
    ({"n": {"$gt": 1, "$lte": 3}}, ["and", ("n", ">", 1), ("n", "<=", 3)], {2, 3}),
    ({"share": {"$gte": 0.5, "$lt": 1}}, ["and", ("share", ">=", 0.5), ("share", "<", 1)], {2, 3}),
    ({"tags": {"$contains": "t3"}}, ["and", ("tags", "contains", "t3")], {3}),
    ({"topic": {"$contains": "o"}}, ["and", ("topic", "text_match", "o")], {0, 1, 2}),
    (
        {"$or": [{"tags": {"$contains": "t1"}}, {"tags": {"$contains": "t2"}}]},
        ["and", ("tags", "any", ["t1", "t2"])],
        {1, 2},
    ),
    (
        {"$and": [{"tags": {"$contains": "x"}}, {"tags": {"$contains": "t2"}}]},
        ["and", ("tags", "all", ["x", "t2"])],
        {2},
    ),
    ({"topic": {"$exists": False}}, ["and", ("topic", "is_empty", None)], {4}),
    ({"$or": [{"n": 0}, {"topic": "work"}]}, ["or", ("n", "==", 0), ("topic", "==", "work")],
     {0, 1}),
    (
        {"$not": {"$or": [{"n": 0}, {"topic": "work"}]}},
        ["not", ("n", "==", 0), ("topic", "==", "work")],
        {2, 3, 4},
    ),
    (
        {"topic": "home", "$or": [{"n": 0}, {"n": 1}]},
        ["and", ("topic", "==", "home"), ["or", ("n", "==", 0), ("n", "==", 1)]],
        {0},
    ),
    ({"agent_id": "a"}, ["and", ("agent_id", "==", "a")], {0, 1}),
    ({"agent_id": {"$ne": "a"}}, ["and", ("agent_id", "!=", "a")], {2, 3, 4}),
    ({"session_id": "s1"}, ["and", ("session_id", "==", "s1")], {1, 3}),
    ({"speaker": "Alice", "role": "user"},
     ["and", ("speaker", "==", "Alice"), ("role", "==", "user")], {1, 2, 3, 4}),
    ({"time": {"$gte": "2026-05-04T00:00:00Z"}}, ["and", ("time", ">=", "2026-05-04T00:00:00Z")],
     {3, 4}),
    ({"n": "0"}, ["and", ("n", "==", "0")], set()),
]  # fmt: skip

ALSO = [
    (Compare("topic", "$eq", "home") & ~Compare("n", "$eq", 0), {2}),
    ({"even": True}, {0, 2, 4}),
    ({"even": 1}, set()),
]
"""What LlamaIndex's own filters cannot say, and its retriever takes as well."""

WRONG = [
    ({"topic": {"$like": "h"}}, "no operator"),
    ({"n": {"$gt": None}}, "takes text or a finite number"),
    ({"role": 5}, "takes text"),
    ({}, "pass a condition"),
]
