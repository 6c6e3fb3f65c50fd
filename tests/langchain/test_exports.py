"""The package's names: no framework is loaded for them, and a missing one is named."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import lightmem_integrations.langchain as ours

CORE = ("langchain_core", "langchain")
EXTRAS = {
    "LightMemChatMessageHistory": CORE,
    "LightMemConsolidator": CORE,
    "LightMemMemory": ("langchain_classic", "classic"),
    "LightMemMiddleware": ("langgraph", "agents"),
    "LightMemRecall": CORE,
    "LightMemReranker": CORE,
    "LightMemRetriever": CORE,
    "LightMemStore": ("langgraph", "agents"),
    "LightMemToolkit": CORE,
    "import_documents": CORE,
    "import_messages": CORE,
    "record_turns": CORE,
    "session_history": CORE,
}


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_exports():
    assert sorted(ours.__all__) == sorted(EXTRAS)
    assert set(ours.__all__) <= set(dir(ours))
    for name in ours.__all__:
        assert getattr(ours, name).__name__ == name
        assert getattr(ours, name) is getattr(ours, name)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = ours.Nothing


def test_importing_the_package_loads_no_framework():
    loaded = run(
        """
        import sys
        import lightmem_integrations.langchain
        names = ("langchain", "langgraph", "torch", "chromadb")
        print([name for name in sys.modules if name.startswith(names)])
        """
    )
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("name", EXTRAS)
def test_a_missing_package_is_named_with_its_extra(name):
    package, extra = EXTRAS[name]
    said = run(
        f"""
        import sys
        sys.modules[{package!r}] = None
        import lightmem_integrations.langchain as ours
        from lightmem_integrations.errors import MissingExtraError
        try:
            ours.{name}
        except MissingExtraError as error:
            print(error.extra, error)
        """
    )
    assert said.startswith(extra)
    assert package.replace("_", "-") in said
    assert f"lightmem-integrations[{extra}]" in said


def test_what_the_smallest_extra_brings_needs_langchain_core_only():
    names = [name for name, (package, _) in EXTRAS.items() if package == "langchain_core"]
    said = run(
        f"""
        import sys
        for name in ("langchain", "langgraph", "langchain_classic"):
            sys.modules[name] = None
        import lightmem_integrations.langchain as ours
        print([getattr(ours, name).__name__ for name in {names!r}])
        """
    )
    assert said.strip() == repr(names)


def test_the_table_in_the_docs_is_complete():
    for name, (_, extra) in EXTRAS.items():
        line = next(each for each in ours.__doc__.splitlines() if each.startswith(f"``{name}``"))
        assert line.split()[1] == extra
