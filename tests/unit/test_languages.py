"""Words are found in other forms, in the language of the turn; English stays as it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, update

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.storage import lexical, term_refresh
from lightmem_integrations.storage.ledger import put_meta
from lightmem_integrations.storage.schema import turns, users
from lightmem_integrations.text.inflections import question_terms, turn_terms
from lightmem_integrations.text.terms import terms

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
SECTIONS = (DATA / "languages.txt").read_text(encoding="utf-8").split("\n[")[1:]
PAIRS = {
    language: [line.split("|") for line in lines.strip().splitlines()]
    for language, _, lines in (section.partition("]\n") for section in SECTIONS)
}


def no_vectors(texts):
    raise RuntimeError("no model here")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A memory without vectors: each language's, and all languages in one."""
    settings = Settings(background_indexing=False)
    folder = tmp_path_factory.mktemp("store")
    with LightMem(folder, embedder=no_vectors, settings=settings) as memory:
        for language, pairs in PAIRS.items():
            for text, _ in pairs:  # a session each, so that no turn is another's context
                for user in (language, "everybody"):
                    memory.add(Turn(role="user", text=text), user_id=user, session_id=text)
        yield memory


@pytest.mark.parametrize("together", [False, True], ids=["alone", "among others"])
@pytest.mark.parametrize("language", PAIRS)
def test_a_turn_is_found_by_its_words_in_another_form(told, language, together):
    user = "everybody" if together else language
    first = [
        told.recall(question, user_id=user).hits[0].text == text
        for text, question in PAIRS[language]
    ]
    assert sum(first) >= 0.9 * len(first)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Wir haben gestern zwei Katzen geholt.", "Katzen"),
        ("Wir haben gestern zwei Katzen geholt.", "Where do the Katzen come from?"),
        ("Nous avons mangé à l'école.", "écoles"),
        ("Nous avons mangé à l'école.", "l'école"),
        ("Vi har två hundar och en katt.", "hund"),
        ("We adopted two cats from Berlin.", "Woher sind die Katzen aus Berlin?"),
        ("Mañana voy a la reunión con mi jefe.", "reunion"),
        ("Я живу в старом доме.", "дома"),
    ],
)
def test_a_word_alone_and_a_question_in_another_language_find_it(open_memory, said, asked):
    memory = open_memory(embedder=no_vectors)
    memory.add([Turn(role="user", text="No words in common here.")] * 3, user_id="u")
    memory.add(Turn(role="user", text=said), user_id="u", session_id="other")
    assert memory.recall(asked, user_id="u").hits[0].text == said


@pytest.mark.parametrize(
    "text",
    [
        "I went to Los Angeles and saw the Leonardo da Vinci show.",
        "Que sera, sera, she said, and we laughed about it.",
        "We had crème brûlée at Café de la Paix in Paris!",
        "My friend Van der Berg is on the team; C'est la vie, I told him.",
        "Los Angeles!", "La La Land", "No", "Die Hard was on", "Thanks so much!", "Oh no... me too",
        "sushi, pizza, ramen", "tell me enevti.com awards", "Mi casa is my favorite restaurant",
        "", "123", "🦑",
    ],
)  # fmt: skip
def test_english_has_the_terms_of_english_alone(text):
    assert turn_terms(text) == terms(text)
    assert [*question_terms(text)] == [*dict.fromkeys(terms(text))]


def test_conversations_in_english_have_the_terms_of_english_alone(shared_data):
    samples = json.loads((shared_data / "locomo-dev.json").read_text(encoding="utf-8"))
    said = [
        turn["text"]
        for sample in samples
        for session in sample["conversation"].values()
        if isinstance(session, list)
        for turn in session
    ]
    assert len(said) > 2_000
    assert [text for text in said if turn_terms(text) != terms(text)] == []


def test_a_turn_has_the_same_terms_in_every_process():
    texts = ["Vino con la niña y el perro.", "De kat var i haven.", "Que come o gato?"]
    program = (
        "import sys, json; from lightmem_integrations.text.inflections import turn_terms;"
        "print(json.dumps([turn_terms(text) for text in json.loads(sys.argv[1])]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(texts)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in "123456"
    }  # fmt: skip
    assert len(told) == 1


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("собаку", "собаки"), ("γάτες", "γάτα"), ("المدرسة", "مدرسة"), ("किताबों", "किताब"),
        ("நாய்கள்", "நாய்"),
    ],
)  # fmt: skip
def test_scripts_that_tell_their_language_have_its_stems(word, other):
    assert terms(word) == terms(other)


@pytest.mark.parametrize("word", ["їжаки", "کتابهای", "ספרים"])
def test_a_word_of_another_language_of_the_script_stays_as_it_is(word):
    assert terms(word) == [word]


GERMAN, ENGLISH = "Wir haben gestern zwei Katzen geholt.", "We adopted two cats."


@pytest.fixture
def of_before(open_memory, open_ledger, tmp_path):
    """A store as it was before turns had stems of their languages, open."""
    memory = open_memory(tmp_path, embedder=no_vectors)
    said = [Turn(role="user", text=text) for text in (GERMAN, ENGLISH)]
    memory.add(said, user_id="u")
    with open_ledger(tmp_path).write() as connection:
        old = "wir haben gestern zwei katzen geholt"
        row = connection.execute(select(turns).where(turns.c.text == GERMAN)).one()
        lexical.remove(connection, row.user, [(row.id, row.terms)])
        lexical.add(connection, row.user, [(row.id, old)])
        connection.execute(update(turns).where(turns.c.id == row.id).values(terms=old))
        connection.execute(update(users).values(terms=len([*old.split(), *terms(ENGLISH)])))
        put_meta(connection, "terms", "5")
    return memory


def test_an_older_store_gets_the_stems_when_it_is_opened(
    of_before, open_memory, open_ledger, tmp_path
):
    of_before.close()
    memory = open_memory(tmp_path, embedder=no_vectors)
    assert memory.recall("Wo ist die Katze?", user_id="u").hits[0].text == GERMAN
    with open_ledger(tmp_path).read() as connection:
        held = connection.execute(select(turns.c.terms).order_by(turns.c.id)).scalars().all()
        assert held == [" ".join(turn_terms(text)) for text in (GERMAN, ENGLISH)]
        counted = connection.execute(select(users.c.terms)).scalar_one()
        assert counted == sum(len(each.split()) for each in held)
    memory.forget(user_id="u")
    memory.add(Turn(role="user", text=ENGLISH), user_id="u")
    with open_ledger(tmp_path).read() as connection:
        user = connection.execute(select(users.c.id)).scalar_one()
        assert not lexical.frequencies(connection, user, ["de:katz", "katzen", "de:"])


def test_questions_are_answered_while_the_stems_are_made(
    of_before, open_ledger, tmp_path, monkeypatch
):
    found = []
    really = term_refresh._turn

    def asked_meanwhile(connection, row):
        found.extend(
            of_before.recall(question, user_id="u").hits[0].text
            for question in ("Wo sind die Katzen?", "cats")
        )
        really(connection, row)

    monkeypatch.setattr(term_refresh, "_turn", asked_meanwhile)
    open_ledger(tmp_path)
    assert found == [GERMAN, ENGLISH] * 2
    assert of_before.recall("Wo ist die Katze?", user_id="u").hits[0].text == GERMAN
