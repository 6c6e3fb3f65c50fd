"""Writes the tables of docs/store-contract.md: which store fails which test of the contract.

    python scripts/store_contract.py [--report FILE ...]

Runs the stores of tests/contract, where every known failure is a strict ``xfail``, and reads how
each test ended. ``--report`` reads what ``pytest --junitxml`` wrote instead, of several runs
together: of a test that one run skipped, the other's outcome counts.
"""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = ROOT / "src/lightmem_integrations/testing/store_contract"
PAGE = ROOT / "docs/store-contract.md"
BEGIN, END = "<!-- made by scripts/store_contract.py -->", "<!-- end of what is made -->"
STORES = ("tests/contract/test_stores.py", "tests/contract/langgraph_stores.py")
COLUMNS = {
    "TestInMemoryStore": "InMemoryStore",
    "TestSqliteStore": "SqliteStore",
    "TestAsyncSqliteStore": "AsyncSqliteStore",
    "TestPostgresStore": "PostgresStore",
    "TestAsyncPostgresStore": "AsyncPostgresStore",
    "TestLightMemStoreInAFolder": "LightMemStore, folder",
    "TestLightMemStoreOnPostgreSQL": "LightMemStore, PostgreSQL",
}
PACKAGES = ("langgraph", "langgraph-checkpoint", "langgraph-checkpoint-sqlite",
            "langgraph-checkpoint-postgres")  # fmt: skip
Outcomes = dict[str, dict[str, str]]  # by test, by class


def run(report: Path) -> None:
    """Run the tests and have them written down."""
    subprocess.run(  # noqa: S603 - pytest
        [sys.executable, "-m", "pytest", *STORES, f"--junitxml={report}"],
        cwd=ROOT,
        check=False,
    )


def outcomes(reports: list[Path]) -> Outcomes:
    """How each test ended for each store: passes, fails or skipped."""
    found: Outcomes = defaultdict(dict)
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own
            store = (case.get("classname") or "").rpartition(".")[2]
            if store not in COLUMNS:
                continue
            ended = "passes"
            for child in case:
                if child.tag in {"failure", "error"} or child.get("type") == "pytest.xfail":
                    ended = "fails"
                elif child.tag == "skipped":
                    ended = "skipped"
            test = case.get("name") or ""
            if ended != "skipped" or store not in found[test]:
                found[test][store] = ended
    return found


def promises() -> dict[str, tuple[str, bool]]:
    """What each test promises, by its name, and whether the reference leaves it open."""
    found = {}
    for path in sorted(CONTRACT.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                said = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
                marks = {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
                found[node.name] = said.replace("``", "`"), "left_open" in marks
    return found


def cell(ended: Counter[str]) -> str:
    """How the cases of one test ended for one store."""
    if ended["fails"]:
        cases = ended["fails"] + ended["passes"]
        return "**fails**" if cases == 1 else f"**fails** {ended['fails']} of {cases}"
    return "passes" if ended["passes"] else "-"


def table(found: Outcomes, *, left_open: bool) -> list[str]:
    """The tests that some store fails, and how the others ended, counted."""
    told = promises()
    grouped: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    for test, by_store in found.items():
        name = re.sub(r"\[.*", "", test, flags=re.DOTALL)
        if told[name][1] == left_open:
            for store, ended in by_store.items():
                grouped[name][store][ended] += 1
                whole[store][ended] += 1
    lines = [f"| promise | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in told:
        if any(ended["fails"] for ended in grouped[name].values()):
            cells = " | ".join(cell(grouped[name][store]) for store in COLUMNS)
            lines.append(f"| {told[name][0]} | {cells} |")
    counts = " | ".join(
        f"{whole[store]['passes']} / {whole[store]['fails']} / {whole[store]['skipped']}"
        for store in COLUMNS
    )
    return [*lines, f"| *tests that pass / fail / are skipped* | {counts} |"]


def main() -> None:
    """Write the tables between the marks of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, action="append", default=[])
    reports = parser.parse_args().report
    with tempfile.TemporaryDirectory() as folder:
        if not reports:
            reports = [Path(folder) / "report.xml"]
            run(reports[0])
        found = outcomes(reports)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    made = [
        BEGIN, "",
        f"{dt.datetime.now(dt.timezone.utc):%d %B %Y}, {versions}.", "",
        "### What LangGraph documents", "", *table(found, left_open=False), "",
        "### What it leaves open", "", *table(found, left_open=True), "", END,
    ]  # fmt: skip
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + "\n".join(made) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
