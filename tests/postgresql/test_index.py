"""Vectors of large users in PostgreSQL: in the ledger's own database, beside others, or nowhere."""

import threading

import psycopg
import pytest

from lightmem_integrations import ExactIndex, IndexUnavailableError, Settings, SettingsError, Turn
from random_words import RandomWords

# One mebibyte of columns is room for 1,233 turns: who has more is in the index.
SETTINGS = Settings(background_indexing=False, column_mebibytes=1)
MANY = 1_300


def said(numbers) -> list[Turn]:
    return [Turn(role="user", text=f"heron number{n}", id=f"t{n}") for n in numbers]


def found(memory, number: int, user_id: str = "ann") -> str:
    result = memory.recall(f"number{number}", user_id=user_id, strict=True)
    assert result.degraded == ()
    return result.hits[0].turns[0].id


@pytest.fixture
def opened(open_memory, postgresql_database):
    """Opens the database as processes do: each name has connections and caches of its own."""

    def opened(name: str = "one", **options):
        options = {"settings": SETTINGS, "embedder": RandomWords()} | options
        return open_memory(f"{postgresql_database}?application_name={name}", **options)

    return opened


@pytest.fixture
def asked(postgresql_database):
    """Asks the database itself."""

    def asked(query: str) -> list:
        plain = postgresql_database.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as database:
            rows = database.execute(query)
            return rows.fetchall() if rows.description else []

    return asked


def held(asked) -> list:
    """Turns in the index, and where their rows lie."""
    return asked("SELECT turn, ctid::text FROM lightmem.nearest_turns ORDER BY turn")


def test_a_large_user_is_asked_for_in_the_index_and_small_ones_take_no_room(opened, asked):
    memory = opened()
    memory.add(said(range(MANY)), user_id="ann")
    memory.add(said(range(20)), user_id="bob")
    memory.index_pending()
    assert len(held(asked)) == MANY
    assert found(memory, 7) == "t7"
    assert found(memory, 7, "bob") == "t7"
    first, last = held(asked)[0][0], held(asked)[-1][0]
    asked(f"DELETE FROM lightmem.nearest_turns WHERE turn NOT IN ({first}, {last})")
    near = memory.recall("something else", user_id="ann", k=9, strict=True).hits
    assert {each.turns[0].id for each in near} <= {"t0", "t1", "t2", "t1297", "t1298", "t1299"}


def test_what_is_erased_leaves_the_index_with_it(opened, asked):
    memory = opened()
    memory.add(said(range(MANY)), user_id="ann")
    memory.index_pending()
    memory.forget(user_id="ann", turn_ids=["t3"])
    assert len(held(asked)) == MANY - 1
    asked("DELETE FROM lightmem.vectors WHERE turn = (SELECT max(turn) FROM lightmem.vectors)")
    assert len(held(asked)) == MANY - 2, "whatever erases a vector"
    memory.forget(user_id="ann")
    assert held(asked) == []


def test_opening_again_builds_nothing_anew(opened, asked, caplog):
    memory = opened()
    memory.add(said(range(MANY)), user_id="ann")
    memory.index_pending()
    memory.forget(user_id="ann", turn_ids=["t3"])  # leaves a mark, that something is to be purged
    memory.close()
    before = held(asked)
    memory = opened()
    memory.index_pending()
    assert found(memory, 4) == "t4"
    assert held(asked) == before
    assert memory.forget(user_id="ann", turn_ids=["t4"], purge=True).purged
    assert {turn for turn, _ in held(asked)} < {turn for turn, _ in before}
    assert "rebuilt" not in caplog.text


def test_what_one_process_adds_and_another_one_indexes_both_find(opened, asked):
    one, two = opened("one"), opened("two")
    one.add(said(range(MANY)), user_id="ann")
    one.index_pending()
    assert found(two, 5) == "t5"
    two.add(said([MANY]), user_id="ann")
    assert found(one, MANY) == f"t{MANY}"
    two.index_pending()
    assert found(one, MANY) == f"t{MANY}"
    assert len(held(asked)) == MANY + 1


