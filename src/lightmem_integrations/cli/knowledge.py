"""Commands that make knowledge of a store's turns, and show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.cli.options import StoreArgument, UserOption, check_stored, open_existing
from lightmem_integrations.cli.output import JsonOption, print_json, table_console
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.display import counted
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
    max_calls: Annotated[
        int | None,
        typer.Option(min=1, help="End before more calls of the model.", show_default="no limit"),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="End before the model reads and writes more tokens.",
            show_default="no limit",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only say how much waits, and what a model would take for it."
        ),
    ] = False,
    writer: Annotated[
        str | None,
        typer.Option(
            "--writer",
            "-w",
            help="Model that writes: a .gguf file, or a name that LangChain knows. Without it "
            "there are no facts.",
            show_default=False,
        ),
    ] = None,
    final: Annotated[
        bool,
        typer.Option("--final/--not-final", help="Close also sessions that may still go on."),
    ] = True,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry", help="Try turns again that were set aside after failing too often."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make episodes and facts of what was said since the last time.

    Made for cron: what is done stays done if it is stopped. The exit code is 1 if something
    failed; it is tried again at a later run. A limit ends a run before it is exceeded, and the
    next one goes on there.
    """
    from lightmem_integrations.cli.language_model import language_model

    model = None if writer is None or dry_run else language_model(writer)
    with open_existing(store, writer=model) as memory:
        check_stored(memory, user)
        with progress_bars(shown=not quiet) as show:
            report = memory.consolidate(
                user_id=user,
                max_batches=max_batches,
                max_calls=max_calls,
                max_tokens=max_tokens,
                dry_run=dry_run,
                final=final,
                retry_set_aside=retry,
                on_progress=lambda now: show("sessions", now.done, now.total, now.spent),
            )
    if dry_run and not as_json:
        from lightmem_integrations.consolidation.cost import EXPECTED

        typer.echo(
            f"{counted(report.turns_left, 'turn')} wait. A writer with a model will take about "
            f"{report.tokens_left:,} tokens for them: {EXPECTED}. Without a model it takes none."
        )
    elif as_json and (not quiet or report.failed):
        print_json(report)
    elif not quiet or report.failed:
        table_console().print(report)
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
    as_json: JsonOption = False,
) -> None:
    """Show what a user's memory consists of: sessions, episodes and facts."""
    show = print_json if as_json else table_console().print
    with open_existing(store) as memory:
        check_stored(memory, user)
        if fact is not None:
            show(memory.explain(_whole_id(memory, user, fact), user_id=user))
            return
        if conflicts:
            show(memory.conflicts(user_id=user, only_open=False))
            return
        sessions, turns = memory.sessions(user_id=user), memory.stats(user_id=user).turns
        episodes = memory.episodes(user_id=user)
        facts = memory.facts(user_id=user, include_past=past)
        disputed = memory.conflicts(user_id=user)
    if as_json:
        held = {"sessions": sessions, "turns": turns, "episodes": episodes, "facts": facts}
        show({"user_id": user, **held, "conflicts": disputed})
        return
    typer.echo(f"{counted(turns, 'turn')} in {counted(len(sessions), 'session')}\n")
    for each in (episodes, facts, *([disputed] if disputed else ())):
        show(each)


def _whole_id(memory: LightMem, user: str, beginning: str) -> str:
    """The id of the user's only fact that begins so.

    Raises:
        InvalidRequestError: There is none, or more than one.
    """
    ids = [each.id for each in memory.facts(user_id=user, include_past=True)]
    found = [each for each in ids if each.startswith(beginning)]
    if len(found) != 1:
        raise InvalidRequestError(
            f"{len(found)} of the {counted(len(ids), 'fact')} of user {user!r} have an id that "
            f"begins with {beginning!r}; `lightmem inspect {memory.path} --user {user} --past` "
            "lists them."
        )
    return found[0]
