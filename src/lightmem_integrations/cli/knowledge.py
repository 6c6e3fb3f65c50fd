"""Commands that make knowledge of a store's turns, and show it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import replace
from typing import Annotated, Any

import typer

from lightmem_integrations.cli.options import (
    EmbedderOption,
    OnlyUserOption,
    ReadOnlyOption,
    SpaceOption,
    StoreArgument,
    UserOption,
    WhereOption,
    WriterOption,
    check_stored,
    condition_of,
    open_existing,
    whole_ids,
)
from lightmem_integrations.cli.output import JsonOption, print_json, print_result, table_console
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.display import clipped, counted
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.safety import short_repr
from lightmem_integrations.text.periods import period

_FEW = 10  # sessions that are named, of which there may be any number: a guess


def consolidate(
    *,
    store: StoreArgument,
    user: OnlyUserOption = None,
    space: SpaceOption = None,
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
    writer: WriterOption = None,
    embedder: EmbedderOption = None,
    final: Annotated[
        bool,
        typer.Option("--final/--not-final", help="Close also sessions that may still go on."),
    ] = True,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry",
            help="Try now what rests after a failure, or was set aside after failing too often.",
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
    with open_existing(store, embeds=True, embedder=embedder, writer=model) as memory:
        check_stored(memory, user, space=space)
        with progress_bars(shown=not quiet) as show:
            report = memory.consolidate(
                user_id=user,
                space=space,
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
            + f" {counted(report.resting, 'session')} more at rest after a failure, which --retry "
            "tries now." * bool(report.resting)
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
    space: SpaceOption = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            "-s",
            help="Only what was said in this session, turn by turn.",
            show_default=False,
        ),
    ] = None,
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
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="Only the facts, as they stood at the end of this day, month or year "
            "(2026-05-01, 2026-05, 2026), or at a moment (2026-05-01T12:00).",
            show_default=False,
        ),
    ] = None,
    where: WhereOption = None,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a user's memory consists of: sessions, episodes and facts."""
    condition = condition_of(where)
    show = print_json if as_json else table_console().print
    with open_existing(store, read_only=read_only) as memory:
        check_stored(memory, user, session, space)
        whose: dict[str, Any] = {"user_id": user}
        whose |= {} if space is None else {"space": space}
        if session is not None:
            show(memory.history(**whose, session_id=session, filter=condition))
            return
        if fact is not None:
            (fact_id,) = whole_ids(memory, [fact], user, space, only_facts=True)
            show(memory.explain(fact_id, **whose))
            return
        if conflicts:
            show(memory.conflicts(**whose, only_open=False))
            return
        if as_of is not None:
            then = _end_of(as_of, memory.settings.timezone)
            show(memory.facts(**whose, include_past=past, as_of=then, filter=condition))
            return
        sessions, turns = memory.sessions(**whose), memory.stats(**whose).turns
        episodes = memory.episodes(**whose, filter=condition)
        facts = memory.facts(**whose, include_past=past, filter=condition)
        disputed = memory.conflicts(**whose)
    if as_json:
        held = {"sessions": sessions, "turns": turns, "episodes": episodes, "facts": facts}
        show({**whose, **held, "conflicts": disputed})
        return
    typer.echo(f"{counted(turns, 'turn')} in {counted(len(sessions), 'session')}")
    if sessions:
        named = ", ".join(map(clipped, sessions[-_FEW:]))
        lately = f"--session shows one, lately: {named}"
        table_console().print(lately, markup=False, highlight=False)
    typer.echo()
    within = f"--user {user}" if space is None else f"--user {user} --space {space}"
    for found, model in ((episodes, ""), (facts, " --writer=model")):
        how = f"`lightmem consolidate {store} {within}{model}` makes them of what was said."
        show(found if found else replace(found.grid(), notes=[how]))
    if disputed:
        show(disputed)


def _end_of(written: str, timezone: str | None) -> dt.datetime:
    """The last moment of a day, a month or a year; or a moment, on the calendar of a zone.

    Raises:
        InvalidRequestError: It is neither.
    """
    whole = None if "T" in written else period(written, None)
    try:
        if whole is None:
            moment = dt.datetime.fromisoformat(written.replace("Z", "+00:00"))
        else:
            moment = whole.end - dt.timedelta(microseconds=1)
        if moment.tzinfo is None:
            zone = None if timezone is None else zoneinfo.ZoneInfo(timezone)
            moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequestError(
            f"--as-of is {short_repr(written)}, which is no time. Write a day, a month or a year "
            "(2026-05-01, 2026-05, 2026), or a moment (2026-05-01T12:00)."
        ) from error
    return moment


def profile(
    *,
    store: StoreArgument,
    user: UserOption,
    space: SpaceOption = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Size at most, in tokens.", show_default="as in Settings"),
    ] = None,
    context: Annotated[
        bool, typer.Option("--context", help="Print the text for a prompt, and nothing else.")
    ] = False,
    read_only: ReadOnlyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what stands in a user's every prompt: instructions, preferences, what lies ahead."""
    with open_existing(store, read_only=read_only) as memory:
        check_stored(memory, user, space=space)
        made = memory.profile(user_id=user, space=space, max_tokens=max_tokens)
    text = "\n".join(filter(None, (made.text, made.ahead)))
    print_result(made, text if context else None, as_json=as_json)
