"""A date is kept, shown and taken together as exactly as it was told: day, week, month or year."""

import datetime as dt
import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_file import rewritten
from lightmem_integrations import (
    Completion,
    InvalidImportError,
    InvalidRequestError,
    Settings,
    Turn,
)
from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, KnownFact, WriterTurn
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.text.periods import period
from lightmem_integrations.text.precision import (
    FINEST_FIRST,
    by_calendar,
    iso_date,
    period_from,
    period_to,
)
from lightmem_integrations.tools import quoted

pytestmark = pytest.mark.slow

UTC = dt.timezone.utc
MAY = dt.datetime(2025, 5, 1, 9, tzinfo=UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def memory(open_memory):
    return open_memory(settings=Settings(background_indexing=False))


@pytest.fixture
def told(memory, consolidated):
    """Says something on a day from May on, in a session of its own, and consolidates."""
    numbers = itertools.count()

    def told(text, day=1):
        session = f"s{next(numbers)}"
        turn = Turn(role="user", text=text, time=MAY + (day - 1) * DAY)
        memory.add(turn, user_id="ann", session_id=session)
        memory.index_pending()
        consolidated(memory)
        return session

    return told


def standing(memory):
    """Facts that nobody retracted, also those that are over."""
    facts = memory.facts(user_id="ann", include_past=True)
    return [fact for fact in facts if fact.retracted_at is None]


def dates(memory):
    """From when to when each fact is true, and how exactly that is known; oldest first."""
    return [
        (
            f"{fact.valid_from.date()} {fact.valid_from_precision}",
            fact.valid_to and f"{fact.valid_to.date()} {fact.valid_to_precision}",
        )
        for fact in sorted(standing(memory), key=lambda fact: fact.valid_from)
    ]


class TestWriter:
    """A model's dates, as exact as the words for them."""

    told = MAY

    def written(self, said, known=(), **fact):
        fact = {"kind": "state", "subject": "Gina", "attribute": "job", "value": "job",
                "statement": f"Gina: {said}", "turns": [1]} | fact  # fmt: skip
        asked = []

        class Model:
            name = "model"

            def complete(self, messages, **_):
                asked.append(messages[-1]["content"])
                answer = {"summary": said, "keywords": [], "entities": [], "facts": [fact]}
                return Completion(json.dumps(answer), 1, 1)

        turn = WriterTurn(1, "user", "Gina", said, self.told, session=1, position=1)
        draft = ModelWriter(Model()).write([turn], known=known)
        return draft.facts[0], asked[0]

    @pytest.mark.parametrize(
        ("said", "changes", "begins", "ends"),
        [
            ("I lost my job in January 2023.", {"kind": "event", "since": "2023-01"},
             "month", "day"),
            ("I lost my job in 2023.", {"kind": "event", "since": "2023"}, "year", "day"),
            ("I lost my job on 3 January 2023.", {"kind": "event", "since": "2023-01-03"},
             "day", "day"),
            ("I start my job in August.", {"kind": "plan", "since": "2025-08"}, "day", "month"),
            ("I start my job next year.", {"kind": "plan", "until": "2026"}, "day", "year"),
            ("I had my job until 2022.", {"until": "2022"}, "day", "year"),
            ("I have my job since March.", {"when": "since March"}, "month", "day"),
            ("I have my job since spring.", {"since": "2025-W14"}, "week", "day"),
            ("I have a job.", {}, "day", "day"),
        ],
    )  # fmt: skip
    def test_a_month_or_a_year_is_told_from_a_day(self, said, changes, begins, ends):
        words = said.removesuffix(".").partition("job ")[2]
        fact, _ = self.written(said, **{"when": words} | changes)
        assert fact.doubt is None
        assert (fact.valid_from_precision, fact.valid_to_precision) == (begins, ends)

    @pytest.mark.parametrize(
        ("words", "since", "begins"),
        [
            ("last week", "2025-04-21", "2025-04-21 week"),
            ("last week", "2025-04-24", "2025-04-21 week"),
            ("last week", "2025-04-20", "2025-04-21 week"),  # of who begins it on Sunday
            ("last week", "", "2025-04-21 week"),
            ("earlier this week", "2025-04-29", "2025-04-28 week"),
            ("last weekend", "2025-04-26", "2025-04-21 week"),
            ("in the week of 6 March", "2025-03-06", "2025-03-03 week"),
            ("in the week of 6 March", "", "2025-03-03 week"),
            ("over the weekend of 8 March", "2025-03-08", "2025-03-03 week"),
            ("two weeks ago", "2025-04-17", "2025-04-14 week"),
            ("two weeks ago", "", "2025-04-14 week"),
            ("a few days ago", "2025-04-28", "2025-04-28 week"),
            ("a few weeks ago", "2025-04-10", "2025-04-01 month"),
            ("a few weeks ago", "", "2025-04-01 month"),
            ("at the end of last month", "2025-04-30", "2025-04-01 month"),
            ("in 2023", "2023-01-01", "2023-01-01 year"),
            ("last week", "2025-04", "2025-04-01 month"),
            ("last Friday", "2025-04-25", "2025-04-25 day"),
            ("yesterday", "", "2025-04-30 day"),
            ("three days ago", "2025-04-28", "2025-04-28 day"),
            ("on 5 April", "2025-04-05", "2025-04-05 day"),
            ("on the Tuesday of last week", "2025-04-22", "2025-04-22 day"),
            ("at Christmas in 2023", "2023-12-25", "2023-12-25 day"),
            ("on the 3rd of last month", "2025-04-03", "2025-04-03 day"),
            ("two Fridays ago", "", "2025-04-18 day"),
            ("the week before last", "2025-04-17", "2025-04-14 week"),
            ("on the 5th", "", "2025-04-05 day"),
            ("last summer", "2024-07-15", "2024-06-01 year"),
            ("last summer", "", "2024-06-01 year"),
            ("last summer", "2025-01", "2025-01-01 year"),  # of who lives in the south
            ("last summer", "2023-07", "2023-07-01 year"),
            ("last winter", "2024-12-24", "2024-12-01 year"),
            ("in the spring of 2023", "2023-04-02", "2023-03-01 year"),
        ],
    )
    def test_a_date_is_no_more_exact_than_the_words_for_it(self, words, since, begins):
        fact, _ = self.written(f"I lost my job {words}.", kind="event", since=since, when=words)
        assert f"{fact.valid_from:%Y-%m-%d} {fact.valid_from_precision}" == begins
        assert (fact.valid_to, fact.doubt) == (None, None)

    def test_the_first_and_the_last_day_of_a_week_are_none_where_only_the_week_was_told(self):
        fact, _ = self.written(
            "I was ill last week.", since="2025-04-21", until="2025-04-27", when="last week"
        )
        assert fact.valid_from == dt.datetime(2025, 4, 21, tzinfo=UTC)
        assert fact.valid_to == dt.datetime(2025, 4, 27, 23, 59, 59, tzinfo=UTC)
        assert (fact.valid_from_precision, fact.valid_to_precision) == ("week", "week")

    @pytest.mark.parametrize("since", ["", "2025-05-03", "2025-05-04"])
    def test_what_is_planned_on_a_saturday_for_this_weekend_is_not_for_the_next(self, since):
        self.told = MAY + 2 * DAY
        fact, _ = self.written(
            "I start my job this weekend.", kind="plan", since=since, when="this weekend"
        )
        assert f"{fact.valid_to:%Y-%m-%d} {fact.valid_to_precision}" == "2025-05-04 week"
        assert fact.doubt is None

    @pytest.mark.parametrize(("since", "begins"), [("", None), ("2025-04-28", "2025-04-28")])
    def test_the_last_week_of_a_month_is_not_the_last_one(self, since, begins):
        said = "I lost my job in the last week of April."
        when = "in the last week of April"
        fact, _ = self.written(said, kind="event", since=since, when=when, statement=said[2:])
        assert (fact.valid_from and f"{fact.valid_from:%Y-%m-%d}") == begins
        assert fact.statement == said[2:]

    def test_what_happened_today_did_when_it_was_told(self):
        fact, _ = self.written("I lost my job today.", kind="event", when="today")
        assert (fact.valid_from, fact.valid_from_precision) == (MAY, "day")

    @pytest.mark.parametrize("kind", ["plan", "event"])
    @pytest.mark.parametrize(
        ("words", "since", "ends"),
        [("this weekend", "2025-05-03", "2025-05-04 week"), ("next week", "", "2025-05-11 week"),
         ("in a few weeks", "2025-05-22", "2025-05-31 month"),
         ("on the 5th", "2025-05-05", "2025-05-05 day"),
         ("this summer", "2025-06-15", "2025-08-31 year")],
    )  # fmt: skip
    def test_what_lies_ahead_by_a_week_is_a_plan_for_it(self, kind, words, since, ends):
        fact, _ = self.written(f"I start my job {words}.", kind=kind, since=since, when=words)
        assert (fact.kind, fact.doubt) == ("plan", None)
        assert f"{fact.valid_to:%Y-%m-%d} {fact.valid_to_precision}" == ends

    @pytest.mark.parametrize(
        ("said", "doubted"), [("in the week of 21 April 2025", False), ("on 24 April 2025", True)]
    )
    def test_a_day_of_a_week_that_nobody_said_is_doubted_in_a_statement(self, said, doubted):
        fact, _ = self.written(
            "I lost my job last week.", kind="event", since="2025-04-24", when="last week",
            statement=f"Gina lost her job {said}.",
        )  # fmt: skip
        assert (fact.doubt is not None) == doubted

    @pytest.mark.parametrize(
        ("said", "doubted"), [("2025-04-26/27", False), ("26 and 27 April", False),
                              ("2025-04-26/28", True)],
    )  # fmt: skip
    def test_both_days_of_a_weekend_were_said(self, said, doubted):
        fact, _ = self.written(
            "I lost my job last weekend.", kind="event", since="2025-04-26", when="last weekend",
            statement=f"Gina lost her job on {said}.",
        )  # fmt: skip
        assert (fact.doubt is not None) == doubted

    @pytest.mark.parametrize(("day", "doubted"), [("in August", False), ("on 31 August", True)])
    def test_a_day_that_nobody_said_is_doubted_in_a_statement(self, day, doubted):
        said = "I start my job in August."
        fact, _ = self.written(
            said, kind="plan", since="2025-08", when="in August",
            statement=f"Gina starts her job {day}.",
        )  # fmt: skip
        assert (fact.doubt is not None) == doubted

    def test_a_model_reads_known_facts_with_what_is_known_of_their_dates(self):
        known = KnownFact(
            subject="Gina", attribute="job", value="dancer", statement="Gina danced.", kind="state",
            since=dt.datetime(2020, 1, 1, tzinfo=UTC), since_precision="year",
            until=dt.datetime(2023, 1, 31, 23, 59, 59, tzinfo=UTC), until_precision="month",
        )  # fmt: skip
        _, asked = self.written(
            "I have a job.", known=[known, replace(known, until_precision="week")]
        )
        assert '2 job, 2020 to 2023-W05: "Gina danced."' in asked
        assert '1 job, 2020 to 2023-01: "Gina danced."' in asked


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("event Ann.job + lost it since 2023-01", "(January 2023)"),
        ("event Ann.job + lost it since 2023", "(2023)"),
        ("event Ann.job + lost it since 2023-01-01", "(1 January 2023)"),
        ("event Ann.job + lost it since 2023-W18", "(the week of 1 May 2023)"),
        ("plan Ann.job + dancer until 2099-W32", "(planned for the week of 3 August 2099)"),
        ("Ann.job = banker since 2025-W01", "(since the week of 30 December 2024)"),
        ("Ann.job = banker since 2025-01", "(since January 2025)"),
        ("Ann.job = banker since 2025-05-01", "(since 1 May 2025)"),
        ("plan Ann.job + dancer until 2099-08", "(planned for August 2099)"),
        ("plan Ann.job + dancer until 2099-08-31", "(planned for 31 August 2099)"),
        ("Ann.job = banker since 2019 until 2022", "(until 2022)"),
    ],
)
def test_the_text_of_a_recall_makes_no_day_up(memory, told, line, shown):
    told(line)
    assert shown in memory.recall("Which job does Ann have?", user_id="ann").text


