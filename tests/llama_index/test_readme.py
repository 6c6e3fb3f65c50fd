"""The README's LlamaIndex snippet does what it says, copied as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightmem_integrations.testing import ExtractiveLLM

README = Path(__file__).parents[2] / "README.md"


def snippets() -> list[str]:
    section = README.read_text(encoding="utf-8").split("## In a LlamaIndex agent or chat engine")[1]
    return re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)


def test_the_snippet_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"llm": ExtractiveLLM()}
    exec(snippets()[1], names)
    names["store"].close()  # type: ignore[attr-defined]
    assert "I moved to Lisbon in May." in capsys.readouterr().out


def test_the_two_lines_are_all_that_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"llm": ExtractiveLLM()}
    imports = [line for line in snippets()[1].splitlines() if "import" in line]
    exec("\n".join([*imports, snippets()[0]]), names)
    assert str(names["bot"].chat("Hello")) == "I have nothing about that in memory."  # type: ignore[attr-defined]
    names["memory"].memory.close()  # type: ignore[attr-defined]
