"""A store copied elsewhere: all of it comes along, and half a copy is never taken for one."""

import datetime as dt
import json
import sqlite3

import pytest
from typer.testing import CliRunner

from filled_memory import fill, said
from lightmem_integrations import (
    CopyMismatchError,
    InvalidRequestError,
    LedgerError,
    LightMem,
    Settings,
    StorageError,
    StoreLockedError,
    Turn,
    copy_store,
)
from lightmem_integrations.cli import app
from lightmem_integrations.evaluation.conversations import read
from lightmem_integrations.storage.schema import metadata
from lightmem_integrations.testing import HashEmbedder

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("copies folders, and says itself where to")]

QUIET = Settings(background_indexing=False)
INDEXED = Settings(background_indexing=False, column_mebibytes=0)
WORDS = ["heron", "stork", "lisbon", "porto", "river", "boat", "letter", "garden", "train", "nurse"]


@pytest.fixture(params=["folder", "postgresql"])
def target(request, tmp_path):
    """Where to: another folder, or a database."""
    if request.param == "folder":
        return tmp_path / "copy"
    return request.getfixturevalue("postgresql_database")


@pytest.fixture
def full(open_memory, consolidated, tmp_path):
    """The folder of a memory with something of every kind, also of what is not done yet."""
    folder = tmp_path / "full"
    fill(open_memory(folder), consolidated, folder)
    with open_memory(folder) as memory:
        memory.index_pending()
        waits = said("waits for its vector \x1a", 11, metadata={"n": -2.5, "big": 2**60})
        memory.add(waits, user_id="ann", session_id="late", agent_id="\0 \x1a0")
        end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=9)
        memory.add(said("for a while", expires_at=end), user_id="bob")
    return folder


