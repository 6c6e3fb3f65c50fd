"""Command that looks for junk in a store, and merges what is said twice."""

from __future__ import annotations

from typing import Annotated

import typer

from lightmem_integrations.cli.options import (
    OnlyUserOption,
    ReadOnlyOption,
    SpaceOption,
    StoreArgument,
    YesOption,
    check_stored,
    open_existing,
)
from lightmem_integrations.cli.output import JsonOption, print_json, table_console
from lightmem_integrations.display import counted
from lightmem_integrations.records.audit import Findings


def run(
    *,
    store: StoreArgument,
    user: OnlyUserOption = None,
    space: SpaceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Findings of each check that are listed.")] = 10,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Merge facts that say the same word for word; asks first."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix: only show what it would merge.")
    ] = False,
    yes: YesOption = False,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show in figures what of a memory is junk: said twice, unsupported, vague, stale, disputed.

    Nothing is changed without --fix, and with it no turn: of facts that say the same word for word
    one stays, with the evidence of all. `lightmem inspect --fact ID` shows what an id is about.
    """
    with open_existing(store, read_only=read_only) as memory:
        check_stored(memory, user, space=space)
        found = memory.audit(user_id=user, space=space, limit=limit)
        doubled = found.counts["duplicate"]
        if fix and doubled:
            repeated = Findings(each for each in found.findings if each.check == "duplicate")
            table_console(stderr=as_json).print(repeated)
            groups = counted(doubled, "group")
            if dry_run:
                typer.echo(f"Nothing is merged: --fix alone merges {groups} of facts.", err=as_json)
            elif yes or typer.confirm(f"Merge {groups} of facts into one each?", err=as_json):
                found = memory.audit(user_id=user, space=space, limit=limit, fix=True)
    if as_json:
        print_json(found)
        return
    console = table_console()
    for shown in (found, found.findings, found.sizes if user is None else ()):
        if shown:
            console.print(shown)
