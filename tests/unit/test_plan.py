"""What a question says about whom and when."""

import datetime as dt

import numpy as np
import pytest

from lightmem_integrations import Turn
from lightmem_integrations.recall.plan.aliases import said_with
from lightmem_integrations.recall.plan.question import make_plan, named_speakers
from lightmem_integrations.storage.turns import find_user
from lightmem_integrations.text.temporal_window import time_window

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


def test_the_plan_holds_speakers_the_time_window_and_k():
    plan = make_plan("What did Bo like in May 2023?", ["Bo"], now=NOW, latest=NOW, k=3)
    assert (plan.k, plan.speakers, plan.since) == (3, {"Bo"}, day(2023, 5, 1))
    assert plan.queries == ("What did Bo like in May 2023?",)


class TestAliases:
    """Short forms and nicknames, learned from one user's memory."""

    def said(self, memory, *turns, user="u"):
        memory.add(
            [Turn(role="user", speaker=speaker, text=text) for speaker, text in turns],
            user_id=user,
            session_id=f"s{len(memory.sessions(user_id=user))}",
        )

    def named(self, memory, question, user="u"):
        return memory.recall(question, user_id=user, strict=True).plan.speakers

    @pytest.fixture
    def memory(self, open_memory):
        memory = open_memory()
        self.said(memory, ("Melanie Ray", "I paint."), ("Bo", "I bake."), ("Johanna", "I sail."))
        return memory

    def test_the_beginning_of_one_speakers_name_means_that_speaker(self, memory):
        for question in ("What does Mel paint?", "Mel's hobby?", "Is it Mel?"):
            assert self.named(memory, question) == {"Melanie Ray"}
        found = memory.recall("What does Mel paint?", user_id="u")
        assert found.query == "What does Mel paint?"
        assert found.plan.queries == ("What does Melanie paint?",)

    def test_of_two_it_could_mean_it_means_none(self, memory):
        self.said(memory, ("Melissa", "I swim."))
        assert self.named(memory, "What does Mel do?") == frozenset()
        assert self.named(memory, "What does Meli do?") == {"Melissa"}

    @pytest.mark.parametrize(
        "question", ["What do they melt?", "mel", "Bob?", "In May?", "Will it?", "Me?", "M?"]
    )
    def test_other_words_mean_nobody(self, memory, question):
        self.said(memory, ("Mayra", "I run."), ("Willem", "I row."))
        assert self.named(memory, question) == frozenset()

    def test_a_third_person_with_such_a_name_is_not_the_speaker(self, memory):
        self.said(memory, ("Bo", "My aunt Mel came by."), ("Johanna", "I know Mel well."))
        assert self.named(memory, "Where does Mel live?") == frozenset()
        self.said(memory, ("Bo", "Mel, do you paint?"), ("Melanie Ray", "I do."))
        assert self.named(memory, "Where does Mel live?") == {"Melanie Ray"}

    def test_a_nickname_is_learned_from_who_answers_to_it(self, memory):
        assert self.named(memory, "What does Hansi like?") == frozenset()
        for text in ("Hey Hansi!", "That is great, Hansi!"):
            self.said(memory, ("Bo", text), ("Johanna", "Thank you."))
        assert self.named(memory, "What does Hansi like?") == {"Johanna"}
        self.said(memory, ("Johanna", "Hey Hansi!"), ("Bo", "That is you."))
        self.said(memory, ("Johanna", "Well, Hansi."), ("Bo", "That is you."))
        assert self.named(memory, "What does Hansi like?") == frozenset()

    def test_a_place_in_a_list_is_no_nickname(self, memory):
        for text in ("I saw Paris, Rome, and Oslo.", "Oslo, Rome, Bonn.", "Rome is hot. Rome!"):
            self.said(memory, ("Bo", text), ("Johanna", "Nice."))
        self.said(memory, ("Bo", "I loved Rome."), ("Bo", "We left Rome in May."))
        assert self.named(memory, "Who went to Rome?") == frozenset()

    def test_one_users_names_mean_nothing_in_anothers_memory(self, memory):
        self.said(memory, ("Bo", "Hey Hansi!"), ("Johanna", "Yes."), user="u")
        self.said(memory, ("Bo", "Right, Hansi!"), ("Johanna", "Yes."), user="u")
        self.said(memory, ("Cy", "I fly."), ("Johanna", "I ski."), user="v")
        for question in ("What does Mel do?", "What does Hansi do?"):
            assert self.named(memory, question, user="v") == frozenset()
            assert self.named(memory, question, user="u")

    def test_a_row_of_somebody_else_is_never_read(self, memory):
        """As a damaged index may name one."""

        class Wrong:
            def postings(self, connection, user, term):
                return np.arange(1, 10)

        self.said(memory, ("Bo", "Hey Hansi!"), ("Johanna", "Yes."), user="v")
        with memory._ledger.read() as connection:
            mine, other = (find_user(connection, each) for each in ("v", "u"))
            assert said_with(connection, Wrong(), mine, "Hansi")
            assert said_with(connection, Wrong(), other, "Hansi") == []