def test_a_fact_that_stands_among_the_turns_has_no_day_made_up_either(memory, told):
    told("event Ann.job + lost it since 2023-01")
    told("Ann.home = Porto since 2019", 2)
    told("event Ann.trip + Rome since 2024", 3)
    found = memory.recall("Which job did Ann lose?", user_id="ann", tiers=["ltm"], max_tokens=100)
    assert "\n[2024] Known: Ann trip Rome. (2024)" in found.text


def test_what_took_a_facts_place_in_a_month_ends_it_in_that_month(memory, told):
    told("Ann.home = Porto since 2020")
    told("Ann.home = Lisbon since 2025-01")
    assert dates(memory) == [
        ("2020-01-01 year", "2025-01-01 month"), ("2025-01-01 month", None),
    ]  # fmt: skip
    found = memory.recall("Where is Ann's home?", user_id="ann")
    assert "until January 2025; since then: Ann home Lisbon." in found.text
    (old,) = (hit for hit in found.known if hit.until is not None)
    assert (old.when_precision, old.until_precision) == ("year", "month")


def test_of_two_that_began_at_one_moment_the_end_is_no_more_exact_than_the_beginning(memory, told):
    for day, since in enumerate(("2023", "2023-05", "2023-05"), start=1):
        told(f"Ann.home = Porto since {since}", day)
    told("Ann.home = Lisbon since 2023-W18", 4)
    assert dates(memory) == [("2023-05-01 month", "2023-05-01 month"), ("2023-05-01 week", None)]


