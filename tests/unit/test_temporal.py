"""Dates in what is said and in what is asked."""

import datetime as dt
import subprocess
import sys
from typing import get_args

import pytest

from lightmem_integrations.text.recurring import Direction
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.time_window import time_window

UTC = dt.timezone.utc
NOW = dt.datetime(2025, 6, 18, 15, 30, tzinfo=UTC)  # a Wednesday
JUNE_11 = dt.datetime(2025, 6, 11, 13, 0, tzinfo=UTC)  # the Wednesday before


def day(year, month, number):
    return dt.datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        ("last Friday", day(2025, 6, 6), day(2025, 6, 6)),
        ("on Friday", day(2025, 6, 6), day(2025, 6, 6)),
        ("last weekend", day(2025, 6, 7), day(2025, 6, 8)),
        ("a few days ago", day(2025, 6, 8), day(2025, 6, 14)),
        ("eight days ago", day(2025, 6, 3), day(2025, 6, 3)),
        ("a couple of months ago", day(2025, 4, 1), day(2025, 4, 30)),
        ("this morning", day(2025, 6, 11), day(2025, 6, 11)),
        ("tonight", day(2025, 6, 11), day(2025, 6, 11)),
        ("next month", day(2025, 7, 1), day(2025, 7, 31)),
        ("the day before yesterday", day(2025, 6, 9), day(2025, 6, 9)),
        ("two weeks ago", day(2025, 5, 28), day(2025, 6, 3)),
        ("last night", day(2025, 6, 10), day(2025, 6, 10)),
        ("this week", day(2025, 6, 9), day(2025, 6, 15)),
        ("last week", day(2025, 6, 2), day(2025, 6, 8)),
        ("next Friday", day(2025, 6, 13), day(2025, 6, 13)),
        ("tomorrow", day(2025, 6, 12), day(2025, 6, 12)),
        ("the day after tomorrow", day(2025, 6, 13), day(2025, 6, 13)),
        ("in the week of 7 May", day(2025, 5, 5), day(2025, 5, 11)),
        ("during the week of March 3rd", day(2025, 3, 3), day(2025, 3, 9)),
        ("over the weekend of 10 May", day(2025, 5, 10), day(2025, 5, 11)),
        ("on the weekend of the 11th of May", day(2025, 5, 10), day(2025, 5, 11)),
        ("in two weeks", day(2025, 6, 25), day(2025, 7, 1)),
        ("during May", day(2025, 5, 1), day(2025, 5, 31)),
        ("last year", day(2024, 1, 1), day(2024, 12, 31)),
        ("in 2023", day(2023, 1, 1), day(2023, 12, 31)),
        ("two Fridays ago", day(2025, 5, 30), day(2025, 5, 30)),
        ("two Wednesdays ago", day(2025, 5, 28), day(2025, 5, 28)),
        ("the Tuesday before last", day(2025, 6, 3), day(2025, 6, 3)),
        ("the Friday after next", day(2025, 6, 20), day(2025, 6, 20)),
        ("the week before last", day(2025, 5, 26), day(2025, 6, 1)),
        ("the week after next", day(2025, 6, 23), day(2025, 6, 29)),
        ("the weekend before last", day(2025, 5, 31), day(2025, 6, 1)),
        ("the month before last", day(2025, 4, 1), day(2025, 4, 30)),
        ("the year before last", day(2023, 1, 1), day(2023, 12, 31)),
        ("on the 5th", day(2025, 6, 5), day(2025, 6, 5)),
        ("on the 11th", day(2025, 6, 11), day(2025, 6, 11)),
        ("on the 12th", day(2025, 5, 12), day(2025, 5, 12)),
        ("on the 31st", day(2025, 5, 31), day(2025, 5, 31)),
    ],
)
def test_a_date_means_the_same_asked_and_said(phrase, first, last):
    asked = time_window(f"What happened {phrase}?", JUNE_11)
    (said,) = mentions(f"It happened {phrase}.", JUNE_11)
    assert (said.start.date(), said.end) == (first.date(), last + dt.timedelta(days=1))
    assert asked == (first, said.end)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("since May 2025", day(2025, 5, 1), JUNE_11),
        ("since yesterday", day(2025, 6, 10), JUNE_11),
        ("since last week", day(2025, 6, 2), JUNE_11),
        ("for the last two years", day(2023, 1, 1), JUNE_11),
        ("between May 2024 and last week", day(2024, 5, 1), day(2025, 6, 9)),
        ("last Friday, 23 January 2022", day(2022, 1, 23), day(2022, 1, 24)),
        ("for two years", None, None),
        ("on 8 November", day(2024, 11, 8), day(2024, 11, 9)),
    ],
)
def test_a_question_asks_for_the_span_of_its_dates(question, start, end):
    assert time_window(f"What did I do {question}?", JUNE_11) == (start, end)


