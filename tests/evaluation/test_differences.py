"""The paired comparison with the best baseline."""

import numpy as np
import pytest

from comparison.differences import differences

KINDS = ["x", "x", "y", "y"]


def by_key(found):
    return {(each.measure, each.category): each for each in found}


def test_every_cell_is_compared_with_the_baseline_that_is_best_there():
    ours = {"ours": {"hit@10": [1, 1, 0, 1], "MRR": [1, 0.5, 0, 0.25]}}
    theirs = {
        "first": {"hit@10": [1, 1, 0, 0], "MRR": [0.5, 0.5, 0, 0]},
        "second": {"hit@10": [0, 0, 1, 1], "MRR": [0, 0, 1, 1]},
    }
    found = by_key(differences(ours, theirs, KINDS))
    assert set(found) == {(m, c) for m in ("hit@10", "MRR") for c in (None, "x", "y")}
    assert found["hit@10", "x"].baseline == "first"
    assert found["hit@10", "x"].difference.mean == 0
    assert found["hit@10", "y"].baseline == "second"
    assert found["hit@10", "y"].difference.mean == -0.5
    assert found["hit@10", "y"].questions == 2
    assert found["hit@10", None].difference.mean == pytest.approx(0.25)
    assert found["MRR", None].baseline == "second"
    assert found["MRR", None].difference.mean == pytest.approx((1 + 0.5 - 1 - 0.75) / 4)


def test_it_is_paired_so_that_what_is_hard_for_both_widens_nothing():
    hard = np.random.default_rng(1).random(300)
    ours = {"ours": {"MRR": list(hard + 0.01)}}
    theirs = {"theirs": {"MRR": list(hard)}}
    (found,) = (d for d in differences(ours, theirs, ["x"] * 300) if d.category is None)
    assert found.difference.mean == pytest.approx(0.01)
    assert found.difference.low == pytest.approx(0.01)
    assert found.difference.high == pytest.approx(0.01)


def test_chance_alone_leaves_zero_within_the_interval_and_a_real_gain_does_not():
    random = np.random.default_rng(2)
    theirs = (random.random(400) < 0.5).astype(float)
    chance = (random.random(400) < 0.5).astype(float)
    better = np.maximum(theirs, random.random(400) < 0.2)
    baselines = {"theirs": {"hit@10": list(theirs)}}

    def overall(values):
        found = differences({"ours": {"hit@10": list(values)}}, baselines, ["x"] * 400)
        return found[0].difference

    assert overall(chance).low < 0 < overall(chance).high
    assert overall(better).low > 0


def test_without_a_baseline_there_is_nothing_to_compare():
    assert differences({"ours": {"MRR": [1.0]}}, {}, ["x"]) == ()
