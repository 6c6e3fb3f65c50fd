"""How fast turns are written and indexed, and what they take on disk and in memory.

One user, sessions of 20 turns, the default embedding model. Turns are first added with indexing
held back, then indexed at once, so that the two can be told apart. What the parts take on disk is
told of the turns of a file of conversations, if one is given: other texts have other lengths.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.evaluation.conversations import read
from lightmem_integrations.evaluation.filled_store import STORE, fill
from synthetic import BulkEmbedder, questions, sessions, turns

_USER = "writer"
_SINGLE = 200
_ASKED = 200
_PER = 10_000
_MIB = 1024 * 1024


def peak_memory() -> float:
    """The most memory that this process has held so far, in MiB."""
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


# Pages by what they hold; what single values take in them; and the rest of the pages of vectors.
_LEDGER_PARTS = """
WITH pages AS (
    SELECT CASE WHEN name LIKE '%vectors%' THEN 'vectors' WHEN name LIKE 'lexical%' THEN 'words'
                WHEN name LIKE '%turns%' THEN 'turns' ELSE 'all else' END AS part,
           sum(pgsize) AS size
    FROM dbstat GROUP BY 1),
blobs AS (SELECT sum(length(vector)) AS vector, sum(length(tokens)) AS tokens FROM vectors)
SELECT 'vectors of turns', vector FROM blobs
UNION ALL SELECT 'vectors of tokens', tokens FROM blobs
UNION ALL SELECT 'room between vectors', size - vector - tokens FROM pages, blobs
    WHERE part = 'vectors'
UNION ALL SELECT part, size FROM pages WHERE part <> 'vectors'
"""


def bytes_by_part(data: Path) -> dict[str, float]:
    """Bytes per 10,000 turns of a file of conversations, by what they are for."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        conversations = read(data)
        fill(Path(folder), conversations)
        store = Path(folder) / STORE
        with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
            parts = dict(ledger.execute(_LEDGER_PARTS).fetchall())
        parts = {"all": size_of(store), **parts, "index": size_of(store / "index")}
        count = sum(len(each.turns) for each in conversations)
    return {f"of {data.stem}: {part}": size * _PER / count for part, size in parts.items()}


def measure(count: int, *, fast: bool) -> dict[str, float]:
    """Write this many turns and measure."""
    found: dict[str, float] = {"turns": count}
    embedder = BulkEmbedder(fast=True) if fast else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Path(folder) / "store"
        settings = Settings(background_indexing=False)
        with LightMem(store, embedder=embedder, settings=settings) as memory:
            memory.warm_up()
            found["memory_mib_warm"] = peak_memory()
            made = list(sessions(turns(0, count)))
            start = time.perf_counter()
            for session, part in made:
                memory.add(part, user_id=_USER, session_id=session)
            found["added_per_second"] = count / (time.perf_counter() - start)
            found["memory_mib_added"] = peak_memory()
            start = time.perf_counter()
            memory.index_pending()
            found["indexed_per_second"] = count / (time.perf_counter() - start)
            found["memory_mib_indexed"] = peak_memory()
            for question in questions(0, _ASKED):
                memory.recall(question, user_id=_USER)
            found["memory_mib_asked"] = peak_memory()
            single = []
            for turn in turns(0, _SINGLE, start=count):
                start = time.perf_counter()
                memory.add(turn, user_id=_USER, session_id="single")
                single.append((time.perf_counter() - start) * 1_000)
            found["single_add_p50_ms"] = statistics.median(single)
            memory.index_pending()
        written = count + _SINGLE
        found["bytes_per_10000"] = size_of(store) * _PER / written
        for entry in sorted(store.iterdir()):
            size = size_of(entry) if entry.is_dir() else entry.stat().st_size
            found[f"bytes_per_10000 {entry.name}"] = size * _PER / written
    return found


def main(
    *,
    count: Annotated[int, typer.Option("--turns", help="Turns to write.")] = 10_000,
    embedder: Annotated[
        str, typer.Option(help="'real', or 'fast' for random vectors instead of the model's.")
    ] = "real",
    data: Annotated[
        Path | None, typer.Option(help="File of conversations whose bytes are told by part.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure writing."""
    if embedder not in ("real", "fast"):
        raise typer.BadParameter(f"{embedder!r} is neither 'real' nor 'fast'")
    found = measure(count, fast=embedder == "fast")
    parts = {} if data is None else bytes_by_part(data)
    if as_json:
        print(json.dumps(found | {"embedder": embedder, "parts": parts}, indent=2))
        return
    table = Table(title=f"Writing {count:,} turns of one user, embedder: {embedder}")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("added, 20 a call", f"{found['added_per_second']:,.0f} turns/s")
    table.add_row("one turn added alone, p50", f"{found['single_add_p50_ms']:.2f} ms")
    table.add_row("embedded and indexed", f"{found['indexed_per_second']:,.0f} turns/s")
    for key, value in found.items():
        if key.startswith("bytes"):
            label = key.replace("bytes_per_10000", "on disk per 10,000 turns")
            table.add_row(label, f"{value / _MIB:.1f} MiB")
    table.add_row("peak memory, warmed up", f"{found['memory_mib_warm']:.0f} MiB")
    table.add_row("peak memory, turns added", f"{found['memory_mib_added']:.0f} MiB")
    table.add_row("peak memory, turns indexed", f"{found['memory_mib_indexed']:.0f} MiB")
    table.add_row(f"peak memory, {_ASKED} recalls", f"{found['memory_mib_asked']:.0f} MiB")
    for label, size in parts.items():
        table.add_row(f"on disk per 10,000 turns {label}", f"{size / _MIB:.1f} MiB")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
