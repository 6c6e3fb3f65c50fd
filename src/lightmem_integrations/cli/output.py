"""Output of the commands: tables for a person, JSON for a program."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from lightmem_integrations.display import printable

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead, for a program.")]

_LEAST_WIDTH = 60  # columns: where a table of facts would break its dates; seen by trying


def table_console(*, stderr: bool = False) -> Console:
    """The terminal, or the pipe, as wide as it is; where that is too narrow it breaks the lines."""
    console = Console(stderr=stderr)
    console.width = max(console.width, _LEAST_WIDTH)
    return console


def print_result(data: object, shown: object = None, *, as_json: bool) -> None:
    """Print what a command found or did.

    Args:
        data: All of it, for a program.
        shown: A sentence, or what prints itself as a table, for a person; by default the data.
        as_json: Print for a program.
    """
    if as_json:
        print_json(data)
    elif isinstance(shown, str):
        typer.echo(printable(shown))
    else:
        table_console().print(data if shown is None else shown)


def print_json(data: object) -> None:
    """Print records, or what is made of them, as one JSON document in ASCII."""
    typer.echo(as_json_text(data))


def as_json_text(data: object) -> str:
    """Records, or what is made of them, as one JSON document in ASCII."""
    return json.dumps(to_jsonable_python(data, inf_nan_mode="null"), indent=2)
