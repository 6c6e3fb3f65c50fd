"""How long an export takes to be checked and imported, and what memory that takes.

A made-up export of ChatGPT, conversations of 50 messages. Vectors are left for later.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.importers import Imported, import_conversations
from synthetic import turns
from write_path import peak_memory

_LENGTH = 50  # messages of a conversation
_BEGINS = 1_700_000_000


def write_export(file: Path, messages: int) -> None:
    """An export of so many messages, in conversations without branches."""
    with file.open("w", encoding="utf-8") as export:
        export.write("[")
        for first in range(0, messages, _LENGTH):
            nodes = {
                str(place): {
                    "parent": str(place - 1) if place > first else None,
                    "message": {
                        "author": {"role": turn.role},
                        "create_time": _BEGINS + place,
                        "content": {"content_type": "text", "parts": [turn.text]},
                    },
                }
                for place, turn in enumerate(turns(0, _LENGTH, start=first), start=first)
            }
            known = {"id": str(first), "mapping": nodes, "current_node": list(nodes)[-1]}
            export.write(("," if first else "") + json.dumps(known))
        export.write("]")


def main(
    messages: Annotated[int, typer.Option(help="Messages of the export.")] = 10_000,
) -> None:
    """Import an export, then the same again."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "conversations.json"
        write_export(file, messages)
        before = peak_memory()
        with LightMem(Path(folder) / "store", settings=Settings(background_indexing=False)) as to:
            for run in ("imported", "again"):
                began = time.perf_counter()
                checked: list[float] = []

                def tell(
                    done: Imported,
                    total: Imported | None,
                    began: float = began,
                    checked: list[float] = checked,
                ) -> None:
                    if total is not None and not done.turns:
                        checked.append(time.perf_counter() - began)

                done = import_conversations(
                    to, file, form="chatgpt", user_id="me", on_progress=tell
                )
                took = time.perf_counter() - began
                print(f"{run}: {done.turns:,} turns in {took:.1f} s, checked in {checked[0]:.1f} s")
        size = file.stat().st_size / 2**20
        print(f"file {size:.0f} MiB, process {before:.0f} MiB before, {peak_memory():.0f} at most")


if __name__ == "__main__":
    typer.run(main)
