"""k is how many memories are ranked, not the end of the text: that goes on until it is full."""

import datetime as dt

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.models.protocols import Reranker

MAY = dt.datetime(2025, 5, 1, 12, tzinfo=dt.timezone.utc)
BIRDS = ("heron", "stork", "crane", "egret", "ibis", "bittern", "curlew", "plover")


def said(text, day, turn_id=None):
    return Turn(role="user", text=text, id=turn_id or text, time=MAY + dt.timedelta(days=day))


@pytest.fixture
def memory(open_memory):
    """Two dozen birds, each seen on a day of its own: sessions of one turn have no neighbours."""
    memory = open_memory()
    for day in range(24):
        text = f"I saw a {BIRDS[day % 8]} by the river, number {day}."
        memory.add(said(text, day), user_id="u", session_id=f"day {day}")
    memory.index_pending()
    return memory


def lines(found):
    return [line for line in found.text.splitlines() if line.startswith("[")]


def test_the_text_goes_on_behind_the_hits_until_its_budget_is_full(memory):
    few = memory.recall("Which heron did I see by the river?", user_id="u", k=2, max_tokens=300)
    assert len(few.hits) == 2
    assert len(lines(few)) > 8
    assert 240 < few.tokens <= 300
    least = memory.recall("Which heron did I see by the river?", user_id="u", k=2, max_tokens=110)
    assert [hit.turns for hit in least.hits] == [hit.turns for hit in few.hits]
    assert [hit.score for hit in least.hits] == [hit.score for hit in few.hits]


def test_all_that_the_text_shows_is_named(memory):
    found = memory.recall("Which heron did I see by the river?", user_id="u", k=2, max_tokens=300)
    named = [hit.turns[0] for hit in (*found.hits, *found.further)]
    assert len(named) == len(set(map(id, named))) == len(lines(found))
    assert all(any(turn.text in line for line in lines(found)) for turn in named)
    scores = [hit.score for hit in (*found.hits, *found.further)]
    assert scores == sorted(scores, reverse=True)


def test_what_was_said_around_the_hits_comes_before_what_is_ranked_behind_them(open_memory):
    memory = open_memory()
    memory.add(
        [said("What did the vet say?", 0), said("The heron has a broken wing.", 0, "hit"),
         said("Poor thing!", 0)],
        user_id="u", session_id="s",
    )  # fmt: skip
    for day in range(1, 9):
        memory.add(
            said(f"A heron with a wing, on day {day}.", day), user_id="u", session_id=f"{day}"
        )
    found = memory.recall("broken heron wing", user_id="u", k=1, max_tokens=120)
    assert found.hits[0].source.turn_ids == ("hit",)
    assert "What did the vet say?" in found.text
    assert "Poor thing!" in found.text
    assert found.further


def test_nothing_below_the_threshold_fills_the_text(memory):
    question = "Which heron did I see by the river?"
    scores = [hit.score for hit in memory.recall(question, user_id="u", k=24).hits]
    between = (scores[0] + scores[-1]) / 2
    found = memory.recall(question, user_id="u", k=2, score_threshold=between)
    shown = [*found.hits, *found.further]
    assert 2 <= len(shown) < 24
    assert all(hit.score >= between for hit in shown)
    assert len(lines(found)) == len(shown)
    nothing = memory.recall("Who won the vote?", user_id="u", score_threshold=0.9)
    assert (nothing.text, nothing.hits, nothing.further) == ("", (), ())


def test_what_the_model_already_sees_does_not_fill_the_text(memory):
    seen = [f"I saw a {BIRDS[day % 8]} by the river, number {day}." for day in range(0, 24, 2)]
    found = memory.recall("Which heron did I see by the river?", user_id="u", k=2, exclude=seen)
    assert len(lines(found)) == 12
    assert not any(text in found.text for text in seen)


def test_a_re_ranker_reads_no_more_than_before_and_costs_the_text_nothing(open_memory, memory):
    class Counting(Reranker):
        read = 0

        def score(self, query, texts):
            self.read = max(self.read, len(texts))
            return [float("stork" in text) for text in texts]

    reranker = Counting()
    again = open_memory(reranker=reranker)
    for day in range(24):
        text = f"I saw a {BIRDS[day % 8]} by the river, number {day}."
        again.add(said(text, day), user_id="u", session_id=f"day {day}")
    found = again.recall("Which bird did I see by the river?", user_id="u", k=2, max_tokens=300)
    assert reranker.read == 4
    plain = memory.recall("Which bird did I see by the river?", user_id="u", k=2, max_tokens=300)
    assert len(lines(found)) == len(lines(plain))


def test_turns_that_are_longer_than_what_is_left_fill_it_with_their_beginning(open_memory):
    memory = open_memory()
    for day in range(6):
        text = f"The heron number {day} " + "stood in the reeds and looked at the water. " * 12
        memory.add(said(text, day), user_id="u", session_id=f"day {day}")
    memory.index_pending()
    found = memory.recall("Where did the heron stand?", user_id="u", max_tokens=300)
    assert 270 < found.tokens <= 300
    assert [line for line in lines(found) if line.endswith(" ...")] == [
        line for line in lines(found) if found.further[0].text in line
    ]