def test_what_is_over_since_a_month_is_told_so(memory, told):
    told("Ann.plays + chess since 2024")
    told("Ann.plays + chess since 2025-04 ends", 3)
    assert dates(memory) == [("2024-01-01 year", "2025-04-01 month")]
    told("Ann.plays + chess since 2025-04-20 ends", 5)
    assert dates(memory) == [("2024-01-01 year", "2025-04-20 day")]
    told("Ann.plays + chess since 2025 ends", 7)
    assert dates(memory) == [("2024-01-01 year", "2025-04-20 day")]


def test_tools_tables_views_and_the_profile_show_the_month(memory, told):
    told("event Ann.job + lost it since 2023-01")
    told("plan Ann.trip + Rome until 2099-08")
    told("Ann.home = Porto since 2019 until 2022")
    told("Ann.learns + Spanish since 2023-W18 until 2023-W20")
    told("plan Ann.visit + Oslo until 2099-W32")
    facts = memory.facts(user_id="ann", include_past=True)
    rows = {row[-1]: row[1:3] for row in facts.grid().rows}
    assert rows["Ann job lost it."] == ("January 2023", "")
    assert rows["Ann trip Rome."] == ("2025-05-01", "August 2099")
    assert rows["Ann home Porto."] == ("2019", "2022")
    assert rows["Ann learns Spanish."] == ("the week of 1 May 2023", "the week of 15 May 2023")
    job = next(fact for fact in facts if fact.attribute == "job")
    assert "since January 2023;" in memory.explain(job.id, user_id="ann").grid().notes[0]
    page = memory.show(user_id="ann")._repr_html_()
    assert "2025-05-01 to August 2099" in page
    assert "August 2099: Ann trip Rome." in memory.profile(user_id="ann").ahead
    assert "the week of 3 August 2099: Ann visit Oslo." in memory.profile(user_id="ann").ahead
    found = memory.recall("Which job did Ann lose?", user_id="ann", tiers=["ltm"])
    hit = next(hit for hit in (*found.hits, *found.known) if hit.statement == "Ann job lost it.")
    assert "] January 2023 User: Ann job lost it." in quoted(hit)
    assert "January 2023" in found.grid().rows[0] or hit not in found.hits