def many(open_memory, folder, number=1_200):
    with open_memory(folder) as memory:
        for user in ("ann", "bob"):
            texts = (
                " ".join(WORDS[(n * step) % 10] for step in (1, 3, 7)) for n in range(number // 2)
            )
            turns = [
                Turn(role="user", text=f"{text} {n}", speaker=f"S{n % 5}", metadata={"n": n})
                for n, text in enumerate(texts)
            ]
            memory.add(turns, user_id=user)
        memory.index_pending()
    return folder


def answers(memory, user, questions, **more):
    return [
        [
            ([turn.id for turn in hit.turns], hit.text, hit.tier, hit.score)
            for hit in found.hits + found.further
        ]
        for found in (memory.recall(each, user_id=user, strict=True, **more) for each in questions)
    ]


def test_all_of_a_store_comes_along_and_back(full, target, open_memory, tmp_path):
    there = copy_store(full, target)
    back = copy_store(target, tmp_path / "back")
    assert [each.name for each in there.tables if each.rows != each.copied_rows] == []
    held = {each.name: each.rows for each in there.tables}
    assert set(held) == set(metadata.tables) - {"leases"}
    empty = {"failures", "shared_support", "shared_statements", "shared_seen"}
    assert {name for name, rows in held.items() if not rows} <= empty, "all is tried here"
    assert {each.name: each.checksum for each in back.tables} == {
        each.name: each.copied_checksum for each in there.tables
    }
    mine, theirs = open_memory(tmp_path / "back"), open_memory(full)
    between = open_memory(target)
    assert there.last_turn is not None
    files = []
    for number, memory in enumerate((theirs, mine, between)):
        memory.export(tmp_path / f"{number}.jsonl")
        files.append((tmp_path / f"{number}.jsonl").read_bytes())
        memory.index_pending()
    assert files == files[:1] * 3
    for memory in (mine, between):
        assert memory.users() == theirs.users()
        for user in theirs.users():
            assert memory.stats(user_id=user) == theirs.stats(user_id=user)
            for session in theirs.sessions(user_id=user):
                said = theirs.history(user_id=user, session_id=session)
                assert memory.history(user_id=user, session_id=session) == said
            for known in ("conflicts", "episodes", "facts"):
                held, copied = (
                    {each.id for each in getattr(one, known)(user_id=user)}
                    for one in (theirs, memory)
                )
                assert copied == held
            assert memory.spaces.of(user_id=user) == theirs.spaces.of(user_id=user)
            assert memory.profile(user_id=user).text == theirs.profile(user_id=user).text
            for question in ("Where does Ann live?", "blues", "dog Rex", "said on 5 May?"):
                asked = {"spaces": "all"}
                assert answers(memory, user, [question], **asked) == answers(
                    theirs, user, [question], **asked
                )
        for where in ({"n": {"$lt": -2}}, {"tags": {"$contains": 1}}, {"topic": "home"}):
            (met,) = memory.recall("home", user_id="ann", filter=where, strict=True).hits
            assert met.text == theirs.recall("home", user_id="ann", filter=where).hits[0].text


def test_a_copy_goes_on_as_a_store(full, target, open_memory, consolidated):
    copy_store(full, target)
    copy = open_memory(target)
    copy.add(said("Ann.home = Faro", 20), user_id="ann", session_id="new")
    copy.add(said("Cleo.home = Bonn", 20), user_id="cleo")
    consolidated(copy)
    assert "Faro" in {fact.value for fact in copy.facts(user_id="ann")}
    assert "Bonn" in {fact.value for fact in copy.facts(user_id="cleo")}
    assert copy.recall("Faro", user_id="ann", strict=True).hits
    assert copy.forget(user_id="ann").turns
    assert copy.users() == ("bob", "cleo")


def test_the_index_of_large_users_is_made_anew(target, open_memory, tmp_path):
    source = tmp_path / "store"
    with open_memory(source, settings=INDEXED) as memory:
        memory.add([Turn(role="user", text=f"heron {n}") for n in range(40)], user_id="ann")
        memory.index_pending()
        theirs = answers(memory, "ann", ["heron 7", "heron 31"])
    copy_store(source, target)
    with open_memory(target, settings=INDEXED) as copy:
        copy.index_pending()
        found = copy.recall("heron 7", user_id="ann", strict=True)
        assert found.degraded == ()
        assert answers(copy, "ann", ["heron 7", "heron 31"]) == theirs


@pytest.fixture(scope="module")
def asked(tmp_path_factory, shared_data):
    """A store of a long conversation, questions about it, and what they find."""
    conversation = read(shared_data / "locomo-dev.json")[0]
    questions = [each.text for each in conversation.questions]
    with LightMem(tmp_path_factory.mktemp("asked") / "store", settings=QUIET) as memory:
        for session in conversation.sessions:
            memory.add(session.turns, user_id="u", session_id=session.session_id)
        memory.index_pending()
        return memory.path, questions, answers(memory, "u", questions)


def test_questions_of_conversations_find_the_same(asked, target):
    source, questions, found = asked
    assert len(questions) >= 100
    copy_store(source, target)
    with LightMem(target, settings=QUIET) as copy:
        assert copy.index_pending() == 0, "no model is asked again"
        assert answers(copy, "u", questions) == found


def test_what_is_stopped_goes_on(target, open_memory, tmp_path):
    source = many(open_memory, tmp_path / "store")
    begun = []

    def stop_after(rows):
        seen = []

        def stop(what, done, _total):
            if what == "copying":
                seen.append(done)
                if done - seen[0] >= rows:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            copy_store(source, target, on_progress=stop)
        begun.append(seen[0])

    for rows in (400, 900, 500, 1_200):
        stop_after(rows)
        with pytest.raises(LedgerError, match=r"unfinished copy of .*store"):
            open_memory(target)
        with pytest.raises(CopyMismatchError):
            copy_store(source, target, verify_only=True)
    done = copy_store(source, target)
    assert all(each.same for each in done.tables)
    assert copy_store(source, target, verify_only=True) == done
    with open_memory(source) as memory:
        theirs = [answers(memory, user, WORDS) for user in ("ann", "bob")]
    with open_memory(target) as copy:
        assert [answers(copy, user, WORDS) for user in ("ann", "bob")] == theirs


def test_a_run_copies_only_what_is_missing(target, open_memory, tmp_path):
    source, written = many(open_memory, tmp_path / "store"), []

    def stop(what, done, total):
        if what == "copying":
            written.append(done)
            if done > 0.6 * total:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target, on_progress=stop)
    steps, first = len(written), written[-1]
    written.clear()
    copy_store(source, target, on_progress=lambda what, done, _: written.append((what, done)))
    left = [done for what, done in written if what == "copying" and done > first]
    assert 0 < len(left) < steps
    again = [done for what, done in written if what == "copying" and 0 < done <= first]
    assert len(again) <= len(metadata.tables), "no batch is written again"


def test_a_source_that_changed_meanwhile_is_copied_anew(target, open_memory, tmp_path):
    source = many(open_memory, tmp_path / "store", 1_000)

    def stop(what, done, total):
        if what == "copying" and done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target, on_progress=stop)
    with open_memory(source) as memory:
        memory.forget(user_id="bob")
        memory.add(Turn(role="user", text="zanzibar"), user_id="ann")
        memory.index_pending()
    assert all(each.same for each in copy_store(source, target).tables)
    with open_memory(target) as copy:
        assert copy.users() == ("ann",)
        assert copy.recall("zanzibar", user_id="ann", strict=True).hits[0].text == "zanzibar"
        assert copy.recall("stork", user_id="bob").hits == ()


