"""Ranking anybody's texts: what answers comes first, and trouble costs order, never texts."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightmem_integrations.errors import InvalidRequestError, LightMemError, ModelError
from lightmem_integrations.models.onnx import OnnxEmbedder
from lightmem_integrations.recall.rank_texts import rank_texts
from lightmem_integrations.testing import HashEmbedder

TEXTS = [
    "The train to Porto leaves at nine.",
    "Bread needs flour, water, salt and time.",
    "My sister's dog is a small terrier called Bo.",
    "A violin has four strings.",
    "What is a terrier?",
]


def places(ranking):
    return [each.place for each in ranking.texts]


class Slow(OnnxEmbedder):
    def encode(self, texts):
        time.sleep(0.5)
        return super().encode(texts)


class Broken(OnnxEmbedder):
    def encode(self, texts):
        raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    ("query", "best"),
    [("Which breed is the pet of my sibling?", 2), ("When does the railway go?", 0)],
)
def test_what_answers_comes_first(query, best):
    ranking = rank_texts(query, TEXTS)
    assert places(ranking)[0] == best
    assert sorted(places(ranking)) == list(range(len(TEXTS)))
    scores = [each.score for each in ranking.texts]
    assert scores == sorted(scores, reverse=True)
    assert ranking.texts[0].parts["dense"] > 0
    assert ranking.texts[0].parts["maxsim"] > 0
    assert ranking.degraded == ()


def test_no_text_is_the_context_of_another():
    ranking = rank_texts("terrier", ["A terrier.", "Salt.", "A violin."])
    by_place = {each.place: each for each in ranking.texts}
    assert by_place[1].parts["lexical_window"] == by_place[1].parts["lexical"]
    assert by_place[1].parts["lexical_window"] == by_place[2].parts["lexical_window"]
    for name in ("reply", "speaker", "in_time", "length", "question"):
        assert all(each.parts[name] == 0 for each in ranking.texts)


def test_a_text_given_twice_is_scored_twice_and_stands_in_the_order_given():
    ranking = rank_texts("terrier", ["A violin.", "A terrier.", "Salt.", "A terrier."])
    assert places(ranking)[:2] == [1, 3]
    assert ranking.texts[0].score == ranking.texts[1].score


def test_an_embedder_without_token_vectors():
    ranking = rank_texts("small terrier", TEXTS, embedder=HashEmbedder().embed_documents)
    assert places(ranking)[0] == 2
    assert ranking.texts[0].parts["maxsim"] == 0


def test_budgets():
    query = "Which breed is the pet of my sibling?"
    two = rank_texts(query, TEXTS, max_candidates=2)
    assert sorted(places(two)[:2]) == [0, 1]
    assert places(two)[2:] == [2, 3, 4]
    assert [each.score is None for each in two.texts] == [False, False, True, True, True]
    assert places(rank_texts(query, TEXTS, k=1)) == [2]

    def words(text):
        return len(text.split())

    for limit in (1, 4, 9, 13, 100):
        kept = rank_texts(query, TEXTS, max_tokens=limit, count_tokens=words).texts
        assert sum(words(TEXTS[each.place]) for each in kept) <= limit
    # The best has nine words; what comes next and does not fit makes room for a smaller one.
    small = rank_texts(query, TEXTS, max_tokens=13, count_tokens=words)
    assert places(small)[0] == 2
    assert len(small.texts) == 2


def test_a_re_ranker_decides_with_the_selector():
    class Prefers:
        def score(self, query, texts):
            return [100.0 * ("violin" in text) for text in texts]

    ranking = rank_texts("music", TEXTS[:4], reranker=Prefers())
    assert places(ranking)[0] == 3
    assert ranking.texts[0].parts["reranker"] == 100.0


def test_too_late_keeps_the_given_order():
    started = time.monotonic()
    ranking = rank_texts("terrier", TEXTS, embedder=Slow(), timeout=0.1)
    assert time.monotonic() - started < 0.4
    assert places(ranking) == list(range(len(TEXTS)))
    assert "the given order was kept" in ranking.degraded[0]
    assert "0.1 s" in ranking.degraded[0]


def test_too_late_keeps_the_budgets():
    ranking = rank_texts("terrier", TEXTS, embedder=Slow(), timeout=0.1, k=2)
    assert places(ranking) == [0, 1]


def test_a_broken_embedder_leaves_the_words():
    ranking = rank_texts("terrier sister", TEXTS, embedder=Broken())
    assert places(ranking)[0] == 2
    assert "words only" in ranking.degraded[0]
    assert "out of memory" in ranking.degraded[0]


@pytest.mark.parametrize("bad", [[1.0], [float("nan")] * 5, "no"])
def test_a_broken_re_ranker_leaves_the_selector(bad):
    class Wrong:
        def score(self, query, texts):
            return np.array(bad)

    query = "Which breed is the pet of my sibling?"
    ranking = rank_texts(query, TEXTS, reranker=Wrong())
    assert places(ranking) == places(rank_texts(query, TEXTS))
    assert "the re-ranker was left out" in ranking.degraded[0]
    with pytest.raises(LightMemError):
        rank_texts(query, TEXTS, reranker=Wrong(), strict=True)


def test_strict_raises():
    with pytest.raises(ModelError, match="out of memory"):
        rank_texts("terrier", TEXTS, embedder=Broken(), strict=True)
    with pytest.raises(ModelError, match=r"0\.1 s"):
        rank_texts("terrier", TEXTS, embedder=Slow(), timeout=0.1, strict=True)


@pytest.mark.parametrize("query", ["", "  ", "?!", "the"])
def test_a_question_that_says_nothing_loses_no_text(query):
    assert sorted(places(rank_texts(query, TEXTS))) == list(range(len(TEXTS)))


def test_blank_texts_come_last():
    assert places(rank_texts("violin", ["", "A violin.", " "])) == [1, 0, 2]
    assert rank_texts("violin", []).texts == ()


@pytest.mark.parametrize("name", ["k", "max_candidates", "max_tokens", "timeout"])
def test_budgets_must_be_positive(name):
    with pytest.raises(InvalidRequestError, match=name):
        rank_texts("violin", TEXTS, **{name: 0})


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=30), max_size=8),
    st.text(max_size=20),
    st.integers(1, 9),
    st.integers(1, 30),
)
def test_every_ranking_is_a_choice_of_the_texts(texts, query, candidates, tokens):
    ranking = rank_texts(
        query,
        texts,
        embedder=HashEmbedder(),
        max_candidates=candidates,
        max_tokens=tokens,
        count_tokens=len,
    )
    found = places(ranking)
    assert len(set(found)) == len(found)
    assert set(found) <= set(range(len(texts)))
    assert sum(len(texts[place]) for place in found) <= tokens
    assert all(each.score is None or np.isfinite(each.score) for each in ranking.texts)


@pytest.mark.parametrize("long", ["query", "texts"])
def test_a_megabyte_costs_little(long):
    pasted = "the strings of the violin are on the disk, " * 25_000
    query, texts = "Which strings does a violin have?", [TEXTS[0], TEXTS[3]]
    if long == "query":
        query = f"{query} {pasted}"
    else:
        texts = [TEXTS[0], *[f"{TEXTS[3]} {pasted}"] * 8]
    rank_texts("warm", ["up"])
    started = time.process_time()
    ranking = rank_texts(query, texts)
    assert time.process_time() - started < 2
    assert not ranking.degraded
    assert places(ranking)[-1] == 0
