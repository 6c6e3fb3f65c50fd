"""Facts in parts and by what they say: the same facts that reading all of them would give."""

import dataclasses
import datetime as dt
import time

import pytest
from sqlalchemy import Engine, event

from lightmem_integrations import FactSearch, InvalidRequestError, Turn
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

SAID = [
    ("user", "Anne.home = Lisbon since 2024-02-01"),
    ("user", "Anne.home = Porto since 2025-03-01 replaces"),
    ("user", "preference Anne.likes + Tee und Süßes"),
    ("assistant", "Anne.likes + walks"),
    ("user", "plan Anne.trip + Rome since 2999-01-01"),
    ("assistant", "Anne.likes + coffee"),
    ("user", "Anne.likes + coffee"),
    ("user", "Anne.pet = Rex since 2020-01-01 until 2024-06-01"),
    ("user", "Anne.likes + cake"),
]
EVERY = ["Lisbon", "Porto", "Tee und Süßes", "walks", "Rome", "coffee", "Rex", "cake"]


class Doubting(ScriptedWriter):
    """Doubts what is said of Porto."""

    def write(self, turns, **known):
        draft = super().write(turns, **known)
        facts = [
            dataclasses.replace(fact, doubt="far away" if fact.value == "Porto" else None)
            for fact in draft.facts
        ]
        return dataclasses.replace(draft, facts=tuple(facts))


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=Doubting())
    for number, (role, text) in enumerate(SAID):
        turn = Turn(role=role, text=text, id=f"t{number}", metadata={"n": number})
        memory.add(turn, user_id="anne", session_id=f"chat-{number}")
        memory.consolidate(final=True)
    memory.add(Turn(role="user", text="Bob.likes + walks"), user_id="bob")
    memory.consolidate(final=True)
    (cake,) = memory.facts(user_id="anne", search=FactSearch(words="cake"))
    memory.retract(cake.id, user_id="anne")
    (walks,) = memory.facts(user_id="anne", search=FactSearch(words="walks"))
    memory.pin(user_id="anne", memory_ids=[walks.id])
    return memory


def values(facts):
    return [fact.value for fact in facts]


def ids(memory):
    return {fact.value: fact.id for fact in memory.facts(user_id="anne", include_past=True)}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, ["Porto", "Tee und Süßes", "walks", "coffee"]),
        ({"words": "SÜSSES tee"}, ["Tee und Süßes"]),
        ({"words": "anne LIKES"}, ["Tee und Süßes", "walks", "coffee"]),
        ({"words": "anne lisbon"}, []),
        ({"words": "%"}, []),
        ({"kind": "preference"}, ["Tee und Süßes"]),
        ({"told_by": "user"}, ["Porto", "Tee und Süßes"]),
        ({"told_by": "assistant"}, ["walks"]),
        ({"told_by": "both"}, ["coffee"]),
        ({"pinned": True}, ["walks"]),
        ({"doubted": True}, ["Porto"]),
        ({"past": True}, ["Lisbon", "Rome", "Rex", "cake"]),
        ({"past": True, "words": "home"}, ["Lisbon"]),
        ({"pinned": True, "told_by": "user"}, []),
    ],
    ids=str,
)
def test_a_search_finds_what_meets_all_of_it(memory, search, found):
    assert values(memory.facts(user_id="anne", search=FactSearch(**search))) == found


