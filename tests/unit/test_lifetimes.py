"""How long turns and facts are kept, and what keeps them."""

import dataclasses
import datetime as dt
import time

import pytest
from rich.console import Console

from lightmem_integrations import (
    Branch,
    InvalidRequestError,
    InvalidTurnError,
    Settings,
    SettingsError,
    Turn,
)
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

UTC = dt.timezone.utc
SOON = dt.datetime(2099, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def memory(open_memory):
    return open_memory()


def test_lifetime_pin_and_importance_are_kept_with_a_turn(memory):
    given = [
        Turn(role="user", text="The code is 1234.", expires_at=SOON, importance=0.5),
        Turn(role="user", text="I am allergic to peanuts.", pinned=True),
    ]
    memory.add(given, user_id="ann")
    kept = memory.history(user_id="ann")
    assert [(turn.expires_at, turn.pinned, turn.importance) for turn in kept] == [
        (SOON, False, 0.5), (None, True, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"expires_at": SOON.replace(tzinfo=None)}, "time zone"),
        ({"expires_at": "tomorrow"}, "expires_at is 'tomorrow'"),
        ({"expires_at": dt.datetime(2000, 1, 1, tzinfo=UTC)}, "before it is said"),
        ({"expires_at": SOON, "pinned": True}, "pinned and expires"),
        ({"pinned": "yes"}, "pinned is 'yes'"),
        ({"importance": 1.5}, "importance is 1.5"),
        ({"importance": float("nan")}, "importance is nan"),
        ({"importance": "high"}, "importance is 'high'"),
    ],
)
def test_a_lifetime_that_makes_no_sense_is_refused(memory, wrong, says):
    with pytest.raises(InvalidTurnError, match=says):
        memory.add(Turn(role="user", text="Heron.", **wrong), user_id="ann")
    assert memory.users() == ()


