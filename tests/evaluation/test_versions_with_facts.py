"""What changed is known with facts as a strong model writes them; without a model no worse."""

from pathlib import Path

import pytest

from versions import KINDS, measured, read_chats

pytestmark = pytest.mark.slow

CHATS = Path(__file__).parents[1] / "data" / "changes.txt"


@pytest.fixture(scope="module")
def chats():
    return read_chats(CHATS, CHATS.with_suffix(".json"))


@pytest.fixture(scope="module")
def nothing_known(chats):
    return measured(chats, "none")


def share(right):
    return sum(right) / len(right)


def test_a_consolidation_without_a_model_makes_no_answer_worse(chats, nothing_known):
    found = measured(chats, "no model")
    for before, now in ((nothing_known.hits, found.hits), (nothing_known.texts, found.texts)):
        for kind in KINDS:
            worse = [was > is_now for was, is_now in zip(before[kind], now[kind], strict=True)]
            assert not any(worse), found.misses


def test_with_facts_what_is_asked_for_stands_first_and_the_text_tells_versions_apart(
    chats, nothing_known
):
    found = measured(chats, "facts")
    assert all(found.shown)
    for right in (found.hits, found.texts):
        assert share(right["now"]) >= 0.95, found.misses
        assert share(right["past"]) >= 0.9, found.misses
        assert all(right["change"]), found.misses
    for kind in KINDS:
        assert share(found.hits[kind]) >= share(nothing_known.hits[kind]), found.misses
        assert share(found.texts[kind]) >= share(nothing_known.texts[kind]), found.misses
