"""Commands that look into a store or change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from lightmem_integrations.cli.options import (
    EmbedderOption,
    ReadOnlyOption,
    SessionOption,
    SpaceOption,
    StoreArgument,
    UserOption,
    WhereOption,
    YesOption,
    check_stored,
    condition_of,
    existing,
    open_existing,
    shown,
    unknown,
)
from lightmem_integrations.cli.output import JsonOption, print_json, print_result
from lightmem_integrations.display import counted, literal, printable
from lightmem_integrations.storage.postgresql.url import is_postgres_url
from lightmem_integrations.storage.sqlite.folder import LEDGER, folder_of


def recall(
    *,
    store: StoreArgument,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to look for.", show_default=False)
    ],
    user: UserOption,
    session: SessionOption = None,
    where: WhereOption = None,
    spaces: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            help="A space to look in besides; may be given several times.",
            show_default=False,
        ),
    ] = None,
    all_spaces: Annotated[
        bool, typer.Option("--all-spaces", help="Look in every space that the user may read.")
    ] = False,
    k: Annotated[int | None, typer.Option("-k", help="How many memories at most.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Size of the context at most, in tokens.")
    ] = None,
    score_threshold: Annotated[
        float | None, typer.Option(help="Score, from 0 to 1, that a memory must have.")
    ] = None,
    context: Annotated[
        bool, typer.Option("--context", help="Print the text for a prompt instead of a table.")
    ] = False,
    embedder: EmbedderOption = None,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a user's memory holds on a question."""
    with open_existing(store, embeds=True, embedder=embedder, read_only=read_only) as memory:
        check_stored(memory, user, session)
        # Otherwise the time shown would be that of loading the model.
        memory.warm_up()
        found = memory.recall(
            question,
            user_id=user,
            session_id=session,
            filter=condition_of(where),
            k=k,
            max_tokens=max_tokens,
            score_threshold=score_threshold,
            spaces="all" if all_spaces else spaces or (),
        )
    print_result(found, found.text if context else None, as_json=as_json)


def users(
    store: StoreArgument, *, read_only: ReadOnlyOption = False, as_json: JsonOption = False
) -> None:
    """List the users of a store, one id on a line."""
    with open_existing(store, read_only=read_only) as memory:
        known = memory.users()
    if as_json:
        print_json(known)
        return
    for user in known:
        typer.echo(literal(user))


def stats(
    store: StoreArgument,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Only this user.", show_default=False)
    ] = None,
    *,
    space: SpaceOption = None,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how much a store holds."""
    with open_existing(store, read_only=read_only) as memory:
        check_stored(memory, user, space=space)
        held = memory.stats(user_id=user, space=space)
    whose = f", user {user}" if space is None else f", space {space}"
    title = f"{shown(store)}{'' if user is None else whose}"
    print_result(held, replace(held.grid(), title=title), as_json=as_json)


def forget(
    *,
    store: StoreArgument,
    user: UserOption,
    session: SessionOption = None,
    where: WhereOption = None,
    space: SpaceOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a user's memory, or a part of it, from every file of the store.

    With a space, what this user added to it; `lightmem spaces delete` erases a space whole.
    """
    condition = condition_of(where)
    with open_existing(store) as memory:
        # No error: whoever is to be forgotten is not there. Mistyped, somebody still is.
        warning = unknown(memory, user, session, space)
        if warning:
            typer.echo(f"Warning: {printable(warning)}", err=True)
        whole = "everything" if space is None else f"what was added to space {space!r}"
        within = whole if session is None else f"session {session!r}"
        met = "" if condition is None else ", as far as it meets the filter"
        what = f"{within} of user {user!r}{met}"
        part: dict[str, Any] = {
            "user_id": user, "session_id": session, "space": space, "filter": condition
        }  # fmt: skip
        turns = memory.forget(**part, dry_run=True).turns
        if turns and not yes:
            question = f"Erase {what} ({counted(turns, 'turn')})? This cannot be undone."
            typer.confirm(printable(question), abort=True, err=as_json)
        receipt = memory.forget(**part)
    title = f"Erased {what}" if turns else f"Nothing held: {what}"
    print_result(receipt, replace(receipt.grid(), title=title), as_json=as_json)


def reindex(
    store: StoreArgument, *, embedder: EmbedderOption = None, as_json: JsonOption = False
) -> None:
    """Build the vector index anew from the ledger."""
    working = Console(stderr=True).status("Embedding every turn")
    with open_existing(store, embeds=True, embedder=embedder) as memory, working:
        vectors = memory.reindex()
    print_result({"vectors": vectors}, f"{counted(vectors, 'vector')} indexed.", as_json=as_json)


def backup(
    store: StoreArgument,
    to: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to copy to.", show_default=False)
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy a store into another folder, also while another process has it open.

    The copy opens as a store; its vector index is built then.
    """
    from lightmem_integrations.storage.sqlite.backup import back_up

    back_up(None if is_postgres_url(store) else existing(store) / LEDGER, folder_of(to))
    copied = {"store": folder_of(store), "copy": folder_of(to)}
    print_result(copied, f"{store} is copied to {to}.", as_json=as_json)