def test_a_text_without_dates_never_loads_the_date_parser():
    program = (
        "import datetime as dt, sys\n"
        "from lightmem_integrations.text.temporal import mentions\n"
        "from lightmem_integrations.text.time_window import time_window\n"
        "now = dt.datetime.now(dt.timezone.utc)\n"
        "time_window('Where may she live?', now), mentions('I march on.', now)\n"
        "assert 'dateparser' not in sys.modules\n"
        "time_window('What happened in May?', now)\n"
        "assert 'dateparser' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What did I do today?", day(2025, 6, 18), day(2025, 6, 19)),
        ("What happened yesterday?", day(2025, 6, 17), day(2025, 6, 18)),
        ("What did she say last night?", day(2025, 6, 17), day(2025, 6, 18)),
        ("Where was I last week?", day(2025, 6, 9), day(2025, 6, 16)),
        ("Where was I this week?", day(2025, 6, 16), day(2025, 6, 23)),
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
    ("phrase", "direction", "words"),
    [
        ("this weekend", "future", "on the weekend of 14 June 2025"),
        ("last weekend", "nearest", "on the weekend of 7 June 2025"),
        ("last week", "nearest", "in the week of 2 June 2025"),
        ("in the week of 7 May", "nearest", "in the week of 5 May 2025"),
        ("in the week of 7 May", "future", "in the week of 4 May 2026"),
        ("in the week of 5 May 2025", "future", "in the week of 5 May 2025"),
        ("in May", "nearest", "in May 2025"),
        ("in May", "future", "in May 2026"),
        ("last May", "nearest", "in May 2025"),
        ("a few days ago", "nearest", "around 8 June 2025"),
        ("a couple of months ago", "nearest", "in April 2025"),
        ("8 August", "nearest", "on 8 August 2025"),
        ("22 to 31 May", "nearest", "on 22 May 2025"),
        ("last Tues", "nearest", "on 10 June 2025"),
        ("next year", "future", "in 2026"),
        ("next July", "nearest", "in July 2025"),
        ("last May", "future", "in May 2025"),
    ],
)
def test_relative_dates_become_absolute(phrase, direction, words):
    assert [
        each.words for each in mentions(f"so {phrase} it is", JUNE_11, direction=direction)
    ] == [words]


@pytest.mark.parametrize(
    "text",
    ["I may go", "march on", "300 years ago", "in 99999 years", "31 February", "10 to 3", ""],
)
def test_what_is_no_date_stays_none(text):
    assert mentions(text, NOW) == []


@pytest.mark.parametrize(
    "words",
    ["the last week of April", "the last Friday of May", "the last weekend of January",
     "my last year of school", "the last month of the war", "the last Fri of May"],
)  # fmt: skip
def test_the_last_week_of_something_is_not_the_last_one(words):
    assert mentions(f"We met in {words}.", NOW) == []
    assert time_window(f"Whom did we meet in {words}?", NOW) == (None, None)


def test_last_week_of_course_is_the_last_one():
    (said,) = mentions("We met last week of course.", NOW)
    assert said.start == day(2025, 6, 9)


@pytest.mark.parametrize("words", ["this weekend", "over the weekend"])
@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("today", [14, 15])
def test_on_a_weekend_this_weekend_is_that_one(words, direction, today):
    now = dt.datetime(2025, 6, today, 9, tzinfo=UTC)
    (said,) = mentions(f"We go hiking {words}.", now, direction=direction)
    assert (said.start, said.end) == (day(2025, 6, 14), day(2025, 6, 16))


