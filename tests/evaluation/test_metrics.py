"""The measures, against values worked out by hand."""

import pytest

from lightmem_integrations.evaluation.metrics import (
    Ranking,
    distinct,
    hit,
    interval,
    recall,
    reciprocal_rank,
    scores,
)


def ranking(length):
    return [f"t{place}" for place in range(1, length + 1)]


@pytest.mark.parametrize(
    ("evidence", "k", "expected"),
    [
        ({"t1"}, 1, 1.0),
        ({"t2"}, 1, 0.0),
        ({"t5"}, 5, 1.0),
        ({"t6"}, 5, 0.0),
        ({"t6", "t3"}, 5, 1.0),
        ({"elsewhere"}, 20, 0.0),
    ],
)
def test_a_hit_is_one_evidence_turn_among_the_first_k(evidence, k, expected):
    assert hit(ranking(20), evidence, k) == expected


def test_recall_is_the_share_of_the_evidence_found():
    evidence = {"t1", "t10", "t11", "elsewhere"}
    assert recall(ranking(20), evidence, 10) == 0.5
    assert recall(ranking(20), evidence, 11) == 0.75


def test_the_reciprocal_rank_is_that_of_the_first_evidence_turn():
    assert reciprocal_rank(ranking(25), {"t4", "t9"}) == 0.25
    assert reciprocal_rank(ranking(25), {"t20"}) == 1 / 20


def test_beyond_twenty_turns_the_reciprocal_rank_is_nothing():
    assert reciprocal_rank(ranking(25), {"t21"}) == 0.0


def test_a_turn_returned_twice_takes_one_place():
    ranked = ["t1", "t1", "t2", "t1", "t3"]
    assert distinct(ranked) == ("t1", "t2", "t3")
    assert hit(ranked, {"t3"}, 3) == 1.0
    assert recall(ranked, {"t1", "t3"}, 2) == 0.5
    assert reciprocal_rank(ranked, {"t2"}) == 0.5


def test_few_or_no_results_count_as_they_are():
    assert hit(["t2"], {"t2"}, 10) == 1.0
    assert hit([], {"t1"}, 10) == 0.0
    assert recall([], {"t1"}, 10) == 0.0
    assert reciprocal_rank([], {"t1"}) == 0.0


def test_means_over_three_questions():
    rankings = [
        # rank 1; all of the evidence
        Ranking("c1", "a", frozenset({"t1"}), tuple(ranking(20))),
        # rank 4; half of the evidence is in the first ten
        Ranking("c1", "a", frozenset({"t4", "t15"}), tuple(ranking(20))),
        # nothing
        Ranking("c2", "b", frozenset({"t9"}), ("t1",)),
    ]
    found = scores(rankings)
    assert found.questions == 3
    assert found.hit_at_1 == pytest.approx(1 / 3)
    assert found.hit_at_5 == pytest.approx(2 / 3)
    assert found.hit_at_10.mean == pytest.approx(2 / 3)
    assert found.recall_at_10 == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.mrr.mean == pytest.approx((1 + 0.25 + 0) / 3)


def test_the_interval_of_half_the_questions_hit_is_the_binomial_one():
    found = interval([0.0, 1.0] * 200)
    # 1.96 * sqrt(0.5 * 0.5 / 400) = 0.049
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.451, abs=0.006)
    assert found.high == pytest.approx(0.549, abs=0.006)


def test_the_interval_is_the_same_in_every_run_and_has_no_width_without_variance():
    assert interval([0.2, 0.9, 0.4]) == interval([0.2, 0.9, 0.4])
    sure = interval([1.0] * 7)
    assert (sure.low, sure.mean, sure.high) == (1.0, 1.0, 1.0)
