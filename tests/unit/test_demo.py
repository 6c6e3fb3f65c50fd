"""The demo is what a newcomer runs first: it must work, and must notice if isolation breaks."""

import datetime as dt
import itertools
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem
from lightmem_integrations.cli import app
from lightmem_integrations.demo import load
from lightmem_integrations.demo.load import people
from lightmem_integrations.demo.observed import ObservedMemory

CONVERSATION = Path(load.__file__).parent / "conversation.json"

# Making any LlamaIndex agent reads every attribute of it, the deprecated ones of pydantic too.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")


def run(*arguments, columns=80):
    return CliRunner().invoke(
        app, ["demo", *map(str, arguments)], env={"COLUMNS": str(columns)}, catch_exceptions=False
    )


def test_the_conversation_is_sound():
    everybody = people()
    users = json.loads(CONVERSATION.read_text(encoding="utf-8"))["users"]
    assert len(everybody) == len(users) == 2
    for person, user in zip(everybody, users, strict=True):
        first = [asked["question"] for asked in user["questions"] if asked.get("demo")]
        assert len(first) >= 3
        assert [question.text for question in person.questions[: len(first)]] == first
        assert len(person.questions) == len(user["questions"])
        turns = [turn for session in person.sessions for turn in session.turns]
        assert len(person.turn_ids) == len(turns)
        assert all(turn.time and turn.time.tzinfo for turn in turns)
        assert [turn.time for turn in turns] == sorted(turn.time for turn in turns)
        for session in person.sessions:
            assert tuple(itertools.chain(*session.exchanges())) == session.turns
        for question in person.questions:
            assert question.evidence
            assert question.evidence <= person.turn_ids
    assert not everybody[0].turn_ids & everybody[1].turn_ids


@pytest.mark.slow
def test_both_frameworks_answer_and_nobody_sees_anothers_turns():
    result = run("--questions", 2)
    assert result.exit_code == 0
    assert "320 turns in 20 sessions" in result.stdout
    for person in people():
        assert result.stdout.count(f"{person.name} asks ─") == 2
        for question in person.questions[:2]:
            assert question.text in result.stdout
            assert question.answer in result.stdout
    assert "0 of Marc's" in result.stdout
    assert "0 of Marta's" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith(" L")]
    assert [row[0] for row in rows] == ["LangChain", "LlamaIndex"]
    assert all(row[1] == "4" for row in rows)
    assert "no turn of the other person was shown to anybody" in result.stdout
    assert "episodes and" in result.stdout
    assert result.stdout.count("the last because of:") == 2
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.slow
def test_on_a_wide_terminal_lines_stay_readable():
    result = run("--questions", 1, "--framework", "langchain", columns=250)
    assert max(len(line) for line in result.stdout.splitlines()) < 100
    assert "LlamaIndex" not in result.stdout


@pytest.mark.slow
def test_it_can_be_run_twice_on_one_store(tmp_path):
    for _ in range(2):
        assert (
            run("--store", tmp_path, "--questions", 1, "--framework", "llama-index").exit_code == 0
        )
    with LightMem(tmp_path) as memory:
        assert memory.stats().searchable == 320


@pytest.mark.slow
def test_without_frameworks_recall_is_quoted_from(monkeypatch):
    # None in sys.modules is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "langchain.agents", None)
    monkeypatch.setitem(sys.modules, "llama_index.core.agent.workflow", None)
    result = run("--questions", 1)
    assert result.exit_code == 0
    assert "Neither LangChain nor LlamaIndex is installed" in result.stdout


@pytest.mark.slow
def test_it_fails_if_anybody_is_shown_anothers_turns(monkeypatch):
    true_recall = LightMem.recall
    _, marc = people()

    def leaking_recall(self, query, *, user_id, **named):
        return true_recall(self, query, user_id=marc.user_id, **named)

    monkeypatch.setattr(LightMem, "recall", leaking_recall)
    result = run("--questions", 1, "--framework", "langchain")
    assert result.exit_code == 1
    assert "Isolation is broken" in result.stdout


async def test_an_observed_store_keeps_recalls_of_both_ways_of_calling():
    marta, _ = people()
    with ObservedMemory() as memory:
        first = marta.sessions[0]
        await memory.aadd(first.turns, user_id=marta.user_id, session_id=first.session_id)
        found = memory.recall("Milo", user_id=marta.user_id)
        found_later = await memory.arecall("Lena", user_id=marta.user_id)
        assert memory.recalls == [(marta.user_id, found), (marta.user_id, found_later)]


def test_questions_of_the_demo_do_not_become_memories():
    marta, _ = people()
    with ObservedMemory() as memory:
        memory.questions_only = True
        memory.add(marta.sessions[0].turns, user_id=marta.user_id)
        assert memory.recall("Milo", user_id=marta.user_id).hits == ()
        assert len(memory.history(user_id=marta.user_id)) == len(marta.sessions[0].turns)


def test_the_demo_lies_in_the_past():
    """Turns of the future would be refused."""
    latest = max(turn.time for each in people() for turn in each.sessions[-1].turns)
    assert latest < dt.datetime.now(dt.timezone.utc)
