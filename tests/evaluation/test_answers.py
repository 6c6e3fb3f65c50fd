"""Answers of a chat model from what each row remembers, over real stores and the real embedder."""

import datetime as dt
import json
import re
import statistics
import sys

import pytest
from typer.testing import CliRunner

from chat_server import chat_server
from lightmem_integrations import Completion, InvalidRequestError, MissingExtraError, ModelError
from lightmem_integrations.cli import app
from lightmem_integrations.evaluation.answer_report import answer_tables, answers_worst_first
from lightmem_integrations.evaluation.answer_scores import (
    chosen_option,
    nuggets_held,
    options,
    token_f1,
)
from lightmem_integrations.evaluation.answers import evaluate_answers
from lightmem_integrations.evaluation.contexts import FULL, ROWS
from lightmem_integrations.evaluation.conversations import Conversation, Question, Session, read
from lightmem_integrations.evaluation.run import spread
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.testing import ScriptedWriter
from scripted_model import ScriptedModel

OWN = "lightmem"


class Reader:
    """Says one of the phrases that it knows if the memory holds it, and chooses its letter."""

    name = "reader"

    def __init__(self, *phrases):
        self.phrases = phrases
        self.prompts = []

    def complete(self, messages, *, schema=None, max_tokens=256, seconds=None):
        prompt = messages[-1]["content"]
        self.prompts.append(prompt)
        memory, _, asked = prompt.partition("\n\nQuestion: ")
        known = next((each for each in self.phrases if each in memory), None)
        if "\nA) " not in asked:
            return Completion(known or "Unknown", len(prompt.split()), 2)
        letters = re.findall(r"^([A-D])\) (.*)$", asked, re.MULTILINE)
        return Completion(next((a for a, it in letters if it == known), "I do not know"), 9, 1)


@pytest.fixture(scope="module")
def chat_file(tmp_path_factory):
    """A hundred turns, far more than a context holds, of which one answers each question."""
    things = ("cello", "kayak", "parrot", "violet vase", "quilt")
    turns = [
        {
            "id": str(place),
            "role": "user" if place % 2 else "assistant",
            "time": f"2025-01-10T{9 + place // 60:02}:{place % 60:02}:00Z",
            "text": f"Ann keeps her {things[place // 20]} in room {place}."
            if place % 20 == 10
            else f"Ann says that room {place} is cold, and that the heating is out of order.",
        }
        for place in range(100)
    ]
    questions = [
        {"question": f"In which room is Ann's {thing}?", "answer": f"room {10 + 20 * place}",
         "evidence": [str(10 + 20 * place)], "kind": "even" if place % 2 else "odd"}
        for place, thing in enumerate(things)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("chat") / "chat.json"
    user = {
        "user_id": "ann",
        "sessions": [{"session_id": "s", "turns": turns}],
        "questions": questions,
    }
    path.write_text(json.dumps({"users": [user]}), encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["eval", "answers", *map(str, arguments)])


@pytest.mark.parametrize(
    ("answer", "right", "category", "expected"),
    [
        # dog | ran and dog | is | run: one of 2 and 3
        ("The dogs ran.", "a dog is running", "single-hop", 2 / 5),
        ("May 7, 2023", "7 May 2023", "temporal", 1.0),
        ("well-known", "well known", "single-hop", 0.0),
        ("I do not know", "it is", "single-hop", 0.0),
        ("", "7 May 2023", "temporal", 0.0),
        # clarinet of clarinet | violin is 2/3, guitars is guitar
        ("clarinet, guitar", "Clarinet and violin, guitars", "multi-hop", 5 / 6),
        ("clarinet, guitar", "Clarinet and violin, guitars", "single-hop", 4 / 5),
        ("Yes", "Yes; it's classical music", "open-domain", 1.0),
        ("Yes", "Yes; it's classical music", "single-hop", 2 / 5),
    ],
)
def test_f1_is_that_of_locomo(answer, right, category, expected):
    assert token_f1(answer, right, category) == pytest.approx(expected)


def talk(*answers):
    questions = tuple(
        Question(f"Question {place}?", answer, frozenset("1"), category)
        for place, (answer, category) in enumerate(answers)
    )
    return Conversation("ann", (Session("s", ()),), questions)


def test_wrong_options_are_other_answers_of_the_same_kind_where_there_are():
    chat = talk(
        ("Lisbon", "place"), ("Porto", "place"), ("a lisbon", "place"), ("Rome", "place"),
        ("Oslo", "place"), ("blue", "colour"), ("red", "colour"),
    )  # fmt: skip
    asked = chat.questions[0]
    drawn = {seed: options(asked, chat, seed) for seed in range(9)}
    for each in drawn.values():
        assert sorted(each) == ["Lisbon", "Oslo", "Porto", "Rome"]  # never the same place twice
    assert len({each.index("Lisbon") for each in drawn.values()}) > 1
    assert options(asked, chat, 3) == drawn[3]
    assert {"blue", "red"} < set(options(chat.questions[5], chat, 0))
    assert options(asked, talk(("Lisbon", "place"), ("Porto", "place"), ("Rome", "x")), 0) == ()


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [("B", "two"), ("B) two", "two"), ("The answer is D.", "four"), ("two", None), ("", None)],
)
def test_the_letter_that_is_named_first_counts(answer, chosen):
    assert chosen_option(answer, ("one", "two", "three", "four")) == chosen


