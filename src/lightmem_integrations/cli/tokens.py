"""Commands about the tokens of a server: who may come in, in a file of hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations.cli.options import near
from lightmem_integrations.cli.output import JsonOption, print_json, print_result, table_console
from lightmem_integrations.display import Grid, counted
from lightmem_integrations.errors import ScopeError
from lightmem_integrations.web.tokens import add_token, read_tokens, remove_tokens

app = typer.Typer(
    help="Tokens for `lightmem serve`, each of one user.",
    no_args_is_help=True,
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="File of hashed tokens.", show_default=False)
]
UserOption = Annotated[
    str, typer.Option("--user", "-u", help="Whose memory it opens.", show_default=False)
]


def add(*, file: FileArgument, user: UserOption, as_json: JsonOption = False) -> None:
    """Make a token for a user and print it, once: the file keeps its hash."""
    token = add_token(file, user)
    if as_json:
        print_json({"user_id": user, "token": token})
        return
    typer.echo(token)
    typer.echo(
        "It is shown only now: the file keeps its hash. A server with this file takes it already.",
        err=True,
    )


def list_entries(*, file: FileArgument, as_json: JsonOption = False) -> None:
    """List whose tokens there are, and when each was made."""
    entries = read_tokens(file)
    if as_json:
        print_json(
            [{"user_id": one.user_id, "name": one.name, "made": one.made} for one in entries]
        )
        return
    rows = [(one.name, one.user_id, one.made) for one in entries]
    table_console().print(
        Grid(counted(len(rows), "token"), ("name", "user", "made") if rows else (), rows)
    )


def revoke(
    *,
    file: FileArgument,
    user: UserOption,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Only the token that is listed so.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a user's tokens, or one of them: a server with this file takes it no longer."""
    known = {one.user_id for one in read_tokens(file)}
    if user not in known:
        raise ScopeError(f"No token of user {user!r} is in {str(file)!r}{near(user, known)}")
    count = remove_tokens(file, user, name)
    told = f"{counted(count, 'token')} revoked."
    print_result({"user_id": user, "revoked": count}, told, as_json=as_json)


app.command("add")(add)
app.command("list")(list_entries)
app.command("revoke")(revoke)
