"""The stages of a recall over the demo's conversations."""

from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from comparison.passes import rank_all
from lightmem_integrations.evaluation.conversations import read
from lightmem_integrations.evaluation.filled_store import fill
from lightmem_integrations.evaluation.metrics import scores
from lightmem_integrations.evaluation.stages import STAGES
from lightmem_integrations.text.terms import terms


@pytest.fixture(scope="module")
def demo():
    return read(Path(__file__).parents[2] / "examples" / "demo" / "conversation.json")


@pytest.fixture(scope="module")
def store(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages")
    fill(folder, demo)
    return folder


@pytest.fixture(scope="module")
def outcomes(demo, store):
    found = {}
    for name, make in STAGES.items():
        with closing(make(store)) as contender:
            found[name] = rank_all(name, contender, demo)
    return found


@contextmanager
def opened(store, name):
    with closing(STAGES[name](store)) as contender:
        yield contender


def test_every_stage_ranks_differently_and_a_consolidation_without_a_model_as_none(outcomes):
    rankings = {name: tuple(each.ranked for each in found) for name, found in outcomes.items()}
    assert rankings.pop("lightmem:consolidated") == rankings["lightmem"]
    assert len(set(rankings.values())) == len(STAGES) - 1


def test_each_part_of_the_recall_adds_to_it(outcomes):
    mrr = {name: scores(found).mrr.mean for name, found in outcomes.items()}
    assert mrr["lightmem"] > mrr["lightmem:no-late-interaction"] > mrr["lightmem:plain"]
    assert mrr["lightmem"] > max(mrr["lightmem:words"], mrr["lightmem:meaning"])


def test_words_alone_find_only_turns_that_share_a_word(demo, store):
    turns = {turn.id: turn for turn in demo[0].turns}
    question = "In which town was the beagle adopted?"
    with opened(store, "lightmem:words") as contender:
        found = contender.rank(demo[0].user_id, question, 20)
    assert found
    for turn_id in found:
        assert set(terms(turns[turn_id].text)) & set(terms(question))


def test_meaning_alone_finds_without_a_common_word(demo, store):
    with opened(store, "lightmem:meaning") as contender:
        found = contender.rank(demo[0].user_id, "pet", 5)
    turns = {turn.id: turn for turn in demo[0].turns}
    assert any("dog" in turns[each].text.lower() or "Milo" in turns[each].text for each in found)


def test_nobody_unknown_has_memories(store):
    for name in STAGES:
        with opened(store, name) as contender:
            assert list(contender.rank("nobody@example.com", "Where?", 5)) == []
