"""Turns are found by what the facts that they prove say, beside their own words."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft
from lightmem_integrations.models.token_vectors import compact, joined
from lightmem_integrations.recall.select.late_interaction import maxsim
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

TALK = [
    ("Ann", "My driving test is on Friday, I am so nervous."),
    ("Bea", "You will do well, you drive better than I do."),
    ("Ann", "Remember how my brother needed four attempts at that test?"),
    ("Bea", "How did it go?"),
    ("Ann", "I finally did it, the examiner even smiled!"),
    ("Bea", "That calls for a cake."),
    ("Ann", "The garden needs water, it has not rained for weeks."),
    ("Bea", "Our tomatoes are all dry by now."),
]
TOLD = {
    TALK[4][1]: ("Ann", "driving test", "Ann passed her driving test."),
    TALK[6][1]: ("Ann", "garden", "Ann's garden is dry."),
}
QUESTION = "Did Ann pass her driving test?"


class Strong:
    """A Writer that says what a turn leaves out."""

    name = "strong"

    def write(self, turns):
        facts = [
            FactDraft(
                subject=said[0], attribute=said[1], value=said[2], statement=said[2],
                evidence=(place,), confidence=0.9,
            )
            for place, turn in enumerate(turns)
            if (said := TOLD.get(turn.text))
        ]  # fmt: skip
        return EpisodeDraft(summary="Ann and Bea talk.", facts=tuple(facts))


def opened(folder, **options):
    options.setdefault("settings", Settings(background_indexing=False))
    return LightMem(folder, writer=Strong(), **options)


def told(memory):
    turns = [Turn(role="user", speaker=speaker, text=text) for speaker, text in TALK]
    memory.add(turns, user_id="ann", session_id="one")
    memory.index_pending()


def first(memory):
    return memory.recall(QUESTION, user_id="ann", strict=True).hits[0].text


def test_a_turn_comes_first_whose_fact_answers_though_its_words_do_not(tmp_path):
    with opened(tmp_path) as memory:
        told(memory)
        assert first(memory) != TALK[4][1], "else the fact changes nothing"
        memory.consolidate(final=True)
        assert first(memory) == TALK[4][1]


def test_an_embedder_without_token_vectors_will_do(tmp_path):
    with opened(tmp_path, embedder=HashEmbedder()) as memory:
        told(memory)
        assert first(memory) != TALK[4][1], "else the fact changes nothing"
        memory.consolidate(final=True)
        assert first(memory) == TALK[4][1]
        assert memory.consolidate(final=True).written == 0


@pytest.mark.sqlite("reads and writes the file")
def test_facts_of_an_older_store_get_their_token_vectors_with_the_next_consolidation(tmp_path):
    with opened(tmp_path) as memory:
        told(memory)
        memory.consolidate(final=True)

    def run(statement):
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger, ledger:
            return ledger.execute(statement).fetchall()

    run("UPDATE fact_vectors SET tokens = NULL")
    with opened(tmp_path) as memory:
        less = memory.recall(QUESTION, user_id="ann", strict=True).hits[0].parts["maxsim"]
        memory.add(Turn(role="user", text="Good night!"), user_id="ann", session_id="two")
        memory.consolidate(final=True)
        assert memory.recall(QUESTION, user_id="ann").hits[0].parts["maxsim"] > less
    assert run("SELECT count(*) FROM fact_vectors WHERE length(tokens) > 0") == [(len(TOLD),)]


@settings(max_examples=50)
@given(texts=st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), min_size=1, max_size=4))
def test_joined_token_vectors_hold_the_nearest_of_all(texts):
    states = np.random.default_rng(7).normal(size=(6, 384)).astype(np.float32)

    def stored(ids):
        ids = np.array(ids, np.int64)
        return compact([(states[ids], ids)], np.zeros(6, np.bool_))[0]

    query = np.random.default_rng(8).normal(size=(3, 128)).astype(np.float32)
    parts = list(map(stored, texts))
    each = maxsim(query, parts)
    best = maxsim(query, [joined(parts)])[:, 0]
    np.testing.assert_array_equal(best, np.fmax.reduce(each, axis=1))
