"""Commands that make knowledge of a store's turns, and show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lightmem_integrations.cli.options import StoreArgument, UserOption, open_existing
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.errors import InvalidRequestError

if TYPE_CHECKING:
    from lightmem_integrations import LightMem


def consolidate(
    *,
    store: StoreArgument,
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="Only this user's memory.", show_default="everybody's"),
    ] = None,
    max_batches: Annotated[
        int | None,
        typer.Option(min=1, help="Look at so many sessions at most.", show_default="all"),
    ] = None,
    writer: Annotated[
        str | None,
        typer.Option(
            "--writer",
            "-w",
            help="Model that writes: a .gguf file. Without it, rules take facts from the text.",
            show_default=False,
        ),
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="Close also sessions that may still go on.")
    ] = False,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry", help="Try turns again that were set aside after failing too often."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
) -> None:
    """Make episodes and facts of what was said since the last time.

    Made for cron: what is done stays done if it is stopped. The exit code is 1 if something
    failed; it is tried again at a later run.
    """
    with open_existing(store, writer=writer) as memory, progress_bars(shown=not quiet) as show:
        report = memory.consolidate(
            user_id=user,
            max_batches=max_batches,
            final=final,
            retry_set_aside=retry,
            on_progress=lambda done, total: show("sessions", done, total),
        )
    if not quiet or report.failed:
        Console().print(report)
    if report.failed:
        raise typer.Exit(1)


def inspect(
    *,
    store: StoreArgument,
    user: UserOption,
    fact: Annotated[
        str | None,
        typer.Option(
            help="Only this fact, by the beginning of its id: its history and what proves it.",
            show_default=False,
        ),
    ] = None,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Only contradictions, the decided ones too.")
    ] = False,
    past: Annotated[
        bool, typer.Option("--past", help="Also facts that no longer hold or were retracted.")
    ] = False,
) -> None:
    """Show what a user's memory consists of: sessions, episodes and facts."""
    console = Console()
    with open_existing(store) as memory:
        if fact is not None:
            console.print(memory.explain(_whole_id(memory, user, fact), user_id=user))
            return
        if conflicts:
            console.print(memory.conflicts(user_id=user, only_open=False))
            return
        held = memory.stats(user_id=user)
        episodes = memory.episodes(user_id=user)
        facts = memory.facts(user_id=user, include_past=past)
        disputed = memory.conflicts(user_id=user)
    typer.echo(f"{held.turns} turns in {held.sessions} sessions\n")
    console.print(episodes)
    console.print(facts)
    if disputed:
        console.print(disputed)


def _whole_id(memory: LightMem, user: str, beginning: str) -> str:
    """The id of the user's only fact that begins so.

    Raises:
        InvalidRequestError: There is none, or more than one.
    """
    ids = [each.id for each in memory.facts(user_id=user, include_past=True)]
    found = [each for each in ids if each.startswith(beginning)]
    if len(found) != 1:
        raise InvalidRequestError(
            f"{len(found)} of this user's facts have an id that begins with {beginning!r}; "
            "`lightmem inspect STORE --user USER --past` lists them."
        )
    return found[0]
