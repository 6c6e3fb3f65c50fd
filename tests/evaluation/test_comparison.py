"""The whole comparison over a toy conversation: this library and real baselines."""

import datetime as dt
import io
import json
import sys
from contextlib import closing

import pytest
from rich.console import Console

from comparison.report import tables
from comparison.results import MEASURES
from comparison.run import evaluate
from lightmem_integrations import Turn
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.evaluation.shown import rendered
from lightmem_integrations.evaluation.stages import PLAIN, STAGES
from peers import PEERS

CONTENDERS = (*STAGES, *PEERS)


@pytest.fixture(scope="module")
def toy_run(toy_file):
    seen = []
    return evaluate(toy_file, baselines=PEERS, on_progress=lambda *told: seen.append(told)), seen


def printed(evaluation, width=200):
    console = Console(width=width, file=io.StringIO())
    for each in tables(evaluation):
        console.print(each)
    return console.file.getvalue()


def test_every_contender_runs_on_the_same_turns_and_questions(toy_run):
    evaluation, _ = toy_run
    assert [row.contender for row in evaluation.rows] == list(CONTENDERS)
    assert evaluation.skipped == ()
    assert (evaluation.conversations, evaluation.turns) == (2, 11)
    assert (evaluation.questions, evaluation.left_out) == (3, 1)
    for row in evaluation.rows:
        assert row.overall.questions == 3
        assert {kind: each.questions for kind, each in row.by_category.items()} == {
            "single-hop": 2,
            "temporal": 1,
        }
        assert {user: each.questions for user, each in row.by_conversation.items()} == {
            "ada@example.com": 2,
            "adam@example.com": 1,
        }


def test_every_contender_finds_what_is_plainly_asked_for(toy_run):
    evaluation, _ = toy_run
    # At most eight turns a user, so only a lost or foreign turn could keep the rank from counting.
    assert len(evaluation.rows) == len(CONTENDERS)
    for row in evaluation.rows:
        assert row.overall.hit_at_10.mean == 1.0, row.contender
        assert row.overall.mrr.mean >= 0.8, row.contender


def test_costs_are_measured(toy_run):
    evaluation, _ = toy_run
    for row in evaluation.rows:
        assert row.costs.context_tokens > 0
        assert 0 < row.costs.query_p50_ms <= row.costs.query_p95_ms
        assert row.costs.add_ms > 0
        assert row.costs.add_call_p50_ms >= 0


def test_progress_reaches_its_end_in_every_pass(toy_run):
    _, seen = toy_run
    last = {label: (done, total) for label, done, total in seen}
    # The rows of this library share one store: it is written once.
    adding = {f"{name}: adding turns": (11, 11) for name in ("lightmem", *PEERS)}
    asked = ("timing queries", "ranking turns", "packing contexts")
    assert last == adding | {f"{name}: {label}": (3, 3) for name in CONTENDERS for label in asked}