def test_points_of_a_rubric_are_looked_for_word_by_word():
    rubric = ("LLM response should state: two columns", "LLM response should contain: notes")
    assert nuggets_held(rubric, "Ann: I want to add a column called notes.") == 0.75
    assert nuggets_held(rubric, "response state contain") == 0.0


def test_every_row_answers_the_same_questions(toy_file):
    reader = Reader("Friday at seven", "peanuts", "blue")
    seen = []
    evaluation = evaluate_answers(toy_file, reader, on_progress=lambda *told: seen.append(told))
    assert [row.contender for row in evaluation.rows] == list(ROWS)
    assert (evaluation.model, evaluation.questions, evaluation.turns) == ("reader", 3, 11)
    for row in evaluation.rows:
        assert 0 < row.overall.f1.mean <= 1
        assert row.overall.choice is None  # three answers are too few
        assert row.overall.nuggets is None
        assert set(row.by_category) == {"single-hop", "temporal"}
        assert row.p50_ms > 0
        assert row.calls == 1
        assert row.read > 0
        assert not row.failed
    assert seen[-1] == ("asking the model", 3, 3)
    assert len(evaluation.answers) == 12
    assert len(reader.prompts) == 12


def test_contexts_have_the_same_size_and_the_better_one_leads(chat_file):
    reader = Reader(*(f"room {10 + 20 * place}" for place in range(5)))
    count = shipped_token_counter()
    for budget in (250, 400):
        reader.prompts.clear()
        evaluation = evaluate_answers(chat_file, reader, max_tokens=budget, window=1_600)
        sizes = {row.contender: [] for row in evaluation.rows}
        for answer in evaluation.answers:
            sizes[answer.contender].append(answer.tokens)
        whole = sizes.pop(FULL)
        assert min(whole) > 400
        for name, tokens in sizes.items():
            assert max(tokens) <= budget, name
            assert statistics.fmean(tokens) > 0.8 * budget, name
        # What is counted is what the model is given.
        given = [count(prompt.partition("\n\nQuestion: ")[0]) for prompt in reader.prompts[::2]]
        assert given == [answer.tokens for answer in evaluation.answers]
    rows = {row.contender: row for row in evaluation.rows}
    assert rows[OWN].lead is None
    for name, row in rows.items():
        if name != OWN:
            lead = rows[OWN].overall.f1.mean - row.overall.f1.mean
            assert row.lead.mean == pytest.approx(lead)
    assert rows[FULL].overall.choice.mean < rows[OWN].overall.choice.mean  # no room for the first
    assert all(row.calls == 2 for row in rows.values())


def test_what_was_said_after_a_question_is_in_no_context(chat_file, tmp_path):
    data = json.loads(chat_file.read_text(encoding="utf-8"))
    (user,) = data["users"]
    user["questions"] = [user["questions"][0] | {"asked_at": "30"}]
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    reader = Reader("room 10")
    evaluation = evaluate_answers(path, reader)
    assert [row.overall.f1.mean for row in evaluation.rows] == [1.0] * len(ROWS)
    assert len(reader.prompts) == len(ROWS)
    for prompt in reader.prompts:
        assert {int(room) for room in re.findall(r"room (\d+)", prompt)} <= set(range(30))