@pytest.fixture
def later(monkeypatch):
    """Lets the clock of the process go forward by so many days."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0] * 86_400)

    def later(days):
        ahead[0] += days

    return later


def in_days(days):
    return dt.datetime.now(UTC) + dt.timedelta(days=days)


def said(text, days_ago=0.0, **given):
    return Turn(role="user", text=text, time=in_days(-days_ago), **given)


def shown(memory, question="Where is the home of Ann?", user_id="ann"):
    """Everything that a reader can get hold of, as one text."""
    parts = [memory.recall(question, user_id=user_id, k=20, max_tokens=4_000, strict=True)]
    for session in memory.sessions(user_id=user_id):
        parts += memory.history(user_id=user_id, session_id=session)
        parts += memory.short_term(user_id=user_id, session_id=session)
    facts = memory.facts(user_id=user_id, include_past=True)
    parts += [facts, memory.episodes(user_id=user_id), memory.conflicts(user_id=user_id)]
    parts += [memory.explain(fact.id, user_id=user_id) for fact in facts]
    return "\n".join(map(repr, map(plain, parts)))


def plain(part):
    """A record, or several, with what they do not print."""
    return dataclasses.asdict(part) if dataclasses.is_dataclass(part) else [*map(plain, part)]


def test_what_has_expired_is_shown_nowhere_also_before_it_is_swept(memory, consolidated, later):
    memory.add([said("Ann.home = Lisbon", expires_at=in_days(1)), said("Ann.pet = Rex")],
               user_id="ann")  # fmt: skip
    memory.add(said("Ann.car = Fiat"), user_id="ann", session_id="other")
    memory.add(said("Ann.boat = Heron", expires_at=in_days(1)), user_id="ann", session_id="gone")
    consolidated(memory)
    memory.recall("Lisbon", user_id="ann")  # its turns are in memory now
    assert "Lisbon" in shown(memory)
    later(2)
    assert "Lisbon" not in shown(memory)
    assert "Heron" not in shown(memory, "Which boat?")
    left = shown(memory, "Which pet, which car?")
    assert "Rex" in left, "said beside it"
    assert "Fiat" in left, "said elsewhere"
    assert memory.sessions(user_id="ann") == ("default", "other")
    assert memory.sessions(user_id="ann", limit=1, latest=True) == ("other",)


def test_sweeping_erases_as_forget_does_and_keeps_the_rest(memory, consolidated, later):
    memory.add([said("Ann.home = Lisbon", expires_at=in_days(1)), said("Ann.pet = Rex")],
               user_id="ann")  # fmt: skip
    memory.add(said("Ann.pet = Rex"), user_id="ann", session_id="other")
    consolidated(memory)
    assert memory.sweep().turns == 0
    later(2)
    receipt = memory.sweep()
    assert (receipt.turns, receipt.episodes, receipt.facts, receipt.purged) == (1, 1, 1, True)
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Rex"], "the other said so too"
    assert [turn.text for turn in memory.history(user_id="ann")] == ["Ann.pet = Rex"]
    assert consolidated(memory).written == 1, "what was said beside it is consolidated anew"
    assert memory.sweep().turns == 0


def test_a_fact_expires_alone_and_its_turns_do_not_bring_it_back(memory, consolidated, later):
    memory.add(said("Ann.home = Lisbon"), user_id="ann")
    memory.add(said("Ann.home = Porto"), user_id="ann", session_id="new")
    consolidated(memory, size=1)
    (fact,) = memory.facts(user_id="ann")
    changed = memory.edit(fact.id, user_id="ann", expires_at=in_days(1))
    assert (changed.id, changed.value, changed.version > fact.version) == (fact.id, "Porto", True)
    later(2)
    for _ in ("before it is swept", "after"):
        assert not memory.facts(user_id="ann"), "nor does what it had replaced hold again"
        with pytest.raises(InvalidRequestError, match="no fact"):
            memory.explain(fact.id, user_id="ann")
        hits = memory.recall("home of Ann?", user_id="ann", tiers=["ltm"]).hits
        assert not [hit for hit in hits if "Porto" in hit.text]
        memory.sweep()
    assert memory.recall("home of Ann?", user_id="ann").hits, "the turns have times of their own"
    memory.forget(user_id="ann", session_id="default")
    consolidated(memory)
    assert not memory.facts(user_id="ann")


def test_a_writer_gives_a_fact_a_lifetime(memory, consolidated, later):
    class Brief(ScriptedWriter):
        def write(self, turns, **shown):
            draft = super().write(turns, **shown)
            facts = [dataclasses.replace(fact, expires_at=in_days(1)) for fact in draft.facts]
            return dataclasses.replace(draft, facts=tuple(facts))

    memory.add(said("Ann.home = Lisbon"), user_id="ann")
    consolidated(memory, writer=Brief())
    (fact,) = memory.facts(user_id="ann")
    assert abs((fact.expires_at - in_days(1)).total_seconds()) < 60
    later(2)
    assert not memory.facts(user_id="ann")
    assert memory.sweep().facts == 1


def test_a_question_as_of_a_later_day_sees_nothing_that_is_over_by_then(memory):
    memory.add([said("The code is 1234.", expires_at=in_days(1)), said("The code is written.")],
               user_id="ann")  # fmt: skip
    assert len(memory.recall("code", user_id="ann").hits) == 2
    then = memory.recall("code", user_id="ann", as_of=in_days(2))
    assert [hit.text for hit in then.hits] == ["The code is written."]
    before = memory.recall("code", user_id="ann", as_of=in_days(0))
    assert len(before.hits) == 2


def test_nothing_over_comes_back_with_an_old_question(memory, later):
    memory.add(said("The code is 1234.", expires_at=in_days(1)), user_id="ann")
    asked = in_days(0.1)
    later(2)
    assert not memory.recall("code", user_id="ann", as_of=asked).hits


@pytest.fixture
def open_with(open_memory, tmp_path):
    def open_with(**lifetimes):
        return open_memory(tmp_path, settings=Settings(background_indexing=False, **lifetimes))

    return open_with


def test_turns_go_after_the_time_that_the_settings_give(open_with, later):
    memory = open_with(lifetime_days=30)
    memory.add(
        [
            said("Heron one.", days_ago=40),
            said("Heron two.", days_ago=40, pinned=True),
            said("Heron three.", days_ago=40, expires_at=in_days(10)),
            said("Heron four."),
        ],
        user_id="ann",
    )
    kept = [turn.text for turn in memory.history(user_id="ann")]
    assert kept == ["Heron two.", "Heron three.", "Heron four."]
    later(20)
    assert [turn.text for turn in memory.history(user_id="ann")] == ["Heron two.", "Heron four."]
    later(20)
    assert [turn.text for turn in memory.history(user_id="ann")] == ["Heron two."]
    assert memory.sweep().turns == 3
    assert len(memory.recall("heron", user_id="ann").hits) == 1


def test_a_session_goes_together_after_its_last_turn(open_with, later):
    memory = open_with(session_lifetime_days=7)
    memory.add([said("Heron one.", days_ago=20), said("Heron two.", days_ago=3)], user_id="ann")
    memory.add(said("Heron three.", days_ago=10), user_id="ann", session_id="old")
    assert memory.sessions(user_id="ann") == ("default",)
    assert len(memory.history(user_id="ann")) == 2
    assert memory.sweep(user_id="ann").sessions == 1
    later(5)
    assert memory.sweep().turns == 2
    assert memory.users() == ()


def test_a_lifetime_holds_for_what_is_stored_already_from_the_next_opening_on(open_with):
    with open_with() as memory:
        memory.add([said("Heron one.", days_ago=40), said("Heron two.")], user_id="ann")
    with open_with(lifetime_days=30) as memory:
        assert memory.stats().turns == 1, "the opening sweeps"


@pytest.mark.parametrize("days", [0, -1, float("nan"), "30", True])
def test_a_lifetime_of_the_settings_that_makes_no_sense_is_refused(days):
    with pytest.raises(SettingsError, match="lifetime_days"):
        Settings(lifetime_days=days)
    with pytest.raises(SettingsError, match="session_lifetime_days"):
        Settings(session_lifetime_days=days)


def test_the_background_erases_what_has_expired_in_time(open_memory):
    memory = open_memory(background=True)
    soon = dt.datetime.now(UTC) + dt.timedelta(seconds=0.5)
    memory.add([Turn(role="user", text="The code is 1234.", expires_at=soon),
                Turn(role="user", text="Heron.")], user_id="ann")  # fmt: skip
    until = time.monotonic() + 20
    while memory.stats().turns > 1 and time.monotonic() < until:
        time.sleep(0.05)
    assert memory.stats().turns == 1


def test_no_writer_reads_what_has_expired(memory, consolidated, later):
    memory.add(said("Ann.home = Lisbon", expires_at=in_days(1)), user_id="ann")
    later(2)
    assert consolidated(memory).written == 0


def test_expired_words_are_in_no_file_once_swept(open_with, tmp_path, later):
    memory = open_with()
    memory.add([said("The code is zanzibar.", expires_at=in_days(1)), said("Heron.")],
               user_id="ann")  # fmt: skip
    memory.index_pending()
    later(2)
    receipt = memory.sweep()
    assert receipt.purged, receipt.remains
    memory.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()
                and b"zanzibar" in path.read_bytes()]  # fmt: skip


def test_a_profile_holds_nothing_that_has_expired(open_with, later):
    memory = open_with(lifetime_days=30)
    memory.add([said("Always answer me in French, please.", days_ago=20),
                said("Never suggest peanuts to me.", pinned=True)], user_id="ann")  # fmt: skip
    assert "French" in memory.profile(user_id="ann").text
    then = memory.profile(user_id="ann", as_of=in_days(20))
    later(20)
    now = memory.profile(user_id="ann")
    for profile in (then, now):
        assert "French" not in profile.text
        assert "peanuts" in profile.text


def test_what_is_pinned_outlives_the_lifetimes_of_the_settings(open_with, later, consolidated):
    memory = open_with(lifetime_days=30, session_lifetime_days=60)
    memory.add([said("Ann.home = Lisbon"), said("Ann.pet = Rex")], user_id="ann")
    memory.add([said("Heron one."), said("Heron two.")], user_id="ann", session_id="herons")
    consolidated(memory)
    (home,) = [fact for fact in memory.facts(user_id="ann") if fact.value == "Lisbon"]
    assert memory.pin(user_id="ann", memory_ids=[home.id]) == 1
    first = memory.history(user_id="ann", session_id="herons")[0]
    assert memory.pin(user_id="ann", turn_ids=[first.id]) == 1
    later(100)
    assert memory.sweep().turns == 1
    assert [turn.text for turn in memory.history(user_id="ann", session_id="herons")] == [
        "Heron one."
    ]
    (kept,) = [fact for fact in memory.facts(user_id="ann") if fact.value == "Lisbon"]
    assert kept.pinned
    assert memory.explain(kept.id, user_id="ann").evidence[0].turn.text == "Ann.home = Lisbon"
    assert kept.confidence == pytest.approx(home.confidence), "it does not decay"
    assert memory.unpin(user_id="ann", memory_ids=[home.id]) == 1
    assert not memory.facts(user_id="ann")
    assert memory.unpin(user_id="ann", session_id="herons") == 1
    memory.sweep()
    assert memory.users() == ()


def test_pins_are_of_what_meets_every_condition(memory, consolidated):
    for session in ("one", "two"):
        turns = [said(f"Ann.{session} = Lisbon", id="first"), said("Heron.", id="second")]
        memory.add(turns, user_id="ann", session_id=session)
    consolidated(memory)
    episode = memory.episodes(user_id="ann")[0]
    fact = next(fact for fact in memory.facts(user_id="ann") if fact.attribute == "one")

    def pinned():
        return [
            (session, turn.id)
            for session in ("one", "two")
            for turn in memory.history(user_id="ann", session_id=session)
            if turn.pinned
        ]

    assert memory.pin(user_id="ann", turn_ids=["first", "third"]) == 2
    assert pinned() == [("one", "first"), ("two", "first")]
    assert memory.unpin(user_id="ann", turn_ids=["first"], session_id="two") == 1
    assert pinned() == [("one", "first")]
    assert memory.pin(user_id="ann", memory_ids=[episode.id], turn_ids=["second"]) == 1
    assert pinned() == [("one", "first"), ("one", "second")]
    assert memory.pin(user_id="ann", memory_ids=[fact.id], session_id="two") == 0
    assert memory.pin(user_id="bob", memory_ids=[fact.id, episode.id]) == 0
    assert memory.unpin(user_id="ann", session_id="one", memory_ids=[episode.id]) == 2
    assert pinned() == []
    with pytest.raises(InvalidRequestError, match="Nothing is named to pin"):
        memory.pin(user_id="ann")
    with pytest.raises(InvalidRequestError, match="memory_ids"):
        memory.pin(user_id="ann", memory_ids=fact.id)


def test_what_has_an_end_of_its_own_is_not_pinned(memory, consolidated):
    ends = said("Ann.home = Lisbon", id="ends", expires_at=in_days(5))
    memory.add([ends, said("Ann.pet = Rex", id="stays")], user_id="ann")
    consolidated(memory, size=1)
    home, pet = memory.facts(user_id="ann")
    for wanted in ({"turn_ids": ["stays", "ends"]}, {"memory_ids": [home.id]}):
        with pytest.raises(InvalidRequestError, match="'ends' expires"):
            memory.pin(user_id="ann", **wanted)
    assert not any(turn.pinned for turn in memory.history(user_id="ann"))
    memory.edit(pet.id, user_id="ann", expires_at=in_days(5))
    with pytest.raises(InvalidRequestError, match=f"{pet.id}.*expires"):
        memory.pin(user_id="ann", memory_ids=[pet.id])
    memory.add(said("Ann.car = Fiat"), user_id="ann")
    consolidated(memory, size=1)
    car = memory.facts(user_id="ann")[-1]
    memory.pin(user_id="ann", memory_ids=[car.id])
    with pytest.raises(InvalidRequestError, match="Unpin it first"):
        memory.edit(car.id, user_id="ann", expires_at=in_days(5))
    assert memory.edit(car.id, user_id="ann", value="Seat").pinned, "a correction stays pinned"


def test_forgetting_erases_what_is_pinned(memory, consolidated):
    memory.add(said("Ann.home = Lisbon", pinned=True), user_id="ann")
    consolidated(memory)
    memory.pin(user_id="ann", memory_ids=[memory.facts(user_id="ann")[0].id])
    assert memory.forget(user_id="ann").facts == 1
    assert memory.users() == ()


def test_what_is_pinned_is_neither_compressed_nor_dropped(memory, consolidated):
    days = (50, 40, 30, 20)
    for n in days:
        turn = said(f"Ann.thing{n} = Lisbon{n}", days_ago=n, id="only")
        memory.add(turn, user_id="ann", session_id=f"s{n}")
    consolidated(memory, size=1)
    memory.pin(user_id="ann", turn_ids=["only"], session_id="s50")
    newest = next(fact for fact in memory.facts(user_id="ann") if "40" in fact.value)
    memory.pin(user_id="ann", memory_ids=[newest.id])
    memory.add(said("Ann.thing1 = Lisbon1"), user_id="ann", session_id="s1")
    consolidated(memory, size=1, settings={"capacity": 2, "verbatim": 2})
    kept = {(each.session_id, each.state) for each in memory.episodes(user_id="ann")}
    assert {("s50", "verbatim"), ("s40", "verbatim")} <= kept


def test_pinning_brings_back_what_was_compressed(memory, consolidated):
    for n in (3, 2, 1):
        memory.add(said(f"The code is heron{n}.", days_ago=n), user_id="ann", session_id=f"s{n}")
    consolidated(memory, size=1, settings={"capacity": 9, "verbatim": 1})
    compressed = [each for each in memory.episodes(user_id="ann") if each.state == "compressed"]
    assert len(compressed) == 2
    memory.pin(user_id="ann", memory_ids=[compressed[0].id])
    found = memory.recall("Which code is heron3?", user_id="ann")
    assert compressed[0].turns[0].text in {hit.text for hit in found.hits}


def test_what_is_pinned_is_not_crowded_out(memory):
    memory.add([said(f"Heron {n} was seen at the lake at noon today.") for n in range(200)],
               user_id="ann")  # fmt: skip
    memory.add(said("Heron food must hold no salt."), user_id="ann", session_id="old")
    question = "Which heron was seen at the lake at noon today?"
    before = memory.recall(question, user_id="ann", max_tokens=200)
    assert "no salt" not in before.text
    (turn,) = memory.history(user_id="ann", session_id="old")
    memory.pin(user_id="ann", turn_ids=[turn.id])
    after = memory.recall("Heron food at the lake at noon?", user_id="ann", max_tokens=200)
    assert "no salt" in after.text
    assert after.tokens <= 200
    assert len(after.hits) >= 1


@pytest.mark.parametrize("by", ["turn_ids", "session_id", "memory_ids"])
def test_what_is_stored_already_is_given_importance(memory, consolidated, by):
    memory.add([said(f"Heron {n} was seen at the lake at noon today.") for n in range(30)],
               user_id="ann")  # fmt: skip
    memory.add(said("No salt for a heron."), user_id="ann", session_id="old")
    consolidated(memory)
    (turn,) = memory.history(user_id="ann", session_id="old")
    episode = memory.episodes(user_id="ann")[-1]
    assert [each.text for each in episode.turns] == [turn.text]
    chosen = {"turn_ids": [turn.id], "session_id": "old", "memory_ids": [episode.id]}[by]

    def best():
        found = memory.recall("Which heron was seen at the lake at noon today?", user_id="ann")
        return [hit.text for hit in found.hits]

    assert turn.text not in best()
    assert memory.set_importance(1, user_id="ann", **{by: chosen}) == 1
    assert turn.text in best()
    (kept,) = memory.history(user_id="ann", session_id="old")
    assert (kept.importance, kept.pinned) == (1.0, False)
    assert memory.set_importance(0, user_id="ann", **{by: chosen}) == 1
    assert turn.text not in best()


def test_a_fact_is_given_importance_also_where_it_expires(memory, consolidated):
    memory.add([said("Ann.home = Lisbon"), said("Ann.pet = Rex", expires_at=SOON)], user_id="ann")
    consolidated(memory)
    for fact in memory.facts(user_id="ann"):
        assert memory.set_importance(0.7, user_id="ann", memory_ids=[fact.id]) == 1
    assert [fact.importance for fact in memory.facts(user_id="ann")] == [0.7, 0.7]
    memory.pin(user_id="ann", memory_ids=[memory.facts(user_id="ann")[0].id])
    assert memory.facts(user_id="ann")[0].importance == 0.7, "a pin leaves it as it is"
    for wrong in (1.5, float("nan"), "high", True):
        with pytest.raises(InvalidRequestError, match="importance is"):
            memory.set_importance(wrong, user_id="ann", session_id="default")
    with pytest.raises(InvalidRequestError, match="Nothing is named to weigh"):
        memory.set_importance(0.7, user_id="ann")


def test_hits_and_their_table_say_what_is_pinned(memory, consolidated):
    memory.add([said("Ann.home = Lisbon"), said("Ann.boat = Heron", pinned=True)], user_id="ann")
    consolidated(memory)
    (home, _) = memory.facts(user_id="ann")
    memory.pin(user_id="ann", memory_ids=[home.id])
    found = memory.recall("Home and boat of Ann?", user_id="ann")
    assert {hit.text: hit.pinned for hit in found.hits} == {
        "Ann.home = Lisbon": False, "Ann.boat = Heron": True,
    }  # fmt: skip
    assert {hit.source.fact_id: hit.pinned for hit in found.known}[home.id]
    assert {row[5]: row[4] for row in found.grid().rows} == {
        "Ann.home = Lisbon": "user", "Ann.boat = Heron": "user (pinned)",
    }  # fmt: skip
    (fact,) = memory.recall("home of Ann?", user_id="ann", tiers=["ltm"], k=1).hits
    assert fact.pinned


def test_of_a_long_turn_that_proves_a_fact_it_is_seen_that_it_is_pinned(memory, consolidated):
    memory.add(said("Ann.home = Lisbon\n" + "Heron. " * 100, pinned=True), user_id="ann")
    consolidated(memory)
    (fact,) = memory.facts(user_id="ann")
    console = Console(width=100, color_system=None)
    with console.capture() as shown:
        console.print(memory.explain(fact.id, user_id="ann"))
    assert "default (pinned)" in " ".join(shown.get().split())


def test_pinned_facts_are_told_first(memory, consolidated):
    memory.add([said(f"Ann.likes + heron number {n}") for n in range(60)], user_id="ann")
    consolidated(memory, size=60)
    facts = memory.facts(user_id="ann")
    question = "What does Ann like, which heron number?"
    told = memory.recall(question, user_id="ann", max_tokens=300).known
    left = [fact for fact in facts if fact.statement not in {hit.statement for hit in told}]
    matching = memory.recall(question, user_id="ann", max_tokens=4_000).known
    chosen = next(fact for fact in left if fact.statement in {hit.statement for hit in matching})
    memory.pin(user_id="ann", memory_ids=[chosen.id])
    told = memory.recall(question, user_id="ann", max_tokens=300).known
    assert told[0].statement == chosen.statement


def test_a_pinned_turn_that_its_conversation_went_on_without_is_only_in_the_history(memory):
    def branch(*ids):
        return Branch(history="app", turn_ids=ids)

    memory.add(said("Good morning.", id="a"), user_id="ann", branch=branch("a"))
    first, other = said("Heron one.", id="b", pinned=True), said("Heron two.", id="c")
    memory.add(first, user_id="ann", branch=branch("a", "b"))
    memory.add(other, user_id="ann", branch=branch("a", "c"))
    kept = [(turn.id, turn.superseded, turn.pinned) for turn in memory.history(user_id="ann")]
    assert kept[1:] == [("b", True, True), ("c", False, False)]
    assert "Heron one." not in memory.recall("heron", user_id="ann").text


HERONS = [
    "The grey heron stands in the reeds by the old mill.",
    "I saw a heron fly over the mill this morning.",
    "My sister bakes bread on Sundays.",
    "The mill was built three hundred years ago.",
    "We counted seven herons near the mill last year.",
]


def test_importance_is_a_floor_and_changes_nothing_without_one(open_memory):
    question = "Which heron stands by the old mill?"

    def ranked(**given):
        memory = open_memory()
        turns = [said(text, id=str(n)) for n, text in enumerate(HERONS)]
        turns = [dataclasses.replace(turn, **given.get(turn.id, {})) for turn in turns]
        memory.add(turns, user_id="ann")
        found = memory.recall(question, user_id="ann", k=9)
        return [(hit.turns[0].id, hit.parts) for hit in (*found.hits, *found.further)]

    def order(**given):
        return [name for name, _ in ranked(**given)]

    plain = ranked()
    assert ranked(**{name: {"importance": 0.0} for name in "01234"}) == plain
    names, last = order(), order()[-1]
    assert order(**{last: {"importance": 1.0}})[:2] in ([last, names[0]], [names[0], last])
    half = order(**{last: {"importance": 0.5}})
    assert half[0] == names[0]
    assert half.index(last) < names.index(last)
    assert [name for name in half if name != last] == names[:-1], "the others keep their order"
    assert order(**{names[0]: {"importance": 0.5}}) == names, "what scores higher stays"


def test_importance_finds_nothing_that_does_not_match(memory):
    memory.add([said(f"Heron {n} stands in the reeds.") for n in range(300)], user_id="ann")
    memory.add(said("Bread needs yeast.", importance=1.0), user_id="ann", session_id="bread")
    found = memory.recall("heron in the reeds", user_id="ann", k=5)
    assert all("Heron" in hit.text for hit in found.hits)


def test_an_important_fact_is_told_before_what_matches_better(memory, consolidated):
    class Weighing(ScriptedWriter):
        def write(self, turns, **shown):
            draft = super().write(turns, **shown)
            facts = [
                dataclasses.replace(fact, importance=1.0 if "salt" in fact.value else 0.0)
                for fact in draft.facts
            ]
            return dataclasses.replace(draft, facts=tuple(facts))

    lines = [f"Heron.food + fish number {n}" for n in range(40)] + ["Heron.rule + no salt"]
    memory.add([said(line) for line in lines], user_id="ann")
    question = "Which fish number is heron food?"
    consolidated(memory, size=50, writer=Weighing())
    told = memory.recall(question, user_id="ann", max_tokens=300).known
    assert "no salt" in {hit.statement for hit in told[:2]}.__repr__()
    assert memory.facts(user_id="ann")[-1].importance == 1.0
