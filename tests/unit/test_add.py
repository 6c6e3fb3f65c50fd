"""What may be remembered, and that a refused batch leaves nothing behind."""

import datetime as dt

import pytest

from lightmem_integrations import InvalidTurnError, Settings, Turn, TurnConflictError

UTC = dt.timezone.utc
NOW = dt.datetime.now(UTC)
EAST, WEST = dt.timezone(dt.timedelta(hours=14)), dt.timezone(dt.timedelta(hours=-12))

BAD_TURNS = {
    "empty": Turn(role="user", text=""),
    "blank": Turn(role="user", text=" \n\t"),
    "no text": Turn(role="user", text=None),
    "bytes": Turn(role="user", text=b"hello"),
    "surrogate": Turn(role="user", text="half \ud83d emoji"),
    "NUL": Turn(role="user", text="a\0b"),
    "too long": Turn(role="user", text="x" * 100_001),
    "role": Turn(role="robot", text="x"),
    "role list": Turn(role=["user"], text="x"),
    "speaker blank": Turn(role="user", text="x", speaker=" "),
    "speaker number": Turn(role="user", text="x", speaker=7),
    "speaker surrogate": Turn(role="user", text="x", speaker="\ud800"),
    "speaker NUL": Turn(role="user", text="x", speaker="\0"),
    "speaker too long": Turn(role="user", text="x", speaker="x" * 10_001),
    "id blank": Turn(role="user", text="x", id=" "),
    "id number": Turn(role="user", text="x", id=7),
    "id too long": Turn(role="user", text="x", id="x" * 10_001),
    "id surrogate": Turn(role="user", text="x", id="\udfff"),
    "time naive": Turn(role="user", text="x", time=dt.datetime(2025, 5, 1)),  # noqa: DTZ001
    "time string": Turn(role="user", text="x", time="2025-05-01"),
    "time date": Turn(role="user", text="x", time=dt.date(2025, 5, 1)),
    "time future": Turn(role="user", text="x", time=NOW + dt.timedelta(hours=1)),
    "time last": Turn(role="user", text="x", time=dt.datetime.max.replace(tzinfo=UTC)),
    "time first": Turn(role="user", text="x", time=dt.datetime(1, 1, 1, tzinfo=EAST)),
    "message set": Turn(role="user", text="x", message={"a": {1, 2}}),
    "message NaN": Turn(role="user", text="x", message={"a": float("nan")}),
    "message list": Turn(role="user", text="x", message=[1]),
    "a string": "hello",
    "a dict": {"role": "user", "text": "x"},
    "None": None,
}


@pytest.fixture
def memory(open_memory):
    memory = open_memory()
    memory.add(Turn(role="user", text="There before.", id="before"), user_id="u")
    return memory


@pytest.mark.parametrize("name", BAD_TURNS)
def test_a_bad_turn_is_refused_with_its_whole_batch(memory, name):
    batch = [Turn(role="user", text="Good one."), BAD_TURNS[name], Turn(role="user", text="Two.")]
    before = memory.stats()
    with pytest.raises(InvalidTurnError):
        memory.add(batch, user_id="u")
    with pytest.raises(InvalidTurnError):
        memory.add(batch, user_id="somebody new")
    assert memory.stats() == before
    assert [turn.text for turn in memory.history(user_id="u")] == ["There before."]
    memory.add(Turn(role="user", text="Later."), user_id="u")
    assert memory.recall("later", user_id="u", strict=True).hits[0].text == "Later."


@pytest.mark.parametrize("turns", [None, 5, "hello", {"text": "x"}, object()])
def test_what_is_no_turn_is_refused(memory, turns):
    with pytest.raises(InvalidTurnError):
        memory.add(turns, user_id="u")


def test_an_error_says_which_turn_and_quotes_no_long_text(memory):
    long = "secret " * 20_000
    with pytest.raises(InvalidTurnError) as caught:
        memory.add([Turn(role="user", text="x"), Turn(role="user", text=long)], user_id="u")
    assert "Turn 1" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "a\x01b\x01\x02c", "🦑" * 1_000, "\u202e\u200b", "a\r\nb\x85c\u2028d"]
)
def test_odd_text_comes_back_verbatim(memory, text):
    memory.add(Turn(role="user", text=text, id="odd"), user_id="u", session_id="odd")
    (turn,) = memory.history(user_id="u", session_id="odd")
    assert turn.text == text


@pytest.mark.parametrize(
    "time", [dt.datetime(1, 1, 2, tzinfo=EAST), dt.datetime(2, 1, 1, tzinfo=WEST)]
)
def test_a_time_is_stored_or_refused_but_never_breaks_the_session(memory, time):
    try:
        memory.add(Turn(role="user", text="Long ago.", time=time), user_id="u")
    except InvalidTurnError:
        return
    assert memory.history(user_id="u")[-1].time == time
    assert memory.recall("long ago", user_id="u", strict=True).hits


