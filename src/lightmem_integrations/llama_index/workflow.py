"""Consolidation as a LlamaIndex ``Workflow`` that tells how far it is."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from pydantic import Field

from lightmem_integrations.display import described
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.llama_index.remade import Remade
from lightmem_integrations.safety import check_counts, check_known, check_names, check_user_id

_WORKERS = 2  # a guess: more users at a time would slow those who ask meanwhile


class ConsolidateUser(Event):
    """One user's memory is to be consolidated."""

    user_id: str
    max_batches: int | None = None


class ConsolidationProgress(Event):
    """Streamed while a user's memory is consolidated.

    Attributes:
        user_id: Whose memory.
        done: How much of it is done.
        total: How much there is to do.
    """

    user_id: str
    done: int
    total: int


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

        handler = ConsolidationWorkflow(memory).run()  # or run(user_ids=["alice"], max_batches=10)
        async for event in handler.stream_events():
            print(event)
        outcome = await handler

    One user's failure does not keep the others from being consolidated.

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
            InvalidRequestError: ``max_batches`` is no positive number, or an argument not known.
        """
        check_known(ev.keys(), ("user_ids", "max_batches"), "run")
        check_counts(max_batches=ev.get("max_batches"))
        wanted = ev.get("user_ids")
        users = await self._memory.ausers() if wanted is None else check_names(wanted, "user_ids")
        for user_id in users:
            check_user_id(user_id, self._memory.settings.max_id_chars)
        if not users:
            return Consolidated()
        await ctx.store.set("users", len(users))
        for user_id in users:
            ctx.send_event(ConsolidateUser(user_id=user_id, max_batches=ev.get("max_batches")))
        return None

    @step(num_workers=_WORKERS)
    async def consolidate(self, ctx: Context, ev: ConsolidateUser) -> UserConsolidated:
        """Consolidate one user's memory, in a thread."""
        loop = asyncio.get_running_loop()

        def tell(done: int, total: int) -> None:
            event = ConsolidationProgress(user_id=ev.user_id, done=done, total=total)
            loop.call_soon_threadsafe(ctx.write_event_to_stream, event)

        try:
            report = await asyncio.to_thread(
                self._memory.consolidate,
                user_id=ev.user_id,
                max_batches=ev.max_batches,
                on_progress=tell,
            )
        except Exception as error:  # noqa: BLE001 - told for each user, and the others go on
            done = UserConsolidated(user_id=ev.user_id, error=f"{type(error).__name__}: {error}")
        else:
            done = UserConsolidated(user_id=ev.user_id, report=report)
        ctx.write_event_to_stream(done)
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