ONCE = [("2025-03-12 day", None)]


@pytest.mark.parametrize("kind", ["event ", ""])
@pytest.mark.parametrize(
    "lines",
    [
        ("since 2025-03-12", "since 2025-03"),
        ("since 2025-03-12", "since 2025"),
        ("since 2025-03", "since 2025-03-12", "since 2025"),
        ("since 2025-03-14", "since 2025-03", "since 2025-03-12"),
        ("since 2025-W11", "since 2025-03-12"),
        ("since 2025-W11", "since 2025-03", "since 2025-03-12"),
        ("since 2025-W11", "since 2025", "since 2025-03-12"),
    ],
)
def test_what_is_told_with_its_day_and_with_its_month_is_one_fact_with_its_day(
    open_memory, consolidated, kind, lines
):
    for order in itertools.permutations(lines):
        memory = open_memory(settings=Settings(background_indexing=False))
        for day, line in enumerate(order):
            turn = Turn(role="user", text=f"{kind}Ann.race + Berlin {line}", time=MAY + day * DAY)
            memory.add(turn, user_id="ann", session_id=f"s{day}")
            consolidated(memory)
        assert dates(memory) == ONCE, order
        memory.close()


@pytest.mark.parametrize("kind", ["event ", ""])
@pytest.mark.parametrize(
    ("other", "begins"),
    [("2025-04-02", "2025-04-02 day"), ("2025-03-31", "2025-03-31 day"),
     ("2025-03", "2025-03-31 week"), ("2025-04", "2025-03-31 week"), ("2025", "2025-03-31 week")],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, -1], ids=["week first", "week last"])
def test_a_week_of_two_months_gives_way_to_its_days_and_is_of_that_in_which_it_begins(
    memory, told, kind, other, begins, order
):
    for day, since in enumerate(("2025-W14", other)[::order], start=1):
        told(f"{kind}Ann.race + Berlin since {since}", day)
    assert dates(memory) == [(begins, None)]


@pytest.mark.parametrize("other", ["2025-03-30", "2025-04-07", "2025-W13", "2025-05", "2024"])
def test_an_event_of_a_week_is_none_of_another_time(memory, told, other):
    told("event Ann.race + Berlin since 2025-W14")
    told(f"event Ann.race + Berlin since {other}", 2)
    assert len(dates(memory)) == 2


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [1, 4, 3, 2, 0], [4, 3, 2, 1, 0]])
def test_what_held_when_is_the_same_in_whatever_order_months_and_days_are_told(told, memory, order):
    said = [
        ("Ann.home = Porto since 2025-05-06", 7), ("Ann.home = Porto since 2025-05", 1),
        ("Ann.home = Lisbon since 2025-04", 5), ("Ann.home = Lisbon since 2025-05-08", 9),
        ("Ann.home = Lisbon since 2025-05-04", 8),
    ]  # fmt: skip
    for number in order:
        told(*said[number])
    assert dates(memory) == [
        ("2025-04-01 month", "2025-05-01 month"), ("2025-05-01 month", "2025-05-04 day"),
        ("2025-05-04 day", "2025-05-06 day"), ("2025-05-06 day", "2025-05-08 day"),
        ("2025-05-08 day", None),
    ]  # fmt: skip


def test_a_year_gives_way_to_a_month_and_both_are_no_other_month(memory, told):
    told("event Ann.race + Berlin since 2025-03")
    told("event Ann.race + Berlin since 2025", 2)
    assert dates(memory) == [("2025-03-01 month", None)]
    told("event Ann.race + Berlin since 2024-11", 3)
    told("event Ann.race + Berlin since 2025-04-20", 4)
    assert dates(memory) == [
        ("2024-11-01 month", None), ("2025-03-01 month", None), ("2025-04-20 day", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "facts"), [("2025-09-12", 1), ("2025-09-01", 1), ("2025-09-30", 1),
                         ("2025-08-31", 2), ("2025-10-01", 2), ("2025", 1), ("2026", 2)],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, -1], ids=["month first", "month last"])
