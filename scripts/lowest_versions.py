"""Runs tests/langchain with the lowest versions that pyproject.toml allows.

    python scripts/lowest_versions.py [--venv FOLDER] [--timeout SECONDS]

Two sets, since LangChain's own packages need a later langchain-core than we do: the extras
``agents`` and ``classic`` at their lower bounds with the lowest langchain-core that fits them, and
the extras ``langchain`` and ``classic`` alone with the lowest langchain-core that we state. What
the newest versions do, the ordinary tests show.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lightmem-lowest"
TESTS = ROOT / "tests" / "langchain"
TOOLS = ["blockbuster", "hypothesis", "langchain-tests", "pytest", "pytest-asyncio"]
CORE = "langchain-core"
GRAPH = ["langchain", "langgraph", "langgraph-prebuilt", "langgraph-sdk", "langgraph-checkpoint"]
# Asserts that every name can be had, which takes every extra.
ALL_EXTRAS = {"test_exports.py"}
# A test file that needs the extra "agents" names one of these.
NEEDS_GRAPH = re.compile(
    r"^\s*(?:(?:from|import) (?:langchain\.|langgraph)|LightMem(?:Middleware|Store),$)",
    re.MULTILINE,
)


def lower_bounds() -> dict[str, str]:
    """The lowest version of each LangChain package that an extra of ours states."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.split("[project.optional-dependencies]")[1].split("[project.scripts]")[0]
    wanted = ("langchain-core", "langchain", "langchain-classic", "langgraph")
    return {name: re.findall(rf'"{name}>=([\d.]+)', extras)[0] for name in wanted}


class Environment:
    """A virtual environment of its own."""

    def __init__(self, folder: Path, timeout: float) -> None:
        if not folder.exists():
            venv.create(folder, with_pip=True)
        self._python = str(folder / "bin" / "python")
        self._timeout = timeout

    def run(self, *arguments: str) -> str:
        """Runs its Python; returns what it printed."""
        done = self._done(*arguments)
        if done.returncode:
            sys.exit(f"{' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def _done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - pip and pytest
            [self._python, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=self._timeout,
        )

    def install(self, *what: str) -> None:
        """Installs packages; with older ones in place of newer ones."""
        limits = ["--constraint", str(ROOT / "constraints.txt")]
        self.run("-m", "pip", "install", "--quiet", *limits, "--editable", str(ROOT), *what)

    def needed_by(self, package: str, of: str) -> str:
        """The lowest version that an installed package needs of another one."""
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

    def test(self, title: str, paths: list[Path]) -> bool:
        """Runs tests, and prints with what and how they ended."""
        listed = json.loads(self.run("-m", "pip", "list", "--format", "json"))
        there = {each["name"]: each["version"] for each in listed}
        frameworks = [f"{name} {there[name]}" for name in there if re.match("lang[cg]", name)]
        # -v against the -q of pyproject.toml, which together leave out the last line.
        done = self._done("-m", "pytest", "-v", "-p", "no:cacheprovider", *map(str, paths))
        lines = done.stdout.strip().splitlines() or [done.stderr]
        good = not done.returncode
        print(f"{'ok ' if good else 'BAD'}  {title}: {lines[-1]}")
        print(f"     {', '.join(frameworks)}")
        if not good:
            print("\n".join(lines[-80:]))
        return good


def main() -> int:
    """Runs both sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=CACHE)
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds for one command")
    chosen = parser.parse_args()
    bounds = lower_bounds()
    environment = Environment(chosen.venv, chosen.timeout)

    pinned = [f"{name}=={bound}" for name, bound in bounds.items() if name != CORE]
    environment.install(*pinned, *TOOLS)
    lowest = max(
        (environment.needed_by(each, CORE) for each in ("langchain", "langgraph")),
        key=lambda each: tuple(map(int, each.split("."))),
    )
    environment.install(*pinned, f"{CORE}=={lowest}", *TOOLS)
    good = environment.test("agents and classic", [TESTS])

    environment.run("-m", "pip", "uninstall", "--quiet", "--yes", *GRAPH)
    classic = f"langchain-classic=={bounds['langchain-classic']}"
    environment.install(f"{CORE}=={bounds[CORE]}", classic, *TOOLS)
    alone = [
        path
        for path in sorted(TESTS.glob("test_*.py"))
        if path.name not in ALL_EXTRAS and not NEEDS_GRAPH.search(path.read_text())
    ]
    good = environment.test("langchain and classic, without agents", alone) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
