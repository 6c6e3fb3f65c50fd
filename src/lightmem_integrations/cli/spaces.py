"""Commands about spaces: who may read and write memories that several users share."""

from __future__ import annotations

from typing import Annotated

import typer

from lightmem_integrations.cli.options import (
    ReadOnlyOption,
    StoreArgument,
    YesOption,
    near,
    open_existing,
)
from lightmem_integrations.cli.output import JsonOption, print_result
from lightmem_integrations.display import counted, printable
from lightmem_integrations.errors import ScopeError
from lightmem_integrations.records.access import Grants

app = typer.Typer(
    help="Spaces: memories that several users share, and who may read and write them.",
    no_args_is_help=True,
)

UserOption = Annotated[
    str, typer.Option("--user", "-u", help="Who: the user id.", show_default=False)
]
SpaceArgument = Annotated[
    str, typer.Argument(metavar="SPACE", help="Name of the space.", show_default=False)
]


def grant(
    *,
    store: StoreArgument,
    space: SpaceArgument,
    user: UserOption,
    write: Annotated[
        bool, typer.Option("--write", help="Let them also add, correct and forget.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Let a user read a space; the first grant makes it. A new grant replaces an older one."""
    with open_existing(store) as memory:
        given = memory.spaces.grant(space, user_id=user, write=write)
    may = "read and write" if write else "read"
    print_result(given, f"{user} may {may} {space}.", as_json=as_json)


def revoke(
    *, store: StoreArgument, space: SpaceArgument, user: UserOption, as_json: JsonOption = False
) -> None:
    """Let a user no longer into a space. What they added stays."""
    with open_existing(store) as memory:
        had = memory.spaces.revoke(space, user_id=user)
    told = f"{user} {'is no longer' if had else 'was not'} let into {space}."
    print_result({"space": space, "user_id": user, "revoked": had}, told, as_json=as_json)


def list_grants(
    store: StoreArgument,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Only this user's.", show_default=False)
    ] = None,
    *,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the grants on all spaces, or those of a user."""
    with open_existing(store, read_only=read_only) as memory:
        spaces = memory.spaces
        if user is not None:
            found = spaces.of(user_id=user)
        else:
            found = Grants(grant for name in spaces.names() for grant in spaces.members(name))
    print_result(found, as_json=as_json)


def delete(
    *,
    store: StoreArgument,
    space: SpaceArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a space: its memory, from every file of the store, and all grants on it."""
    with open_existing(store) as memory:
        if space not in (names := memory.spaces.names()):
            raise ScopeError(
                f"no such space {space!r}{near(space, names)} `lightmem spaces list {store}` "
                "lists who may read which."
            )
        members = counted(len(memory.spaces.members(space)), "member")
        if not yes:
            question = f"Erase the space {space!r} ({members})? This cannot be undone."
            typer.confirm(printable(question), abort=True, err=as_json)
        receipt = memory.spaces.delete(space)
    print_result(receipt, as_json=as_json)


app.command("grant")(grant)
app.command("revoke")(revoke)
app.command("list")(list_grants)
app.command("delete")(delete)
