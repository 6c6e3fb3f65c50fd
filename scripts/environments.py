"""Virtual environments of their own, and the lowest versions that pyproject.toml allows in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
CORE = "langchain-core"


def lower_bounds(*packages: str) -> dict[str, str]:
    """The lowest version of each package that an extra of ours states."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.split("[project.optional-dependencies]")[1].split("[project.scripts]")[0]
    return {name: re.findall(rf'"{name}>=([\d.]+)', extras)[0] for name in packages}


class Environment:
    """A virtual environment of its own."""

    def __init__(self, folder: Path, timeout: float, python: str = sys.executable) -> None:
        self.bin = folder / "bin"
        self._timeout = timeout
        if not folder.exists():
            self.run("-m", "venv", str(folder), python=python)

    def run(self, *arguments: str, python: str | None = None) -> str:
        """Runs its Python; returns what it printed, and ends the program where that fails."""
        done = self.done(*arguments, python=python)
        if done.returncode:
            sys.exit(f"{' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def done(self, *arguments: str, python: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs its Python to the end, however that is."""
        return subprocess.run(  # noqa: S603 - pip, pytest and our own scripts
            [python or str(self.bin / "python"), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=self._timeout,
        )

    def installed(self) -> dict[str, str]:
        """The version of each package that is there."""
        listed = json.loads(self.run("-m", "pip", "list", "--format", "json"))
        return {each["name"]: each["version"] for each in listed}

    def lowest_core(self) -> str:
        """The lowest langchain-core with which the langchain and langgraph that are there work."""
        return max(
            (self._needed_by(each, CORE) for each in ("langchain", "langgraph")),
            key=lambda each: tuple(map(int, each.split("."))),
        )

    def _needed_by(self, package: str, of: str) -> str:
        code = (
            "import json, sys; from importlib.metadata import requires; "
            "print(json.dumps(requires(sys.argv[1])))"
        )
        stated = json.loads(self.run("-c", code, package))
        return next(
            found[1]
            for each in stated
            if (found := re.match(rf"{of}[ (]*[^;]*>=([\d.]+)", each)) is not None
        )