def test_facts_of_a_writer_are_a_row_of_their_own(tmp_path):
    turns = [
        {"id": "1", "role": "user", "time": "2025-01-10T09:00:00Z", "text": "Ann.home = Lisbon"}
    ]
    asked = [{"question": "Where is Ann's home?", "answer": "Lisbon", "evidence": ["1"]}]
    path = tmp_path / "facts.json"
    user = {
        "user_id": "ann",
        "sessions": [{"session_id": "s", "turns": turns}],
        "questions": asked,
    }
    path.write_text(json.dumps({"users": [user]}), encoding="utf-8")
    evaluation = evaluate_answers(path, Reader("Lisbon"), writer=ScriptedWriter())
    assert [row.contender for row in evaluation.rows] == [OWN, "lightmem:written", *ROWS[1:]]
    assert "1 fact for" in evaluation.rows[1].about
    assert evaluation.rows[1].overall.f1.mean == 1.0


def test_a_rubric_alone_is_scored_without_the_model(toy_file, tmp_path):
    data = json.loads(toy_file.read_text(encoding="utf-8"))
    for user in data["users"]:
        for each in user["questions"]:
            del each["answer"]
    data["users"][0]["questions"][0]["rubric"] = ["no peanuts"]
    path = tmp_path / "rubric.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    reader = Reader()
    for model in (reader, None):
        evaluation = evaluate_answers(path, model, [OWN, FULL])
        assert not reader.prompts
        assert (evaluation.questions, evaluation.rows[0].calls) == (1, 0)
        assert evaluation.rows[0].overall.f1 is None
        assert evaluation.rows[0].overall.nuggets.mean == 0.5  # "peanuts", not "no"
        assert evaluation.rows[1].lead.mean == 0.0


def test_without_a_model_answers_are_not_scored(toy_file, tmp_path):
    refused = run("--data", toy_file)
    assert refused.exit_code == 1
    assert "pass a model" in refused.stderr
    path = tmp_path / "rubric.json"
    text = toy_file.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"answer": "Peanuts"', '"answer": "Peanuts", "rubric": ["Okafor"]'), "utf-8"
    )
    done = run("--data", path, "--contender", OWN)
    assert done.exit_code == 0
    assert "rubrics, in % of 1 questions" in " ".join(done.stdout.split())
    assert "100.0 (100-100)" in done.stdout
    assert "F1 " not in done.stdout.partition("nuggets:")[0]


def test_a_model_that_never_answers_ends_it_and_one_that_fails_later_does_not(toy_file):
    with pytest.raises(ModelError, match="no key"):
        evaluate_answers(toy_file, ScriptedModel(ModelError("no key")), [OWN])
    flaky = ScriptedModel("Peanuts", ModelError("too long"), "Blue")
    evaluation = evaluate_answers(toy_file, flaky, [OWN])
    assert sum(not each.failed for each in evaluation.answers) == 2
    assert [each.f1 for each in evaluation.answers if each.failed] == [0.0]
    assert evaluation.rows[0].failed == ("too long",)
    assert "1 question without an answer, which score 0: too long" in str(
        answer_tables(evaluation)[0].warnings
    )


def test_what_was_answered_until_it_is_stopped_is_returned(toy_file):
    stopped = ScriptedModel("Blue", "Blue", KeyboardInterrupt())
    evaluation = evaluate_answers(toy_file, stopped, [OWN])
    assert (evaluation.questions, evaluation.sampled_from) == (2, 3)
    assert evaluation.rows[0].overall.questions == 2
    with pytest.raises(KeyboardInterrupt):
        evaluate_answers(toy_file, ScriptedModel(KeyboardInterrupt()), [OWN])


