"""Importing whatever the form: all or nothing, again and again, and what may be wrong."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lightmem_integrations import (
    InvalidImportError,
    InvalidRequestError,
    LightMem,
    ScopeError,
    Settings,
    Turn,
)
from lightmem_integrations.importers import FORMS, aimport_conversations, import_conversations
from lightmem_integrations.importers.json_stream import MalformedJSONError, json_values
from lightmem_integrations.testing import HashEmbedder

FILES = Path(__file__).parents[1] / "data" / "imports"
SAMPLES = {
    "chatgpt": ("chatgpt.json", {"user_id": "alice"}),
    "claude": ("claude.json", {"user_id": "alice"}),
    "langgraph": ("langgraph.json", {"namespace": "memories/{user_id}"}),
    "langmem": ("langgraph.json", {"namespace": "memories/{user_id}"}),
    "mem0": ("mem0.json", {}),
    "openai": ("openai.jsonl", {"user_id": "alice"}),
}
HELLO = {"role": "user", "content": "Hello"}


@pytest.fixture
def memory(open_memory):
    return open_memory()


@pytest.fixture(scope="module")
def shared():
    with LightMem(embedder=HashEmbedder(8), settings=Settings(background_indexing=False)) as memory:
        yield memory


def everything(memory):
    return {
        (user, session): memory.history(user_id=user, session_id=session)
        for user in memory.users()
        for session in memory.sessions(user_id=user)
    }


@pytest.fixture
def written(tmp_path):
    def written(content, name="chat.json"):
        file = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        file.write_bytes(data)
        return file

    return written


@pytest.mark.parametrize("form", FORMS)
def test_doing_it_again_changes_nothing(memory, form):
    file, options = SAMPLES[form]
    done = import_conversations(memory, FILES / file, form=form, **options)
    first = everything(memory)
    assert import_conversations(memory, FILES / file, form=form, **options) == done
    assert everything(memory) == first
    assert sum(map(len, first.values())) == done.turns > 0


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_file_is_refused_before_anything_is_written(memory, form, written):
    file, options = SAMPLES[form]
    whole = (FILES / file).read_bytes()
    for end in (len(whole) * 2 // 3, len(whole) - 3):
        with pytest.raises(InvalidImportError, match=r"line \d+: no valid JSON, it is cut"):
            import_conversations(memory, written(whole[:end], file), form=form, **options)
    assert memory.users() == ()


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_another_form_is_refused(memory, form):
    for other, (file, _) in SAMPLES.items():
        if {form, other} == {"langgraph", "langmem"} or form == other:
            continue
        with pytest.raises(InvalidImportError, match="item 1"):
            import_conversations(memory, FILES / file, form=form, user_id="alice")
    assert memory.users() == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: no valid JSON, it is empty"),
        (b"  \n ", "line 2: no valid JSON, it is empty"),
        (b"[]", None),
        (b"hello", "after item 0, line 1"),
        (b'[{"role": "user", "content": "a"},\n{"role": "user" "content": "b"}]', "item 1, line 2"),
        (b'[{"role": "user", "content": "a"}] x', "line 1"),
        (b'[{"role": "user", "content": "a"} {"role": "user"}]', "without a comma"),
        (b'[{"role": "user", "content": "\xff"}]', "UTF-8"),
        ('["ä"]'.encode("utf-16"), "UTF-8"),
        (b"[" * 200_000, "too deep"),
        (b'{"a":' * 200_000, "too deep"),
        (b'[{"n": ' + b"9" * 5_000 + b"}]", "line 1"),
        (b"[1, 2]", "item 1"),
        (b'["a"]', "item 1"),
        (b"[null]", "item 1"),
    ],
)
def test_what_is_no_export_is_refused_by_place_and_reason(memory, written, content, reason):
    file = written(content)
    if reason is None:
        assert import_conversations(memory, file, form="openai", user_id="alice").turns == 0
        return
    with pytest.raises(InvalidImportError, match=reason):
        import_conversations(memory, file, form="openai", user_id="alice")
    assert memory.users() == ()


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "late", "created_at": "2999-01-01T00:00:00Z"},
        {"role": "user", "content": "when", "created_at": "yesterday"},
        {"role": "user", "content": "when", "created_at": float("nan")},
        {"role": "user", "content": "when", "created_at": True},
        {"content": "who"},
    ],
)
def test_a_message_that_cannot_be_stored_is_named_and_nothing_is_written(memory, written, message):
    lines = [json.dumps(HELLO), json.dumps(HELLO | {"content": "again"}), json.dumps(message)]
    with pytest.raises(InvalidImportError, match=r"chat.jsonl, item \d \(line \d\)"):
        import_conversations(
            memory, written("\n".join(lines), "chat.jsonl"), form="openai", user_id="alice"
        )
    assert memory.users() == ()


def test_a_message_of_any_length_is_kept_whole_beside_its_text(memory):
    long = "A sentence about the garden. " * 12_000
    import_conversations(memory, [HELLO | {"content": long}], form="openai", user_id="alice")
    (turn,) = memory.history(user_id="alice", session_id="openai")
    assert len(turn.text) <= memory.settings.max_turn_chars < len(long)
    assert turn.message["content"] == long


def test_ids_that_stand_twice_lose_nothing(memory):
    said = [HELLO | {"id": "1"}, HELLO | {"id": "1"}, {"id": "1", "role": "user", "content": "Bye"}]
    for _ in range(2):
        import_conversations(memory, said, form="openai", user_id="alice")
    turns = memory.history(user_id="alice", session_id="openai")
    assert [turn.text for turn in turns] == ["Hello", "Bye"]


def test_characters_that_no_store_takes_are_marked(memory, written):
    file = written('[{"role": "user", "content": "a\\u0000b \\ud83d c", "id": "\\ud83d"}]')
    import_conversations(memory, file, form="openai", user_id="alice")
    (turn,) = memory.history(user_id="alice", session_id="chat")
    assert turn.text == "a\N{REPLACEMENT CHARACTER}b \N{REPLACEMENT CHARACTER} c"


def test_an_answer_that_is_only_reasoning_is_left_out(memory):
    said = [HELLO, {"role": "assistant", "content": "<think>Hm.</think>"}]
    done = import_conversations(memory, said, form="openai", user_id="alice")
    assert (done.turns, done.skipped) == (1, 1)


def test_what_was_forgotten_can_be_imported_again(memory):
    for _ in range(2):
        import_conversations(memory, FILES / "mem0.json", form="mem0")
        assert memory.stats(user_id="alice").turns == 2
        memory.forget(user_id="alice")


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_an_export_as_it_is_downloaded(memory, tmp_path, kind):
    chats = json.loads((FILES / "chatgpt.json").read_text(encoding="utf-8"))
    files = {
        "export/conversations-000.json": json.dumps(chats[:1]),
        "export/conversations-001.json": json.dumps(chats[1:]),
        "export/shared_conversations.json": "[{}]",
        "export/user.json": "{}",
    }
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    if kind == "folder":
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "folder")
        path = tmp_path / "folder"
    assert import_conversations(memory, path, form="chatgpt", user_id="alice").turns == 8


def test_a_zip_without_conversations_is_refused(memory, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("user.json", "{}")
    with pytest.raises(InvalidImportError, match=r"conversations\.json"):
        import_conversations(memory, tmp_path / "a.zip", form="chatgpt", user_id="alice")


def test_a_file_written_on_windows(memory, written):
    text = "\ufeff" + json.dumps([HELLO], indent=1).replace("\n", "\r\n")
    assert import_conversations(memory, written(text), form="openai", user_id="alice").turns == 1


def test_times_are_told_on_the_users_calendar(memory):
    said = [HELLO | {"created_at": at} for at in (1_717_192_800, "2024-06-01T00:00:00")]
    import_conversations(memory, said, form="openai", user_id="alice", timezone="Europe/Lisbon")
    turns = memory.history(user_id="alice", session_id="openai")
    assert [turn.time.isoformat() for turn in turns] == [
        "2024-05-31T23:00:00+01:00", "2024-06-01T00:00:00+01:00",
    ]  # fmt: skip


def test_progress_counts_what_is_checked_then_what_is_written(memory):
    heard = []
    import_conversations(
        memory, FILES / "claude.json", form="claude", user_id="alice",
        on_progress=lambda done, total: heard.append((done.turns, total and total.turns)),
    )  # fmt: skip
    assert heard == [(3, None), (5, None), (0, 5), (3, 5), (5, 5)]


async def test_an_import_can_be_awaited(memory):
    done = await aimport_conversations(memory, [HELLO], form="openai", user_id="alice")
    assert done.turns == 1


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ([HELLO], {"form": "whatsapp", "user_id": "alice"}),
        (None, {"form": "openai", "user_id": "alice"}),
        (b"[]", {"form": "openai", "user_id": "alice"}),
        ("there/is/none.json", {"form": "openai", "user_id": "alice"}),
        ([HELLO], {"form": "openai", "user_id": "alice", "timezone": "Mars"}),
        ([], {"form": "langgraph", "user_id": "alice", "namespace": "memories"}),
    ],
)
def test_arguments_that_make_no_sense(memory, source, options):
    with pytest.raises(InvalidRequestError):
        import_conversations(memory, source, **options)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(form=st.sampled_from(sorted(FORMS)), value=VALUES, chance=st.randoms(use_true_random=False))
def test_whatever_stands_in_a_field_nothing_but_our_own_errors_is_raised(
    shared, form, value, chance
):
    """A value somewhere in a sample is replaced by anything: it is imported or refused."""
    file, options = SAMPLES[form]
    with (FILES / file).open(encoding="utf-8") as text:
        source = [each for _, each in json_values(text)]
    at = source
    while isinstance(at, (list, dict)) and at:
        places = list(at) if isinstance(at, dict) else range(len(at))
        place = chance.choice(list(places))
        if chance.random() < 0.3 or not isinstance(at[place], (list, dict)) or not at[place]:
            at[place] = value
            break
        at = at[place]
    with contextlib.suppress(InvalidImportError, ScopeError):
        import_conversations(shared, source, form=form, **options)


@given(
    values=st.lists(VALUES, max_size=5),
    size=st.integers(1, 9),
    indent=st.none() | st.integers(0, 2),
)
@settings(deadline=None)
def test_values_are_read_alike_however_little_is_read_at_once(values, size, indent):
    text = json.dumps(values, indent=indent)

    class Slowly:
        left = text

        def read(self, _):
            part, self.left = self.left[:size], self.left[size:]
            return part

    assert json.dumps([each for _, each in json_values(Slowly())]) == json.dumps(values)
    lines = Slowly()
    lines.left = "\n".join(json.dumps({"value": each}) for each in values) or "[]"
    found = list(json_values(lines))
    assert json.dumps([each["value"] for _, each in found]) == json.dumps(values)
    assert [line for line, _ in found] == list(range(1, len(values) + 1))


def test_an_error_is_told_without_reading_on():
    class Endless:
        parts = iter(["[1, 2, oops", *([" " * 1000] * 3)])

        def read(self, _):
            return next(self.parts)

    values = json_values(Endless())
    assert [next(values), next(values)] == [(1, 1), (1, 2)]
    with pytest.raises(MalformedJSONError, match="line 1"):
        next(values)


WRITER = """
import sys
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.importers import import_conversations
from lightmem_integrations.testing import HashEmbedder

