"""Days are reckoned by the user's own calendar, both in what is said and in what is asked."""

import dataclasses
import datetime as dt
import os
import time
from zoneinfo import ZoneInfo

import pytest

from lightmem_integrations import InvalidRequestError, LightMem, Settings, Turn
from lightmem_integrations.knowledge.drafts import FactDraft
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from lightmem_integrations.text.temporal import mentions

# One of them is always on another day than UTC.
EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"


def on_another_day():
    now = dt.datetime.now(dt.timezone.utc)
    zones = (EAST, WEST)
    return next(name for name in zones if now.astimezone(ZoneInfo(name)).date() != now.date())


def day_before(zone):
    day = dt.datetime.now(ZoneInfo(zone)).date() - dt.timedelta(days=1)
    return f"{day.day} {day:%B %Y}"


class DayWriter(ScriptedWriter):
    """Works out the day that a turn names, as a model would from its time."""

    def write(self, turns):
        facts = [
            FactDraft(
                subject="user", attribute="event", value="joined a gym",
                statement=f"The user joined a gym {date.words}.", evidence=(place,),
            )
            for place, turn in enumerate(turns)
            for date in mentions(turn.text, turn.time)
        ]  # fmt: skip
        return dataclasses.replace(super().write(turns), facts=tuple(facts))


@pytest.fixture
def memory():
    with LightMem(None, embedder=HashEmbedder(), writer=DayWriter()) as opened:
        yield opened


def statements(memory, user_id="ana"):
    memory.consolidate(user_id=user_id, final=True)
    return [fact.statement for fact in memory.facts(user_id=user_id)]


def test_yesterday_is_the_day_before_the_callers(memory):
    zone = on_another_day()
    memory.add(Turn(role="user", text="I joined a gym yesterday."), user_id="ana", timezone=zone)
    assert statements(memory) == [f"The user joined a gym on {day_before(zone)}."]
    found = memory.recall("What about the gym?", user_id="ana", timezone=zone)
    today = dt.datetime.now(ZoneInfo(zone))
    assert f"[{today.day} {today:%B %Y}" in found.text


def test_the_settings_name_the_zone_of_all_who_name_none():
    zone = on_another_day()
    settings = Settings(timezone=zone)
    with LightMem(None, embedder=HashEmbedder(), settings=settings) as memory:
        (turn,) = memory.add(Turn(role="user", text="I joined a gym yesterday."), user_id="ana")
        assert turn.time.utcoffset() == dt.datetime.now(ZoneInfo(zone)).utcoffset()
        since = memory.recall("What did I say today?", user_id="ana").plan.since
        assert since.astimezone(ZoneInfo(zone)).hour == 0


def test_a_turn_that_says_when_keeps_its_zone(memory):
    said = dt.datetime(2026, 3, 2, 0, 30, tzinfo=ZoneInfo("Europe/Lisbon"))
    turn = Turn(role="user", text="I joined a gym yesterday.", time=said)
    memory.add(turn, user_id="ana", timezone=EAST)
    assert statements(memory) == ["The user joined a gym on 1 March 2026."]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of the process cannot be set")
def test_without_a_name_the_zone_is_the_processs(memory):
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone = on_another_day()
    time.tzset()
    try:
        memory.add(Turn(role="user", text="I joined a gym."), user_id="ana")
        since = memory.recall("What did I say today?", user_id="ana").plan.since
        assert since.astimezone(ZoneInfo(zone)).hour == 0
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", 5, "../../etc/passwd", "a\0b"])
def test_a_zone_that_does_not_exist_is_refused(memory, zone):
    with pytest.raises(InvalidRequestError, match="IANA"):
        memory.recall("Where?", user_id="ana", timezone=zone)
    with pytest.raises(InvalidRequestError, match="IANA"):
        memory.add(Turn(role="user", text="Hi"), user_id="ana", timezone=zone)


@pytest.mark.parametrize("year", [2, 9999])
def test_the_ends_of_time_can_be_asked_about(memory, year):
    asked = dt.datetime(year, 12, 31, 23, tzinfo=dt.timezone.utc)
    memory.recall("What did I do yesterday?", user_id="ana", as_of=asked, timezone=EAST)
