"""The reference of the site has every public name."""

import importlib
import re
from pathlib import Path

import pytest

pytest.importorskip("langchain_classic")
pytest.importorskip("langgraph")
pytest.importorskip("llama_index.core")

PACKAGE = "lightmem_integrations"
PAGES = Path(__file__).parents[2] / "docs" / "reference"
PUBLIC = ["", ".importers", ".knowledge.drafts", ".langchain", ".llama_index", ".testing"]


def documented():
    """What the reference names, as the things themselves."""
    things = {}
    for page in PAGES.glob("*.md"):
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            module, _, attribute = name.rpartition(".")
            things[attribute] = getattr(importlib.import_module(module), attribute)
    return things


@pytest.mark.parametrize("folder", PUBLIC)
def test_every_public_name_stands_in_the_reference(folder):
    module = importlib.import_module(PACKAGE + folder)
    told = documented()
    missing = [name for name in module.__all__ if told.get(name) is None]
    assert missing == []


def test_a_name_of_both_adapters_stands_in_the_reference_of_each():
    for adapter, page in (("langchain", "langchain.md"), ("llama_index", "llama-index.md")):
        text = (PAGES / page).read_text(encoding="utf-8")
        for name in importlib.import_module(f"{PACKAGE}.{adapter}").__all__:
            assert re.search(rf"^::: {PACKAGE}\.{adapter}\.\S+\.{name}$", text, re.MULTILINE), name
