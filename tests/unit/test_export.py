"""Memory as a file: all of it comes along, and what is no whole export changes nothing."""

import datetime as dt
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from export_file import rewritten
from filled_memory import fill, said
from lightmem_integrations import (
    InvalidImportError,
    InvalidRequestError,
    LightMem,
    ReadOnlyError,
    ScopeError,
    Settings,
    StorageError,
)
from lightmem_integrations.engine.erasure import sweep
from lightmem_integrations.storage.schema import metadata
from lightmem_integrations.storage.transfer.tables import DERIVED, KINDS

pytestmark = pytest.mark.slow

QUIET = Settings(background_indexing=False)
DOCS = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture
def full(open_memory, consolidated, tmp_path):
    fill(open_memory(tmp_path / "full"), consolidated, tmp_path / "full")
    return open_memory(tmp_path / "full")


@pytest.fixture
def small(open_memory, consolidated, tmp_path):
    """Two turns and two facts of one user, one in the place of the other; and its file."""
    memory = open_memory(tmp_path / "small")
    for number, home in enumerate(("Porto", "Lisbon")):
        memory.add(said(f"Ann.home = {home}", number), user_id="ann", session_id=f"s{number}")
    consolidated(memory)
    memory.export(tmp_path / "small.jsonl", user_id="ann")
    return tmp_path / "small.jsonl"


