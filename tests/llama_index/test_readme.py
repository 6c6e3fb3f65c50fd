"""The README's LlamaIndex snippet does what it says, copied as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"


def snippets() -> list[str]:
    section = README.read_text(encoding="utf-8").split("## In a LlamaIndex agent or chat engine")[1]
    return re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)


def test_the_snippet_works(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: Callable[..., Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    says = script("Noted.", "In Lisbon.")
    names: dict[str, Any] = {"llm": says.llm}
    exec(snippets()[1], names)
    names["store"].close()
    assert capsys.readouterr().out == "In Lisbon.\n"
    assert "I moved to Lisbon in May." in says.said_to(1)


def test_the_two_lines_are_all_that_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"llm": script("Hello.").llm}
    imports = [line for line in snippets()[1].splitlines() if "import" in line]
    exec("\n".join([*imports, snippets()[0]]), names)
    assert str(names["bot"].chat("Hello")) == "Hello."
    names["memory"].memory.close()