def test_a_target_with_a_memory_of_its_own_is_left_alone(full, target, open_memory):
    with open_memory(target) as memory:
        memory.add(Turn(role="user", text="mine"), user_id="zoe")
    with pytest.raises(LedgerError, match=r"memory of its own.*schema"):
        copy_store(full, target)
    with open_memory(target) as memory:
        assert memory.users() == ("zoe",)


def test_a_target_that_was_only_opened_is_empty(full, target, open_memory):
    open_memory(target).close()
    assert all(each.same for each in copy_store(full, target).tables)


def test_a_source_in_use_is_not_copied(full, target, open_memory, tmp_path):
    with open_memory(full), pytest.raises(StoreLockedError, match="full"):
        copy_store(full, target)
    assert not (tmp_path / "copy").exists()


def test_places_that_make_no_sense(full, tmp_path):
    with pytest.raises(InvalidRequestError, match="both source and target"):
        copy_store(full, full / ".." / "full")
    with pytest.raises(StorageError, match="no store in"):
        copy_store(tmp_path / "nowhere", tmp_path / "copy")
    with pytest.raises(StorageError, match="no store in"):
        copy_store(full, tmp_path / "copy", verify_only=True)
    LightMem(tmp_path / "empty", embedder=HashEmbedder()).close()
    with pytest.raises(StorageError, match="nothing to copy"):
        copy_store(tmp_path / "empty", tmp_path / "copy2")
    assert not (tmp_path / "copy").exists()


def test_a_difference_is_an_error_and_the_copy_stays_shut(full, open_memory, tmp_path):
    target = tmp_path / "copy"

    def write_meanwhile(what, done, total):
        if what == "copying" and done == total:
            with sqlite3.connect(target / "ledger.sqlite") as database:
                database.execute("UPDATE turns SET text = 'another' WHERE id = 1")

    with pytest.raises(CopyMismatchError, match=r"turns \(") as refused:
        copy_store(full, target, on_progress=write_meanwhile)
    wrong = [each.name for each in refused.value.copied.tables if not each.same]
    assert wrong == ["turns"]
    with pytest.raises(LedgerError, match="unfinished copy"):
        open_memory(target)


def test_the_command_copies_compares_and_fails_on_a_difference(full, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(app, ["copy", *map(str, arguments)], env={"COLUMNS": "100"})

    done = run(full, tmp_path / "copy")
    assert done.exit_code == 0, done.output
    assert "turn_metadata" in done.stdout
    assert "Last turn stored in the source" in done.stdout
    assert run(full, tmp_path / "copy", "--verify-only").exit_code == 0
    with sqlite3.connect(tmp_path / "copy" / "ledger.sqlite") as database:
        database.execute("DELETE FROM evidence WHERE turn = (SELECT max(turn) FROM evidence)")
    differs = run(full, tmp_path / "copy", "--verify-only")
    assert differs.exit_code == 1
    assert "differs" in differs.stdout
    assert "evidence" in differs.stderr
    as_json = run(full, tmp_path / "other", "--json", "--quiet")
    assert {"name", "rows", "checksum"} <= set(json.loads(as_json.stdout)["tables"][0])


def test_the_commands_work_on_a_database(postgresql_database, tmp_path):
    def run(*arguments):
        done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.stdout

    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        memory.add(said("I live in Lisbon."), user_id="ann")
    run("copy", tmp_path / "store", postgresql_database, "--quiet")
    assert run("users", postgresql_database).split() == ["ann"]
    for place, name in ((tmp_path / "store", "1.jsonl"), (postgresql_database, "2.jsonl")):
        run("export", place, "--out", tmp_path / name, "-q")
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert "unchanged" in run("import", tmp_path / "1.jsonl", postgresql_database)
    mistyped = CliRunner().invoke(app, ["inspect", postgresql_database, "-u", "anne"])
    assert "no such user 'anne'; did you mean 'ann'?" in mistyped.stderr


def test_a_database_is_backed_up_by_other_means(tmp_path):
    url = "postgresql+psycopg://ann:secret@localhost/memory"
    refused = CliRunner().invoke(app, ["backup", url, str(tmp_path / "backup")])
    assert refused.exit_code == 1
    for remedy in ("pg_dump", "lightmem export", "lightmem copy"):
        assert remedy in refused.stderr
    assert "secret" not in refused.output
    assert not (tmp_path / "backup").exists()
