"""The evaluation over a toy conversation: every row of this library, nobody else's."""

import datetime as dt
import io
import json
from contextlib import closing

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lightmem_integrations import InvalidRequestError, Turn
from lightmem_integrations.cli import app
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.evaluation.conversations import Conversation, Session, read
from lightmem_integrations.evaluation.filled_store import fill
from lightmem_integrations.evaluation.report import tables
from lightmem_integrations.evaluation.run import chosen, evaluate, sampled
from lightmem_integrations.evaluation.shown import BUDGET
from lightmem_integrations.evaluation.stages import PLAIN, STAGES


@pytest.fixture(scope="module")
def toy_run(toy_file):
    seen = []
    return evaluate(toy_file, on_progress=lambda *told: seen.append(told)), seen


def printed(evaluation, width=80):
    console = Console(width=width, file=io.StringIO())
    for table in tables(evaluation):
        console.print(table)
    return console.file.getvalue()


def run(*arguments):
    return CliRunner().invoke(app, ["eval", "retrieval", *map(str, arguments)])


def test_every_row_is_asked_the_same_questions(toy_run):
    evaluation, _ = toy_run
    assert [row.contender for row in evaluation.rows] == list(STAGES)
    assert (evaluation.conversations, evaluation.turns) == (2, 11)
    assert (evaluation.questions, evaluation.left_out) == (3, 1)
    for row in evaluation.rows:
        assert row.overall.questions == 3
        assert {kind: each.questions for kind, each in row.by_category.items()} == {
            "single-hop": 2,
            "temporal": 1,
        }
        assert 0 < row.p50_ms <= row.p95_ms


def test_what_is_plainly_asked_for_is_found_and_shown(toy_run):
    evaluation, _ = toy_run
    for row in evaluation.rows:
        # At most eight turns a user: only a lost or foreign turn could keep the rank from counting.
        assert row.overall.hit_at_10.mean == 1.0, row.contender
        assert row.overall.mrr.mean >= 0.8, row.contender
        assert row.shown.mean == 1.0, row.contender
        assert 0 < row.tokens <= BUDGET, row.contender


def test_progress_reaches_its_end(toy_run):
    _, seen = toy_run
    last = {label: (done, total) for label, done, total in seen}
    assert last == {"storing turns": (11, 11)} | {f"{name}: asking": (3, 3) for name in STAGES}


def test_a_bar_shows_who_is_asked(toy_file):
    console = Console(width=120, file=io.StringIO(), force_terminal=True)
    with progress_bars(console) as show:
        evaluate(toy_file, ["lightmem:words"], on_progress=show)
    assert "lightmem:words: asking" in console.file.getvalue()


