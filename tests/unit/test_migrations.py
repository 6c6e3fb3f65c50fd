"""Stores of older versions open as they are and go on."""

import gzip
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from lightmem_integrations import Branch, LedgerError, Settings, Turn
from lightmem_integrations.storage.migrations.runner import VERSION, migrate
from lightmem_integrations.storage.schema import metadata
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite("files of earlier steps of the schema"),
]

DATA = Path(__file__).parents[1] / "data"
# Three searchable turns of "ann", and one of "bob" that is never searched.
VERSION_1 = gzip.decompress((DATA / "ledger_version_1.sqlite.gz").read_bytes())
VERSION_4 = (DATA / "ledger_version_4.sql").read_text()
ODD = "odd\x01\x02\0\x01\x01id"


@pytest.fixture
def store_1(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "ledger.sqlite").write_bytes(VERSION_1)
    return folder


@pytest.fixture
def store_4(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    database = sqlite3.connect(folder / "ledger.sqlite")
    database.executescript(VERSION_4)
    database.close()
    return folder


@pytest.fixture
def open_4(open_memory, store_4):
    def open_4(**options):
        return open_memory(store_4, embedder=HashEmbedder(16), writer=ScriptedWriter(), **options)

    return open_4


def described(path):
    """Everything that SQLite knows of a database's tables and indexes, but for their order."""
    database = sqlite3.connect(path)
    try:
        tables = {
            name: sql
            for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE sql > ''")
            if not name.startswith(("lexical", "sqlite_")) and "CREATE TABLE" in sql
        }
        return {
            name: {
                "columns": sorted(
                    row[1:] for row in database.execute(f"PRAGMA table_xinfo('{name}')")
                ),
                "references": sorted(
                    row[2:] for row in database.execute(f"PRAGMA foreign_key_list('{name}')")
                ),
                "indexes": sorted(
                    (
                        "" if origin == "u" else index,
                        unique,
                        partial,
                        *(row[2:] for row in database.execute(f"PRAGMA index_xinfo('{index}')")),
                    )
                    for _, index, unique, origin, partial in database.execute(
                        f"PRAGMA index_list('{name}')"
                    )
                ),
                "autoincrement": "AUTOINCREMENT" in sql,
            }
            for name, sql in tables.items()
        }
    finally:
        database.close()


@pytest.fixture
def declared(tmp_path):
    """The schema of a new ledger."""
    SqliteLedger(f"sqlite:///{tmp_path / 'new.sqlite'}").close()
    return described(tmp_path / "new.sqlite")


def test_a_new_ledger_has_the_tables_that_the_code_knows(declared):
    """Names, columns, which of them are required and part of the key, and what they refer to."""
    assert metadata.tables.keys() == declared.keys()
    for name, table in metadata.tables.items():
        columns = [
            (column, required, bool(place))
            for column, _, required, _, place, _ in declared[name]["columns"]
        ]
        assert columns == sorted(
            (column.name, int(not column.nullable), column.primary_key) for column in table.c
        )
        references = [
            (to, column, target) for to, column, target, *_ in declared[name]["references"]
        ]
        assert references == sorted(
            (key.column.table.name, key.parent.name, key.column.name) for key in table.foreign_keys
        )


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_a_ledger_of_every_version_is_brought_to_the_declared_schema(tmp_path, declared, version):
    path = tmp_path / "older.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    migrate(engine, target=version)
    engine.dispose()
    ledger = SqliteLedger(f"sqlite:///{path}")
    assert ledger.get("version") == str(VERSION)
    ledger.close()
    assert described(path) == declared


def test_a_store_of_version_1_has_the_declared_schema_once_opened(store_1, open_memory, declared):
    open_memory(store_1, embedder=HashEmbedder(16)).close()
    assert described(store_1 / "ledger.sqlite") == declared


def test_a_store_of_version_4_has_the_declared_schema_once_opened(store_4, open_4, declared):
    open_4().close()
    assert described(store_4 / "ledger.sqlite") == declared


def test_a_store_of_version_1_opens_and_what_it_holds_is_due(store_1, open_memory, consolidated):
    memory = open_memory(store_1, embedder=HashEmbedder(16))
    assert [turn.text for turn in memory.history(user_id="ann", session_id="s1")] == [
        "heron 0", "heron 1", "heron 2",
    ]  # fmt: skip
    assert memory.recall("heron", user_id="ann", strict=True).hits
    memory.add(Turn(role="user", text="heron 3"), user_id="ann", session_id="s1")
    assert consolidated(memory, size=4).written == 1
    assert len(memory.episodes(user_id="ann")[0].turns) == 4
    assert not memory.episodes(user_id="bob")
    memory.forget(user_id="ann")
    assert memory.users() == ("bob",)


def test_a_store_of_version_4_recalls_what_it_held(open_4):
    memory = open_4()
    assert memory.users() == ("ann", "bob", "cy", ODD)
    assert memory.sessions(user_id="ann") == ("tea", "spring", "summer", "autumn")
    mine = memory.recall("heron", user_id="ann", strict=True)
    assert {hit.text for hit in mine.hits} >= {
        "I feed the heron by the river.", "The heron came back.",
    }  # fmt: skip
    assert not any("stand" in hit.text for hit in mine.hits), "bob's turn"
    theirs = memory.recall("heron", user_id="bob", strict=True)
    assert "I cannot stand the heron." in {hit.text for hit in theirs.hits}


def test_a_store_of_version_4_lists_its_facts(open_4):
    memory = open_4()
    current = {(fact.subject, fact.value) for fact in memory.facts(user_id="ann")}
    assert current == {("user", "likes"), ("Ann", "Lisbon"), ("Ann", "Basil")}
    past = memory.facts(user_id="ann", include_past=True)
    assert [fact.value for fact in past if fact.superseded_by] == ["Porto"]
    assert [fact.value for fact in memory.facts(user_id="bob")] == ["likes", "Ghent"]
    precisions = {(fact.valid_from_precision, fact.valid_to_precision) for fact in past}
    assert precisions == {("day", "day")}


def test_a_store_of_version_4_learns_of_a_month_what_is_its_day(open_4):
    memory = open_4()
    for number, month in enumerate(("2021-03", "2021-03-12")):
        turn = Turn(role="user", text=f"event Ann.race + Berlin since {month}")
        memory.add(turn, user_id="ann", session_id=f"race {number}")
        memory.consolidate(final=True)
        race = next(fact for fact in memory.facts(user_id="ann") if fact.value == "Berlin")
        assert race.valid_from_precision == ("month", "day")[number]


def test_a_store_of_version_4_consolidates_on(open_4):
    memory = open_4()
    memory.add(Turn(role="user", text="Bob.home = Bruges"), user_id="bob", session_id="autumn")
    report = memory.consolidate(final=True)
    assert (report.written, report.failed) == (2, 0)
    assert {fact.value for fact in memory.facts(user_id="ann")} == {"likes", "Lisbon", "Comet"}
    assert {fact.value for fact in memory.facts(user_id="bob")} == {"likes", "Bruges"}


def test_a_store_of_version_4_keeps_its_shared_statement_until_a_user_is_forgotten(open_4):
    pytest.importorskip("presidio_analyzer", reason="the extra 'shared' is not installed")
    memory = open_4(settings=Settings(background_indexing=False, shared_knowledge=True))
    assert memory.shared() == ("Several users: likes green tea",)
    memory.forget(user_id="cy")
    assert memory.shared() == ()


def test_a_store_of_version_4_keeps_its_documents(open_4):
    langchain = pytest.importorskip("lightmem_integrations.langchain")
    store = langchain.LightMemStore(open_4())
    found = store.search(("notes",), query="millet heron", limit=1)
    assert [item.value["text"] for item in found] == ["buy millet for the heron"]
    assert store.get(("notes", "bob"), f"k{ODD}").value == {"text": "a net against the heron"}


def test_identifiers_with_control_characters_are_found_after_the_migration(open_4):
    memory = open_4()
    (turn,) = memory.history(user_id=ODD, session_id=f"s{ODD}")
    assert (turn.id, turn.text) == (f"t{ODD}", "Otto.home = Oslo")
    (fact,) = memory.facts(user_id=ODD)
    assert (fact.value, fact.agent_id) == ("Oslo", f"a{ODD}")
    assert memory.recall("Oslo", user_id=ODD, strict=True).hits[0].source.agent_id == f"a{ODD}"
    memory.forget(user_id=ODD)
    assert ODD not in memory.users()


def test_a_store_of_a_newer_version_is_refused(open_memory, store_4):
    database = sqlite3.connect(store_4 / "ledger.sqlite")
    database.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    database.commit()
    database.close()
    with pytest.raises(LedgerError, match="version 99"):
        open_memory(store_4)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not list files")
def test_a_refused_opening_leaves_no_file_open(open_memory, store_4):
    database = sqlite3.connect(store_4 / "ledger.sqlite")
    database.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    database.commit()
    database.close()
    with pytest.raises(LedgerError) as refused:
        open_memory(store_4)
    held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists()]
    assert not [each for each in held if str(store_4) in each], refused.value


def test_turns_of_a_store_of_version_5_stand_whatever_branch_goes_on(store_4, open_4):
    engine = create_engine(f"sqlite:///{store_4 / 'ledger.sqlite'}")
    migrate(engine, target=5)
    engine.dispose()
    memory = open_4()
    before = memory.history(user_id="ann", session_id="autumn")
    branch = Branch(history="app", turn_ids=[before[0].id, "new"])
    new = Turn(role="user", text="A new branch.", id="new")
    memory.add(new, user_id="ann", session_id="autumn", branch=branch)
    after = memory.history(user_id="ann", session_id="autumn")
    assert after[:-1] == before
    assert not any(turn.superseded for turn in after)
