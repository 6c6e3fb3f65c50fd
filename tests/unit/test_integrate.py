"""What is believed: evidence unites, newer facts take the place of older ones, conflicts stay."""

import dataclasses
import datetime as dt
import itertools
import threading

import pytest

from lightmem_integrations import InvalidRequestError, LightMem, Settings, SettingsError, Turn
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from thorough import cases

pytestmark = pytest.mark.slow

UTC = dt.timezone.utc
MAY = dt.datetime(2025, 5, 1, tzinfo=UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def memory(open_memory):
    ageless = ConsolidationSettings(half_life_days=1e9)
    return open_memory(settings=Settings(background_indexing=False, consolidation=ageless))


@pytest.fixture
def told(memory, consolidated):
    """Says something on a day of May as an agent, in a session of its own, and consolidates."""
    numbers = itertools.count()

    def told(text, day=1, agent=None, role="user", **settings):
        memory.add(
            Turn(role=role, text=text, time=MAY + (day - 1) * DAY),
            user_id="ann", session_id=f"s{next(numbers)}", agent_id=agent,
        )  # fmt: skip
        return consolidated(memory, settings=settings)

    return told


def everything(memory, user="ann"):
    """Every fact, by value: from which day to which, and what took its place."""
    facts = memory.facts(user_id=user, include_past=True)
    values = {fact.id: fact.value for fact in facts}
    return sorted(
        (
            fact.value,
            (fact.valid_from - MAY).days + 1,
            None if fact.valid_to is None else (fact.valid_to - MAY).days + 1,
            values.get(fact.superseded_by),
        )
        for fact in facts
    )


def current(memory, user="ann"):
    return sorted(fact.value for fact in memory.facts(user_id=user))


def the(memory, value):
    facts = memory.facts(user_id="ann", include_past=True)
    (fact,) = [fact for fact in facts if fact.value == value]
    return fact


def test_the_same_said_again_is_evidence(memory, told):
    told("Ann.home = Lisbon", 1)
    before = the(memory, "Lisbon")
    report = told("ann.HOME = lisbon", 3)
    assert (report.merged, report.facts) == (1, 0)
    fact = the(memory, "Lisbon")
    assert fact.id == before.id
    assert fact.confidence > before.confidence
    assert fact.valid_from == MAY
    evidence = memory.explain(fact.id, user_id="ann").evidence
    assert [each.turn.text for each in evidence] == ["Ann.home = Lisbon", "ann.HOME = lisbon"]
    assert [each.turn.time for each in evidence] == [MAY, MAY + 2 * DAY]
    assert {each.session_id for each in evidence} == {"s0", "s1"}
    episodes = {each.id for each in memory.episodes(user_id="ann")}
    assert {each.episode_id for each in evidence} == episodes


def test_confidence_grows_and_never_becomes_certainty(memory, told):
    for day in range(1, 15):
        told("Ann.home = Lisbon", day)
    facts = memory.facts(user_id="ann")
    assert 0.9 < facts[0].confidence <= 0.99


def test_a_newer_value_takes_the_place_of_the_older_one(memory, told):
    told("Ann.home = Lisbon", 1)
    report = told("Ann.home = Porto", 5)
    assert (report.superseded, report.facts) == (1, 1)
    assert everything(memory) == [("Lisbon", 1, 5, "Porto"), ("Porto", 5, None, None)]
    assert current(memory) == ["Porto"]
    history = memory.explain(the(memory, "Porto").id, user_id="ann").history
    assert [fact.value for fact in history] == ["Lisbon", "Porto"]


def test_what_has_several_values_keeps_them(memory, told):
    told("Ann.likes + tea\nAnn.likes + figs\nBob.likes + tea", 1)
    told("Ann.likes + rain\nAnn.likes + Tea!", 2)
    assert current(memory) == ["figs", "rain", "tea", "tea"]


def test_a_value_that_comes_back_is_a_fact_of_its_own(memory, told):
    for day, value in ((1, "Lisbon"), (5, "Porto"), (9, "Lisbon")):
        told(f"Ann.home = {value}", day)
    assert everything(memory) == [
        ("Lisbon", 1, 5, "Porto"), ("Lisbon", 9, None, None), ("Porto", 5, 9, "Lisbon"),
    ]  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_in_which_sessions_are_read_does_not_matter(memory, told, order):
    said = [(1, "Lisbon"), (5, "Porto"), (9, "Lisbon"), (12, "Lisbon")]
    for place in order:
        day, value = said[place]
        told(f"Ann.home = {value}", day)
    assert everything(memory) == [
        ("Lisbon", 1, 5, "Porto"), ("Lisbon", 9, None, None), ("Porto", 5, 9, "Lisbon"),
    ]  # fmt: skip
    (fact,) = memory.facts(user_id="ann")
    assert len(memory.explain(fact.id, user_id="ann").evidence) == 2
    assert fact.confidence == pytest.approx(0.75)


def test_stated_times_count_more_than_when_it_was_said(memory, told):
    told("Ann.home = Porto", 5)
    told("Ann.home = Lisbon since 2024-01-01", 9)
    assert current(memory) == ["Porto"]
    told("Ann.home = Rome since 2020-01-01 until 2022-01-01", 10)
    assert current(memory) == ["Porto"]
    rome = the(memory, "Rome")
    assert (rome.valid_from.year, rome.valid_to.year, rome.superseded_by) == (2020, 2022, None)


def test_an_end_that_becomes_known(memory, told):
    told("Ann.home = Lisbon", 1)
    told("Ann.home = Lisbon until 2025-05-03", 9)
    assert everything(memory) == [("Lisbon", 1, 3, None)]
    assert current(memory) == []


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("policy", "expected", "conflicts"),
    [
        ({"policy": "latest"}, ["Porto"], 0),
        ({"policy": "trust", "trust": ("a", "b")}, ["Lisbon"], 0),
        ({"policy": "trust", "trust": ("b", "a")}, ["Porto"], 0),
        ({"policy": "trust", "trust": ("c",)}, ["Porto"], 0),
        ({"policy": "evidence"}, ["Lisbon"], 0),
        ({"policy": "ask"}, ["Lisbon", "Porto"], 1),
    ],
)
def test_policies_between_agents(memory, told, policy, expected, conflicts, reverse):
    said = [("Ann.home = Lisbon", 1, "a"), ("Ann.home = Lisbon", 2, "a"),
            ("Ann.home = Porto", 5, "b")]  # fmt: skip
    for each in reversed(said) if reverse else said:
        told(*each, **policy)
    assert current(memory) == expected
    assert len(memory.conflicts(user_id="ann")) == conflicts
    assert len(everything(memory)) == 2, "nothing is lost, nothing is there twice"


