"""Every notebook runs from top to bottom, and is kept with what it printed."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

TREE = Path(__file__).parents[2]
NOTEBOOKS = sorted((TREE / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.slow


def names(path):
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_it_runs(path, tmp_path, monkeypatch):
    # The kernel is this Python with this path, not whatever kernel is registered for the user.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    shutil.copytree(TREE / "examples", tmp_path / "examples")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()  # raises with the cell and its traceback if a cell fails
    assert notebook.cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_it_is_kept_with_its_outputs_and_nothing_of_the_machine(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", path.read_text(encoding="utf-8"))


def test_there_are_notebooks():
    assert NOTEBOOKS
