"""Turns are found by what the facts that they prove say, beside their own words."""

import datetime as dt
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
MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
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


@pytest.mark.sqlite("reads and writes the file")
def test_who_corrects_a_fact_of_an_older_store_does_not_wait_for_all_others(tmp_path):
    with opened(tmp_path) as memory:
        told(memory)
        memory.consolidate(final=True)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE fact_vectors SET tokens = NULL")
    with opened(tmp_path) as memory:
        memory.edit(memory.facts(user_id="ann")[0].id, user_id="ann", valid_from="2025-W18")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger, ledger:
        made = ledger.execute("SELECT count(*), count(tokens) FROM fact_vectors").fetchall()
    assert made == [(len(TOLD) + 1, 1)]


def test_asked_as_of_a_day_a_turn_is_not_found_by_what_was_told_later(tmp_path):
    told_of = {
        "It went well this time.": "Ann passed her driving test.",
        "I never told you of the zebra.": "Ann passed her driving test in spite of a zebra.",
    }

    class Later:
        name = "later"

        def write(self, turns):
            facts = [
                FactDraft(
                    subject="Ann", attribute="driving test", value="passed",
                    statement=told_of[turn.text], evidence=(place,),
                )
                for place, turn in enumerate(turns) if turn.text in told_of
            ]  # fmt: skip
            return EpisodeDraft(summary="Ann talks.", facts=tuple(facts))

    def said(memory, day, *texts):
        turns = [Turn(role="user", text=text, time=MAY + day * DAY) for text in texts]
        memory.add(turns, user_id="ann", session_id=f"on day {day}")
        memory.consolidate(writer=Later(), final=True)

    with opened(tmp_path) as memory:
        # What was said last is read first, as of a session that rested.
        said(memory, 30, "I never told you of the zebra.")
        said(memory, 0, "It went well this time.", "The cat sleeps.", "My boat leaks.")
        asked = "Was there a zebra?"
        (fact,) = memory.facts(user_id="ann")
        assert "zebra" in fact.statement
        now = memory.recall(asked, user_id="ann", strict=True)
        assert now.known[0].parts["statement"] > 0.3
        then = memory.recall(asked, user_id="ann", as_of=MAY + DAY, strict=True)
        (turn,) = (hit for hit in then.hits if hit.text == "It went well this time.")
        assert turn.parts.get("lexical", 0.0) == 0.0
        (known,) = then.known
        assert known.statement == "Ann passed her driving test."
        assert known.parts["statement"] == 0.0


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
