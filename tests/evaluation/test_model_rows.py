"""Rows with models that one brings along."""

from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import compare
from comparison.contenders import Writer
from comparison.model_rows import WithModel, model_rows
from comparison.run import evaluate
from lightmem_integrations import Settings, Turn
from lightmem_integrations.evaluation.stages import OwnMemory
from peers import PEERS


class Shortest:
    """Takes the shortest text for the best."""

    def score(self, query, texts):
        return [-10.0 * len(text) for text in texts]


def test_rows_are_named_after_their_models():
    rows = model_rows(
        ["cross-encoder/ms-marco-MiniLM-L6-v2", "/models/mine"], [Path("/models/tiny.gguf")]
    )
    assert list(rows) == [
        "lightmem:ms-marco-MiniLM-L6-v2",
        "lightmem:mine",
        "lightmem:tiny points",
        "lightmem:tiny queries",
    ]


def test_a_re_ranker_changes_what_comes_first(tmp_path):
    with closing(Writer(tmp_path)) as writer:
        for name, text in {
            "long": "The key to the garden shed lies under the blue pot by the door.",
            "short": "The garden is wet.",
        }.items():
            writer.add("ann", "s", Turn(role="user", id=name, text=text))
        writer.finish()
    question = "Where is the key to the garden shed?"
    with closing(OwnMemory(tmp_path)) as plain:
        assert plain.rank("ann", question, 2)[0] == "long"
    models = Settings(model_seconds=60.0)
    with closing(OwnMemory(tmp_path, models, reranker=Shortest())) as changed:
        assert set(changed.rank("ann", question, 2)) == {"long", "short"}
        shown = changed.packed("ann", question, k=2, max_tokens=400, count_tokens=len)
        assert shown.tokens <= 400


def test_an_extra_row_stands_among_our_own_and_is_judged(toy_file):
    def make(folder):
        return WithModel(folder, reranker=Shortest(), about="Shortest first.")

    evaluation = evaluate(
        toy_file, ["lightmem", "bm25"], extra={"lightmem:shortest": make}, baselines=PEERS
    )
    assert [row.contender for row in evaluation.rows] == ["lightmem", "lightmem:shortest", "bm25"]
    assert "Shortest first." in evaluation.rows[1].about
    assert {point.k for point in evaluation.rows[1].curve} == {5, 20}
    assert {each.contender for each in evaluation.differences} == {"lightmem", "lightmem:shortest"}


def test_a_model_that_is_not_there_skips_its_row_only(toy_file, tmp_path):
    pytest.importorskip("sentence_transformers")
    rows = model_rows([str(tmp_path / "no-such-model")])
    evaluation = evaluate(toy_file, ["lightmem:words"], extra=rows)
    assert [row.contender for row in evaluation.rows] == ["lightmem:words"]
    (skipped,) = evaluation.skipped
    assert skipped.contender == "lightmem:no-such-model"
    assert "no-such-model" in skipped.reason


def test_a_language_model_that_is_no_file_is_wrong_usage(toy_file, tmp_path):
    comparison = typer.Typer()
    comparison.command()(compare.main)
    arguments = ["--data", str(toy_file), "--slm", str(tmp_path / "no.gguf")]
    assert CliRunner().invoke(comparison, arguments).exit_code == 2
