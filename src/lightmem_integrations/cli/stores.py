"""Commands that look into a store or change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lightmem_integrations.cli.options import (
    SessionOption,
    StoreArgument,
    UserOption,
    existing,
    open_existing,
)
from lightmem_integrations.display import printable
from lightmem_integrations.storage.folder import LEDGER, folder_of


def recall(
    *,
    store: StoreArgument,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to look for.", show_default=False)
    ],
    user: UserOption,
    session: SessionOption = None,
    k: Annotated[int | None, typer.Option("-k", help="How many memories at most.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Size of the context at most, in tokens.")
    ] = None,
    context: Annotated[
        bool, typer.Option("--context", help="Print the text for a prompt instead of a table.")
    ] = False,
) -> None:
    """Show what a user's memory holds on a question."""
    with open_existing(store) as memory:
        # Otherwise the time shown would be that of loading the model.
        memory.warm_up()
        found = memory.recall(
            question, user_id=user, session_id=session, k=k, max_tokens=max_tokens
        )
    if context:
        typer.echo(printable(found.text))
    else:
        Console().print(found)


def stats(
    store: StoreArgument,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Only this user.", show_default=False)
    ] = None,
) -> None:
    """Show how much a store holds."""
    with open_existing(store) as memory:
        held = memory.stats(user_id=user)
    title = f"{store}" if user is None else f"{store}, user {user}"
    Console().print(replace(held.grid(), title=title))


def forget(
    *,
    store: StoreArgument,
    user: UserOption,
    session: SessionOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Erase a user's memory, or one session of it, from every file of the store."""
    with open_existing(store) as memory:
        if session is None:
            turns = memory.stats(user_id=user).turns
            what = f"everything of user {user!r}"
        else:
            turns = len(memory.history(user_id=user, session_id=session))
            what = f"session {session!r} of user {user!r}"
        if turns and not yes:
            typer.confirm(f"Erase {what} ({turns} turns)? This cannot be undone.", abort=True)
        receipt = memory.forget(user_id=user, session_id=session)
    title = f"Erased {what}" if turns else f"Nothing held: {what}"
    Console().print(replace(receipt.grid(), title=title))


def reindex(store: StoreArgument) -> None:
    """Build the vector index anew from the ledger."""
    with open_existing(store) as memory, Console(stderr=True).status("Embedding every turn"):
        vectors = memory.reindex()
    typer.echo(f"{vectors} vectors indexed.")


def backup(
    store: StoreArgument,
    to: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to copy to.", show_default=False)
    ],
) -> None:
    """Copy a store into another folder, also while another process has it open.

    The copy opens as a store; its vector index is built then.
    """
    from lightmem_integrations.storage.backup import back_up

    back_up(existing(store) / LEDGER, folder_of(to))
    typer.echo(f"{store} is copied to {to}.")
