"""Asked as of a day: what was told or corrected since is in no word and no date of the answer."""

import datetime as dt
import random

import pytest

from lightmem_integrations import FactSearch, InvalidRequestError, Settings, Turn
from lightmem_integrations.testing import ScriptedWriter
from thorough import cases

pytestmark = pytest.mark.slow

FIRST = dt.datetime(2025, 5, 1, 12, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
HOME = "Where is Ann's home?"


@pytest.fixture
def memory(open_memory):
    return open_memory(writer=ScriptedWriter(), settings=Settings(background_indexing=False))


def tell(memory, told, user="u"):
    """Says each line on its day of May, in a session of its own, and consolidates."""
    for day, line in told:
        turn = Turn(role="user", text=line, time=FIRST + (day - 1) * DAY)
        memory.add(turn, user_id=user, session_id=f"{day}")
        memory.consolidate(user_id=user, final=True)


def answer(memory, day, question=HOME, user="u", **options):
    as_of = FIRST + (day - 1) * DAY
    found = memory.recall(question, user_id=user, as_of=as_of, k=30, max_tokens=4000, **options)
    return found.text.splitlines()


PORTO, LISBON = (5, "Ann.home + Porto"), (12, "Ann.home + Lisbon since 2025-05-08 replaces")
OF_LISBON = "- Ann home Lisbon. (since 8 May 2025)"


def test_what_took_a_place_is_told_by_nobody_before_it_was_said(memory):
    tell(memory, [PORTO, LISBON])
    said = "[5 May 2025 12:00] User: Ann.home + Porto"
    assert answer(memory, 10)[-3:-1] == ["- Ann home Porto. (since 5 May 2025)", said]
    changed = " (until 8 May 2025; since then: Ann home Lisbon.)"
    assert OF_LISBON in answer(memory, 12)
    assert {f"- Ann home Porto.{changed}", f"{said}{changed}"} <= set(answer(memory, 12))


def test_an_end_is_known_from_when_it_was_told(memory):
    tell(memory, [(5, "Ann.home + Porto"), (20, "Ann.home + Porto since 2025-05-10 ends")])
    assert not any("until" in line for line in answer(memory, 15))
    assert "- Ann home Porto. (until 10 May 2025)" in answer(memory, 20)


def test_the_turns_that_prove_a_fact_are_those_that_had_been_said(memory):
    tell(memory, [PORTO, (15, "Ann.home + Porto confirms")])
    for day, turns in ((10, 1), (15, 2)):
        as_of = FIRST + (day - 1) * DAY
        (hit,) = memory.recall(HOME, user_id="u", as_of=as_of, tiers=["ltm"]).hits
        assert len(hit.source.turn_ids) == turns


@pytest.mark.parametrize("how", ["forget", "retract"])
@pytest.mark.parametrize("later", [[], [(20, "Ann.home + Braga replaces")]])
def test_what_gives_way_to_the_same_words_goes_on(memory, how, later):
    porto, again = (
        "I live in Porto.\nAnn.home + Porto",
        "In Porto again!\nAnn.home + Porto replaces",
    )
    tell(memory, [(5, porto), (10, "Ann.home + Lisbon replaces"), (15, again), *later])
    lisbon = next(
        fact for fact in memory.facts(user_id="u", include_past=True) if fact.value == "Lisbon"
    )
    if how == "forget":
        memory.forget(user_id="u", session_id="10")
    else:
        memory.retract(lisbon.id, user_id="u")
    found = memory.recall(HOME, user_id="u", k=30, max_tokens=4000).text.splitlines()
    changed = "until 20 May 2025; since then: Ann home Braga." if later else "since 5 May 2025"
    known = [each for each in found if each.startswith("- Ann home Porto.")]
    assert known == [f"- Ann home Porto. ({changed})"]
    turns = [each for each in found if "] User: I live in Porto" in each]
    assert not [each for each in turns if "since then: Ann home Porto." in each]


def test_what_took_a_place_later_than_it_was_free_says_since_when(memory):
    tell(memory, [(5, "Ann.home = Porto"), (10, "Ann.home = Porto ends"), (15, "Ann.home = Rome")])
    marked = "until 10 May 2025; since 15 May 2025: Ann home Rome."
    for text in (answer(memory, 20), answer(memory, 700)):
        assert f"- Ann home Porto. ({marked})" in text
        assert f"[5 May 2025 12:00] User: Ann.home = Porto ({marked})" in text


def test_what_ended_and_began_again_is_no_one_time(memory):
    tell(memory, [(5, "Ann.home = Porto"), (10, "Ann.home = Porto ends"), (15, "Ann.home = Porto")])
    found = answer(memory, 20), answer(memory, 700)
    for text in found:
        assert "- Ann home Porto. (since 15 May 2025)" in text
        assert "- Ann home Porto. (until 10 May 2025; since 15 May 2025: Ann home Porto.)" in text


def test_what_was_corrected_is_marked_also_where_only_its_fact_leads_to_its_turn(memory):
    tell(memory, [(5, "Ann.home = Porto")])
    (porto,) = memory.facts(user_id="u")
    memory.edit(porto.id, user_id="u", value="Braga")
    tell(memory, [(20, "Ann.home = Porto")])  # as the first one, and so shown in its place
    found = memory.recall(HOME, user_id="u").text.splitlines()
    (line,) = (line for line in found if line.startswith("[5 May 2025"))
    assert line.endswith("(corrected: Ann home Braga.)")


@pytest.mark.parametrize("change", ["edit", "retract"])
def test_what_a_person_changed_since_stands_as_it_stood(memory, change):
    tell(memory, [PORTO, LISBON])
    before = answer(memory, 20)
    (lisbon,) = memory.facts(user_id="u")
    if change == "edit":
        memory.edit(lisbon.id, user_id="u", value="Braga")
    else:
        memory.retract(lisbon.id, user_id="u")
    assert OF_LISBON in before
    after = answer(memory, 20)
    assert OF_LISBON in after
    assert [line for line in after if "Porto. (until 8 May 2025" in line]
    assert not [line for line in after if "Braga" in line or "Porto. (since" in line]
    assert set(after) == set(before)


def listed(memory, day, user="u", **options):
    """Facts as they stood on a day: what they say, from when to when, and whether by something."""
    found = memory.facts(user_id=user, as_of=FIRST + (day - 1) * DAY, **options)
    assert found.total == len(found)
    return [
        (fact.statement, fact.valid_from, fact.valid_to, fact.superseded_by is not None,
         round(fact.confidence, 6), fact.told_by, fact.retracted_at)
        for fact in found
    ]  # fmt: skip


def test_the_list_of_a_day_has_what_held_by_what_had_been_told(memory):
    tell(memory, [PORTO, LISBON, (20, "Ann.home + Lisbon since 2025-05-18 ends")])

    def held(day, **options):
        return [(each[0], each[2] and each[2].day) for each in listed(memory, day, **options)]

    assert held(4, include_past=True) == []
    assert held(10) == [("Ann home Porto.", None)]
    assert held(12) == [("Ann home Lisbon.", None)]
    past = [("Ann home Porto.", 8), ("Ann home Lisbon.", None)]
    assert held(12, include_past=True) == past
    assert held(20) == held(40) == []
    assert held(20, include_past=True) == [past[0], ("Ann home Lisbon.", 18)]


def test_a_search_in_the_list_of_a_day_is_one_in_what_was_known_then(memory):
    tell(memory, [PORTO, LISBON])
    assert listed(memory, 10, search=FactSearch(past=True)) == []
    assert [each[0] for each in listed(memory, 12, search=FactSearch(past=True))] == [
        "Ann home Porto."
    ]
    assert len(listed(memory, 10, search=FactSearch(words="PORTO"))) == 1
    assert listed(memory, 10, search=FactSearch(words="Lisbon"), include_past=True) == []
    later = {"session_id": "12"}
    assert listed(memory, 10, filter=later, include_past=True) == []
    assert len(listed(memory, 12, filter=later)) == 1


def test_a_part_of_the_list_of_a_day_says_how_many_there_are(memory):
    tell(memory, [(5, "Ann.home + Porto\nAnn.boat + Heron"), (7, "Ann.pet + Rex")])
    found = memory.facts(user_id="u", as_of=FIRST + 5 * DAY, limit=1)
    assert (len(found), found.total) == (1, 2)
    (last,) = memory.facts(user_id="u", as_of=FIRST + 5 * DAY, after=found[0].id)
    assert {found[0].value, last.value} == {"Porto", "Heron"}


@pytest.mark.parametrize("change", ["edit", "retract"])
def test_what_a_person_changed_since_is_listed_as_it_stood(memory, change):
    tell(memory, [PORTO, LISBON])
    before = listed(memory, 20, include_past=True)
    (lisbon,) = memory.facts(user_id="u")
    if change == "edit":
        memory.edit(lisbon.id, user_id="u", value="Braga")
    else:
        memory.retract(lisbon.id, user_id="u")
    assert listed(memory, 20, include_past=True) == before
    now = dt.datetime.now(dt.timezone.utc)
    values = {"edit": ["Porto", "Braga"], "retract": ["Porto"]}[change]
    assert [
        fact.value for fact in memory.facts(user_id="u", as_of=now, include_past=True)
    ] == values


def test_a_day_without_a_zone_is_refused_with_the_remedy(memory):
    with pytest.raises(InvalidRequestError, match=r"as_of is .* without a time zone\. Add"):
        memory.facts(user_id="u", as_of=FIRST.replace(tzinfo=None))


@pytest.mark.parametrize("seed", range(cases(200)))
def test_it_is_as_if_nothing_had_been_told_since(memory, seed):
    chance = random.Random(seed)
    told = _told(chance)
    last, _ = chance.choice(told[1:])
    tell(memory, told, "whole")
    tell(memory, [each for each in told if each[0] <= last], "then")
    # The person's word of today is not of that day either.
    facts = memory.facts(user_id="whole")
    if facts and chance.random() < 0.5:
        memory.edit(chance.choice(facts).id, user_id="whole", value="Braga")
    question = "What about Ann's home and trip? Where was Ann before?"
    for tiers in (["mtm", "ltm"], ["ltm"]):
        whole, then = (
            sorted(answer(memory, last, question, user, tiers=tiers)) for user in ("whole", "then")
        )
        assert whole == then
    for past in (False, True):
        whole, then = (listed(memory, last, user, include_past=past) for user in ("whole", "then"))
        assert sorted(map(str, whole)) == sorted(map(str, then))


def _told(chance):
    """What somebody tells on five days of May: of two things, each once changed, ended or again."""
    days = sorted(chance.sample(range(1, 29), 5))
    values: dict[str, str] = {}
    told = []
    for day in days:
        kind, about = chance.choice([("", "home"), ("", "home"), ("event ", "trip")])
        before = values.get(about)
        does = chance.choice(["replaces", "replaces", "confirms", "ends"]) if before else ""
        others = [each for each in ("Lisbon", "Porto", "Rome") if each != before]
        value = before if does in ("confirms", "ends") else chance.choice(others)
        values[about] = value
        since = (FIRST + (day - chance.randint(2, 8)) * DAY).date()
        dated = chance.choice(["", f" since {since}"])
        line = f"{kind}Ann.{about} + {value}{dated}"
        told.append((day, f"{line} {does}".strip()))
    return told
