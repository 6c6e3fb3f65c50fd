"""The progress of an evaluation as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from lightmem_integrations.evaluation.passes import PassProgress

_STAGES = {
    "adding": "adding turns",
    "timing": "timing queries",
    "ranking": "ranking turns",
    "packing": "packing contexts",
}


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[PassProgress], None]]:
    """A bar on the terminal; yields what ``evaluate`` takes as ``on_progress``.

    Args:
        console: Where to draw; by default the standard error stream, so that the output that is
            asked for stays clean.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console or Console(stderr=True), transient=True) as bar:
        tasks: dict[tuple[str, str], TaskID] = {}

        def show(progress: PassProgress) -> None:
            key = (progress.contender, progress.stage)
            if key not in tasks:
                label = f"{progress.contender}: {_STAGES[progress.stage]}"
                tasks[key] = bar.add_task(label, total=progress.total)
            bar.update(tasks[key], completed=progress.done)

        yield show
