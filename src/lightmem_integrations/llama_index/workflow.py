"""Consolidation as a LlamaIndex ``Workflow`` that tells how far it is."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from pydantic import Field

from lightmem_integrations.display import described
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.remade import Remade
from lightmem_integrations.records.report import ConsolidationReport, Progress
from lightmem_integrations.safety import check_counts, check_known, check_names, check_user_id

_OPTIONS = ("dry_run", "max_batches", "retry_set_aside", "writer")
_LIMITS = {"max_calls": "calls", "max_tokens": "tokens"}
_WORKERS = 2  # a guess: more users at a time would slow those who ask meanwhile


class ConsolidateUser(Event):
    """One user's memory is to be consolidated."""

    user_id: str
    options: dict[str, Any] = Field(default_factory=dict)
    then: list[str] = Field(default_factory=list)


class ConsolidationProgress(Event):
    """Streamed while a user's memory is consolidated: a `Progress`, and whose it is.

    Attributes:
        user_id: Whose memory.
        done: Sessions that were looked at.
        total: Sessions to look at.
        written: Episodes written.
        calls: Calls of models.
        tokens: Tokens that models read and wrote.
        seconds: Since the user's run began.
        tokens_left: Tokens that the rest will take, about.
        seconds_left: The same of the time; ``None`` before the first episode.
    """

    user_id: str
    done: int
    total: int
    written: int
    calls: int
    tokens: int
    seconds: float
    tokens_left: int
    seconds_left: float | None


class UserConsolidated(Event):
    """Streamed when a user's memory is consolidated, or could not be.

    Attributes:
        user_id: Whose memory.
        report: What ``LightMem.consolidate`` returned.
        error: Why it failed; ``None`` if it did not.
    """

    user_id: str
    report: Any = None
    error: str | None = None


class Consolidated(StopEvent):
    """The outcome of a run.

    Attributes:
        reports: What ``LightMem.consolidate`` returned, by user.
        failed: Why it failed, by user.
    """

    reports: dict[str, Any] = Field(default_factory=dict)
    failed: dict[str, str] = Field(default_factory=dict)


class ConsolidationWorkflow(Remade, Workflow):
    """Consolidates the memory of many users, two at a time, outside of any conversation.

    ::

        handler = ConsolidationWorkflow(memory).run()  # or run(user_ids=["alice"], max_calls=10)
        async for event in handler.stream_events():
            print(event)
        outcome = await handler

    One user's failure does not keep the others from being consolidated. ``run`` takes ``user_ids``
    and what ``LightMem.consolidate`` takes: ``max_batches``, ``writer``, ``retry_set_aside``. The
    limits ``max_calls`` and ``max_tokens`` are those of the whole run, in which one user then comes
    after the other.

    Args:
        memory: The open store.
        timeout: Seconds that a run may take. ``None``: as long as it takes.
        arguments: Arguments of ``Workflow``.
    """

    def __init__(self, memory: LightMem, *, timeout: float | None = None, **arguments: Any) -> None:
        super().__init__(timeout=timeout, **arguments)
        self._memory = checked_memory(memory)
        self._arguments = {"timeout": timeout, **arguments}

    def __repr__(self) -> str:
        return described(self, memory=self._memory, **self._arguments)

    def made_with(self) -> dict[str, Any]:
        """The arguments that make another one like it."""
        return {"memory": self._memory, **self._arguments}

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> ConsolidateUser | Consolidated | None:
        """Find the users.

        Raises:
            ScopeError: A user id is missing, blank or a wildcard.
            InvalidRequestError: A limit is no positive number, or an argument not known.
        """
        check_known(ev.keys(), ("user_ids", *_OPTIONS, *_LIMITS), "run")
        options = {name: ev.get(name) for name in (*_OPTIONS, *_LIMITS) if ev.get(name) is not None}
        check_counts(**{name: options.get(name) for name in ("max_batches", *_LIMITS)})
        wanted = ev.get("user_ids")
        users = await self._memory.ausers() if wanted is None else check_names(wanted, "user_ids")
        for user_id in users:
            check_user_id(user_id, self._memory.settings.max_id_chars)
        if not users:
            return Consolidated()
        await ctx.store.set("users", len(users))
        if any(options.get(name) for name in _LIMITS):
            return ConsolidateUser(user_id=users[0], options=options, then=list(users[1:]))
        for user_id in users:
            ctx.send_event(ConsolidateUser(user_id=user_id, options=options))
        return None

    @step(num_workers=_WORKERS)
    async def consolidate(self, ctx: Context, ev: ConsolidateUser) -> UserConsolidated:
        """Consolidate one user's memory, in a thread."""
        loop = asyncio.get_running_loop()

        def tell(progress: Progress) -> None:
            event = ConsolidationProgress(user_id=ev.user_id, **dataclasses.asdict(progress))
            loop.call_soon_threadsafe(ctx.write_event_to_stream, event)

        options = ev.options
        try:
            report = await asyncio.to_thread(
                self._memory.consolidate,
                user_id=ev.user_id,
                on_progress=tell,
                **options,
            )
        except Exception as error:  # noqa: BLE001 - told for each user, and the others go on
            done = UserConsolidated(user_id=ev.user_id, error=f"{type(error).__name__}: {error}")
        else:
            done = UserConsolidated(user_id=ev.user_id, report=report)
            options = _left(options, report)
        ctx.write_event_to_stream(done)
        if ev.then:
            ctx.send_event(ConsolidateUser(user_id=ev.then[0], options=options, then=ev.then[1:]))
        return done

    @step
    async def finish(self, ctx: Context, ev: UserConsolidated) -> Consolidated | None:
        """Wait for all users."""
        all_done = ctx.collect_events(ev, [UserConsolidated] * await ctx.store.get("users"))
        if all_done is None:
            return None
        return Consolidated(
            reports={each.user_id: each.report for each in all_done if each.error is None},
            failed={each.user_id: each.error for each in all_done if each.error is not None},
        )


def _left(options: dict[str, Any], report: ConsolidationReport) -> dict[str, Any]:
    """What one user's run leaves to the next; once a limit is reached, a look at what waits."""
    limits = {
        name: options[name] - getattr(report, spent)
        for name, spent in _LIMITS.items()
        if options.get(name) is not None
    }
    if report.stopped or any(left <= 0 for left in limits.values()):
        return {"dry_run": True}
    return {**options, **limits}
