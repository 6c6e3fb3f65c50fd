"""The façade's offline part: making knowledge of what was said, asking for it, correcting it."""

from __future__ import annotations

import datetime as dt

from lightmem_integrations.aio import awaitable
from lightmem_integrations.consolidation.pipeline import Progress
from lightmem_integrations.consolidation.worker import Consolidator
from lightmem_integrations.consolidation.write.as_writer import as_writer
from lightmem_integrations.governed import Governed
from lightmem_integrations.knowledge.knowledge import Knowledge
from lightmem_integrations.records.knowledge import (
    Conflict,
    Conflicts,
    Episodes,
    Explanation,
    Fact,
    Facts,
)
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.validation import check_count


class Consolidating(Governed):
    """A store that makes episodes and facts of turns, outside of anybody's request."""

    _consolidator: Consolidator
    _knowledge: Knowledge

    def consolidate(
        self,
        *,
        user_id: str | None = None,
        max_batches: int | None = None,
        on_progress: Progress | None = None,
        writer: object | None = None,
        final: bool = False,
    ) -> ConsolidationReport:
        """Make episodes and facts of what was said since the last time.

        What is done is stored episode by episode: stopped at any point, the next run goes on
        there. With nothing new, nothing changes. A model that fails does not raise: its turns are
        tried again later, and the report says so.

        Args:
            user_id: Whose memory; by default everybody's.
            max_batches: Look at so many sessions at most.
            on_progress: Called with how many sessions are done, and of how many.
            writer: Who writes this time; by default the store's writer.
            final: Close also what may still go on: without it, the end of a session is left until
                it was quiet for ``ConsolidationSettings.gap_seconds`` or a later session began.

        Raises:
            ScopeError: ``user_id`` is given and names nobody.
            InvalidRequestError: ``max_batches`` is not a positive number.
            SettingsError: ``writer`` is none.
            StorageError: The ledger does not answer, or the store was closed meanwhile.
        """
        if user_id is None:
            self._store.check_usable()
        else:
            self._check(user_id)
        if max_batches is not None:
            check_count(max_batches, "max_batches")
        return self._consolidator.run(
            None if writer is None else as_writer(writer),
            user_id=user_id,
            max_batches=max_batches,
            final=final,
            on_progress=on_progress,
        )

    def facts(self, *, user_id: str, include_past: bool = False) -> Facts:
        """What is known of a user, oldest first.

        Args:
            user_id: Whose memory.
            include_past: Also what is no longer true, was superseded or retracted.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        self._check(user_id)
        return self._knowledge.facts(user_id, include_past=include_past)

    def episodes(self, *, user_id: str) -> Episodes:
        """A user's episodes, oldest first, with their turns.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        self._check(user_id)
        return self._knowledge.episodes(user_id)

    def explain(self, fact_id: str, *, user_id: str) -> Explanation:
        """Why a fact is believed, or no longer is: the turns that prove it, and its history.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such fact.
        """
        self._check(user_id)
        return self._knowledge.explain(fact_id, user_id)

    def edit(
        self,
        fact_id: str,
        *,
        user_id: str,
        statement: str | None = None,
        value: str | None = None,
        valid_from: dt.datetime | None = None,
        valid_to: dt.datetime | None = None,
        reason: str = "Corrected by a person.",
    ) -> Fact:
        """Correct a fact: a new one takes its place, and its history is kept.

        Args:
            fact_id: Which fact.
            user_id: Whose.
            statement: The whole as a sentence; by default the old one, with the value replaced.
            value: What is said about the subject; by default the old one.
            valid_from: Since when it is true; by default as before.
            valid_to: Until when it was true; by default as before.
            reason: Why.

        Returns:
            The new fact.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such fact that stands, or nothing is changed.
        """
        self._check(user_id)
        return self._knowledge.edit(
            fact_id,
            user_id,
            statement=statement,
            value=value,
            valid_from=valid_from,
            valid_to=valid_to,
            reason=reason,
        )

    def retract(
        self, fact_id: str, *, user_id: str, reason: str = "Retracted by a person."
    ) -> Fact:
        """Stop believing a fact, without erasing it; what it had replaced holds again.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such fact that stands.
        """
        self._check(user_id)
        return self._knowledge.retract(fact_id, user_id, reason=reason)

    def shared(self) -> tuple[str, ...]:
        """What all users of the store may read, because several of them said it.

        Empty unless ``settings.shared_knowledge`` is on.
        """
        self._store.check_usable()
        return self._knowledge.shared()

    def conflicts(self, *, user_id: str, only_open: bool = True) -> Conflicts:
        """Contradictions between a user's facts, the oldest first.

        Args:
            user_id: Whose memory.
            only_open: Leave out those that are decided.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        self._check(user_id)
        return self._knowledge.conflicts(user_id, only_open=only_open)

    def resolve(self, conflict_id: str, *, user_id: str, keep: str) -> Conflict:
        """Decide a conflict: the fact with the id ``keep`` stays, the other one is retracted.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such open conflict, or ``keep`` is no part of it.
        """
        self._check(user_id)
        return self._knowledge.resolve(conflict_id, user_id, keep=keep)

    aconsolidate = awaitable(consolidate)
    afacts = awaitable(facts)
    aepisodes = awaitable(episodes)
    aexplain = awaitable(explain)
    aedit = awaitable(edit)
    aretract = awaitable(retract)
    ashared = awaitable(shared)
    aconflicts = awaitable(conflicts)
    aresolve = awaitable(resolve)