settings = Settings(background_indexing=False)
memory = LightMem(sys.argv[1], embedder=HashEmbedder(8), settings=settings)
import_conversations(
    memory, sys.argv[2], form="openai", user_id="alice",
    on_progress=lambda done, total: print(done.turns, total and total.turns, flush=True),
)
"""


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_it_ends_as_if_run_once(tmp_path, open_memory):
    file = tmp_path / "chats.jsonl"
    chats = [
        {"id": f"chat {n}", "messages": [HELLO | {"content": f"{n} {m}"} for m in range(10)]}
        for n in range(120)
    ]
    file.write_text("\n".join(map(json.dumps, chats)), encoding="utf-8")
    store = tmp_path / "store"
    for seed in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store), str(file)], stdout=subprocess.PIPE
        )
        heard = 0
        while heard < random.Random(seed).randrange(3, 40):
            heard += not process.stdout.readline().endswith(b"None\n")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        with LightMem(store, embedder=HashEmbedder(8)) as memory:
            assert 0 < memory.stats(user_id="alice").turns < 1_200
    once = open_memory(embedder=HashEmbedder(8))
    import_conversations(once, file, form="openai", user_id="alice")
    again = open_memory(store, embedder=HashEmbedder(8))
    import_conversations(again, file, form="openai", user_id="alice")

    def kept(memory):
        return {
            (session, turn.id, turn.text)
            for session in memory.sessions(user_id="alice")
            for turn in memory.history(user_id="alice", session_id=session)
        }

    assert kept(again) == kept(once)
    assert again.stats(user_id="alice").turns == 1_200


@pytest.fixture
def run():
    from lightmem_integrations.cli import app

    return lambda *given: CliRunner().invoke(app, ["import", *map(str, given)])


def test_the_command_makes_a_store_and_says_what_came_in(run, tmp_path):
    store = tmp_path / "store"
    for _ in range(2):
        done = run(FILES / "chatgpt.json", store, "--from", "chatgpt", "--user", "alice", "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == {"turns": 8, "skipped": 3, "sessions": 2}
    shown = run(FILES / "chatgpt.json", store, "--from", "chatgpt", "--user", "alice").stdout
    assert "left out" in shown
    (tmp_path / "whole.json").write_text('[{"role": "user", "content": "I like herons."}]')
    shown = run(tmp_path / "whole.json", store, "--from", "openai", "--user", "alice").stdout
    assert "left out" not in shown, "no line for what there is none of"
    with LightMem(store) as memory:
        assert memory.stats(user_id="alice").pending == 0
        assert memory.recall("Which bridge did I ask about?", user_id="alice").hits


def test_the_command_names_what_is_wrong(run, tmp_path):
    done = run(FILES / "mem0.json", tmp_path / "store", "--from", "chatgpt", "--user", "alice")
    assert done.exit_code == 1
    assert "mem0.json, item 1 (line 1): it has no 'mapping'" in done.stderr


@pytest.mark.parametrize("is_there", [False, True], ids=["no folder", "a folder"])
@pytest.mark.parametrize(
    ("file", "options", "named"),
    [
        ("mem0.json", ("--from", "chatgpt", "--user", "alice"), "has no 'mapping'"),
        ("chatgpt.json", ("--from", "chatgpt"), "--user"),
        ("chatgpt.json", ("--user", "alice"), "--from"),
        ("chatgpt.json", ("--from", "chatgtp"), "lightmem, chatgpt"),
        ("chatgpt.json", ("--timezone", "Europe/Berlin"), "--timezone"),
        ("chatgpt.json", ("--from", "chatgpt", "-u", "al", "--timezone", "Mars/X"), "Mars/X"),
    ],
)
def test_what_is_refused_leaves_no_new_store(run, tmp_path, is_there, file, options, named):
    store = tmp_path / "store"
    if is_there:
        store.mkdir()
        (store / "notes.txt").write_text("mine")
    done = run(FILES / file, store, *options)
    assert done.exit_code == 1
    assert named in done.stderr
    assert store.exists() == is_there
    if is_there:
        assert [each.name for each in store.iterdir()] == ["notes.txt"]


def test_a_store_that_was_there_is_left_as_it_was(run, tmp_path):
    with LightMem(tmp_path / "store") as memory:
        memory.add(Turn(role="user", text="I live in Lisbon."), user_id="alice")
    refused = run(FILES / "mem0.json", tmp_path / "store", "--from", "chatgpt", "--user", "alice")
    assert refused.exit_code == 1
    with LightMem(tmp_path / "store") as memory:
        assert memory.stats().turns == 1