def test_a_search_looks_at_the_past_where_that_is_asked_for(memory):
    every = memory.facts(user_id="anne", include_past=True, search=FactSearch())
    assert values(every) == EVERY
    home = FactSearch(words="home")
    assert values(memory.facts(user_id="anne", include_past=True, search=home)) == EVERY[:2]
    found = memory.facts(user_id="anne", filter={"n": {"$gte": 2}}, search=FactSearch(words="tee"))
    assert values(found) == ["Tee und Süßes"]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ({}, EVERY),
        ({"limit": 2}, EVERY[:2]),
        ({"limit": 2, "latest": True}, EVERY[-2:]),
        ({"limit": 99}, EVERY),
        ({"limit": 2, "after": "Porto"}, EVERY[2:4]),
        ({"limit": 2, "before": "Rome", "latest": True}, EVERY[2:4]),
        ({"limit": 1, "before": "Rome"}, EVERY[:1]),
        ({"after": "Lisbon", "before": "walks"}, EVERY[1:3]),
        ({"after": "cake", "limit": 3}, []),
        ({"limit": 2, "after": "Lisbon", "search": FactSearch(words="likes")}, EVERY[2:4]),
        # Also behind a fact that is itself not among those found.
        ({"limit": 1, "after": "Rome", "search": FactSearch(words="likes")}, ["coffee"]),
        ({"limit": 1, "latest": True, "filter": {"n": {"$lt": 3}}}, ["Tee und Süßes"]),
    ],
    ids=str,
)
def test_a_part_of_the_facts_is_what_was_asked_for(memory, part, found):
    known = ids(memory)
    named = {name: known[part[name]] for name in ("after", "before") if name in part}
    assert values(memory.facts(user_id="anne", include_past=True, **part | named)) == found


def test_a_part_says_of_how_many_it_is(memory):
    facts = memory.facts(user_id="anne", include_past=True, limit=3)
    assert (len(facts), facts.total) == (3, 8)
    assert facts.grid().title == "3 of 8 facts"
    likes = memory.facts(user_id="anne", search=FactSearch(words="likes"), limit=1)
    assert likes.total == 3
    assert memory.facts(user_id="nobody", limit=3).total == 0
    assert memory.facts(user_id="anne").grid().title == "4 facts"


def test_what_has_expired_takes_no_place_in_a_part(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=1)
    for n in range(6):
        turn = Turn(role="user", text=f"Anne.likes + thing {n}", expires_at=end if n < 4 else None)
        memory.add(turn, user_id="anne", session_id=str(n))
    memory.consolidate(final=True)
    time.sleep(max(0.0, (end - dt.datetime.now(dt.timezone.utc)).total_seconds()) + 0.05)
    facts = memory.facts(user_id="anne", limit=2)
    assert values(facts) == ["thing 4", "thing 5"]
    assert facts.total == 2


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": True}, {"after": "no"}, {"before": 3}, {"search": "porto"}]
)
def test_a_part_that_there_is_not_is_refused(memory, wrong):
    with pytest.raises(InvalidRequestError):
        memory.facts(user_id="anne", **wrong)


@pytest.mark.parametrize("wrong", [{"kind": "wish"}, {"told_by": "system"}, {"words": None}])
def test_a_search_that_finds_nothing_whatever_is_stored_is_refused(wrong):
    with pytest.raises(InvalidRequestError, match=repr(*wrong.values())):
        FactSearch(**wrong)


def test_another_users_fact_is_no_place_in_ones_own(memory):
    (walks,) = memory.facts(user_id="bob")
    with pytest.raises(InvalidRequestError, match=walks.id):
        memory.facts(user_id="anne", after=walks.id)


def test_users_are_counted_together_as_each_alone(memory):
    memory.spaces.grant("home", user_id="anne", write=True)
    memory.add(Turn(role="user", text="Dinner at eight."), user_id="anne", space="home")
    asked = "bob", "nobody", "anne", "home"
    assert memory.stats_of(*asked) == tuple(memory.stats(user_id=each) for each in asked)
    bob, nobody, anne, _ = memory.stats_of(*asked)
    assert (bob.user_id, bob.turns, bob.facts, bob.users) == ("bob", 1, 1, 1)
    assert (nobody.user_id, nobody.turns, nobody.users) == ("nobody", 0, 0)
    assert (anne.turns, anne.sessions, anne.episodes, anne.facts) == (9, 9, 9, 6)
    assert memory.stats_of() == ()


def test_many_users_are_counted_in_as_many_statements_as_one(memory):
    for number in range(30):
        memory.add(Turn(role="user", text="Hello"), user_id=f"user-{number}")
    memory.index_pending()
    users, sent = memory.users(), list[str]()

    def count(*given):
        sent.append(given[2])

    event.listen(Engine, "before_cursor_execute", count)
    try:
        memory.stats_of("anne")
        one = len(sent)
        memory.stats_of(*users)
        assert len(sent) == 2 * one
    finally:
        event.remove(Engine, "before_cursor_execute", count)