@pytest.mark.parametrize("policy", ["trust", "evidence", "ask"])
def test_one_agents_later_word_always_counts(memory, told, policy):
    for day, value in ((1, "Lisbon"), (2, "Lisbon"), (3, "Porto")):
        told(f"Ann.home = {value}", day, "a", policy=policy)
    assert current(memory) == ["Porto"]


def test_opposite_words_of_one_moment_stay_in_conflict(memory, told):
    told("Ann.home = Lisbon", 1, "a")
    assert told("Ann.home = Porto", 1, "b").conflicts == 1
    assert current(memory) == ["Lisbon", "Porto"]
    (conflict,) = memory.conflicts(user_id="ann")
    assert {conflict.first.value, conflict.second.value} == {"Lisbon", "Porto"}
    # What is said later decides it.
    told("Ann.home = Rome", 3, "b")
    assert current(memory) == ["Rome"]
    assert not memory.conflicts(user_id="ann")
    assert len(memory.conflicts(user_id="ann", only_open=False)) == 1


def test_a_person_decides_a_conflict(memory, told):
    told("Ann.home = Lisbon", 1, "a", policy="ask")
    told("Ann.home = Porto", 2, "b", policy="ask")
    (conflict,) = memory.conflicts(user_id="ann")
    keep = the(memory, "Lisbon").id
    with pytest.raises(InvalidRequestError):
        memory.resolve(conflict.id, user_id="bob", keep=keep)
    with pytest.raises(InvalidRequestError):
        memory.resolve(conflict.id, user_id="ann", keep="x")
    done = memory.resolve(conflict.id, user_id="ann", keep=keep)
    assert done.resolution == "Decided by a person."
    assert current(memory) == ["Lisbon"]
    assert not memory.conflicts(user_id="ann")
    with pytest.raises(InvalidRequestError):
        memory.resolve(conflict.id, user_id="ann", keep=keep)
    found = memory.explain(the(memory, "Porto").id, user_id="ann")
    assert found.fact.retracted_at is not None
    assert found.evidence[0].agent_id == "b"
    assert found.conflicts[0].id == conflict.id


