"""The demo is what a newcomer runs first: it must work, and must notice if isolation breaks."""

import datetime as dt
import itertools
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem
from lightmem_integrations.evaluation.conversations import read

DEMO = Path(__file__).parents[2] / "examples" / "demo"

# Making any LlamaIndex agent reads every attribute of it, the deprecated ones of pydantic too.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")


@pytest.fixture(scope="module")
def program():
    """All names of the program, which stands outside of any package."""
    return runpy.run_path(str(DEMO))


@pytest.fixture(scope="module")
def people():
    return read(DEMO / "conversation.json")


@pytest.fixture
def run(program):
    def run(*arguments, columns=80):
        return CliRunner().invoke(
            program["app"],
            [str(each) for each in arguments],
            env={"COLUMNS": str(columns)},
            catch_exceptions=False,
        )

    return run


def ids(person):
    return {turn.id for turn in person.turns}


def test_the_conversation_is_sound(people):
    assert len(people) == 2
    for person in people:
        assert not person.left_out
        assert len(person.questions) > 5
        assert all(turn.time and turn.time.tzinfo for turn in person.turns)
        assert [turn.time for turn in person.turns] == sorted(turn.time for turn in person.turns)
        for session in person.sessions:
            assert tuple(itertools.chain(*session.exchanges())) == session.turns
    assert not ids(people[0]) & ids(people[1])


@pytest.mark.slow
def test_both_frameworks_answer_and_nobody_sees_anothers_turns(run, people):
    result = run("--questions", 2)
    assert result.exit_code == 0
    assert "320 turns in 20 sessions" in result.stdout
    for name, person in zip(("Marta", "Marc"), people, strict=True):
        assert result.stdout.count(f"{name} asks ─") == 2
        for question in person.questions[:2]:
            assert question.text in result.stdout
            assert question.answer in result.stdout
    assert "0 of Marc's" in result.stdout
    assert "0 of Marta's" in result.stdout
    # Nor does the stand-in quote the asker's own words as an answer about the other one.
    about_others = result.stdout.split("Isolation:")[1]
    assert about_others.count("both agents: I have nothing about that in memory.") == 2
    for step in ("Loading", "Telling", "First runs"):
        assert step in result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith(" L")]
    assert [row[0] for row in rows] == ["LangChain", "LlamaIndex"]
    assert all(row[1] == "4" for row in rows)
    assert "no turn of the other person was shown to anybody" in result.stdout
    assert "episodes and" in result.stdout
    assert result.stdout.count("the last because of:") == 2
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.slow
def test_on_a_wide_terminal_lines_stay_readable(run):
    result = run("--questions", 1, "--framework", "langchain", columns=250)
    assert max(len(line) for line in result.stdout.splitlines()) < 100
    assert "LlamaIndex" not in result.stdout


@pytest.mark.slow
def test_it_can_be_run_twice_on_one_store(run, tmp_path):
    for _ in range(2):
        assert (
            run("--store", tmp_path, "--questions", 1, "--framework", "llama-index").exit_code == 0
        )
    with LightMem(tmp_path) as memory:
        assert memory.stats().searchable == 320


@pytest.mark.slow
def test_it_fails_if_anybody_is_shown_anothers_turns(run, people, monkeypatch):
    true_recall = LightMem.recall
    _, marc = people

    def leaking_recall(self, query, *, user_id, **named):
        return true_recall(self, query, user_id=marc.user_id, **named)

    monkeypatch.setattr(LightMem, "recall", leaking_recall)
    result = run("--questions", 1, "--framework", "langchain")
    assert result.exit_code == 1
    assert "Isolation is broken" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--framework", "nonsense"),
        ("--questions", "0"),
        ("--framework", "llama-index", "--model", "openai:some-model"),
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.slow
def test_run_by_its_folder_it_says_in_one_line_what_it_cannot_do(tmp_path):
    done = subprocess.run(
        [sys.executable, DEMO, "--model", tmp_path / "none.gguf"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("Error: There is no model file")
    assert "Traceback" not in done.stderr


async def test_an_observed_store_keeps_recalls_of_both_ways_of_calling(program, people):
    marta, _ = people
    with program["ObservedMemory"]() as memory:
        first = marta.sessions[0]
        await memory.aadd(first.turns, user_id=marta.user_id, session_id=first.session_id)
        found = memory.recall("Milo", user_id=marta.user_id)
        found_later = await memory.arecall("Lena", user_id=marta.user_id)
        assert memory.recalls == [(marta.user_id, found), (marta.user_id, found_later)]


def test_questions_of_the_demo_do_not_become_memories(program, people):
    marta, _ = people
    with program["ObservedMemory"]() as memory:
        memory.questions_only = True
        memory.add(marta.sessions[0].turns, user_id=marta.user_id)
        assert memory.recall("Milo", user_id=marta.user_id).hits == ()
        assert len(memory.history(user_id=marta.user_id)) == len(marta.sessions[0].turns)


def test_the_demo_lies_in_the_past(people):
    """Turns of the future would be refused."""
    latest = max(turn.time for person in people for turn in person.turns)
    assert latest < dt.datetime.now(dt.timezone.utc)


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 1])
def test_make_says_what_it_does_while_it_installs_and_fails_if_that_fails(tmp_path, code):
    """With a stand-in for Python: pip takes its time, and the demo says that it runs."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *pip*) sleep 7; exit {code};; esac\necho "It runs: $*"\n'
    )
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"VENV={tmp_path}"],
        capture_output=True,
        text=True,
        cwd=DEMO.parents[1],
        timeout=120,
        check=False,
    )
    assert "Installing the memory with LangChain and LlamaIndex" in done.stdout
    assert "  5 s: 0 packages" in done.stdout
    assert ("It runs: examples/demo" in done.stdout) is (code == 0)
    assert (done.returncode == 0) is (code == 0)
    assert (tmp_path / ".demo").exists() is (code == 0)
