"""Labelling one's own chats in the terminal, and measuring on what was labelled."""

import datetime as dt
import json
import re

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.cli import app
from lightmem_integrations.evaluation.conversations import read

WHERE = "Where is the spare key?"
SAID = {
    "one": ("The spare key is under the blue pot.", "My cello needs new strings."),
    "two": ("The key of the cellar is with Tom.", "I fly to Oslo on Friday."),
}


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "mine"
    start = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
    with LightMem(path) as memory:
        for day, (session, texts) in enumerate(SAID.items()):
            time = start + dt.timedelta(days=day)
            # The same ids in both sessions, as an application may count them.
            turns = [
                Turn(role="user", text=text, id=str(place), time=time)
                for place, text in enumerate(texts)
            ]
            memory.add(turns, user_id="ann", session_id=session)
        memory.add(Turn(role="user", text="The spare key is lost."), user_id="bob")
    return path


@pytest.fixture
def label(store, tmp_path):
    def label(*lines, out=tmp_path / "labels.json", more=()):
        given = ["eval", "label", store, "--user", "ann", "--out", out, *more]
        return CliRunner().invoke(
            app, [*map(str, given)], input="".join(f"{each}\n" for each in lines),
            env={"COLUMNS": "120"},
        )  # fmt: skip

    return label


def number_of(text, shown):
    return re.search(rf"^ *(\d+) .*{re.escape(text)}", shown, re.MULTILINE)[1]


def test_what_was_labelled_can_be_measured(label, tmp_path):
    out = tmp_path / "labels.json"
    shown = label(WHERE, "").stdout
    assert "The spare key is lost" not in shown  # somebody else's
    place = number_of("under the blue pot", shown)
    done = label(WHERE, place, "Who is my dentist?", "n", "When do I fly?", "s", "")
    assert done.exit_code == 0
    assert "2 questions" in done.stdout
    (conversation,) = read(out)
    (question,) = conversation.questions
    by_id = {turn.id: turn.text for turn in conversation.turns}
    assert (question.text, [by_id[each] for each in question.evidence]) == (
        WHERE,
        ["The spare key is under the blue pot."],
    )
    assert sorted(by_id.values()) == sorted(text for texts in SAID.values() for text in texts)
    assert [each.text for each in conversation.unanswerable] == ["Who is my dentist?"]
    measured = CliRunner().invoke(
        app, ["eval", "retrieval", "--data", str(out), "--contender", "lightmem", "--json"]
    )
    assert json.loads(measured.stdout)[0]["rows"][0]["overall"]["hit_at_5"] == 1.0


def test_it_goes_on_where_it_was_left(label, tmp_path):
    questions = tmp_path / "questions.txt"
    questions.write_text(f"{WHERE}\n\nWhen do I fly?\n", encoding="utf-8")
    more = ("--questions", questions)
    # The input ends in the second question: the first is kept.
    first = label("1", more=more)
    assert first.exit_code == 0
    assert "1 question " in first.stdout
    second = label("1", more=more).stdout
    assert f"Labelled already: {WHERE}" in second
    assert "2 questions" in second


def test_an_answer_that_is_no_choice_is_asked_again(label, tmp_path):
    done = label(WHERE, "0", "first", "99", "1 2", "")
    assert done.stdout.count("such as: 2 5") == 3
    assert len(read(tmp_path / "labels.json")[0].questions[0].evidence) == 2


def test_turns_of_one_id_in_two_sessions_are_told_apart(label, tmp_path):
    place = number_of("with Tom", label("Who has the key of the cellar?", "").stdout)
    label("Who has the key of the cellar?", place, "")
    (conversation,) = read(tmp_path / "labels.json")
    assert conversation.questions[0].evidence == {"two/0"}


def test_turns_that_a_recall_does_not_find_are_judged_too(label, monkeypatch):
    monkeypatch.setattr("lightmem_integrations.evaluation.labels.POOLED", 1)
    # One shares a word with it, another is of the same things.
    shown = label("Does Tom play a violin or a guitar?", "").stdout
    assert "with Tom" in shown
    assert "cello needs new strings" in shown


def test_another_file_is_not_written_over(label, tmp_path):
    other = tmp_path / "other.json"
    other.write_text("[1]", encoding="utf-8")
    done = label(WHERE, "1", "", out=other)
    assert done.exit_code == 1
    assert other.read_text(encoding="utf-8") == "[1]"
