"""Seconds and memory of an audit: a store of 100,000 turns of many users, and one of a heavy user.

Every fifth turn tells a fact, which a writer without a model reads; vectors are of words.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from synthetic import name_of, sessions, turns
from write_path import peak_memory

_EACH = 5
_DIMENSION = 384  # of the default model
_SETTINGS = Settings(background_indexing=False)


def _told(user: int, count: int) -> Iterator[Turn]:
    for number, turn in enumerate(turns(user, count)):
        said = f"{name_of(user)}.likes + {' '.join(turn.text.split()[:4])}"
        yield turn if number % _EACH else replace(turn, text=said)


def fill(folder: Path, users: int, each: int) -> None:
    """Fill a store with so many users of so many turns each."""
    with LightMem(folder, embedder=HashEmbedder(_DIMENSION), settings=_SETTINGS) as memory:
        for user in range(users):
            for session, part in sessions(_told(user, each)):
                memory.add(part, user_id=str(user), session_id=session)
        memory.consolidate(writer=ScriptedWriter())


def _audit(folder: Path, user: str | None) -> str:
    with LightMem(
        folder, embedder=HashEmbedder(_DIMENSION), settings=_SETTINGS, read_only=True
    ) as memory:
        before, begun, worked = peak_memory(), time.perf_counter(), time.process_time()
        found = memory.audit(user_id=user)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        return (
            f"{found.turns:,} turns, {found.facts:,} facts, {found.episodes:,} episodes of "
            f"{found.users:,} users: {seconds:.1f} s, {worked:.1f} s of the processor, "
            f"{peak_memory() - before:.0f} MiB"
        )


def main(
    count: Annotated[int, typer.Option("--turns", help="In each of both stores.")] = 100_000,
) -> None:
    """Print what an audit of both stores took."""
    for users in (100, 1):
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), users, count // users)
            for user in (None, "0"):  # each in a process of its own, whose memory is measured
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                    print(process.submit(_audit, Path(folder), user).result())


if __name__ == "__main__":
    typer.run(main)
