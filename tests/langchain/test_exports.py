"""The package's names: no framework is loaded for them, and a missing one is named."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import lightmem_integrations.langchain as ours

EXTRAS = {
    "LightMemMemory": ("langchain_classic", "classic"),
    "LightMemMiddleware": ("langgraph", "agents"),
    "LightMemRetriever": ("langchain_core", "langchain"),
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


def test_the_retriever_needs_langchain_core_only():
    said = run(
        """
        import sys
        for name in ("langchain", "langgraph", "langchain_classic"):
            sys.modules[name] = None
        from lightmem_integrations.langchain import LightMemRetriever
        print(LightMemRetriever.__name__)
        """
    )
    assert said.strip() == "LightMemRetriever"
