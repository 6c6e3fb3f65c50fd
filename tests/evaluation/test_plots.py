"""The figures and the command that asks for them."""

import json
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

import compare
from comparison.run import evaluate
from peers import PEERS
from plots import save_plots

NAMES = ("lightmem:words", "lightmem", "bm25")


@pytest.fixture(scope="module")
def evaluation(toy_file):
    return evaluate(toy_file, NAMES, baselines=PEERS)


def run(command, *arguments):
    return CliRunner().invoke(command, [*map(str, arguments)], env={"COLUMNS": "120"})


def texts(path):
    # Written by ourselves a moment ago.
    root = ElementTree.parse(path).getroot()
    return "\n".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))


def test_two_figures_are_written_in_both_forms(evaluation, tmp_path):
    written = save_plots(evaluation, tmp_path / "new" / "folder")
    assert sorted(path.name for path in written) == [
        "quality-by-time.png",
        "quality-by-time.svg",
        "recall-by-tokens.png",
        "recall-by-tokens.svg",
    ]
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            shown = texts(path)
            assert all(name in shown for name in NAMES)
            assert "toy.json, 3 questions" in shown


def test_the_figures_say_what_their_axes_are(evaluation, tmp_path):
    save_plots(evaluation, tmp_path)
    assert "tokens of the context (mean)" in texts(tmp_path / "recall-by-tokens.svg")
    by_time = texts(tmp_path / "quality-by-time.svg")
    assert "milliseconds per query (logarithmic)" in by_time
    assert "hit@10, %" in by_time
    assert "MRR, %" in by_time


def test_the_same_evaluation_gives_the_same_file(evaluation, tmp_path):
    save_plots(evaluation, tmp_path / "one")
    save_plots(evaluation, tmp_path / "two")
    for name in ("recall-by-tokens.svg", "quality-by-time.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_comparison_draws_samples_and_prints_json(toy_file, tmp_path):
    comparison = typer.Typer()
    comparison.command()(compare.main)
    arguments = ("--data", toy_file, "--contender", "lightmem", "--contender", "bm25")
    done = run(comparison, *arguments, "--sample", 2, "--seed", 1, "--plot", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["questions"], found["sampled_from"], found["seed"]) == (2, 3, 1)
    assert [row["contender"] for row in found["rows"]] == ["lightmem", "bm25"]
    assert len(list(tmp_path.iterdir())) == 4


def test_the_comparison_prints_tables(toy_file):
    comparison = typer.Typer()
    comparison.command()(compare.main)
    names = ("--contender", "lightmem", "--contender", "lightmem:words")
    done = run(comparison, "--data", toy_file, *names)
    assert done.exit_code == 0
    assert "difference to the best baseline" in done.stdout
