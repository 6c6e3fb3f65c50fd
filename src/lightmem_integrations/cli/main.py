"""The command's parts put together. What a command needs is imported when it runs."""

from __future__ import annotations

import sys
from inspect import getdoc
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from lightmem_integrations.cli import (
    audit,
    chat,
    evaluate,
    importing,
    knowledge,
    lasting,
    page,
    serve,
    spaces,
    stores,
    tokens,
    transfer,
    worker,
)
from lightmem_integrations.display import printable
from lightmem_integrations.errors import AccessError, LightMemError, ReadOnlyError

_REMEDIES = {  # of errors whose own remedy is in terms of Python
    AccessError: "`lightmem spaces grant STORE SPACE --user USER`, with --write to write there.",
    ReadOnlyError: "the same without --read-only.",
}


class _Commands(TyperGroup):
    """Commands that show our own errors in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except LightMemError as error:
            remedy = _REMEDIES.get(type(error))
            message = f"Error: {error}{f' As a command: {remedy}' if remedy else ''}"
            Console(stderr=True, soft_wrap=True).print(Text(printable(message), style="red"))
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
app.command("worker")(worker.run)
app.command("inspect")(knowledge.inspect)
app.command("profile")(knowledge.profile)
app.command("users")(stores.users)
app.command("stats")(stores.stats)
app.command("audit")(audit.run)
app.command("forget")(stores.forget)
app.command("pin")(lasting.pin)
app.command("unpin")(lasting.unpin)
app.command("importance")(lasting.importance)
app.command("sweep")(lasting.sweep)
app.command("ui")(page.run)
app.command("reindex")(stores.reindex)
app.command("backup")(stores.backup)
app.command("import")(importing.run)
app.command("export")(transfer.export)
app.command("copy")(transfer.copy)
app.command("serve")(serve.serve)
app.command("mcp")(serve.stdio)
app.add_typer(tokens.app, name="token")
app.add_typer(spaces.app, name="spaces")
app.add_typer(evaluate.app, name="eval")

for _group in (app, tokens.app, spaces.app, evaluate.app):
    for _command in _group.registered_commands:
        # Typer breaks a help text where its source does, and again where the terminal ends.
        _paragraphs = (_command.help or getdoc(_command.callback) or "").split("\n\n")
        _command.help = "\n\n".join(" ".join(each.split()) for each in _paragraphs)


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