def test_a_plan_for_a_month_is_that_for_a_day_in_it_and_no_other(memory, told, other, facts, order):
    lines = [f"plan Ann.trip + Rome until {until}" for until in ("2025-09", other)[::order]]
    for day, line in enumerate(lines, start=1):
        told(line, day)
    found = memory.facts(user_id="ann", include_past=True)
    assert len(found) == facts
    if facts == 1:
        finer = max("2025-09", other, key=len)
        (fact,) = found
        assert f"{fact.valid_to.date()}".startswith(finer)
        assert fact.valid_to_precision == {10: "day", 7: "month"}[len(finer)]


@pytest.mark.parametrize(
    ("other", "ends"), [("2025-10-02", ["2025-10-02 day"]), ("2025-09-29", ["2025-09-29 day"]),
                        ("2025-09", ["2025-10-05 week"]), ("2025", ["2025-10-05 week"]),
                        ("2025-09-28", ["2025-09-28 day", "2025-10-05 week"]),
                        ("2025-10-06", ["2025-10-05 week", "2025-10-06 day"])],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, -1], ids=["week first", "week last"])
def test_a_plan_for_a_week_is_that_for_a_day_in_it_and_no_other(memory, told, other, ends, order):
    for day, until in enumerate(("2025-W40", other)[::order], start=1):
        told(f"plan Ann.trip + Rome until {until}", day)
    found = memory.facts(user_id="ann", include_past=True)
    assert sorted(f"{fact.valid_to.date()} {fact.valid_to_precision}" for fact in found) == ends


def test_what_is_over_since_a_month_is_told_so_by_the_week_that_begins_in_it(memory, told):
    told("Ann.plays + chess since 2024")
    for day, (since, ends) in enumerate(
        [("2025-03", "2025-03-01 month"), ("2025-W14", "2025-03-31 week"),
         ("2025-04-02", "2025-04-02 day"), ("2025-W14", "2025-04-02 day")], start=3,
    ):  # fmt: skip
        told(f"Ann.plays + chess since {since} ends", day)
        assert dates(memory) == [("2024-01-01 year", ends)]


def test_a_day_on_which_something_was_only_told_makes_no_month_exact(memory, told):
    told("Ann.home = Lisbon since 2025-05", 3)
    told("Ann.home = Lisbon", 5)
    assert dates(memory) == [("2025-05-01 month", None)]


def test_what_is_left_when_the_day_is_forgotten_is_the_month(memory, told):
    day = told("event Ann.race + Berlin since 2025-03-12")
    month = told("event Ann.race + Berlin since 2025-03", 2)
    memory.forget(user_id="ann", session_id=day)
    assert dates(memory) == [("2025-03-01 month", None)]
    told("event Ann.race + Berlin since 2025-03-15", 3)
    memory.forget(user_id="ann", session_id=month)
    assert dates(memory) == [("2025-03-15 day", None)]


def test_the_end_of_what_was_replaced_is_that_of_the_next_one_left(memory, told):
    told("Ann.home = Porto since 2020")
    lisbon = told("Ann.home = Lisbon since 2025-01-07", 2)
    told("Ann.home = Rome since 2025-04", 3)
    memory.forget(user_id="ann", session_id=lisbon)
    assert dates(memory) == [
        ("2020-01-01 year", "2025-04-01 month"), ("2025-04-01 month", None),
    ]  # fmt: skip


def test_a_person_who_names_a_moment_means_its_day_and_keeps_what_is_not_named(memory, told):
    told("Ann.job = banker since 2019 until 2022-06")
    (fact,) = memory.facts(user_id="ann", include_past=True)
    fact = memory.edit(fact.id, user_id="ann", value="clerk")
    assert (fact.valid_from_precision, fact.valid_to_precision) == ("year", "month")
    fact = memory.edit(fact.id, user_id="ann", valid_from=dt.datetime(2019, 2, 1, tzinfo=UTC))
    assert (fact.valid_from_precision, fact.valid_to_precision) == ("day", "month")


@pytest.mark.parametrize(
    ("said", "begins", "ends"),
    [
        ({"valid_from": "2018"}, "2018-01-01 00:00:00 year", "2022-06-30 23:59:59 month"),
        ({"valid_from": "2018-02"}, "2018-02-01 00:00:00 month", "2022-06-30 23:59:59 month"),
        ({"valid_from": "2018-02-03"}, "2018-02-03 00:00:00 day", "2022-06-30 23:59:59 month"),
        ({"valid_from": dt.date(2018, 2, 3)},
         "2018-02-03 00:00:00 day", "2022-06-30 23:59:59 month"),
        ({"valid_from": "2018-W01"}, "2018-01-01 00:00:00 week", "2022-06-30 23:59:59 month"),
        ({"valid_to": "2024-W01"}, "2019-01-01 00:00:00 year", "2024-01-07 23:59:59 week"),
        ({"valid_to": "2024"}, "2019-01-01 00:00:00 year", "2024-12-31 23:59:59 year"),
        ({"valid_to": "2024-02"}, "2019-01-01 00:00:00 year", "2024-02-29 23:59:59 month"),
        ({"valid_to": "2024-02-03"}, "2019-01-01 00:00:00 year", "2024-02-03 00:00:00 day"),
        ({"valid_from": "2023-01", "valid_to": "2023-01"},
         "2023-01-01 00:00:00 month", "2023-01-31 23:59:59 month"),
        ({"valid_from": "2023-01-15", "valid_to": "2023"},
         "2023-01-15 00:00:00 day", "2023-12-31 23:59:59 year"),
        ({"valid_from": "2023-01-15", "valid_to": "2023-01-15"},
         "2023-01-15 00:00:00 day", "2023-01-15 00:00:00 day"),
        ({"valid_from": MAY, "valid_to": "2025-05-01"},
         "2025-05-01 09:00:00 day", "2025-05-01 09:00:00 day"),
    ],
)  # fmt: skip
def test_a_person_may_know_no_more_than_the_month_or_the_year(memory, told, said, begins, ends):
    told("Ann.job = banker since 2019 until 2022-06")
    (fact,) = memory.facts(user_id="ann", include_past=True)
    edited = memory.edit(fact.id, user_id="ann", **said)
    (stored,) = standing(memory)
    assert replace(stored, confidence=edited.confidence) == edited
    assert f"{stored.valid_from:%Y-%m-%d %H:%M:%S} {stored.valid_from_precision}" == begins
    assert f"{stored.valid_to:%Y-%m-%d %H:%M:%S} {stored.valid_to_precision}" == ends


