"""A long session is read in parts: the first turns or the last, before or after one of them."""

import pytest

from lightmem_integrations import InvalidRequestError, Turn

pytestmark = pytest.mark.slow


@pytest.fixture
def memory(open_memory):
    memory = open_memory()
    turns = [Turn(role="user", text=f"said {n}", id=str(n), metadata={"n": n}) for n in range(9)]
    memory.add(turns, user_id="ann", session_id="long")
    memory.add(Turn(role="user", text="other", id="3"), user_id="ann", session_id="other")
    memory.forget(user_id="ann", session_id="long", turn_ids=["4"])
    return memory


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        ({}, "01235678"),
        ({"limit": 3}, "012"),
        ({"limit": 3, "latest": True}, "678"),
        ({"limit": 99}, "01235678"),
        ({"limit": 10**40}, "01235678"),
        ({"limit": 2**63 - 1, "latest": True}, "01235678"),
        ({"limit": 3, "after": "2"}, "356"),
        ({"limit": 3, "before": "6", "latest": True}, "235"),
        ({"limit": 2, "before": "6"}, "01"),
        ({"after": "2", "before": "7"}, "356"),
        ({"after": "8", "limit": 3}, ""),
        ({"limit": 2, "filter": {"n": {"$gte": 2}}}, "23"),
        ({"limit": 2, "latest": True, "filter": {"n": {"$lt": 7}}}, "56"),
    ],
)
def test_a_part_of_a_session_is_what_was_asked_for(memory, part, ids):
    found = memory.history(user_id="ann", session_id="long", **part)
    assert "".join(turn.id for turn in found) == ids


def test_who_asks_for_a_session_that_is_none_is_told_which_there_are(memory):
    found = memory.history(user_id="ann")
    assert (found, found.others) == ((), ("long", "other"))
    assert found.grid().notes[0].endswith("sessions() has all; lately: long, other.")
    assert memory.history(user_id="ann", session_id="other").others == ()
    assert memory.history(user_id="bob").others == ()
    assert memory.short_term(user_id="ann").others == (), "which every new session asks for"
    for turn in memory.history(user_id="ann", session_id="other"):
        memory.add(turn, user_id="ann")
    assert [turn.text for turn in memory.history(user_id="ann")] == ["other"]


def test_more_sessions_than_a_database_counts_are_all(memory):
    assert memory.sessions(user_id="ann", limit=10**40) == ("long", "other")


def test_what_has_expired_takes_no_place_in_a_part(open_memory):
    import datetime as dt
    import time

    memory = open_memory()
    end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=0.2)
    for n in range(6):
        ends = end if n < 4 else None
        memory.add(Turn(role="user", text=f"said {n}", id=str(n), expires_at=ends), user_id="ann")
    time.sleep(0.3)
    assert [each.id for each in memory.history(user_id="ann", limit=2)] == ["4", "5"]


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": True}, {"after": "4"}, {"before": "no"}, {"after": 3}]
)
def test_a_part_that_there_is_not_is_refused(memory, wrong):
    with pytest.raises(InvalidRequestError):
        memory.history(user_id="ann", session_id="long", **wrong)
