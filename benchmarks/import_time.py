"""How long importing the library takes, and whether it drags anything heavy along.

Each import runs in fresh interpreters; the median counts. Ends with status 1 if the plain import
loads a framework, a model runtime or a vector store.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

PLAIN = "import lightmem_integrations"
STATEMENTS = (PLAIN, "from lightmem_integrations import LightMem, Turn")
HEAVY = (
    "chromadb",
    "langchain",
    "langchain_classic",
    "langchain_core",
    "langgraph",
    "llama_index",
    "onnxruntime",
    "sentence_transformers",
    "torch",
    "transformers",
)
_MEASURE = """
import json, sys, time
before = set(sys.modules)
start = time.perf_counter()
{statement}
spent = (time.perf_counter() - start) * 1000
roots = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps([spent, len(set(sys.modules) - before), sorted(roots & set({heavy!r}))]))
"""


def measure(statement: str, runs: int) -> dict[str, Any]:
    """Median milliseconds of a statement in fresh interpreters, and what it loaded."""
    times: list[float] = []
    for _ in range(runs):
        program = _MEASURE.format(statement=statement, heavy=HEAVY)
        done = subprocess.run(  # noqa: S603 - this interpreter, a program from above
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        spent, modules, heavy = json.loads(done.stdout)
        times.append(spent)
    return {
        "statement": statement,
        "median_ms": statistics.median(times),
        "least_ms": min(times),
        "modules": modules,
        "heavy": heavy,
    }


def main(
    *,
    runs: Annotated[int, typer.Option(help="Fresh interpreters per statement.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the import."""
    rows = [measure(statement, runs) for statement in STATEMENTS]
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        table = Table(title=f"Import in fresh interpreters, median of {runs}")
        for heading in ("statement", "median ms", "least ms", "modules", "heavy modules"):
            table.add_column(heading, justify="left" if heading == "statement" else "right")
        for row in rows:
            table.add_row(
                str(row["statement"]),
                f"{row['median_ms']:.0f}",
                f"{row['least_ms']:.0f}",
                str(row["modules"]),
                ", ".join(row["heavy"]) or "none",
            )
        Console().print(table)
    if rows[0]["heavy"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
