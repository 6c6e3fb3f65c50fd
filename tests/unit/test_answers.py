"""Which turns have the kind of thing that a question asks for."""

import numpy as np
import pytest

from lightmem_integrations.arrays import objects
from lightmem_integrations.recall.candidates import Candidates, EmbeddedQuery, QueryTerms
from lightmem_integrations.recall.select.answer_type import has_answer_type
from lightmem_integrations.recall.select.features import features
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.text.answer_cues import answer_cues
from lightmem_integrations.text.terms import hashed, terms


def has(question, *texts, speakers=("Ana", "Bo"), said_by=""):
    cues = (answer_cues(text, hashed(terms(text))) for text in texts)
    if not said_by:
        said_by = next((name for name in speakers if name in question), "")
    return has_answer_type(question, speakers, texts, [said_by] * len(texts), cues).tolist()


@pytest.mark.parametrize(
    ("question", "without", "answering"),
    [
        ("When did Ana move?", "I moved, finally!", "I moved last Tuesday."),
        ("How many years has Bo run?", "I run a lot.", "It must be ten years now."),
        ("Where did Ana go?", "I went somewhere warm.", "we flew to Lisbon in the end"),
        ("Which book does Bo read?", "I love reading.", 'I am on "the old road" now.'),
        ("Who helped Ana?", "A friend helped me.", "oh, that was Zoë from work"),
    ],
)
def test_the_turn_that_answers_is_told_from_one_on_the_subject(question, without, answering):
    assert has(question, without, answering) == [0.0, 1.0]


@pytest.mark.parametrize(
    "text",
    [
        "thanks for that, Ana, you are kind",  # whom it is said to
        "we went there on Monday",  # no name of a place or a person
        "Lovely place. Really.",  # capitals that every sentence has
        "i went to lisbon",  # a chat without capitals: nothing is known
        "yes, the Alps it was",  # said in the question
    ],
)
def test_these_name_nothing_that_answers(text):
    assert has("Where in the Alps did Ana go?", text) == [0.0]


def test_a_turn_that_names_only_somebody_else_answers_nothing():
    texts = ["The key of Ben is in the Alfa.", "The key of Carl is in the Fiat.", "See the Opel."]
    assert list(has("Where is the key of Ben?", *texts)) == [1, 0, 0]
    assert list(has("where is the key of ben?", *texts)) == [1, 0, 0]


def test_somebody_else_names_nobody_that_answers_for_a_speaker():
    texts = ["Bo left his key with Zoë.", "Carl left his key with Emil."]
    assert has("Who has the key of Bo?", *texts, said_by="Ana") == [1, 0]
    assert has("Who has the key of Bo?", *texts, said_by="Bo") == [1, 1]


def test_other_questions_leave_every_turn_alike():
    assert has("What does Ana like?", "I love Lisbon.", "Yesterday I rested.") == [0.0, 0.0]


def context(*texts):
    """Words and context of turns of one session, as features of a question about a telescope."""
    count = len(texts)
    turns = Turns(
        rows=np.arange(count),
        sessions=np.ones(count, np.int64),
        positions=np.arange(count),
        said_at=np.zeros(count),
        searchable=np.ones(count, np.bool_),
        roles=objects(["user"] * count),
        speakers=objects(["Ana"] * count),
        texts=objects(texts),
        terms=objects([hashed(terms(text)) for text in texts]),
        vectors=np.zeros((count, 8), np.float32),
        embedded=np.zeros(count, np.bool_),
        tokens=objects([None] * count),
        guidance=np.zeros(count, np.int8),
        importance=np.zeros(count, np.float32),
        pinned=np.zeros(count, np.bool_),
        cues=objects([None] * count),
    )
    query = EmbeddedQuery("What about the telescope?")
    weighed = QueryTerms(terms("telescope"), {"telescop": 3.0}, average_length=12.0)
    candidates = Candidates(turns, np.arange(count), turns.searchable, weighed)
    return features(Plan(queries=(query.text,)), query, candidates).column("lexical_window")


def test_what_was_said_before_tells_more_about_a_turn_than_what_comes_after():
    before, named, after = context("so glad today", "my new telescope", "it was dear")
    assert named >= after > before