def test_retracting_brings_back_what_it_had_replaced(memory, told):
    told("Ann.home = Lisbon", 1)
    told("Ann.home = Porto", 5)
    gone = memory.retract(the(memory, "Porto").id, user_id="ann", reason="A joke.")
    assert gone.reason == "A joke."
    assert everything(memory) == [("Lisbon", 1, None, None), ("Porto", 5, None, None)]
    assert current(memory) == ["Lisbon"]
    with pytest.raises(InvalidRequestError):
        memory.retract(gone.id, user_id="ann")


def test_a_retracted_fact_is_brought_back_by_the_person_who_retracted_it(memory, told):
    told("Ann.home = Lisbon", 1)
    told("Ann.home = Porto", 5)
    (porto,) = memory.facts(user_id="ann")
    memory.retract(porto.id, user_id="ann")
    again = memory.edit(porto.id, user_id="ann", statement=porto.statement)
    assert [(each.id, each.value) for each in memory.facts(user_id="ann")] == [(again.id, "Porto")]
    assert again.valid_from == porto.valid_from
    explained = memory.explain(again.id, user_id="ann")
    assert [each.turn.text for each in explained.evidence] == ["Ann.home = Porto"]
    old = next(each for each in explained.history if each.id == porto.id)
    assert old.retracted_at is not None
    assert old.reason == "Retracted by a person."
    # Its words stand again; the fact itself was replaced, and is not brought back twice.
    with pytest.raises(InvalidRequestError):
        memory.edit(porto.id, user_id="ann", statement="x")
    memory.retract(again.id, user_id="ann")
    assert [each.value for each in memory.facts(user_id="ann")] == ["Lisbon"]


def test_what_was_retracted_is_not_believed_again_unless_it_is_said_again(memory, told):
    told("Ann.home = Lisbon", 1)
    memory.retract(the(memory, "Lisbon").id, user_id="ann")
    report = told("Ann.home = Lisbon", 3)
    assert (report.dropped, report.facts) == (1, 0)
    assert current(memory) == []
    now = dt.datetime.now(UTC)
    memory.add(Turn(role="user", text="Ann.home = Lisbon", time=now), user_id="ann")
    told("Hello.", 4)
    assert current(memory) == ["Lisbon"]


def test_a_correction_takes_the_place_and_keeps_the_history(memory, told):
    told("Ann.home = Lisbon", 1)
    old = the(memory, "Lisbon")
    new = memory.edit(old.id, user_id="ann", value="Lagos")
    assert (new.value, new.statement, new.author) == ("Lagos", "Ann home Lagos.", "person")
    assert (new.valid_from, new.valid_to) == (MAY, None)
    assert current(memory) == ["Lagos"]
    found = memory.explain(new.id, user_id="ann")
    assert [fact.value for fact in found.history] == ["Lisbon", "Lagos"]
    assert [each.turn.text for each in found.evidence] == ["Ann.home = Lisbon"]
    # What had been said before the correction does not outweigh it, whenever it is read.
    told("Ann.home = Lisbon", 9)
    told("Ann.home = Porto", 10)
    assert current(memory) == ["Lagos"]
    # What is said after it does.
    memory.add(Turn(role="user", text="Ann.home = Porto"), user_id="ann")
    told("Hello.", 4)
    assert current(memory) == ["Porto"]