@pytest.mark.parametrize(
    ("weekday", "phrase", "first"),
    [
        ("Sat", "last Friday", day(2025, 6, 13)),
        ("Thu", "next Friday", day(2025, 6, 13)),
        ("Wed", "this coming Friday", day(2025, 6, 13)),
        ("Sun", "last weekend", day(2025, 6, 7)),
        ("Sun", "this past weekend", day(2025, 6, 7)),
        ("Mon", "last weekend", day(2025, 6, 7)),
        ("Thu", "next weekend", day(2025, 6, 21)),
        ("Sun", "next weekend", day(2025, 6, 21)),
        ("Mon", "this weekend", day(2025, 6, 7)),
        ("Thu", "this weekend", day(2025, 6, 14)),
        ("Fri", "over the weekend", day(2025, 6, 7)),
    ],
)
def test_last_and_next_by_the_day_on_which_it_is_said(weekday, phrase, first):
    week = [dt.datetime(2025, 6, 9 + number, 9, tzinfo=UTC) for number in range(7)]
    now = next(each for each in week if f"{each:%a}" == weekday)
    for direction in ("past", "nearest"):
        (said,) = mentions(f"We go {phrase}.", now, direction=direction)
        assert said.start == first


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("July 15-16, 2023", day(2023, 7, 15), day(2023, 7, 16)),
        ("2023-07-15/16", day(2023, 7, 15), day(2023, 7, 16)),
        ("between 5 and 8 May 2023", day(2023, 5, 5), day(2023, 5, 8)),
        ("from 28 May to 3 June 2023", day(2023, 5, 28), day(2023, 6, 3)),
        ("between May and July 2023", day(2023, 5, 1), day(2023, 7, 31)),
        ("half a year ago", day(2024, 12, 1), day(2024, 12, 31)),
    ],
)
def test_a_span_of_days_or_months_is_read_whole(words, first, last):
    asked = time_window(f"What did we do {words}?", JUNE_11)
    assert asked == (first, last + dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("phrase", "direction", "first", "words"),
    [
        ("last summer", "nearest", day(2024, 6, 1), "in the summer of 2024"),
        ("the summer before last", "nearest", day(2023, 6, 1), "in the summer of 2023"),
        ("two summers ago", "nearest", day(2023, 6, 1), "in the summer of 2023"),
        ("this summer", "nearest", day(2025, 6, 1), "in the summer of 2025"),
        ("next summer", "future", day(2026, 6, 1), "in the summer of 2026"),
        ("this winter", "past", day(2024, 12, 1), "in the winter of 2024/25"),
        ("this winter", "future", day(2025, 12, 1), "in the winter of 2025/26"),
        ("last fall", "nearest", day(2024, 9, 1), "in the fall of 2024"),
        ("in the spring of 2023", "nearest", day(2023, 3, 1), "in the spring of 2023"),
        ("in late autumn 2023", "nearest", day(2023, 9, 1), "in the autumn of 2023"),
        ("since the spring of 2023", "nearest", day(2023, 3, 1), "since the spring of 2023"),
    ],
)
def test_a_season_is_told_by_its_year(phrase, direction, first, words):
    (said,) = mentions(f"It is so {phrase}.", JUNE_11, direction=direction)
    assert (said.start, said.words, said.precision) == (first, words, "year")
    assert said.lasting == phrase.startswith("since")


@pytest.mark.parametrize(
    ("phrase", "north", "south"),
    [
        ("last summer", day(2024, 7, 15), day(2025, 1, 15)),
        ("last winter", day(2025, 1, 15), day(2024, 7, 15)),
        ("this spring", day(2025, 4, 15), day(2024, 10, 15)),
        ("in the summer of 2023", day(2023, 7, 15), day(2023, 12, 15)),
        ("in the winter of 2023", day(2023, 1, 15), day(2023, 7, 15)),
    ],
)
def test_a_season_is_asked_for_in_both_halves_of_the_world(phrase, north, south):
    since, until = time_window(f"Where were we {phrase}?", JUNE_11)
    assert since <= north < until
    assert since <= south < until


@pytest.mark.parametrize(
    "words",
    ["on the 5th floor", "on the 3rd try", "on the 5th of last", "the fall of the house",
     "in the summer", "my last summer of school", "the other day", "this falls", "0 Fridays ago"],
)  # fmt: skip
def test_what_is_too_vague_or_something_else_stays_unread(words):
    assert mentions(f"It was {words}.", NOW) == []


def test_the_friday_before_last_week_is_not_the_friday_before_last():
    (said,) = mentions("We met the Friday before last week.", JUNE_11)
    assert said.precision == "week"


@pytest.mark.parametrize(
    ("today", "phrase", "first"),
    [
        (day(2025, 3, 30), "on the 30th", day(2025, 3, 30)),
        (day(2025, 1, 30), "on the 29th", day(2025, 3, 29)),
        (day(2025, 6, 18), "on the 5th", day(2025, 7, 5)),
        (day(2025, 12, 18), "on the 5th", day(2026, 1, 5)),
    ],
)
def test_a_plan_for_a_day_of_the_month_is_for_the_next_one(today, phrase, first):
    (said,) = mentions(f"We meet {phrase}.", today, direction="future")
    assert said.start == first


def test_what_happened_later_lends_no_year():
    wed, _ = mentions("We wed on 5 May and on 8 June 2023 we left.", JUNE_11)
    assert wed.start == day(2025, 5, 5)