@pytest.mark.parametrize("hours", [-8, 9])
def test_a_month_that_a_person_names_is_that_month_where_the_fact_was_told(
    memory, consolidated, hours
):
    there = MAY.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    memory.add(Turn(role="user", text="Ann.job = banker", time=there), user_id="ann")
    consolidated(memory)
    (fact,) = memory.facts(user_id="ann")
    edited = memory.edit(fact.id, user_id="ann", valid_from="2023-01", valid_to="2023-03-04")
    assert edited.valid_from == dt.datetime(2023, 1, 1, tzinfo=there.tzinfo)
    assert edited.valid_to == dt.datetime(2023, 3, 4, tzinfo=there.tzinfo)
    assert dates(memory) == [("2023-01-01 month", "2023-03-04 day")]


def test_a_day_that_was_never_known_becomes_the_month_that_a_person_knows(memory, told):
    told("event Ann.job + lost it since 2023-01-12")
    (fact,) = memory.facts(user_id="ann")
    fact = memory.edit(fact.id, user_id="ann", valid_from="2023-01")
    assert "(January 2023)" in memory.recall("Which job did Ann lose?", user_id="ann").text
    memory.edit(fact.id, user_id="ann", value="quit it")
    assert dates(memory) == [("2023-01-01 month", None)]


@pytest.mark.parametrize("name", ["valid_from", "valid_to"])
@pytest.mark.parametrize(
    "said",
    ["soon", "", " 2023", "2023-1", "2023-13", "2023-02-30", "2023-W4", "2023-W53", "2023-w04",
     "0000", "9999", "20230115", "٢٠٢٣", "2023-01-15T09:00:00+00:00"],
)  # fmt: skip
def test_a_date_that_is_none_is_refused_with_what_to_write(memory, told, name, said):
    told("Ann.job = banker since 2019")
    (fact,) = memory.facts(user_id="ann")
    with pytest.raises(InvalidRequestError) as refused:
        memory.edit(fact.id, user_id="ann", **{name: said})
    assert str(refused.value).startswith(
        f"{name} is {said!r}, which is no day, week, month or year"
    )
    assert '"2023-W03", "2023-01"' in str(refused.value)
    assert [each.id for each in standing(memory)] == [fact.id]


@pytest.mark.parametrize("ends", ["2022", "2022-12", "2022-12-31"])
def test_what_ends_before_it_begins_is_refused_by_its_month_too(memory, told, ends):
    told("Ann.job = banker since 2023-01")
    (fact,) = memory.facts(user_id="ann")
    with pytest.raises(InvalidRequestError, match="valid_to lies before valid_from") as refused:
        memory.edit(fact.id, user_id="ann", valid_to=ends)
    assert f"({ends}" in str(refused.value)
    assert "before 2023-01)" in str(refused.value)
    assert memory.edit(fact.id, user_id="ann", valid_to="2023").valid_to_precision == "year"


def test_merged_duplicates_keep_the_day(memory, told):
    told("Ann.job = banker since 2025-03-12")
    told("Ann.work = banker since 2025-03", 2)
    assert len(memory.facts(user_id="ann")) == 2
    memory.edit(memory.facts(user_id="ann")[1].id, user_id="ann", statement="Ann job banker.")
    memory.audit(user_id="ann", fix=True)
    days = [(fact.valid_from.day, fact.valid_from_precision) for fact in standing(memory)]
    assert days == [(12, "day")]


