"""How well scores tell that nothing is known: both kinds of noise, the worst set first."""

import json

import numpy as np
import pytest

from lightmem_integrations.evaluation.conversations import read
from nothing_known import Asked, ask_all, auroc, renamed, rows


@pytest.mark.parametrize(
    ("known", "noise", "area"),
    [([0.9, 0.8], [0.1, 0.2], 1.0), ([0.5], [0.5], 0.5), ([0.9, 0.1], [0.5], 0.5)],
)
def test_the_area_is_the_chance_of_the_right_order(known, noise, area):
    assert auroc(np.array(known), np.array(noise)) == area


def test_each_question_is_asked_of_another_memory_under_the_names_there(tmp_path, toy_file):
    data = json.loads(toy_file.read_text(encoding="utf-8"))
    for user in data["users"]:
        user["questions"].append(
            {"question": "Which opera did I see?", "evidence": [], "kind": "abstention"}
        )
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    ada, adam = read(path)
    assert renamed("Which nuts must Ada not eat?", ada, adam) == "Which nuts must Adam not eat?"
    asked = ask_all(path)
    kinds = [each.kind for each in asked]
    assert [kinds.count(kind) for kind in ("known", "another's memory", "unanswerable")] == [
        3,
        3,
        2,
    ]
    assert all(each.hit for each in asked if each.kind == "known")
    assert not any(each.hit for each in asked if each.kind != "known")


def test_the_worst_set_comes_first_in_each_kind_of_noise():
    def scored(kind, *scores):
        return [Asked(kind, score, score, kind == "known") for score in scores]

    easy = scored("known", 0.9, 0.8) + scored("another's memory", 0.1, 0.2)
    hard = scored("known", 0.9, 0.3) + scored("another's memory", 0.4, 0.5)
    found = list(rows({"easy": easy, "hard": hard}))
    assert [(row[0], row[1], row[3]) for row in found] == [
        ("another's memory", "hard", "0.500"),
        ("another's memory", "easy", "1.000"),
    ]
    # At least 80 % of the noise is held back below .48: one of two hits is lost by that.
    assert [row[-1] for row in found] == ["50.0", "0.0"]