def test_times_keep_their_zone_and_microseconds(memory):
    zone = dt.timezone(dt.timedelta(hours=5, minutes=45))
    time = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=zone)
    (stored,) = memory.add(Turn(role="user", text="Leap day.", time=time), user_id="u")
    back = memory.history(user_id="u")[-1]
    assert stored.time == back.time == time
    assert back.time.utcoffset() == zone.utcoffset(None)


def test_id_and_time_are_filled_in(memory):
    before = dt.datetime.now(UTC)
    (one, two) = memory.add([Turn(role="user", text="x")] * 2, user_id="u")
    assert one.id != two.id
    assert before <= one.time <= dt.datetime.now(UTC)


def test_a_clock_that_is_a_little_fast_is_forgiven(memory):
    soon = dt.datetime.now(UTC) + dt.timedelta(seconds=60)
    memory.add(Turn(role="user", text="x", time=soon), user_id="u")


def test_the_same_turn_again_changes_nothing(memory):
    turn = Turn(role="user", text="Once.", id="once", message={"k": [1, None]})
    (first,) = memory.add(turn, user_id="u")
    before = memory.stats()
    (again,) = memory.add(turn, user_id="u")
    assert again == first
    memory.add([turn, turn, turn], user_id="u")
    assert memory.stats() == before
    assert memory.recall("once", user_id="u", strict=True).hits[0].source.turn_ids == ("once",)


@pytest.mark.parametrize(
    "other",
    [
        Turn(role="user", text="Other.", id="once"),
        Turn(role="assistant", text="Once.", id="once"),
        Turn(role="user", text="Once.", id="once", speaker="Ann"),
        Turn(role="user", text="Once.", id="once", message={}),
    ],
)
def test_a_taken_id_refuses_the_whole_batch(memory, other):
    memory.add(Turn(role="user", text="Once.", id="once"), user_id="u")
    before = memory.stats()
    with pytest.raises(TurnConflictError, match="once"):
        memory.add([Turn(role="user", text="New."), other], user_id="u")
    assert memory.stats() == before
    with pytest.raises(TurnConflictError):
        memory.add([Turn(role="user", text="a", id="n"), Turn(role="user", text="b", id="n")],
                   user_id="new")  # fmt: skip
    assert memory.users() == ("u",)


def test_the_same_id_lives_in_every_session_and_user(memory):
    for user, session in [("u", "two"), ("v", "default"), ("v", "two")]:
        memory.add(Turn(role="user", text=f"{user} {session}", id="before"),
                   user_id=user, session_id=session)  # fmt: skip
    assert memory.stats().turns == 4
    assert memory.history(user_id="v", session_id="two")[0].text == "v two"


def test_an_empty_batch_is_fine(memory):
    before = memory.stats()
    assert memory.add([], user_id="v") == ()
    assert memory.add((turn for turn in ()), user_id="v") == ()
    assert memory.stats() == before


def test_messages_come_back_as_they_were(memory):
    message = {"type": "ai", "tool_calls": [{"name": "f", "args": {"ü": [1.5, True, None]}}]}
    memory.add(Turn(role="assistant", text="", message=message, id="m"), user_id="u")
    turn = memory.history(user_id="u")[-1]
    assert turn.message == message
    assert not turn.searchable


def test_only_what_people_and_the_assistant_say_is_searched(memory):
    for role in ("user", "assistant", "system", "tool"):
        memory.add(Turn(role=role, text=f"pelican {role}"), user_id="u", session_id="roles")
    memory.add(Turn(role="user", text="pelican aside", searchable=False), user_id="u")
    found = memory.recall("pelican", user_id="u", k=10, strict=True)
    shown = {hit.text for hit in found.hits}
    assert {text for text in shown if "pelican" in text} == {"pelican user", "pelican assistant"}
    for hidden in ("pelican system", "pelican tool", "pelican aside"):
        assert hidden not in found.text
    assert len(memory.history(user_id="u", session_id="roles")) == 4


def test_limits_come_from_the_settings(open_memory):
    memory = open_memory(settings=Settings(max_turn_chars=10, max_id_chars=7))
    memory.add(Turn(role="user", text="x" * 10), user_id="x" * 7)
    with pytest.raises(InvalidTurnError, match=r"Settings\.max_turn_chars"):
        memory.add(Turn(role="user", text="x" * 11), user_id="u")
    with pytest.raises(InvalidTurnError, match=r"speaker has 8 .* Settings\.max_id_chars"):
        memory.add(Turn(role="user", text="x", speaker="x" * 8), user_id="u")
