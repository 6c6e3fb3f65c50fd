"""What a question says about whom and when."""

import datetime as dt

import pytest

from lightmem_integrations.recall.dates import time_window
from lightmem_integrations.recall.plan import make_plan, named_speakers

UTC = dt.timezone.utc
NOW = dt.datetime(2025, 6, 18, 15, 30, tzinfo=UTC)  # a Wednesday


def day(year, month, number):
    return dt.datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What did I do today?", day(2025, 6, 18), day(2025, 6, 19)),
        ("What happened yesterday?", day(2025, 6, 17), day(2025, 6, 18)),
        ("What did she say last night?", day(2025, 6, 17), day(2025, 6, 19)),
        ("Where was I last week?", day(2025, 6, 9), day(2025, 6, 16)),
        ("Where was I this week?", day(2025, 6, 16), day(2025, 6, 19)),
        ("What did we plan last month?", day(2025, 5, 1), day(2025, 6, 1)),
        ("What did we plan last year?", day(2024, 1, 1), day(2025, 1, 1)),
        ("What happened on 8 May 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened on May 8, 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened on the 8th of May 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened on 2023-05-08?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened in May 2023?", day(2023, 5, 1), day(2023, 6, 1)),
        ("What happened in December 2023?", day(2023, 12, 1), day(2024, 1, 1)),
        ("What happened in 2023?", day(2023, 1, 1), day(2024, 1, 1)),
        ("What happened in March?", day(2025, 3, 1), day(2025, 4, 1)),
        ("What happened in August?", day(2024, 8, 1), day(2024, 9, 1)),
        ("Between May 2023 and July 2023?", day(2023, 5, 1), day(2023, 8, 1)),
        ("On 29 February 2024?", day(2024, 2, 29), day(2024, 3, 1)),
    ],
)
def test_a_date_becomes_a_window(question, start, end):
    assert time_window(question, NOW) == (start, end)


@pytest.mark.parametrize(
    "question",
    [
        "Where does she live?",
        "May I come in?",
        "What may happen?",
        "Did they march?",
        "Who is April?",
        "I have 12 cats",
        "Room 2023",
        "31 February 2025?",
        "99999999999999 years ago",
        "It is 10 to 3",
        "",
    ],
)
def test_what_is_no_date_makes_no_window(question):
    assert time_window(question, NOW) == (None, None)


def test_a_time_ago_lies_well_inside_its_window():
    for question, days in [("3 days ago", 3), ("two weeks ago", 14), ("a trip 2 years ago", 730)]:
        start, end = time_window(question, NOW)
        assert start < NOW - dt.timedelta(days=days) < end
        assert end <= NOW + dt.timedelta(days=1)


def test_since_reaches_until_now():
    start, end = time_window("What did I buy since May 2025?", NOW)
    assert start == day(2025, 5, 1)
    assert end >= NOW


@pytest.mark.parametrize("now", [NOW, day(2024, 2, 29), day(2025, 1, 1), day(2025, 12, 31)])
@pytest.mark.parametrize(
    "question", ["last year", "last month", "this month", "last week", "2026 years ago",
                 "5000 years ago", "2 months ago", "in May", "since last year", "0 May"],
)  # fmt: skip
def test_a_window_is_never_upside_down_and_never_an_error(question, now):
    start, end = time_window(question, now)
    assert (start is None) == (end is None)
    assert start is None or start < end


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did Ann say?", {"Ann Smith"}),
        ("What did ann smith say?", {"Ann Smith"}),
        ("What did Bo's mother say?", {"Bo"}),
        ("Did Jörg and Bo meet?", {"Jörg", "Bo"}),
        ("The annual meeting", set()),
        ("About a bottle", set()),
        ("", set()),
    ],
)
def test_speakers_are_known_by_name(question, expected):
    assert named_speakers(question, ["Ann Smith", "Bo", "Jörg", "C++"]) == expected


def test_the_plan_says_what_kind_of_question_it_is():
    def intent(question):
        return make_plan(question, [], now=NOW, latest=NOW, k=3).intent

    assert intent("What is her favourite colour?") == "knowledge"
    assert intent("Where did we eat on Tuesday?") == "episodic"
    plan = make_plan("What did Bo like in May 2023?", ["Bo"], now=NOW, latest=NOW, k=3)
    assert (plan.k, plan.speakers, plan.since) == (3, {"Bo"}, day(2023, 5, 1))
    assert plan.queries == ("What did Bo like in May 2023?",)