def test_it_is_json(toy_run):
    evaluation, _ = toy_run
    plain = json.loads(json.dumps(evaluation.to_json()))
    first = next(row for row in plain["rows"] if row["contender"] == "lightmem")
    assert first["overall"]["hit_at_10"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert first["shown"]["mean"] == 1.0
    assert set(first["by_category"]) == {"single-hop", "temporal"}


def test_the_tables_show_every_row_in_eighty_columns(toy_run):
    evaluation, _ = toy_run
    text = printed(evaluation)
    joined = "".join(text.split())
    for name in STAGES:
        assert joined.count(name.rpartition(":")[2].replace("-interaction", "")) >= 3, name
    for heading in ("hit@10", "recall@10", "MRR", "p95 ms", "tokens", "evidence", "temporal"):
        assert heading in text
    assert "100.0 (100-100)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_names_from_the_file_are_shown_literally(tmp_path, toy_file):
    text = toy_file.read_text(encoding="utf-8")
    path = tmp_path / "[red]toy.json"
    path.write_text(text.replace('"temporal"', '"[bold]when"'), encoding="utf-8")
    shown = printed(evaluate(path, ["lightmem:words"]))
    assert "[red]toy.json" in shown
    assert "[bold]when" in shown


@pytest.mark.parametrize("names", [["lightmen"], ["lightmem", "bm25"], []])
def test_an_unknown_row_is_refused_with_the_known_ones(names):
    with pytest.raises(InvalidRequestError, match="no-late-interaction"):
        chosen(names, tuple(STAGES))


def test_a_row_named_twice_is_asked_once():
    assert chosen(["lightmem", *PLAIN, "lightmem"], tuple(STAGES)) == ("lightmem", *PLAIN)


@pytest.mark.parametrize("name", STAGES)
def test_a_row_never_returns_another_users_turn(name, tmp_path):
    turns = [
        Turn(role="user", text="The key is under the blue pot.", id=f"of-{user}")
        for user in ("ann", "anna")
    ]
    fill(
        tmp_path,
        [Conversation(turn.id[3:], (Session("s", (turn,)),), questions=()) for turn in turns],
    )
    with closing(STAGES[name](tmp_path)) as retriever:
        assert list(retriever.rank("ann", "Where is the key?", 20)) == ["of-ann"]
        assert retriever.packed("ann", "Where is the key?").turn_ids == {"of-ann"}


def test_a_sample_asks_fewer_questions_of_whole_memories(toy_file):
    whole = read(toy_file)
    drawn = sampled(whole, 2, seed=0)
    assert [each.turns for each in drawn] == [each.turns for each in whole]
    assert sum(len(each.questions) for each in drawn) == 2
    assert sampled(whole, 2, seed=0) == drawn
    assert any(sampled(whole, 2, seed=seed) != drawn for seed in range(1, 9))
    assert sampled(whole, 50, seed=0) == whole
    evaluation = evaluate(toy_file, ["lightmem:words"], sample=2, seed=3)
    assert (evaluation.questions, evaluation.sampled_from, evaluation.seed) == (2, 3, 3)
    assert "2 questions drawn from 3 with seed 3" in printed(evaluation)
    with pytest.raises(InvalidRequestError, match="sample is 0"):
        evaluate(toy_file, ["lightmem:words"], sample=0)


def test_the_command_prints_tables(toy_file):
    done = run("--data", toy_file, "--contender", "lightmem", "--contender", "lightmem:words")
    assert done.exit_code == 0
    assert "By kind of question" in done.stdout


def test_of_several_sets_the_worst_is_printed_first_and_a_kept_store_is_taken_again(
    tmp_path, toy_file
):
    worse = tmp_path / "worse.json"
    # What is asked for was said in another turn than the one that is called evidence.
    text = toy_file.read_text(encoding="utf-8")
    worse.write_text(text.replace('["s2-1"]', '["s1-4"]'), encoding="utf-8")
    kept = tmp_path / "kept"
    given = ("--data", toy_file, "--data", worse, "--contender", "lightmem:words", "--keep", kept)
    found = json.loads(run(*given, "--json").stdout)
    assert [each["data"] for each in found] == ["worse.json", "toy.json"]
    assert found[0]["rows"][0]["overall"]["mrr"] != found[1]["rows"][0]["overall"]["mrr"]
    # The turns are the same, so that one store serves both.
    (store,) = kept.iterdir()
    written = (store / "ledger.sqlite").stat().st_mtime_ns
    shown = run(*given).stdout
    assert shown.index("worse.json: what is found") < shown.index("toy.json: what is found")
    assert "All sets" in shown
    assert [(each, (each / "ledger.sqlite").stat().st_mtime_ns) for each in kept.iterdir()] == [
        (store, written)
    ]


def test_another_text_does_not_take_a_kept_store(tmp_path, toy_file):
    other = tmp_path / "other.json"
    text = toy_file.read_text(encoding="utf-8")
    other.write_text(text.replace("red folding one", "green one"), encoding="utf-8")
    for path in (toy_file, other):
        evaluate(path, ["lightmem:words"], keep=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2


@pytest.mark.parametrize("name", STAGES)
def test_what_was_said_after_a_question_does_not_exist_for_it(name, tmp_path):
    said = dt.datetime(2025, 1, 10, 9, tzinfo=dt.timezone.utc)
    turns = tuple(
        Turn(
            role="user",
            text=f"The key is under the {where}.",
            id=where,
            time=said + dt.timedelta(seconds=place),
        )
        for place, where in enumerate(("pot", "mat", "stone"))
    )
    fill(tmp_path, [Conversation("ann", (Session("s", turns),), questions=())])
    with closing(STAGES[name](tmp_path)) as retriever:
        assert set(retriever.rank("ann", "Where is the key?", 20, turns[1].time)) == {"pot"}
        assert set(retriever.rank("ann", "Where is the key?", 20)) == {"pot", "mat", "stone"}


def test_a_sample_of_none_is_wrong_usage(toy_file):
    assert run("--data", toy_file, "--sample", 0).exit_code == 2
