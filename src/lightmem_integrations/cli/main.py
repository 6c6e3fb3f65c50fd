"""The command's parts put together. What a command needs is imported when it runs."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from lightmem_integrations.cli import chat, evaluate, knowledge, stores
from lightmem_integrations.display import printable
from lightmem_integrations.errors import LightMemError


class _Commands(TyperGroup):
    """Commands that show our own errors in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except LightMemError as error:
            Console(stderr=True, soft_wrap=True).print(
                Text(f"Error: {printable(str(error))}", style="red")
            )
            raise typer.Exit(1) from error


app = typer.Typer(
    name="lightmem",
    cls=_Commands,
    help="Long-term memory for LangChain and LlamaIndex agents.",
    no_args_is_help=True,
    # What a user's memory holds would stand among the local variables.
    pretty_exceptions_show_locals=False,
)
app.command("chat")(chat.run)
app.command("recall")(stores.recall)
app.command("consolidate")(knowledge.consolidate)
app.command("inspect")(knowledge.inspect)
app.command("users")(stores.users)
app.command("stats")(stores.stats)
app.command("forget")(stores.forget)
app.command("reindex")(stores.reindex)
app.command("backup")(stores.backup)
app.add_typer(evaluate.app, name="eval")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        from lightmem_integrations import __version__

        typer.echo(f"lightmem-integrations {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Long-term memory for LangChain and LlamaIndex agents."""
    # A memory may hold any character; a terminal or pipe that cannot show one shows a "?".
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
