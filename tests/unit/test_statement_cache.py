"""Facts held in memory answer as those in the store do, whatever was changed since and by whom."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightmem_integrations import Settings, Turn
from noted import NotesWriter, note

CITIES = ("Porto", "Lisbon", "Rome", "Oslo", "Bern")
SAID = {city: f"I live in {city}." for city in CITIES}
NOTES = [
    note(text, "Ana", "home", city, f"Ana lives in {city}.", single=False)
    for city, text in SAID.items()
]
TEA = note("I drink tea.", "Ana", "drink", "green tea", "Ana drinks green tea.", single=False)
AT_HOME = "I am at home in Porto."
QUESTION = "Where does Ana live?"

pytestmark = pytest.mark.sqlite("one folder is opened twice, once to read only")


def add(memory, city):
    memory.add([Turn(role="user", speaker="Ana", text=SAID[city])], user_id="u", session_id=city)
    memory.index_pending()
    memory.consolidate(final=True)


def known(memory, **asked):
    found = memory.recall(QUESTION, user_id="u", **asked)
    return found.text, [(hit.text, hit.score, hit.statement) for hit in found.hits]


def first_known(memory):
    return memory.recall(QUESTION, user_id="u").known[0].statement


def first(memory):
    return next(iter(memory.facts(user_id="u")), None)


def edit(memory, city):
    if fact := first(memory):
        memory.edit(fact.id, value=city, user_id="u")


def retract(memory, _):
    if fact := first(memory):
        memory.retract(fact.id, user_id="u")


def pin(memory, _):
    if fact := first(memory):
        memory.pin(memory_ids=[fact.id], user_id="u")
        memory.set_importance(1.0, memory_ids=[fact.id], user_id="u")


def forget(memory, city):
    memory.forget(user_id="u", session_id=city)


def forget_all(memory, _):
    memory.forget(user_id="u")


CHANGES = (add, edit, retract, pin, forget, forget_all)


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(CITIES)), max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_recall_is_that_of_a_store_opened_just_now(tmp_path_factory, open_memory, changes):
    folder = tmp_path_factory.mktemp("store")
    memory = open_memory(folder, writer=NotesWriter(NOTES))
    beside = open_memory(folder, read_only=True)
    for change, city in ((add, "Porto"), *changes):
        change(memory, city)
        with open_memory(folder, read_only=True) as fresh:
            expected = known(fresh)
        assert known(memory) == expected, change.__name__
        assert known(beside) == expected, change.__name__
    beside.close()
    memory.close()


def test_what_was_known_earlier_is_told_after_what_is_known_now(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store", writer=NotesWriter(NOTES))
    add(memory, "Porto")
    assert known(memory) == known(memory)
    long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
    text, hits = known(memory, as_of=long_ago)
    assert hits == []
    assert "Porto" not in text
    assert "Porto" in known(memory)[0]


def test_without_room_nothing_is_held_and_the_same_is_told(open_memory, tmp_path):
    folder = tmp_path / "store"
    memory = open_memory(folder, writer=NotesWriter(NOTES))
    add(memory, "Porto")
    none = Settings(background_indexing=False, column_mebibytes=0)
    bare = open_memory(folder, read_only=True, settings=none)
    assert known(bare) == known(bare) == known(memory)


def test_how_much_a_fact_counts_is_known_at_once(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store", writer=NotesWriter([*NOTES, TEA]))
    memory.add([Turn(role="user", speaker="Ana", text=TEA["quote"])], user_id="u", session_id="tea")
    add(memory, "Porto")
    (tea,) = (fact for fact in memory.facts(user_id="u") if fact.value == "green tea")
    assert first_known(memory) == "Ana lives in Porto."
    memory.set_importance(1.0, memory_ids=[tea.id], user_id="u")
    assert first_known(memory) == tea.statement


def test_a_fact_put_into_other_words_is_found_by_them_at_once(open_memory, tmp_path):
    home = note(AT_HOME, "Ana", "home", "Porto", "Ana is at home in Porto.", single=False)
    memory = open_memory(tmp_path / "store", writer=NotesWriter([*NOTES, TEA, home]))
    add(memory, "Porto")
    said = [Turn(role="user", speaker="Ana", text=text) for text in (AT_HOME, TEA["quote"])]
    memory.add(said, user_id="u", session_id="again")
    memory.index_pending()
    memory.consolidate(final=True)
    assert first_known(memory) == "Ana lives in Porto."
    memory.forget(user_id="u", session_id="Porto")
    known = memory.recall("Is Ana at home?", user_id="u").known
    assert "Ana is at home in Porto." in [fact.statement for fact in known]  # without a vector
