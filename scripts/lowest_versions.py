"""Runs tests/langchain with the lowest versions that pyproject.toml allows.

    python scripts/lowest_versions.py [--venv FOLDER] [--timeout SECONDS] [--install]

Two sets, since LangChain's own packages need a later langchain-core than we do: the extras
``agents`` and ``classic`` at their lower bounds with the lowest langchain-core that fits them, and
the extras ``langchain`` and ``classic`` alone with the lowest langchain-core that we state. What
the newest versions do, the ordinary tests show.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from environments import CACHE, CORE, ROOT, Environment, lower_bounds

TESTS = ROOT / "tests" / "langchain"
TOOLS = ["blockbuster", "hypothesis", "langchain-tests", "pytest", "pytest-asyncio", "pytest-xdist"]
GRAPH = ["langchain", "langgraph", "langgraph-prebuilt", "langgraph-sdk", "langgraph-checkpoint"]
# Asserts that every name can be had, which takes every extra.
ALL_EXTRAS = {"test_exports.py"}
# A test file that needs the extra "agents" names one of these.
NEEDS_GRAPH = re.compile(
    r"^\s*(?:(?:from|import) (?:langchain\.|langgraph)|LightMem(?:Middleware|Store),$)",
    re.MULTILINE,
)


def install(environment: Environment, *what: str) -> None:
    """Installs packages beside this tree; with older ones in place of newer ones."""
    limits = ["--constraint", str(ROOT / "constraints.txt")]
    environment.run("-m", "pip", "install", "--quiet", *limits, "--editable", str(ROOT), *what)


def test(environment: Environment, title: str, paths: list[Path]) -> bool:
    """Runs tests, and prints with what and how they ended."""
    there = environment.installed()
    frameworks = [f"{name} {there[name]}" for name in there if re.match("lang[cg]", name)]
    # -v against the -q of pyproject.toml, which together leave out the last line.
    options = ["-v", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
    done = environment.done("-m", "pytest", *options, *map(str, paths))
    lines = done.stdout.strip().splitlines() or [done.stderr]
    good = not done.returncode
    print(f"{'ok ' if good else 'BAD'}  {title}: {lines[-1]}")
    print(f"     {', '.join(frameworks)}")
    if not good:
        print("\n".join(lines[-80:]))
    return good


def main() -> int:
    """Runs both sets, or only installs what takes longest of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=CACHE / "lightmem-lowest")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds for one command")
    parser.add_argument("--install", action="store_true", help="only install the first set")
    chosen = parser.parse_args()
    bounds = lower_bounds(CORE, "langchain", "langchain-classic", "langgraph")
    environment = Environment(chosen.venv, chosen.timeout)

    pinned = [f"{name}=={bound}" for name, bound in bounds.items() if name != CORE]
    install(environment, *pinned, *TOOLS)
    lowest = environment.lowest_core()
    install(environment, *pinned, f"{CORE}=={lowest}", *TOOLS)
    if chosen.install:
        return 0
    good = test(environment, "agents and classic", [TESTS])

    environment.run("-m", "pip", "uninstall", "--quiet", "--yes", *GRAPH)
    classic = f"langchain-classic=={bounds['langchain-classic']}"
    install(environment, f"{CORE}=={bounds[CORE]}", classic, *TOOLS)
    alone = [
        path
        for path in sorted(TESTS.glob("test_*.py"))
        if path.name not in ALL_EXTRAS and not NEEDS_GRAPH.search(path.read_text())
    ]
    good = test(environment, "langchain and classic, without agents", alone) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