def test_precisions_come_along_in_an_export_and_an_older_one_means_days(
    memory, told, open_memory, tmp_path
):
    told("Ann.job = banker since 2019 until 2022-06")
    told("Ann.job = dancer since 2025-W04", 2)
    file = tmp_path / "ann.jsonl"
    memory.export(file, user_id="ann")
    new = open_memory(tmp_path / "new")
    new.load(file)
    assert dates(new) == dates(memory) == [
        ("2019-01-01 year", "2022-06-30 month"), ("2025-01-20 week", None),
    ]  # fmt: skip
    new.export(tmp_path / "again.jsonl", user_id="ann")
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()

    def older(records):
        return [
            {name: value for name, value in record.items() if not name.endswith("_precision")}
            for record in records
        ]

    rewritten(file, older)
    old = open_memory(tmp_path / "old")
    old.load(file)
    assert dates(old) == [("2019-01-01 day", "2022-06-30 day"), ("2025-01-20 day", None)]

    def odd(records):
        return [
            record | ({"valid_from_precision": "decade"} if record.get("record") == "fact" else {})
            for record in records
        ]

    rewritten(file, odd)
    with pytest.raises(InvalidImportError, match="valid_from_precision"):
        open_memory(tmp_path / "none").load(file)


def test_a_writer_that_returns_another_precision_is_a_fault_of_the_writer(memory, consolidated):
    class Vague:
        name = "vague"

        def write(self, turns):
            fact = FactDraft(subject="Ann", attribute="home", value="Porto", statement="In Porto.",
                             evidence=(0,), valid_from_precision="decade")  # fmt: skip
            return EpisodeDraft(summary=turns[0].text, facts=(fact,))

    memory.add(Turn(role="user", text="Hello."), user_id="ann")
    report = consolidated(memory, writer=Vague())
    assert "decade" in report.problems[0]
    assert not memory.facts(user_id="ann")


@pytest.mark.parametrize("hours", [-12, -5, 0, 5.5, 14])
@pytest.mark.parametrize("month", range(1, 13))
def test_the_days_of_a_month_are_known_in_every_time_zone(hours, month):
    zone = dt.timezone(dt.timedelta(hours=hours))
    first = dt.datetime(2024, month, 1, tzinfo=zone)
    last = (first + 32 * DAY).replace(day=1) - dt.timedelta(seconds=1)
    whole = first.timestamp(), last.timestamp()
    assert period_from(first.timestamp(), "month") == whole
    assert period_to(last.timestamp(), "month") == whole


@pytest.mark.parametrize("hours", [-12, -5, 0, 5.5, 14])
@pytest.mark.parametrize("week", [1, 9, 18, 52])
def test_the_days_of_a_week_are_known_in_every_time_zone(hours, week):
    first = dt.datetime.fromisocalendar(2025, week, 1).replace(
        tzinfo=dt.timezone(dt.timedelta(hours=hours))
    )
    last = first + 7 * DAY - dt.timedelta(seconds=1)
    whole = first.timestamp(), last.timestamp()
    assert period_from(first.timestamp(), "week") == whole
    assert period_to(last.timestamp(), "week") == whole


class Local(ScriptedWriter):
    """Means dates where they were told."""

    def write(self, turns, **shown):
        draft = super().write(turns, **shown)
        facts = [
            replace(fact, **{
                name: date.replace(tzinfo=turns[fact.evidence[0]].time.tzinfo)
                for name in ("valid_from", "valid_to")
                if (date := getattr(fact, name)) is not None
            })
            for fact in draft.facts
        ]  # fmt: skip
        return replace(draft, facts=tuple(facts))


def in_zone(hours):
    return dt.timezone(dt.timedelta(hours=hours))


@pytest.mark.parametrize("zones", [(1, 2), (2, 1), (9, -7), (-7, 9)])
@pytest.mark.parametrize(
    ("line", "begins", "ends", "shown"),
    [
        ("event Ann.race + Berlin since 2025-W18", "2025-04-28", None,
         "(the week of 28 April 2025)"),
        ("event Ann.race + Berlin since 2025-W01", "2024-12-30", None,
         "(the week of 30 December 2024)"),
        ("event Ann.race + Berlin since 2025-03-12", "2025-03-12", None, "(12 March 2025)"),
        ("Ann.race = Berlin since 2025-03-12", "2025-03-12", None, "(since 12 March 2025)"),
        ("Ann.race = Berlin since 2025-03", "2025-03-01", None, "(since March 2025)"),
        ("Ann.race = Berlin since 2025", "2025-01-01", None, "(since 2025)"),
        ("Ann.race = Berlin since 2019 until 2024", "2019-01-01", "2024-12-31", "(until 2024)"),
        ("plan Ann.race + Berlin until 2099-W32", None, "2099-08-09",
         "(planned for the week of 3 August 2099)"),
        ("plan Ann.race + Berlin until 2099-08", None, "2099-08-31", "(planned for August 2099)"),
    ],
)  # fmt: skip
def test_a_date_is_the_same_one_in_summer_and_winter_and_wherever_it_was_told(
    memory, zones, line, begins, ends, shown
):
    for day, hours in enumerate(zones, start=1):
        time = dt.datetime(2025, 5, day, 9, tzinfo=in_zone(hours))
        turn = Turn(role="user", text=line, time=time)
        memory.add(turn, user_id="ann", session_id=f"s{day}")
        memory.consolidate(writer=Local(), final=True)
    (fact,) = standing(memory)
    assert begins is None or fact.valid_from.isoformat()[:19] == f"{begins}T00:00:00"
    assert ends is None or fact.valid_to.isoformat()[:19] == f"{ends}T23:59:59"
    assert shown in memory.recall("Where is Ann's race?", user_id="ann").text
    ahead = memory.profile(user_id="ann").ahead
    assert not line.startswith("plan") or f"{shown[13:-1]}: Ann race Berlin." in ahead