def test_a_correction_of_the_past_leaves_the_present(memory, told):
    told("Ann.home = Lisbon", 1)
    told("Ann.home = Porto", 5)
    memory.edit(the(memory, "Lisbon").id, user_id="ann", value="Lagos")
    assert current(memory) == ["Porto"]
    assert ("Lagos", 1, 5, "Porto") in everything(memory)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"value": " "},
        {"statement": "a\0"},
        {"value": 5},
        {"valid_from": dt.datetime(2025, 1, 1)},  # noqa: DTZ001
        {"valid_to": dt.datetime(1999, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(memory, told, change):
    told("Ann.home = Lisbon", 1)
    before = everything(memory)
    with pytest.raises(InvalidRequestError):
        memory.edit(the(memory, "Lisbon").id, user_id="ann", **change)
    assert everything(memory) == before


def test_nobody_reaches_the_facts_of_another_user(memory, told):
    told("Ann.home = Lisbon", 1)
    memory.add(Turn(role="user", text="Hello."), user_id="bob")
    fact = the(memory, "Lisbon").id
    for reach in (
        lambda: memory.explain(fact, user_id="bob"),
        lambda: memory.edit(fact, user_id="bob", value="x"),
        lambda: memory.retract(fact, user_id="bob"),
        lambda: memory.explain(fact, user_id="nobody"),
    ):
        with pytest.raises(InvalidRequestError):
            reach()
    assert not memory.facts(user_id="bob")
    assert current(memory) == ["Lisbon"]


def test_facts_are_linked_by_whom_they_mention_and_where_they_were_said(memory, told):
    told("Ann.sister + Eva\nAnn.likes + tea", 1)
    told("Eva.home = Porto", 2)
    told("Bob.home = Rome", 3)
    related = {
        fact.value: {one.value for one in memory.explain(fact.id, user_id="ann").related}
        for fact in memory.facts(user_id="ann")
    }
    assert related["Eva"] == {"tea", "Porto"}
    assert related["Rome"] == set()


def test_the_same_under_another_name_joins_if_it_means_the_same(memory, told):
    told("Ann.home = the old mill by the river near the bridge in Porto", 1)
    report = told("Ann.the_home = the old mill by the river near the bridge in Porto", 3,
                  same_meaning=0.9)  # fmt: skip
    assert (report.merged, report.facts) == (1, 0)
    told("Ann.likes + tea", 4)
    assert told("Ann.hates + tea", 5).facts == 1


def test_nearly_the_same_words_join_unless_a_name_or_number_differs(memory, told):
    words = "the big red house at the end of the long road by the sea with"
    told(f"Ann.likes + {words} flowers", 1, same_meaning=0.8)
    assert told(f"Ann.likes + {words} 46 flowers", 2, same_meaning=0.8).facts == 1


class NamesSubjects(ScriptedWriter):
    """Names no value among what a statement is about, as of "a doctor" and "likes coffee"."""

    def write(self, turns, **options):
        draft = super().write(turns, **options)
        facts = tuple(dataclasses.replace(each, entities=("Ann",)) for each in draft.facts)
        return dataclasses.replace(draft, facts=facts)


@pytest.fixture
def noted(consolidated):
    """Says three things one after another; how many new facts each brought, and what it joined."""

    def noted(memory, *said, **settings):
        found = []
        for number, text in enumerate(said):
            turn = Turn(role="user", text=f"Ann.note + {text}", time=MAY + number * DAY)
            memory.add(turn, user_id="ann", session_id=text)
            report = consolidated(memory, settings=settings, writer=NamesSubjects())
            found.append((report.facts, report.merged))
        return found

    return noted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("อยู่กรุงเทพ", "มีแมวหนึ่งตัว"), ("医者です", "教師です"), ("சென்னையில் வசிக்கிறாள்", "பூனை உள்ளது"),
        ("አዲስ አበባ", "ጎንደር"), ("Київ", "Львів"), ("喜欢咖啡", "喜欢红茶"),
    ],
)  # fmt: skip
def test_what_the_shipped_model_cannot_read_joins_by_its_words_alone(
    open_memory, noted, one, other
):
    found = noted(open_memory(embedder=None), one, other, f"{one} .", same_meaning=0.8)
    assert found == [(1, 0), (1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("said", "denied"),
    [
        ("mag den Kaffee am Morgen und am Abend", "mag keinen Kaffee am Morgen und am Abend"),
        ("mange du poisson le lundi et le jeudi", "ne mange pas de poisson le lundi et le jeudi"),
        ("come pescado los lunes y los jueves", "nunca come pescado los lunes y los jueves"),
        ("eet vis op maandag en op donderdag", "eet geen vis op maandag en op donderdag"),
        ("je ryby w poniedziałki i w czwartki", "nie je ryby w poniedziałki i w czwartki"),
        ("пьёт кофе по утрам и по вечерам", "не пьёт кофе по утрам и по вечерам"),
        ("每天 喝 咖啡", "每天 不 喝 咖啡"),
        ("有猫", "没有猫"),
        ("can swim across the lake", "can't swim across the lake"),
    ],
)
def test_what_is_denied_joins_nothing_in_any_language(memory, noted, said, denied):
    found = noted(memory, said, denied, f"{denied} .", same_meaning=0.5)
    assert found == [(1, 0), (1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("said", "now", "all_of_them"),
    [
        ("Ann.lives + by the new harbour replaces", ["by the new harbour"], 2),
        ("Ann.lives + by the harbour confirms", ["by the old harbour"], 1),
        ("Ann.lives + nowhere any more ends", ["nowhere any more"], 2),
        ("Ann.lives + by the new harbour", ["by the new harbour", "by the old harbour"], 2),
    ],
)
def test_a_writer_says_what_a_fact_does_to_a_known_one(memory, told, said, now, all_of_them):
    told("Ann.lives + by the old harbour", 1)
    told(said, 3)
    assert current(memory) == now
    assert len(everything(memory)) == all_of_them
    (first, *_) = memory.explain(the(memory, "by the old harbour").id, user_id="ann").evidence
    assert "old harbour" in first.turn.text


def test_what_took_a_place_is_the_same_whether_it_began_before_or_after(memory, told):
    told("Ann.lives + in Porto", 5)
    told("Ann.lives + in Lisbon since 2025-04-20 replaces", 9)
    assert current(memory) == ["in Lisbon"]


@pytest.mark.parametrize(
    ("known", "said", "day", "expected"),
    [
        ("in Rome", "in Lisbon until 2025-05-05", 7,
         [("in Lisbon", 5, 5, None), ("in Rome", 6, None, None)]),
        ("in Rome", "in Lisbon since 2025-05-02 until 2025-05-08", 9,
         [("in Lisbon", 2, 8, None), ("in Rome", 6, None, None)]),
        ("in Rome since 2025-06-10", "in Lisbon until 2025-06-01", 7,
         [("in Lisbon", 7, 32, "in Rome"), ("in Rome", 41, None, None)]),
    ],
    ids=["over before", "over when told", "over before what is to come"],
)  # fmt: skip
def test_what_was_over_keeps_its_days_whatever_it_is_said_to_replace(
    memory, told, known, said, day, expected
):
    told(f"Ann.lives + {known}", 6)
    told(f"Ann.lives + {said} replaces", day)
    assert everything(memory) == expected


def test_what_was_over_gives_way_to_what_is_said_to_replace_it(memory, told):
    told("Ann.job + Globex since 2010-01-01 until 2015-01-01", 1)
    told("Ann.job + Initech since 2010-01-01 until 2015-01-01 replaces", 3)
    globex, initech = the(memory, "Globex"), the(memory, "Initech")
    assert globex.superseded_by == initech.id
    assert globex.valid_to == globex.valid_from
    assert (initech.valid_from.year, initech.valid_to.year) == (2010, 2015)
    assert initech.superseded_by is None
    memory.retract(initech.id, user_id="ann")
    assert (the(memory, "Globex").valid_to.year, the(memory, "Globex").superseded_by) == (
        2015,
        None,
    )


def test_what_began_again_and_is_told_again_stands_once(memory, told):
    told("Ann.home + Rome", 1)
    told("Ann.home + Rome ends", 3)
    for day in (5, 7):
        told("Ann.home + Rome", day)
    assert everything(memory) == [("Rome", 1, 3, None), ("Rome", 5, None, None)]
    told("Ann.home + Lisbon replaces", 9)
    told("Ann.home + Rome replaces", 11)
    told("Ann.home + Rome", 13)
    assert current(memory) == ["Rome"]


def test_what_ended_as_it_began_can_take_a_place_later(memory, told):
    told("Ann.home = Lisbon", 4)
    told("Ann.home = Lisbon since 2025-05-02 ends", 5)
    for day, value in ((6, "Lisbon"), (8, "Porto"), (10, "Lisbon")):
        told(f"Ann.home = {value}", day)
    assert current(memory) == ["Lisbon"]


@pytest.mark.parametrize("since", ["2025-05-04 confirms", "2025-05-06"])
def test_what_took_a_place_keeps_it_when_it_is_told_again_with_an_earlier_day(memory, told, since):
    told("Ann.home + Lisbon", 6)
    told("Ann.home + Rome since 2025-04-30 replaces", 7)
    told(f"Ann.home + Rome since {since}", 12)
    assert current(memory) == ["Rome"]
    assert history(memory) == {"Lisbon": "Rome", "Rome": None}


@pytest.mark.parametrize(
    ("over", "now"),
    [
        (["Ann.home = Rome until 2025-04-20"], "Ann.home = Rome"),
        (["Ann.home + Rome until 2025-04-20", "Ann.home + Oslo replaces"], "Ann.home + Rome"),
    ],
    ids=["alone", "with another"],
)
def test_what_was_over_is_so_again_once_it_is_told_without_an_end(memory, told, over, now):
    for line in over:
        told(line, 1)
    told(now, 9)
    assert ("Rome", 9, None, None) in everything(memory)


def test_what_was_over_stays_beside_what_was_so_at_another_time(memory, told):
    told("Ann.job + Globex since 2010-01-01 until 2015-01-01", 1)
    told("Ann.job + Initech since 2016-01-01 until 2019-01-01 replaces", 3)
    assert history(memory) == {"Globex": None, "Initech": None}


def test_a_relation_to_a_fact_that_was_not_shown_is_refused_and_the_fact_kept(memory, told):
    report = told("Ann.lives + in Lisbon replaces", 1)
    assert current(memory) == ["in Lisbon"]
    assert "not shown" in report.refused[0]
    assert report.problems == ()


def history(memory, user="ann"):
    """What took whose place, by value."""
    return {value: successor for value, _, _, successor in everything(memory, user)}


def test_of_several_values_only_the_one_that_is_named_gives_way(memory, told):
    told("Ann.learns + Spanish\nAnn.learns + Japanese", 1)
    told("Ann.learns + French", 2)
    told("Ann.learns + Breton replaces", 5)  # the newest, French
    told("Ann.learns + Welsh replaces", 9)
    assert history(memory) == {
        "Spanish": None, "Japanese": None, "French": "Breton", "Breton": "Welsh", "Welsh": None,
    }  # fmt: skip


@pytest.fixture
def two_replaced(memory):
    """Spanish gave way to French, and Japanese to Korean; one attribute holds them all."""
    writer = ReplacingWriter(French="Spanish", Korean="Japanese")
    for day, values in ((1, ("Spanish", "Japanese")), (5, ("French",)), (9, ("Korean",))):
        turns = [
            Turn(role="user", text=value, time=MAY + (day - 1) * DAY + n * dt.timedelta(minutes=1))
            for n, value in enumerate(values)
        ]
        memory.add(turns, user_id="ann", session_id=f"day {day}")
        memory.consolidate(writer=writer)
    return memory


class ReplacingWriter:
    """Takes each turn for a language that Ann learns; some take the place of others."""

    name = "replacing"

    def __init__(self, **replaced):
        self.replaced = replaced

    def write(self, turns, *, known=()):
        values = [each.value for each in known]
        facts = []
        for place, turn in enumerate(turns):
            before = self.replaced.get(turn.text)
            link = {} if before is None else {"relation": "replaces", "known": values.index(before)}
            fact = FactDraft(
                subject="Ann", attribute="learns", value=turn.text,
                statement=f"Ann learns {turn.text}.", evidence=(place,), **link,
            )  # fmt: skip
            facts.append(fact)
        return EpisodeDraft(summary="languages", facts=tuple(facts))


def test_each_of_several_values_can_be_replaced(two_replaced):
    assert history(two_replaced) == {
        "Spanish": "French", "Japanese": "Korean", "French": None, "Korean": None,
    }  # fmt: skip
    assert not two_replaced.conflicts(user_id="ann")
    chain = two_replaced.explain(the(two_replaced, "Korean").id, user_id="ann").history
    assert [fact.value for fact in chain] == ["Japanese", "Korean"]


def test_what_replaced_one_of_several_values_is_retracted_corrected_and_forgotten_alone(
    two_replaced,
):
    two_replaced.edit(the(two_replaced, "Korean").id, user_id="ann", value="Thai", reason="heard")
    assert current(two_replaced) == ["French", "Thai"]
    two_replaced.retract(the(two_replaced, "French").id, user_id="ann", reason="a joke")
    assert current(two_replaced) == ["Spanish", "Thai"]
    two_replaced.forget(user_id="ann", session_id="day 9")
    assert current(two_replaced) == ["Japanese", "Spanish"]


def test_two_facts_that_take_the_place_of_one_stand_beside_each_other(memory):
    writer = ReplacingWriter(French="Spanish", Korean="Spanish")
    for session, values in enumerate((["Spanish"], ["French", "Korean"])):
        turns = [
            Turn(role="user", text=value, time=MAY + session * DAY + n * dt.timedelta(minutes=1))
            for n, value in enumerate(values)
        ]
        memory.add(turns, user_id="ann", session_id=str(session))
        memory.consolidate(writer=writer)
    assert current(memory) == ["French", "Korean"]
    assert not memory.conflicts(user_id="ann")


def test_what_had_ended_and_is_said_again_begins_again(memory, told):
    told("Ann.smokes + ten a day", 1)
    told("event Ann.smokes + quit ends", 5)
    told("Ann.smokes + ten a day", 20)
    assert [each[:3] for each in everything(memory)] == [
        ("quit", 5, None), ("ten a day", 1, 5), ("ten a day", 20, None),
    ]  # fmt: skip


def test_what_a_retracted_fact_had_ended_goes_on(memory, told):
    told("Ann.smokes + ten a day", 1)
    told("event Ann.smokes + quit ends", 5)
    memory.retract(the(memory, "quit").id, user_id="ann", reason="she did not")
    assert current(memory) == ["ten a day"]
    smokes = the(memory, "ten a day")
    proof = memory.explain(smokes.id, user_id="ann").evidence
    assert [each.turn.text for each in proof] == ["Ann.smokes + ten a day"]


def test_a_plan_ends_something_on_its_day(memory, told):
    told("Ann.works + at the mill", 1)
    told("plan Ann.works + leaves the mill until 2025-05-20 ends", 5)
    assert ("at the mill", 1, 20, None) in everything(memory)


TEAS = "mint lime sage rose fennel ginger nettle hibiscus jasmine oolong barley lavender thyme"


def test_a_writer_is_shown_what_each_turn_may_change_not_only_what_most_are_about(
    memory, consolidated
):
    drinks = [f"Ann.drinks + {each} tea" for each in TEAS.split()]
    homes = ["Ann.lives + in Lisbon by the river", "Ann.lives + in Porto on a hill replaces"]
    for session, home in enumerate(homes):
        for place, text in enumerate([*drinks, home]):
            turn = Turn(
                role="user", text=text, time=MAY + session * DAY + place * dt.timedelta(minutes=1)
            )
            memory.add(turn, user_id="ann", session_id=str(session))
        memory.index_pending()
        consolidated(memory, size=len(drinks) + 1)
    assert the(memory, "in Lisbon by the river").superseded_by is not None


def test_kinds_and_who_told_them_are_kept(memory, told):
    told("plan Ann.trip + Rome until 2025-09-01", 1)
    told("event Ann.flight + booked for Monday", 2, role="assistant")
    plan, flight = memory.facts(user_id="ann", include_past=True)
    assert (plan.kind, plan.told_by) == ("plan", "user")
    assert (flight.kind, flight.told_by) == ("event", "assistant")


def test_an_assistant_that_repeats_what_is_known_is_no_evidence(memory, told):
    told("Ann.likes + tea with honey", 1)
    (before,) = memory.facts(user_id="ann")
    for day in range(2, 6):
        told("Ann.likes + tea with honey", day, role="assistant")
    (after,) = memory.facts(user_id="ann")
    assert after.confidence == pytest.approx(before.confidence)
    assert len(memory.explain(after.id, user_id="ann").evidence) == 1


def test_an_assistant_alone_does_not_overrule_a_user(memory, told):
    told("Ann.lives + in Porto", 1)
    told("Ann.lives + in Lisbon replaces", 2, role="assistant")
    assert "in Porto" in current(memory)


@pytest.mark.parametrize(
    "settings",
    [{"policy": "vote"}, {"trust": "ab"}, {"capacity": 0}, {"half_life_days": 0},
     {"gap_seconds": float("nan")}, {"max_tries": "5"}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(SettingsError):
        ConsolidationSettings(**settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"policy": "latest"}, ["Porto"]),
        ({"policy": "trust", "trust": ("a", "b")}, ["Lisbon"]),
        ({"policy": "evidence"}, ["Porto"]),
        ({"policy": "ask"}, ["Lisbon", "Porto"]),
    ],
)
def test_two_agents_that_write_opposite_facts_at_the_same_moment(tmp_path, policy, expected):
    """40 rounds over all; each agent has its own connection to one ledger, as processes have."""
    settings = Settings(background_indexing=False, consolidation=ConsolidationSettings(**policy))
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    agents = {"a": (1, "Lisbon"), "b": (2, "Porto")}
    memories = {
        agent: LightMem(tmp_path / agent, ledger=url, embedder=HashEmbedder(16), settings=settings)
        for agent in agents
    }
    try:
        for number in range(cases(200)):
            start = threading.Barrier(2)
            errors = []

            def write(agent, number=number, start=start, errors=errors):
                day, value = agents[agent]
                try:
                    start.wait(30)
                    memories[agent].add(
                        Turn(role="user", text=f"Ann.home = {value}", time=MAY + day * DAY),
                        user_id=f"user {number}", session_id=agent, agent_id=agent,
                    )  # fmt: skip
                    for _ in range(2):
                        memories[agent].consolidate(
                            writer=ScriptedWriter(), user_id=f"user {number}", final=True
                        )
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=write, args=(agent,)) for agent in agents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert errors == []
            memories["a"].consolidate(writer=ScriptedWriter(), final=True)
            assert current(memories["b"], f"user {number}") == expected
            assert len(everything(memories["a"], f"user {number}")) == 2
            conflicts = memories["a"].conflicts(user_id=f"user {number}")
            assert len(conflicts) == (policy["policy"] == "ask")
    finally:
        for memory in memories.values():
            memory.close()