def test_it_is_json_and_says_which_conversation_went_worst(toy_run):
    evaluation, _ = toy_run
    plain = json.loads(json.dumps(evaluation.to_json()))
    first = next(row for row in plain["rows"] if row["contender"] == "lightmem")
    assert first["overall"]["hit_at_10"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert first["conversation_mean"] == 1.0
    assert first["worst_conversation"] in first["by_conversation"]
    assert plain["machine"]["python"]
    budgets = [(point["max_tokens"], point["k"], point["limited_by"]) for point in first["curve"]]
    assert budgets == [
        (400, 5, "k"),
        (1000, 5, "k"),
        (2000, 5, "k"),
        (400, 40, "tokens"),
        (1000, 100, "tokens"),
        (2000, 200, "tokens"),
    ]
    assert set(first["curve"][0]["overall"]) == {"questions", "hit", "recall", "tokens"}
    assert set(first["curve"][0]["by_category"]) == {"single-hop", "temporal"}
    compared = {(each["contender"], each["measure"]) for each in plain["differences"]}
    assert compared == {(name, measure) for name in STAGES for measure in MEASURES}


def test_no_context_is_larger_than_its_budget_and_more_results_show_no_less(toy_run):
    evaluation, _ = toy_run
    for row in evaluation.rows:
        for point in row.curve:
            assert point.overall.tokens <= point.max_tokens
            assert point.overall.tokens > 0
        few = [point.overall.recall.mean for point in row.curve if point.limited_by == "k"]
        many = [point.overall.recall.mean for point in row.curve if point.limited_by == "tokens"]
        assert few == sorted(few)
        assert many == sorted(many)
        assert many[-1] >= few[-1]


def test_the_tables_show_every_contender_and_what_it_is(toy_run):
    evaluation, _ = toy_run
    text = printed(evaluation)
    for row in evaluation.rows:
        # A name is broken after its colon.
        assert text.count(row.contender.rpartition(":")[2]) >= 4
    for heading in ("hit@10", "MRR", "recall", "p95 ms", "tokens", "single-hop"):
        assert heading in text
    assert "BM25Okapi" in text
    for title in ("context really shows", "difference to the best baseline", *MEASURES):
        assert title in text
    assert "lightmem is below the best baseline: " in text


def test_eighty_columns_are_enough(toy_run):
    evaluation, _ = toy_run
    text = printed(evaluation, width=80)
    assert "…" not in text
    for row in evaluation.rows:
        assert row.contender.partition(":")[2] or row.contender in text
    assert "(100-100)" in text


def test_names_from_the_file_are_shown_literally(tmp_path, toy_file):
    text = toy_file.read_text(encoding="utf-8")
    path = tmp_path / "[red]toy.json"
    path.write_text(text.replace('"temporal"', '"[bold]when"'), encoding="utf-8")
    shown = printed(evaluate(path, ["bm25"], baselines=PEERS))
    assert "[red]toy.json" in shown
    assert "[bold]when" in shown


def test_a_bar_shows_who_is_measured(toy_file):
    console = Console(width=120, file=io.StringIO(), force_terminal=True)
    with progress_bars(console) as show:
        evaluate(toy_file, ["bm25"], baselines=PEERS, on_progress=show)
    assert "bm25: adding turns" in console.file.getvalue()


def test_a_missing_package_skips_its_row_and_names_the_extra(monkeypatch, toy_file):
    # None in sys.modules is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "rank_bm25", None)
    module = "lightmem_integrations.evaluation.peers.bm25"
    monkeypatch.delitem(sys.modules, module, raising=False)
    evaluation = evaluate(toy_file, ["bm25", "langgraph-store"], baselines=PEERS)
    assert [row.contender for row in evaluation.rows] == ["langgraph-store"]
    (skipped,) = evaluation.skipped
    assert skipped.contender == "bm25"
    assert "lightmem-integrations[benchmarks]" in skipped.reason
    assert "bm25 was skipped" in printed(evaluation)


def test_a_fault_inside_a_baseline_is_not_taken_for_a_missing_package(monkeypatch, toy_file):
    monkeypatch.setitem(sys.modules, "lightmem_integrations.text.terms", None)
    monkeypatch.delitem(sys.modules, "lightmem_integrations.evaluation.peers.bm25", raising=False)
    with pytest.raises(ModuleNotFoundError, match="terms"):
        evaluate(toy_file, ["bm25"], baselines=PEERS)


def test_a_contender_named_twice_runs_once(toy_file):
    assert [
        row.contender for row in evaluate(toy_file, ["bm25", "bm25"], baselines=PEERS).rows
    ] == ["bm25"]


def two_users(written):
    for user in ("ann", "anna"):
        turn = Turn(role="user", text="The key is under the blue pot.", id=f"of-{user}")
        written.add(user, "s", turn)
    written.finish()


@pytest.mark.parametrize("name", PEERS)
def test_a_baseline_never_returns_another_users_turn(name, tmp_path):
    with closing(PEERS[name](tmp_path)) as contender:
        two_users(contender)
        assert list(contender.rank("ann", "Where is the key?", 20)) == ["of-ann"]


def test_a_sample_is_named(toy_file):
    evaluation = evaluate(toy_file, ["bm25"], baselines=PEERS, sample=2, seed=3)
    assert (evaluation.questions, evaluation.sampled_from, evaluation.seed) == (2, 3, 3)
    assert "2 questions drawn from 3 with seed 3" in printed(evaluation)


def test_without_another_library_a_recall_is_compared_with_the_better_plain_row(toy_file):
    evaluation = evaluate(toy_file, ["lightmem", *PLAIN])
    assert {each.contender for each in evaluation.differences} == {"lightmem"}
    assert {each.baseline for each in evaluation.differences} <= set(PLAIN)
    assert "lightmem is below the best baseline: " in printed(evaluation)


def test_baselines_see_the_date_and_the_speaker():
    when = dt.datetime(2023, 5, 8, 13, 56, tzinfo=dt.timezone.utc)
    turn = Turn(role="user", speaker="Caroline", text="Hey Mel!", time=when)
    assert rendered(turn) == "[8 May 2023] Caroline: Hey Mel!"
    assert rendered(Turn(role="assistant", text="Yes?")) == "assistant: Yes?"


def test_a_message_longer_than_a_store_takes_is_cut_and_the_rest_compared(tmp_path):
    said = ["The spare key is under the blue pot.", "x" * 150_000, "", "The cellar is dry."]
    turns = [
        {"id": f"t{place}", "role": "user", "time": f"2025-05-01T09:0{place}:00Z", "text": text}
        for place, text in enumerate(said)
    ]
    asked = {"question": "Where is the spare key?", "evidence": ["t0"], "kind": "single-hop"}
    ann = {
        "user_id": "ann",
        "sessions": [{"session_id": "s", "turns": turns}],
        "questions": [asked],
    }
    file = tmp_path / "chats.json"
    file.write_text(json.dumps({"users": [ann]}))
    names = ("lightmem:words", "bm25")
    evaluation = evaluate(file, names, baselines=PEERS)
    assert [(row.contender, row.overall.mrr.mean) for row in evaluation.rows] == [
        (name, 1.0) for name in names
    ]