def test_what_cannot_be_measured_is_refused_before_the_model_is_asked(
    toy_file, tmp_path, monkeypatch
):
    model = ScriptedModel("yes")
    for given, told in (
        ({"max_tokens": 0}, "max_tokens is 0; .*room for 1 to 2867"),
        ({"max_tokens": 3_000}, "window of 4096 tokens"),
        ({"names": ["bm52"]}, "'bm52'; known are lightmem, bm25, langchain-chroma, full-context"),
        ({"sample": 0}, "sample is 0"),
    ):
        with pytest.raises(InvalidRequestError, match=told):
            evaluate_answers(toy_file, model, **given)
    bare = tmp_path / "bare.json"
    text = toy_file.read_text(encoding="utf-8")
    bare.write_text(re.sub(r'"answer": "[^"]*", ', "", text), encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="no question to score"):
        evaluate_answers(bare, model)
    monkeypatch.setitem(sys.modules, "rank_bm25", None)
    monkeypatch.delitem(sys.modules, "lightmem_integrations.evaluation.peers.bm25", raising=False)
    with pytest.raises(MissingExtraError, match="benchmarks"):
        evaluate_answers(toy_file, model)
    assert not model.asked


def test_a_sample_is_spread_over_kinds_and_conversations():
    def chat(user, *kinds):
        asked = (
            Question(f"{user} {place}", "yes", frozenset("1"), kind)
            for place, kind in enumerate(kinds)
        )
        return Conversation(user, (Session("s", ()),), tuple(asked))

    chats = (chat("ann", *"aaaaaaaaab"), chat("bob", *"aaaaaaabbc"))
    for seed in range(5):
        drawn = spread(chats, 5, seed)
        kinds = sorted(each.category for chat in drawn for each in chat.questions)
        assert kinds == ["a", "a", "b", "b", "c"]
        for kind in "ab":
            assert [sum(q.category == kind for q in chat.questions) for chat in drawn] == [1, 1]
    assert spread(chats, 5, 0) == spread(chats, 5, 0)
    assert spread(chats, 99, 0) == chats


def test_a_null_answer_is_none_and_a_zero_is_one(toy_file, tmp_path):
    text = toy_file.read_text(encoding="utf-8")
    path = tmp_path / "null.json"
    path.write_text(
        text.replace('"answer": "Peanuts"', '"answer": null, "rubric": ["a", "b"]').replace(
            '"answer": "Blue"', '"answer": 0'
        ),
        encoding="utf-8",
    )
    found = [each for chat in read(path) for each in chat.questions]
    assert [each.answer for each in found] == ["", "Friday at seven", "0"]
    assert found[0].rubric == ("a", "b")
    assert isinstance(found[0].until, dt.datetime | None)


def test_the_command_asks_a_server_and_prints_and_writes_the_worst_set_first(toy_file, tmp_path):
    worse = tmp_path / "worse.json"
    text = toy_file.read_text(encoding="utf-8")
    worse.write_text(text.replace('"Blue"', '"Green"'), encoding="utf-8")
    out = tmp_path / "answers.json"
    given = ("--data", toy_file, "--data", worse, "--contender", OWN, "--contender", FULL)
    with chat_server("Blue") as (url, asked):
        done = run(*given, "--model", "any", "--server", url, "--out", out)
    assert done.exit_code == 0, done.output
    assert done.stdout.index("worse.json: answers of any") < done.stdout.index("toy.json: answers")
    for heading in ("F1", "tokens", "read", "ms", "calls", "By kind of question", "77"):
        assert heading in done.stdout
    assert len(asked) == 12
    assert {each["model"] for each in asked} == {"any"}
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [each["data"] for each in written] == ["worse.json", "toy.json"]
    assert [each["text"] for each in written[1]["answers"]] == ["Blue"] * 6
    assert written[1]["rows"][0]["overall"]["f1"]["mean"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("model", ["nosuch.gguf", "nosuch", "nosuch:model", ""])
def test_a_wrong_model_is_named_in_one_line(toy_file, model):
    done = run("--data", toy_file, "--model", model)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_file_for_the_results_in_no_folder_is_refused_before_the_model_is_loaded(
    toy_file, tmp_path
):
    out = tmp_path / "nosuch" / "answers.json"
    done = run("--data", toy_file, "--model", "nosuch.gguf", "--out", out)
    assert done.exit_code == 1
    assert "there is no folder" in done.stderr


def test_worst_first_is_by_what_answers_are_worth(toy_file):
    good = evaluate_answers(toy_file, Reader("Friday at seven", "peanuts", "blue"), [OWN])
    bad = evaluate_answers(toy_file, Reader(), [OWN])
    assert answers_worst_first([good, bad]) == (bad, good)
