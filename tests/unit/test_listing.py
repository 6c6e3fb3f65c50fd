"""The rows for the frameworks' lists have the fields that those take, and name what there is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lightmem_integrations.langchain as langchain_adapters

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
# What the lists ask of a row, by component; LangChain's form asks the rest.
ROW = {"name", "pypi", "docs_url"}
FIELDS = {"tools": ROW, "retrievers": ROW, "middleware": ROW | {"available", "source"}}
FORM = {
    "display_name", "language", "component", "pypi_package", "docs_url", "github_repo",
    "provider_description",
}  # fmt: skip


@pytest.fixture
def listing(tmp_path):
    """The folder of the filled-in files."""
    command = [sys.executable, str(ROOT / "scripts" / "listing.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def packages():
    return {path.parent.name for path in (ROOT / "packages").glob("*/pyproject.toml")}


def test_the_rows_have_what_the_list_of_their_component_asks(listing):
    components = yaml.safe_load((listing / "langchain.yaml").read_text("utf-8"))["python"]
    assert {name: set(rows[0]) for name, rows in components.items()} == FIELDS
    for (row,) in components.values():
        assert row["pypi"] in packages()
        assert row["docs_url"].startswith("https://")
        assert row["name"] in dir(langchain_adapters)


def test_the_answers_are_those_that_the_form_asks_for(listing):
    answers = yaml.safe_load((listing / "langchain-submission.yaml").read_text("utf-8"))
    for answer in answers:
        assert set(answer) == FORM
        assert answer["pypi_package"] in packages()
        assert answer["display_name"] in dir(langchain_adapters)
        assert re.fullmatch(r"[\w-]+/[\w-]+", answer["github_repo"])


def test_llama_index_is_asked_in_the_fields_of_its_form(listing):
    answers = yaml.safe_load((listing / "llama-index-request.yaml").read_text("utf-8"))
    assert set(answers) == {"title", "feature-description", "why-feature", "value-add"}
    (package,) = re.findall(r"pypi\.org/project/([\w-]+)", answers["feature-description"])
    assert package in packages()


def test_the_row_of_the_stores_has_its_three_columns(listing):
    row = (listing / "langchain-stores.mdx").read_text("utf-8").strip()
    backend, package, source = (cell.strip() for cell in row.strip("|").split("|"))
    assert "https://" in backend
    assert "langchain-lightmem" in package
    assert "https://" in source


def test_no_address_is_left_to_fill_in(listing):
    for path in listing.iterdir():
        rows = [line for line in path.read_text("utf-8").splitlines() if line[:1] != "#"]
        assert not re.search(r"\{[a-z]+\}", "\n".join(rows)), path.name
