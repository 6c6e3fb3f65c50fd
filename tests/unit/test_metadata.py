"""What an application says of a turn is kept, checked, and erased with it."""

import gc
import sqlite3

import pytest

from lightmem_integrations import InvalidTurnError, Settings, Turn

pytestmark = pytest.mark.slow

GIVEN = {
    "topic": "travel", "rank": 3, "share": 0.25, "starred": True, "parent": None,
    "tags": ["a", 1, False], "\N{SNOWMAN} name": "\N{SNOWMAN}", "none": [],
}  # fmt: skip
SAID = "We saw the heron."


@pytest.fixture
def memory(open_memory, tmp_path):
    return open_memory(tmp_path / "store")


def turn(**options):
    return Turn(role="user", text=SAID, **options)


def test_metadata_comes_back_with_every_turn(memory, consolidated):
    (stored,) = memory.add(turn(metadata=GIVEN), user_id="ann")
    memory.add(Turn(role="user", text="Ann.home = Lisbon", metadata={"n": 1}), user_id="ann")
    consolidated(memory)
    assert stored.metadata == GIVEN
    assert memory.history(user_id="ann")[0] == stored
    assert memory.short_term(user_id="ann")[0].metadata == GIVEN
    assert memory.recall("heron", user_id="ann", strict=True).hits[0].turns[0].metadata == GIVEN
    assert memory.episodes(user_id="ann")[0].turns[0].metadata == GIVEN
    (fact,) = memory.facts(user_id="ann")
    assert memory.explain(fact.id, user_id="ann").evidence[0].turn.metadata == {"n": 1}


def test_a_turn_without_metadata_has_none_and_can_be_hashed(memory):
    (stored,) = memory.add(turn(), user_id="ann")
    assert stored.metadata == {}
    assert {stored, *memory.history(user_id="ann")} == {stored}


def test_what_is_stored_does_not_change_with_what_was_given(memory):
    given = {"tags": ["a"]}
    (stored,) = memory.add(turn(metadata=given), user_id="ann")
    given["tags"].append("b")
    assert stored.metadata == {"tags": ["a"]}


def test_an_unchanged_turn_keeps_its_first_metadata(memory):
    memory.add(turn(id="t1", metadata={"n": 1}), user_id="ann")
    (again,) = memory.add(turn(id="t1", metadata={"n": 2}), user_id="ann")
    assert again.metadata == {"n": 1}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"n": float("nan")}, "'n' is nan"),
        ({"n": [1.0, float("inf")]}, "finite number"),
        ({"n": 2**63}, "64 bits"),
        ({"deep": {"a": 1}}, "'deep' is {'a': 1}"),
        ({"deep": [[1]]}, "'deep' is"),
        ({"when": object()}, "'when' is <object"),
        ({"text": "\ud800"}, "valid text"),
        ({1: "one"}, "1 is no name"),
        ({"n": 10**5_000}, "int that cannot be shown"),
        ({" ": "blank"}, "non-blank"),
        (
            {"session_id": "s1"},
            "'session_id' is no name.*own agent_id",
        ),
        ({"$gt": 1}, "begins with \\$"),
        ({"small": 1, "page": "x" * 10_000_000}, "most of them in 'page'; the limit is 16384"),
        ([("n", 1)], "Pass a dict"),
        (None, "Pass a dict"),
    ],
)
def test_what_cannot_be_metadata_is_refused_with_its_key(memory, metadata, message):
    with pytest.raises(InvalidTurnError, match=message):
        memory.add([turn(), turn(metadata=metadata)], user_id="ann")
    assert memory.users() == ()


def test_the_limit_of_its_size_can_be_set(open_memory):
    memory = open_memory(settings=Settings(background_indexing=False, max_metadata_bytes=13))
    memory.add(turn(metadata={"n": "1234"}), user_id="ann")
    with pytest.raises(InvalidTurnError, match="takes 14 bytes"):
        memory.add(turn(metadata={"n": "12345"}), user_id="ann")


@pytest.mark.sqlite("reads the file")
def test_metadata_is_erased_with_its_turn(memory, tmp_path):
    memory.add([turn(id="t1", metadata={"n": "canary", "tags": ["canary"]}),
                turn(id="t2", metadata={"n": "kept"})], user_id="ann")  # fmt: skip
    memory.add(turn(metadata={"n": "bobs"}), user_id="bob")
    memory.forget(user_id="ann", turn_ids=["t1"])
    memory.forget(user_id="bob")
    memory.close()
    gc.collect()
    database = sqlite3.connect(tmp_path / "store" / "ledger.sqlite")
    assert database.execute("SELECT name, value FROM turn_metadata").fetchall() == [("n", "kept")]
    database.close()
    left = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"canary" not in left
    assert b"bobs" not in left


@pytest.mark.sqlite("a backup is a copy of the file")
def test_metadata_survives_a_backup(memory, open_memory, tmp_path):
    memory.add(turn(metadata=GIVEN), user_id="ann")
    memory.backup(tmp_path / "copy")
    assert open_memory(tmp_path / "copy").history(user_id="ann")[0].metadata == GIVEN