def test_after_another_index_it_is_built_once_whoever_opens(opened, asked, caplog):
    with opened(index=ExactIndex()) as memory:
        memory.add(said(range(MANY)), user_id="ann")
        memory.index_pending()
    with pytest.raises(SettingsError, match="Give the same index= everywhere"):
        opened("another")
    caplog.clear()
    memories = [opened("process0", replace_index=True)]  # as the error says
    memories += [opened(f"process{n}") for n in range(1, 4)]
    threads = [threading.Thread(target=each.index_pending) for each in memories]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert caplog.text.count("rebuilt") == 1
    assert len(held(asked)) == MANY
    assert {found(each, 9) for each in memories} == {"t9"}


def test_an_index_that_was_used_before_is_built_anew_when_it_is_used_again(opened):
    index = ExactIndex()  # outlives the memories, as a Chroma that is served does
    with opened(index=index) as memory:
        memory.add(said(range(MANY)), user_id="ann")
        memory.index_pending()
    with opened("another", replace_index=True) as memory:
        assert memory.forget(user_id="ann", turn_ids=["t3"]).turns == 1
        memory.add(said([MANY]), user_id="ann")
        memory.index_pending()
        assert found(memory, MANY) == f"t{MANY}"
    with opened(index=index, replace_index=True) as memory:
        memory.index_pending()
        assert found(memory, MANY) == f"t{MANY}"
        found_now = memory.recall("heron", user_id="ann", k=MANY, strict=True)
        assert found_now.degraded == ()
        (scope,) = index._scopes
        assert len(index._scopes[scope]) == MANY, "without what was erased, with what was added"


def test_a_process_whose_index_was_replaced_goes_on_without_it_and_loses_nothing(opened, asked):
    old = opened("old", index=ExactIndex())
    old.add(said(range(MANY)), user_id="ann")
    old.index_pending()
    assert found(old, 7) == "t7"
    new = opened("new", replace_index=True)
    new.index_pending()
    new.add(said([MANY]), user_id="ann")
    new.index_pending()
    result = old.recall(f"number{MANY}", user_id="ann")
    assert result.hits[0].turns[0].id == f"t{MANY}"
    assert any("PgVectorIndex took the place" in each for each in result.degraded)
    old.add(said([MANY + 1]), user_id="ann")
    with pytest.raises(IndexUnavailableError, match="open the store anew"):
        old.index_pending()
    new.index_pending()
    assert found(new, MANY + 1) == f"t{MANY + 1}"
    assert len(held(asked)) == MANY + 2


@pytest.fixture
def without_pgvector(asked, postgresql_database, request):
    """URL of the database for somebody who may make no extension in it, but owns the schema."""
    asked("CREATE ROLE plain LOGIN; CREATE SCHEMA lightmem AUTHORIZATION plain")
    yield postgresql_database.replace("postgres@", "plain@")
    asked("DROP SCHEMA lightmem CASCADE; DROP ROLE plain")


def test_without_pgvector_the_same_is_found(without_pgvector, open_memory, opened, asked):
    options = {"settings": SETTINGS, "embedder": RandomWords()}
    memory = open_memory(without_pgvector, **options)
    memory.add(said(range(MANY)), user_id="ann")
    memory.index_pending()
    assert asked("SELECT to_regclass('lightmem.nearest_turns')") == [(None,)]
    assert found(memory, 7) == "t7"
    memory.add(said([MANY]), user_id="ann")
    assert found(memory, MANY) == f"t{MANY}"
    later = opened("later")  # by somebody who may make it
    later.index_pending()
    assert len(held(asked)) == MANY + 1
    asked("GRANT ALL ON ALL TABLES IN SCHEMA lightmem TO plain")
    memory.add(said([MANY + 1]), user_id="ann")
    memory.index_pending()
    assert len(held(asked)) == MANY + 2, "who was there before"
    assert found(later, MANY + 1) == f"t{MANY + 1}"