def test_what_took_a_facts_place_in_a_month_did_in_every_time_zone(memory):
    for day, (hours, line) in enumerate(
        [(1, "Ann.home = Porto since 2020"), (2, "Ann.home = Lisbon since 2025-04")], start=1
    ):
        time = dt.datetime(2025, 5, day, 9, tzinfo=in_zone(hours))
        memory.add(Turn(role="user", text=line, time=time), user_id="ann", session_id=f"s{day}")
        memory.consolidate(writer=Local(), final=True)
    assert dates(memory) == [
        ("2020-01-01 year", "2025-04-01 month"), ("2025-04-01 month", None),
    ]  # fmt: skip
    assert "until April 2025; since then" in memory.recall("Ann's home?", user_id="ann").text


@given(
    day=st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    told=st.integers(-48, 56), read=st.integers(-48, 56), precision=st.sampled_from(FINEST_FIRST),
)  # fmt: skip
def test_a_date_told_in_one_zone_is_the_same_one_in_another(day, told, read, precision):
    zones = [dt.timezone(dt.timedelta(minutes=15 * each)) for each in (told, read)]
    there, here = (period(iso_date(moment(day, zone), precision), zone) for zone in zones)
    if precision == "day":
        assert by_calendar(there.start.timestamp(), precision, zones[1]) == there.start
    else:
        assert by_calendar(there.start.timestamp(), precision, zones[1]) == here.start
        assert by_calendar(there.last.timestamp(), precision, zones[1]) == here.last


def moment(day, zone):
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone)


@pytest.mark.parametrize("zones", [(1, 2), (2, 1), (9, -7), (-7, 9)])
@pytest.mark.parametrize(
    ("line", "times"),
    [
        ("event Ann.race + Berlin since", ("2025-03", "2025-04")),
        ("event Ann.race + Berlin since", ("2025-W10", "2025-W11")),
        ("event Ann.race + Berlin since", ("2024", "2025")),
        ("plan Ann.race + Berlin until", ("2099", "2100")),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_what_was_in_march_and_in_april_is_two_in_summer_and_winter(
    memory, zones, line, times, order
):
    for day, (hours, date) in enumerate(zip(zones, times[::order], strict=True), start=1):
        time = dt.datetime(2025, 5, day, 9, tzinfo=in_zone(hours))
        turn = Turn(role="user", text=f"{line} {date}", time=time)
        memory.add(turn, user_id="ann", session_id=f"s{day}")
        memory.consolidate(writer=Local(), final=True)
    assert len(standing(memory)) == 2


@pytest.mark.parametrize(
    "zones", [(1, 2), (2, 1), (9, -7), (-7, 9), (13, -10), (-10, 13), (0, 5.75)]
)
@pytest.mark.parametrize(
    ("line", "times", "facts"),
    [
        ("event Ann.race + Berlin since", ("2025-04", "2025-04-01"), 1),
        ("event Ann.race + Berlin since", ("2025-04", "2025-04-30"), 1),
        ("event Ann.race + Berlin since", ("2025-W10", "2025-03-03"), 1),
        ("event Ann.race + Berlin since", ("2025-04", "2025-03-31"), 2),
        ("event Ann.race + Berlin since", ("2025-04", "2025-05-01"), 2),
        ("Ann.race + Berlin since 2019 until", ("2024-04", "2024-04-01"), 1),
        ("Ann.race + Berlin since 2019 until", ("2024-04", "2024-04-30"), 1),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_day_at_the_edge_of_a_month_is_of_it_wherever_both_were_told(
    memory, zones, line, times, facts, order
):
    for day, (hours, date) in enumerate(zip(zones, times[::order], strict=True), start=1):
        time = dt.datetime(2025, 5, day, 9, tzinfo=in_zone(hours))
        turn = Turn(role="user", text=f"{line} {date}", time=time)
        memory.add(turn, user_id="ann", session_id=f"s{day}")
        memory.consolidate(writer=Local(), final=True)
    assert len(standing(memory)) == facts


@pytest.mark.parametrize("sign", ["=", "+"])
@pytest.mark.parametrize("vague", ["since 2019-W10 until 2024", "since 2019 until 2024-W24"])
@pytest.mark.parametrize("order", [1, -1], ids=["vague first", "vague last"])
def test_what_is_over_is_one_fact_however_exactly_its_dates_are_told(
    memory, told, sign, vague, order
):
    for day, when in enumerate((vague, "since 2019-03-05 until 2024-06-12")[::order], start=1):
        told(f"Ann.home {sign} Berlin {when}", day)
    assert dates(memory) == [("2019-03-05 day", "2024-06-12 day")]


def test_what_was_so_twice_is_two_facts_though_one_is_told_by_its_years(memory, told):
    told("Ann.home = Berlin since 2024-02 until 2024-03")
    told("Ann.home = Berlin since 2019 until 2022", 2)
    assert len(dates(memory)) == 2
