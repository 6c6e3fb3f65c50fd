"""What a question says about whom and when."""

import datetime as dt

import numpy as np
import pytest

from lightmem_integrations import Turn
from lightmem_integrations.recall.plan.aliases import said_with
from lightmem_integrations.recall.plan.question import make_plan, named_speakers
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.users import find_user

UTC = dt.timezone.utc
NOW = dt.datetime(2025, 6, 18, 15, 30, tzinfo=UTC)  # a Wednesday


def day(year, month, number):
    return dt.datetime(year, month, number, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When will the concert start?", set()),
        ("Will the concert start at eight?", set()),
        ("Where may we fly in spring?", set()),
        ("May I park here?", set()),
        ("Which mark did the teacher give me?", set()),
        ("Did I get a good mark? May be.", set()),
        ("What did Will say about May?", {"Will", "May"}),
        ("will Will come?", {"Will"}),
        ("Will's dog, what is its name?", {"Will"}),
        ("Mark and I met where?", {"Mark Twain"}),
        ("what did mark twain write?", {"Mark Twain"}),
        ("小明喜欢吃什么", {"小明"}),
        ("WHEN WILL THE CONCERT START?", set()),
        ("When Will the Concert Start?", set()),
        ("Can I ask what my dog did?", set()),
        ("What did My and Can do yesterday?", {"My", "Can"}),
    ],
)
def test_a_name_that_is_a_common_word_must_be_written_like_a_name(question, expected):
    assert named_speakers(question, ["Will", "May", "Mark Twain", "小明", "My", "Can"]) == expected


@pytest.mark.parametrize(
    "question", ["Which AI course do I take?", "How do I make a user in SQL?", "Which bot won?"]
)
def test_a_speaker_called_like_a_role_is_not_named_by_that_word(question):
    assert named_speakers(question, ["User", "AI", "Bot", "Human", "assistant"]) == set()


@pytest.mark.parametrize(
    "form", ["Where is the zebra?\n{}", "{}\nWhere is the zebra?", " {} zebra? "]
)
def test_of_a_question_with_a_pasted_text_its_beginning_and_end_are_read(open_memory, form):
    memory = open_memory()
    memory.add(Turn(role="user", text="The zebra sleeps."), user_id="u")
    pasted = " \n".join(f"line {number} on Monday: a failure of Foo" for number in range(20_000))
    found = memory.recall(form.format(pasted), user_id="u", strict=True)
    assert found.hits[0].text == "The zebra sleeps."
    assert all(len(query) <= 2_000 for query in found.plan.queries)
    assert found.query == form.format(pasted)


@pytest.mark.parametrize(
    "question", ["x" * 9_000, "漢" * 9_000, "a" + " " * 9_000 + "b", "< " * 9_000]
)
def test_a_question_of_one_piece_is_read_too(open_memory, question):
    memory = open_memory()
    memory.add(Turn(role="user", text="x"), user_id="u")
    assert all(memory.recall(question, user_id="u", strict=True).plan.queries)


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
    def memory(self, open_memory, tmp_path):
        memory = open_memory(tmp_path)
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

    def test_a_row_of_somebody_else_is_never_read(self, memory, open_ledger, monkeypatch):
        """As a damaged index may name one."""
        monkeypatch.setattr(lexical, "postings", lambda *_: np.arange(1, 10))
        self.said(memory, ("Bo", "Hey Hansi!"), ("Johanna", "Yes."), user="v")
        with open_ledger(memory).read() as connection:
            mine, other = (find_user(connection, each) for each in ("v", "u"))
            assert said_with(connection, mine, "Hansi")
            assert said_with(connection, other, "Hansi") == []
