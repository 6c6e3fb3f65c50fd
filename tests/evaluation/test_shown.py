"""What counts as shown, against cases worked out by hand."""

import datetime as dt

import pytest

from comparison.curves import Sight, point, shown_scores
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.evaluation.shown import as_many, filled, line, of_recall
from lightmem_integrations.testing import HashEmbedder

WHEN = dt.datetime(2026, 3, 1, 8, tzinfo=dt.timezone.utc)


def words(text):
    return len(text.split())


def turn(turn_id, text):
    return Turn(role="user", speaker="Ann", id=turn_id, text=text, time=WHEN)


@pytest.fixture
def memory():
    said = {
        "before": "What did the surveyor say about the roof?",
        "found": "The surveyor found woodworm in the attic beams.",
        "after": "Then we shall have it treated.",
        "other": "My sister plays the cello.",
    }
    with LightMem(embedder=HashEmbedder()) as memory:
        memory.add([turn(turn_id, text) for turn_id, text in said.items()], user_id="ann")
        memory.index_pending()
        yield memory


def test_hits_their_neighbours_and_what_fills_the_text_are_shown(memory):
    found = memory.recall("woodworm attic beams", user_id="ann", k=1)
    shown = of_recall(found)
    assert shown.turn_ids == {"before", "found", "after", "other"}
    assert shown.tokens == found.tokens
    for turn_id in shown.turn_ids:
        assert next(t.text for t in memory.history(user_id="ann") if t.id == turn_id) in found.text


def test_neighbours_for_which_there_is_no_room_are_not_shown(memory):
    whole = memory.recall("woodworm attic beams", user_id="ann", k=1)
    tight = memory.recall(
        "woodworm attic beams", user_id="ann", k=1, max_tokens=whole.tokens // 2 + 8
    )
    assert "found" in of_recall(tight).turn_ids
    assert len(of_recall(tight).turn_ids) < 3


def test_a_turn_that_was_cut_is_not_shown():
    with LightMem(embedder=HashEmbedder()) as memory:
        memory.add(turn("long", "woodworm " * 300), user_id="ann")
        found = memory.recall("woodworm", user_id="ann", max_tokens=100)
        assert "woodworm" in found.text
        assert of_recall(found).turn_ids == set()
        assert of_recall(memory.recall("woodworm", user_id="ann")).turn_ids == {"long"}


def test_turns_fill_the_budget_in_the_order_of_their_rank():
    ranked = [turn("a", "one two three"), turn("b", "one two three four five"), turn("c", "one")]
    assert line(ranked[0]) == "Ann: one two three"
    # "Ann:" is a token here, so the three lines have 4, 6 and 2.
    assert filled(ranked, 12, words).turn_ids == {"a", "b", "c"}
    assert filled(ranked, 12, words).tokens == 12
    # The second does not fit and makes room for the third, as in our own packing.
    assert filled(ranked, 6, words).turn_ids == {"a", "c"}
    assert filled(ranked, 6, words).tokens == 6
    assert filled(ranked, 3, words).turn_ids == {"c"}
    assert filled(ranked, 1, words).turn_ids == set()
    assert filled([], 100, words).tokens == 0


def test_the_whole_text_counts_where_tokens_do_not_add_up():
    def dear(text):  # every line end costs five
        return len(text.split()) + 5 * text.count("\n")

    ranked = [turn("a", "one two three"), turn("b", "one"), turn("c", "two")]
    shown = filled(ranked, 12, dear)
    assert shown.turn_ids == {"a", "b"}
    assert shown.tokens == 11


def test_scores_of_what_was_shown():
    sights = [
        Sight("x", frozenset({"t1", "t2"}), frozenset({"t2", "t7"}), 100),  # half of it
        Sight("x", frozenset({"t1"}), frozenset({"t1"}), 200),  # all of it
        Sight("y", frozenset({"t1"}), frozenset({"t3"}), 600),  # nothing
    ]
    found = shown_scores(sights)
    assert found.questions == 3
    assert found.hit.mean == pytest.approx(2 / 3)
    assert found.recall.mean == pytest.approx(1.5 / 3)
    assert found.tokens == 300
    by_category = point(400, 5, "k", sights).by_category
    assert by_category["x"].recall.mean == pytest.approx(0.75)
    assert by_category["y"].hit.mean == 0


def test_no_context_holds_more_results_than_are_asked_for_at_most():
    assert [as_many(budget) for budget in (400, 1_000, 2_000)] == [40, 100, 200]
