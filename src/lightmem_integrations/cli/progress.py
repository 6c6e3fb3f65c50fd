"""The progress of a long command as bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def progress_bars(
    console: Console | None = None, *, shown: bool = True
) -> Iterator[Callable[..., None]]:
    """Bars on the terminal; yields what takes a bar's label, how much is done, and of how much.

    What is said behind the time may follow as a fourth argument.

    Args:
        console: Where to draw; by default the standard error stream, so that the output that is
            asked for stays clean.
        shown: False to draw nothing.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    stream = console or Console(stderr=True)
    with Progress(*columns, console=stream, transient=True, disable=not shown) as bars:
        tasks = {}

        def show(label: str, done: int, total: int, note: str = "") -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total, note=note)
            bars.update(tasks[label], completed=done, total=total, note=note)

        yield show