def records(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def facts_of(memory, user):
    """All facts of a user, but for how far they have faded meanwhile."""
    return [replace(fact, confidence=0) for fact in memory.facts(user_id=user, include_past=True)]


def test_no_table_and_no_column_is_forgotten():
    """A new one is exported by itself, or is named as derived: whoever adds it decides."""
    exported = {kind.table.name for kind in KINDS}
    tied = {kind.members.table.name for kind in KINDS if kind.members is not None}
    derived = {name for name, columns in DERIVED.items() if "*" in columns}
    assert exported | tied | derived == set(metadata.tables)
    for kind in KINDS:
        assert {"id", *DERIVED.get(kind.table.name, ())} - {"id"} <= set(kind.table.c.keys())
        for column in kind.columns:
            assert column.type.python_type in (str, int, float, bool), f"{column}: no JSON"
    for kind in KINDS:
        if kind.members is not None:
            others = set(kind.members.table.c.keys()) - {"turn", "user", "fact", kind.members.name}
            assert not others, f"{kind.members.table.name}: {others} would be lost"


def test_the_docs_show_the_first_line_of_today(small):
    written = records(small)[0]
    shown = re.search(r'^\{"format": .*$', DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    own = {"embedder", "user"}
    assert {k: v for k, v in json.loads(shown[0]).items() if k not in own} == {
        k: v for k, v in written.items() if k not in own
    }


def test_all_of_a_store_comes_along_byte_by_byte(full, open_memory, tmp_path):
    held = full.export(tmp_path / "1.jsonl")
    assert (held.users, held.spaces, held.documents) == (2, 1, 2)
    assert held.facts >= 6
    kinds = {each["record"] for each in records(tmp_path / "1.jsonl")[1:-1]}
    assert kinds == {kind.name for kind in KINDS}, "every kind of record is tried here"
    copy = open_memory(tmp_path / "copy")
    assert copy.load(tmp_path / "1.jsonl") == held
    copy.export(tmp_path / "2.jsonl")
    assert (tmp_path / "2.jsonl").read_bytes() == (tmp_path / "1.jsonl").read_bytes()
    assert (tmp_path / "1.jsonl").stat().st_mode & 0o777 == 0o600
    for user in ("ann", "bob"):
        for session in full.sessions(user_id=user):
            theirs = full.history(user_id=user, session_id=session)
            assert copy.history(user_id=user, session_id=session) == theirs
        assert facts_of(copy, user) == facts_of(full, user)
        assert copy.episodes(user_id=user) == full.episodes(user_id=user)
        mine, theirs = ({each.id for each in m.conflicts(user_id=user)} for m in (copy, full))
        assert mine == theirs
        assert copy.spaces.of(user_id=user) == full.spaces.of(user_id=user)
        assert copy.profile(user_id=user).text == full.profile(user_id=user).text
    full.index_pending()
    copy.index_pending()
    mine, theirs = copy.stats(), full.stats()
    assert (mine.searchable, mine.turns, mine.set_aside) == (
        theirs.searchable, theirs.turns, theirs.set_aside,
    )  # fmt: skip


@pytest.mark.sqlite("looks into the file")
def test_what_is_made_anew_is_what_it_was(full, open_memory, tmp_path, open_ledger):
    """Counts, words and names that a file does not hold: as in the store that it is of."""
    full.export(tmp_path / "1.jsonl")
    copy = open_memory(tmp_path / "copy")
    copy.load(tmp_path / "1.jsonl")
    wanted = (
        "SELECT name, searchable, terms FROM users ORDER BY name",
        "SELECT u.name, s.name, s.turns FROM speakers s JOIN users u ON u.id = s.user"
        " ORDER BY 1, 2",
        "SELECT f.key, m.entity FROM mentions m JOIN facts f ON f.id = m.fact ORDER BY 1, 2",
        "SELECT key, name, terms, digest, guidance, wishes FROM turns ORDER BY id",
        "SELECT t.name, m.name, m.element, m.kind, m.value FROM turn_metadata m JOIN turns t"
        " ON t.id = m.turn ORDER BY 1, 2, 3, 4, 5",
        "SELECT key, terms FROM facts ORDER BY id", "SELECT terms FROM assertions ORDER BY id",
        "SELECT key, terms FROM episodes ORDER BY id",
        "SELECT key, path FROM namespaces ORDER BY key",
        "SELECT prefix FROM namespace_prefixes ORDER BY prefix",
        "SELECT member, name FROM grants ORDER BY member",
    )  # fmt: skip
    found = []
    for folder in ("full", "copy"):
        with open_ledger(tmp_path / folder).read() as connection:
            found.append([connection.exec_driver_sql(each).all() for each in wanted])
    for query, theirs, mine in zip(wanted, *found, strict=True):
        assert mine == theirs, query
        assert theirs, query


def test_an_imported_memory_is_searched_and_goes_on(full, open_memory, consolidated, tmp_path):
    full.export(tmp_path / "ann.jsonl", user_id="ann")
    copy = open_memory(tmp_path / "copy")
    copy.add(said("heron of another"), user_id="carol")
    copy.load(tmp_path / "ann.jsonl")
    for question in ("Where does Ann live?", "blues", "dog Rex", "What was said on 5 May?"):
        mine, theirs = (
            [(hit.text, hit.tier) for hit in each.recall(question, user_id="ann", strict=True).hits]
            for each in (copy, full)
        )
        assert mine == theirs
        assert mine
    # What a person refused stays refused when it is read again.
    copy.add(said("Ann.home = Faro", 20), user_id="ann", session_id="new")
    consolidated(copy)
    assert {"Faro", "blues"} <= {fact.value for fact in copy.facts(user_id="ann")}
    assert "Lisbon" in {fact.value for fact in copy.facts(user_id="ann", include_past=True)}
    assert copy.forget(user_id="ann").turns == full.stats(user_id="ann").turns + 1
    assert copy.users() == ("carol",)


def test_what_a_person_refused_stays_refused_in_another_store(open_memory, consolidated, tmp_path):
    memory = open_memory(tmp_path / "one")
    memory.add(said("Ann.likes + tea", id="t"), user_id="ann")
    consolidated(memory)
    memory.retract(memory.facts(user_id="ann")[0].id, user_id="ann")
    memory.export(tmp_path / "ann.jsonl", user_id="ann")
    copy = open_memory(tmp_path / "two")
    for name in ("someone", "else"):  # so that the rows are others
        copy.add(said("hello"), user_id=name)
    copy.load(tmp_path / "ann.jsonl")
    # The same turn in a new episode: what it seems to prove was refused.
    copy.add(said("Ann.likes + tea", id="t2"), user_id="ann")
    consolidated(copy)
    assert copy.facts(user_id="ann") == memory_after(memory, consolidated)


def memory_after(memory, consolidated):
    memory.add(said("Ann.likes + tea", id="t2"), user_id="ann")
    consolidated(memory)
    return memory.facts(user_id="ann")


def test_the_same_again_changes_nothing_and_another_memory_is_refused(small, open_memory, tmp_path):
    copy = open_memory(tmp_path / "copy")
    copy.load(small)
    copy.export(tmp_path / "before.jsonl")
    again = copy.load(small)
    assert (again.users, again.turns, again.unchanged) == (0, 0, 1)
    copy.add(said("Something else."), user_id="ann")
    copy.export(tmp_path / "before.jsonl")
    with pytest.raises(InvalidImportError, match=r"Line \d+ is not what the store holds of 'ann'"):
        copy.load(small)
    copy.export(tmp_path / "after.jsonl")
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()


def test_a_memory_becomes_another_users_beside_the_first(small, open_memory, tmp_path):
    copy = open_memory(tmp_path / "copy")
    copy.load(small)
    copy.load(small, into_user="eve")
    assert copy.load(small, into_user="eve").unchanged == 1
    assert copy.users() == ("ann", "eve")
    theirs, hers = (copy.facts(user_id=user, include_past=True) for user in ("ann", "eve"))
    assert [fact.value for fact in hers] == [fact.value for fact in theirs] == ["Porto", "Lisbon"]
    assert not {fact.id for fact in hers} & {fact.id for fact in theirs}
    assert hers[0].superseded_by == hers[1].id
    copy.forget(user_id="ann")
    assert [turn.text for turn in copy.history(user_id="eve", session_id="s0")] == [
        "Ann.home = Porto"
    ]


def with_fields(place, **fields):
    def change(found):
        found[place] |= fields
        return found

    return change


def another_users(found):
    other = found[1] | {"name": "bob"}
    return [*found, other]


def grant(found):
    granted = {"record": "grant", "name": "eve", "writes": True, "granted_at": 1.7e9}
    return [*found, granted]


BAD = {
    "text": (with_fields(4, text="x" * 2_000_000), "characters; the limit"),
    "no text": (with_fields(4, text=None), "text = None, which may not be left out"),
    "a role": (with_fields(4, role="root"), "role 'root'"),
    "a user's id in a record": (with_fields(4, user="bob"), "field 'user'"),
    "a row id": (with_fields(4, id=7), "field 'id'"),
    "no kind": (with_fields(4, record=[]), "of the kind \\[\\]"),
    "a kind": (with_fields(4, record="trigger"), "of the kind 'trigger'"),
    "a number": (with_fields(4, position="1; DROP TABLE turns"), "is no int"),
    "too large": (with_fields(4, position=2**63), "is too large"),
    "a time": (with_fields(4, said_at=1e300), "said_at = 1e\\+300"),
    "a zone": (with_fields(4, offset=10**9), "offset = 1000000000"),
    "a session": (with_fields(4, session="nowhere"), "names the session 'nowhere'"),
    "a message": (with_fields(4, message="[1]"), "message = "),
    "metadata": (with_fields(4, metadata="{not json"), "metadata = '{not json', which is no JSON"),
    "twice": (lambda found: [*found[:5], found[4], *found[5:]], "holds a turn that an earlier"),
    "order": (lambda found: [found[0], found[1], found[4], *found[2:4]], "holds a session where"),
    "nobody": (lambda found: [found[0], *found[2:]], "where none may stand"),
    "another user": (another_users, "is not of the user 'ann'"),
    "a grant on no space": (grant, "holds a grant on a user's memory"),
    "a wildcard": (with_fields(1, name="*"), "wildcard"),
    "a space": (with_fields(1, space=True), "is not of the user 'ann'"),
    "a lone surrogate": (with_fields(4, name="\ud800"), "lone surrogate"),
    "a newer version": (with_fields(0, version=99), "newer version .* version 99"),
    "a newer schema": (with_fields(0, schema=10_000), "newer version .* schema 10000"),
    "another product": (with_fields(0, format="mem0"), "no export of this library|is not that of"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_with_something_bad_is_refused_by_line_and_nothing_imported(
    small, open_memory, tmp_path, what
):
    change, reason = BAD[what]
    rewritten(small, change)
    copy = open_memory(tmp_path / "copy")
    copy.add(said("hello"), user_id="carol")
    copy.export(tmp_path / "before.jsonl")
    with pytest.raises(InvalidImportError, match=reason) as refused:
        copy.load(small)
    assert str(refused.value).startswith("Line ")
    assert "Nothing was imported" in str(refused.value)
    copy.export(tmp_path / "after.jsonl")
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()
    assert copy.stats().turns == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("superseded_by", "0" * 32), ("kind", "rumour"), ("author", "root"), ("confidence", 2.0),
        ("entities", "{}"), ("entities", "[1]"), ("valid_from", "yesterday"), ("key", ""),
        ("single", 1), ("importance", -1.0), ("pinned", None),
    ],
)  # fmt: skip
def test_a_bad_fact_is_refused(small, open_memory, tmp_path, field, value):
    place = [each["record"] for each in records(small)[:-1] if "record" in each].index("fact") + 1
    rewritten(small, with_fields(place, **{field: value}))
    copy = open_memory(tmp_path / "copy")
    with pytest.raises(InvalidImportError, match=f"Line {place + 1} "):
        copy.load(small)
    assert copy.stats().turns == 0


def test_a_fact_that_another_user_of_the_store_has_is_refused(small, open_memory, tmp_path):
    rewritten(
        small, lambda found: [found[0] | {"user": "eve"}, found[1] | {"name": "eve"}, *found[2:]]
    )
    copy = open_memory(tmp_path / "small")
    with pytest.raises(InvalidImportError, match=r"Line \d+ holds a \w+ that .* the store has"):
        copy.load(small)
    assert copy.users() == ("ann",)


def test_a_damaged_file_is_refused_at_its_line(small, open_memory, tmp_path):
    whole = small.read_bytes()
    lines = whole.splitlines(keepends=True)
    copy = open_memory(tmp_path / "copy")

    def refused(content, reason):
        small.write_bytes(content)
        with pytest.raises(InvalidImportError, match=reason):
            copy.load(small)
        assert copy.stats().turns == 0

    for cut in range(len(lines)):
        refused(b"".join(lines[:cut]), f"Line {cut + 1} is ")
    for cut in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        refused(whole[:cut], r"Line \d+ (ends in the middle|is not that of an export)")
    refused(whole.replace(b"Porto", b"Paris", 1), rf"Line {len(lines)} has the checksum .* damaged")
    refused(whole.replace(b'"position": 1', b'"position": NaN', 1), "NaN is no number")
    refused(whole.replace(b'"position": 1', b'"position": Infinity', 1), "Infinity is no number")
    refused(whole + lines[1], rf"Line {len(lines) + 1} stands behind the last line")
    refused(lines[0] + b"[" * 100_000 + b"\n" + b"".join(lines[1:]), "Line 2 is no JSON")
    refused(lines[0] + b"[]\n" + b"".join(lines[1:]), "Line 2 is no record, but a list")
    refused(lines[0] + b"\xff\xfe\n", "Line 2 is no JSON")
    refused(b'{"memories": []}\n', "Line 1 is not that of an export")
    refused(b"", "Line 1 is not that of an export")
    with pytest.raises(InvalidImportError, match="cannot be read"):
        copy.load(tmp_path / "missing.jsonl")
    small.write_bytes(whole)
    assert copy.load(small).turns == 2


def test_a_line_without_end_is_not_read_whole(small, open_memory, tmp_path, monkeypatch):
    monkeypatch.setattr("lightmem_integrations.transfer.lines._LONGEST", 10_000)
    first = small.read_bytes().splitlines(keepends=True)[0]
    small.write_bytes(first + b'{"record": "' + b"x" * 10**6)
    with pytest.raises(InvalidImportError, match="Line 2 is longer than 10,000 bytes"):
        open_memory(tmp_path / "copy").load(small)


def test_what_no_import_would_read_is_not_written_either(open_memory, tmp_path, monkeypatch):
    memory = open_memory()
    memory.add(said("A picture.", id="big", message={"image": "A" * 20_000}), user_id="ann")
    memory.export(tmp_path / "ann.jsonl", user_id="ann")
    before = (tmp_path / "ann.jsonl").read_bytes()
    monkeypatch.setattr("lightmem_integrations.transfer.lines._LONGEST", 10_000)
    with pytest.raises(StorageError, match=r"the turn 'big' of the session 'default', .*forget"):
        memory.export(tmp_path / "ann.jsonl", user_id="ann")
    assert [path.name for path in tmp_path.iterdir()] == ["ann.jsonl"]
    assert (tmp_path / "ann.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_picture_of_seventy_megabytes_comes_along(open_memory, tmp_path):
    memory, copy = open_memory(), open_memory()
    memory.add(said("A picture.", message={"image": "A" * 70_000_000}), user_id="ann")
    memory.export(tmp_path / "ann.jsonl", user_id="ann")
    copy.load(tmp_path / "ann.jsonl")
    assert copy.history(user_id="ann") == memory.history(user_id="ann")


def test_a_store_is_imported_whole_or_not_at_all(full, open_memory, tmp_path):
    """A user of the file is somebody else here, behind others whom it holds too."""
    full.export(tmp_path / "1.jsonl")
    copy = open_memory(tmp_path / "copy")
    copy.add(said("I am another Bob."), user_id="bob")
    with pytest.raises(InvalidImportError, match="'bob'"):
        copy.load(tmp_path / "1.jsonl")
    assert copy.users() == ("bob",)
    assert copy.stats().turns == 1


def test_an_import_that_stopped_is_seen_by_nobody_goes_on_and_is_forgotten(
    small, open_memory, tmp_path, monkeypatch
):
    copy = open_memory(tmp_path / "copy")
    monkeypatch.setattr("lightmem_integrations.transfer.load._BATCH", 1)
    heard = []

    def stop(done, total):
        heard.append((done, total))
        if done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy.load(small, on_progress=stop)
    assert copy.users() == ()
    assert copy.facts(user_id="ann") == ()
    assert copy.consolidate().written == 0
    heard.clear()
    copy.load(small, on_progress=lambda done, total: heard.append((done, total)))
    assert heard[0][0] > 6, "what was written is not written again"
    assert heard[-1][0] == heard[-1][1] == len(records(small)) - 1
    copy.export(tmp_path / "again.jsonl", user_id="ann")
    assert (tmp_path / "again.jsonl").read_bytes() == small.read_bytes()
    copy.forget(user_id="ann")
    with pytest.raises(KeyboardInterrupt):
        copy.load(small, on_progress=stop)
    copy.forget(user_id="ann")
    copy.close()
    assert b"Ann.home" not in (tmp_path / "copy" / "ledger.sqlite").read_bytes()


@pytest.mark.sqlite("looks into the file")
def test_what_expires_in_an_import_that_stopped_keeps_no_thread_busy_and_is_erased(
    open_memory, tmp_path, monkeypatch
):
    memory = open_memory(tmp_path / "store")
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=1)
    memory.add([said("zanzibar", expires_at=soon), said("heron")], user_id="ann")
    memory.export(tmp_path / "1.jsonl")
    monkeypatch.setattr("lightmem_integrations.transfer.load._BATCH", 1)
    swept = []

    def counting(*given, **named):
        swept.append(given)
        return sweep(*given, **named)

    monkeypatch.setattr("lightmem_integrations.engine.sweeper.sweep", counting)

    def stop(done, total):
        if done == total - 1:
            raise KeyboardInterrupt

    copy = open_memory(tmp_path / "copy", background=True)
    with pytest.raises(KeyboardInterrupt):
        copy.load(tmp_path / "1.jsonl", on_progress=stop)
    copy.add(said("wakes the sweeper", expires_at=soon), user_id="bob")
    time.sleep(2)
    assert len(swept) < 10
    copy.close()
    assert b"zanzibar" in (tmp_path / "copy" / "ledger.sqlite").read_bytes()
    again = open_memory(tmp_path / "copy")
    assert again.forget(user_id="nobody").purged
    again.close()
    assert b"zanzibar" not in (tmp_path / "copy" / "ledger.sqlite").read_bytes()


@pytest.fixture
def over(open_memory, tmp_path):
    """The folder of a turn that has expired by now and one that has not; and what wrote them."""
    memory = open_memory(tmp_path / "store")
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=5)
    memory.add([said("kept"), said("over soon", expires_at=soon)], user_id="ann")
    assert memory.export(tmp_path / "before.jsonl", user_id="ann").turns == 2
    time.sleep(max(0, (soon - dt.datetime.now(dt.timezone.utc)).total_seconds()) + 0.2)
    return tmp_path / "store", memory


def test_what_has_expired_is_in_no_file(over, tmp_path):
    _, memory = over
    assert memory.export(tmp_path / "2.jsonl", user_id="ann").turns == 1
    assert "over soon" not in (tmp_path / "2.jsonl").read_text()


@pytest.mark.sqlite("is read beside the process that owns it")
def test_what_has_expired_is_written_by_no_reader(over, open_memory, tmp_path):
    folder, _ = over
    with pytest.raises(ReadOnlyError, match="expired"):
        open_memory(folder, read_only=True).export(tmp_path / "2.jsonl", user_id="ann")


def test_arguments_that_make_no_sense(small, full, open_memory, tmp_path):
    memory = full
    with pytest.raises(ScopeError, match=r"of the user 'nobody'\. memory\.users\(\)"):
        memory.export(tmp_path / "x.jsonl", user_id="nobody")
    for file in ("", 7, tmp_path, b"x"):
        with pytest.raises(InvalidRequestError, match="Pass the path of a file"):
            memory.export(file)
        with pytest.raises(InvalidRequestError, match="Pass the path of a file"):
            memory.load(file)
    memory.export(tmp_path / "all.jsonl")
    with pytest.raises(InvalidImportError, match="whole store"):
        open_memory(tmp_path / "copy").load(tmp_path / "all.jsonl", into_user="eve")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.sqlite("is read beside the process that owns it")
def test_nothing_is_imported_into_what_is_only_read(small, open_memory, tmp_path):
    with pytest.raises(ReadOnlyError):
        open_memory(tmp_path / "small", read_only=True).load(small)


async def test_awaited(full, open_memory, tmp_path):
    await full.aexport(tmp_path / "ann.jsonl", user_id="ann")
    copy = open_memory(tmp_path / "copy")
    assert (await copy.aload(tmp_path / "ann.jsonl")).users == 1


def test_the_commands_write_a_file_and_read_it(tmp_path):
    from lightmem_integrations.cli import app

    def run(*arguments):
        return CliRunner().invoke(app, list(map(str, arguments)))

    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        memory.add(said("I live in Lisbon."), user_id="alice")
        memory.add(said("I live in Porto."), user_id="bob")
        file = tmp_path / "alice.jsonl"
        beside = () if memory.path is None else ("--read-only",)
        command = ["export", tmp_path / "store", "--user", "alice", "-o", file]
        done = run(*command, *beside, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["turns"] == 1
    assert run("export", tmp_path / "store", "-u", "alise", "-o", file).exit_code == 1
    for target, options in (("new", ()), ("new", ("--user", "eve"))):
        done = run("import", file, tmp_path / target, *options)
        assert done.exit_code == 0, done.output
        assert "unchanged" not in done.stdout, "no line for what there is none of"
    again = run("import", file, tmp_path / "new").stdout.split()
    assert again[again.index("unchanged") + 1] == "1"
    assert run("users", tmp_path / "new").stdout.split() == ["alice", "eve"]
    shown = run("recall", tmp_path / "new", "Where do I live?", "--user", "eve")
    assert "Lisbon" in shown.stdout
    file.write_bytes(file.read_bytes().replace(b"Lisbon", b"London"))
    refused = run("import", file, tmp_path / "new")
    assert refused.exit_code == 1
    assert "checksum" in refused.stderr
    assert "is a folder" in run("import", tmp_path / "store", tmp_path / "new").stderr
