"""Commands that write memory into a file, which ``lightmem import`` reads, or copy it whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations.cli.options import (
    OnlyUserOption,
    QuietOption,
    ReadOnlyOption,
    StoreArgument,
    check_stored,
    open_existing,
)
from lightmem_integrations.cli.output import JsonOption, print_result, table_console
from lightmem_integrations.cli.progress import progress_bars


def export(
    *,
    store: StoreArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
    user: OnlyUserOption = None,
    read_only: ReadOnlyOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a user's memory, or a whole store, into a file of JSON lines.

    `lightmem import` reads it. It holds everything but vectors, and a checksum.
    """
    with open_existing(store, read_only=read_only) as memory:
        check_stored(memory, user)
        with progress_bars(shown=not quiet) as show:
            done = memory.export(
                out, user_id=user, on_progress=lambda now, total: show("records", now, total)
            )
    print_result(done, replace(done.grid(), title=f"Exported to {out}"), as_json=as_json)


def copy(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Folder or URL of the store.", show_default=False),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Folder or URL that holds no memory yet.", show_default=False
        ),
    ],
    *,
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Copy nothing, only compare the two.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy a whole store: from a folder to PostgreSQL, back, or between two alike.

    Stopped at any point, the same command goes on there. At the end all that both hold is compared.
    """
    from lightmem_integrations import CopyMismatchError, copy_store

    try:
        with progress_bars(shown=not quiet) as show:
            done = copy_store(source, target, verify_only=verify_only, on_progress=show)
    except CopyMismatchError as error:
        if not as_json:
            table_console().print(error.copied)
        raise
    print_result(done, as_json=as_json)
