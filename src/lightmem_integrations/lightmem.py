"""The one façade: add, recall, consolidate, forget, and what is needed around them.

Every method checks its arguments and hands them on: to store, recall, knowledge, consolidation.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakMethod, WeakSet, finalize

from lightmem_integrations.aio import Closing, awaitable
from lightmem_integrations.audit.run import audit
from lightmem_integrations.consolidation.cost import Cost
from lightmem_integrations.consolidation.pipeline import OnProgress
from lightmem_integrations.consolidation.share.sharing import sharing
from lightmem_integrations.consolidation.worker import Consolidator
from lightmem_integrations.consolidation.write.as_writer import as_writer
from lightmem_integrations.documents.service import Documents
from lightmem_integrations.engine import erasure
from lightmem_integrations.engine.access_log import AccessLog
from lightmem_integrations.engine.branches import write_turns
from lightmem_integrations.engine.deadline import DaemonPool
from lightmem_integrations.engine.idle import IdleDetector
from lightmem_integrations.engine.pins import mark
from lightmem_integrations.engine.reopened import Reopened
from lightmem_integrations.engine.spaces import Spaces
from lightmem_integrations.engine.stats import stats
from lightmem_integrations.engine.store import Store
from lightmem_integrations.engine.sweeper import Sweeper
from lightmem_integrations.engine.transcripts import begin_anew, sessions_of, transcript
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.inline import View, store_view, user_view, view_of
from lightmem_integrations.knowledge.corrections import Correction
from lightmem_integrations.knowledge.knowledge import Knowledge
from lightmem_integrations.models import personal_data
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.rerankers import as_reranker
from lightmem_integrations.models.token_counter import check_token_counter, shipped_token_counter
from lightmem_integrations.recall.pipeline import recall_online
from lightmem_integrations.recall.plan.hypothetical import hypothetical_from
from lightmem_integrations.recall.run import RecallParts
from lightmem_integrations.recall.short_term import window
from lightmem_integrations.recall.warm_up import WarmUp
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.records.audit import Audit
from lightmem_integrations.records.conversation import TIERS, Branch, Recall, Tier, Turn, Turns
from lightmem_integrations.records.fact_search import FactSearch
from lightmem_integrations.records.filter_form import filter_of
from lightmem_integrations.records.filters import FilterLike
from lightmem_integrations.records.knowledge import (
    Conflict,
    Conflicts,
    Episodes,
    Explanation,
    Fact,
    Facts,
)
from lightmem_integrations.records.metrics import Metrics, metrics_of
from lightmem_integrations.records.profile import Profile
from lightmem_integrations.records.report import ConsolidationReport, Receipt, Stats
from lightmem_integrations.records.transfer import Transfer
from lightmem_integrations.safety import (
    check_count,
    check_counts,
    check_moment,
    check_names,
    check_scope_id,
    check_share,
    check_user_id,
    check_window,
    typed_repr,
)
from lightmem_integrations.settings import Settings, checked_settings
from lightmem_integrations.storage.index import VectorIndex, check_index
from lightmem_integrations.storage.index_contents import expected
from lightmem_integrations.storage.sqlite.backup import back_up
from lightmem_integrations.storage.sqlite.folder import folder_of
from lightmem_integrations.storage.transcripts import Part
from lightmem_integrations.storage.users import list_users
from lightmem_integrations.telemetry.observed import observed
from lightmem_integrations.text.timezone import check_timezone, moment_in
from lightmem_integrations.transfer.export import OnTransfer, export
from lightmem_integrations.transfer.lines import checked_file
from lightmem_integrations.transfer.load import load
from lightmem_integrations.validation import checked_request, checked_turns

open_memories: WeakSet[LightMem] = WeakSet()
"""The memories of this process, for adapters that look for the one of a folder."""


class LightMem(Reopened, Closing):
    """Memory of many users in one store.

    Synchronous and thread-safe; every method has a twin to await, its name with an ``a`` before
    it. Use it as a context manager, or call ``close``.

    Args:
        path: Folder of the store, made if need be: SQLite and Chroma side by side. Or the URL of a
            PostgreSQL database, ``postgresql+psycopg://user@host/db``, which any number of
            processes share. ``None`` keeps everything in a temporary folder, gone at ``close``.
        ledger: URL of an SQLite database elsewhere, such as ``sqlite:////data/ledger.sqlite``.
        index: Another vector index, such as ``ChromaIndex.server(...)``.
        embedder: What makes vectors: ``None`` for the shipped model, a name of one for
            sentence-transformers, or an embedder of LangChain, LlamaIndex, Chroma or your own.
        reranker: Scores the best candidates anew: a cross-encoder, its name, ``SLMReranker(model)``
            or your own. ``None`` for the built-in Selector alone.
        slm: A small language model for ``settings.hypothetical_queries``: a chat model of
            LangChain, an LLM of LlamaIndex, ``OpenAICompatible(...)``, or a ``.gguf`` file.
        writer: Makes episodes and facts of turns in ``consolidate``: anything that ``slm`` can be,
            or a Writer. ``None`` for episodes without a model, and no facts.
        settings: Numbers that can be turned.
        count_tokens: Counts tokens as your chat model does; by default an upper estimate.
        replace_embedder: Embed everything anew if the store was built with another embedder.
        replace_index: Build the vector index anew if a database was used with another kind of it.
        read_only: Read a store beside the process that owns it, and change nothing: no lock is
            taken, no index opened, and whatever would write raises ``ReadOnlyError``.

    Attributes:
        settings: As given, or the defaults.
        path: Absolute path of the folder; ``None`` for a temporary one, and for a database.
        place: The folder, or the database's URL without its password; ``None`` for a temporary one.
        spaces: Memories that several users share, and who may read and write each.

    Raises:
        StoreLockedError: The folder is in use by another process, or open in this one with other
            settings. With the same settings, the open store is shared.
        EmbeddingMismatchError: The store was built with another embedder.
        SettingsError: An argument makes no sense; InvalidRequestError: ``count_tokens`` is none.
        MissingExtraError: ``settings.shared_knowledge`` is on without the extra ``shared``.
        LedgerError: The database cannot be opened, or was lost.
        StorageError: ``read_only``, and there is no store.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        ledger: str | None = None,
        index: VectorIndex | None = None,
        embedder: object | None = None,
        reranker: object | None = None,
        slm: object | None = None,
        writer: object | None = None,
        settings: Settings | None = None,
        count_tokens: TokenCounter | None = None,
        replace_embedder: bool = False,
        replace_index: bool = False,
        read_only: bool = False,
    ) -> None:
        self.settings = checked_settings(settings)
        check_index(index)
        check_token_counter(count_tokens)
        self._count_tokens = count_tokens
        # Before the store: what makes no sense must leave no folder locked.
        own_embedder = as_embedder(embedder)
        own_writer = as_writer(writer)
        own_reranker = as_reranker(reranker)
        hypothetical = hypothetical_from(slm, self.settings.hypothetical_queries)
        if self.settings.shared_knowledge:
            personal_data.check_installed()
        self._store = Store(
            path, ledger=ledger, index=index, embedder=own_embedder, settings=self.settings,
            replace_embedder=replace_embedder, replace_index=replace_index, read_only=read_only,
        )  # fmt: skip
        self.path = self._store.path
        self.spaces = Spaces(self._store)
        self._models = own_reranker, hypothetical, own_writer
        self._begin()
        self._store.reopened = WeakMethod(self._begin)
        if not read_only:
            open_memories.add(self)

    def _begin(self) -> None:
        """Make what works on the open store, and start its threads; again in a forked child."""
        reranker, hypothetical, writer = self._models
        self._parts = RecallParts(self._store, reranker, hypothetical, DaemonPool(), self.settings)
        self._knowledge = Knowledge(self._store, self.settings)
        self._idle = IdleDetector()
        self._access_log = AccessLog()
        self._consolidator = Consolidator(
            self._store, self.settings.consolidation, self._idle, self._access_log, writer,
            sharing(self._store, self.settings),
        )  # fmt: skip
        self._sweeper = Sweeper(self._store)
        self._warm_up = WarmUp(self._parts, self._count_tokens)
        # Also at the end of the interpreter, which no thread that loads a library survives.
        finalize(self, self._warm_up.stop, self.settings.close_seconds)
        if self.settings.background_indexing:
            self._warm_up.start()
        if self.settings.background_consolidation and not self._store.ledger.read_only:
            self._consolidator.start()
        self._sweeper.start()

    @observed("create_memory", found=tuple)
    def add(
        self,
        turns: Turn | Iterable[Turn],
        *,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
        timezone: str | None = None,
        branch: Branch | None = None,
        space: str | None = None,
    ) -> tuple[Turn, ...]:
        """Remember turns: all of them or, on an error, none. Calls no model.

        Args:
            turns: What was said, in order.
            user_id: Whose memory.
            session_id: The conversation in which it was said.
            agent_id: Which agent writes.
            timezone: The user's time zone, for turns without a time; else ``settings.timezone``.
            branch: The history that they belong to, as it is now, so that memory follows it.
            space: The space whose memory it is, instead of the user's own. What a user says there
                without a ``speaker`` is said by ``user_id``.

        Returns:
            The turns as stored, ids and times filled in. Once this returns they are on disk. A
            turn whose id is known with the same content changes nothing.

        Raises:
            ScopeError: ``user_id``, ``session_id``, ``agent_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidTurnError: A turn cannot be stored; ``TurnConflictError``: its id is taken.
            StorageError: The store cannot be written.
        """
        memory = self._memory(user_id, space, write=True)
        scope = {"user_id": memory, "session_id": self._session(session_id)}
        if agent_id is not None:
            check_scope_id(agent_id, "agent_id", self.settings.max_id_chars)
        zone = check_timezone(timezone) or self.settings.timezone
        now = moment_in(zone, self._store.ledger.now())
        author = None if space is None else user_id
        new = checked_turns(turns, self.settings, now, author)
        known = checked_turns(branch.turns if branch else (), self.settings, now, author)
        with self._idle.call():
            stored = write_turns(self._store, new, branch, known, agent_id=agent_id, **scope)
        self._wake(expiring=any(turn.expires_at for turn in stored))
        return tuple(stored)

    def follow(
        self, branch: Branch, *, user_id: str, session_id: str = "default", space: str | None = None
    ) -> None:
        """Let a session's memory follow its conversation, also before anything new is said.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            StorageError: The store does not answer.
        """
        memory, session_id = self._memory(user_id, space, write=True), self._session(session_id)
        now = moment_in(self.settings.timezone, self._store.ledger.now())
        author = None if space is None else user_id
        known = checked_turns(branch.turns, self.settings, now, author)
        write_turns(self._store, (), branch, known, user_id=memory, session_id=session_id)

    def history(
        self, *, user_id: str, session_id: str = "default",
        filter: FilterLike | None = None,  # noqa: A002
        space: str | None = None, limit: int | None = None, after: str | None = None,
        before: str | None = None, latest: bool = False,
    ) -> Turns:  # fmt: skip
        """Every turn of a session, verbatim, oldest first; those superseded say so.

        Args:
            user_id: Whose memory.
            session_id: Which conversation, alone: one of ``sessions``; by default that of ``add``.
            filter: Only the turns that meet it; see ``recall``.
            space: The memory of this space, instead of the user's own.
            limit: So many at most: the first ones.
            after: Only what follows the turn with this id.
            before: Only what comes before the turn with this id.
            latest: Of more than ``limit`` the last ones, instead of the first.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``filter`` or ``limit`` is none, or the session has no such turn.
        """
        check_counts(limit=limit)
        part, condition = Part(limit, after, before, latest=latest), filter_of(filter)
        memory, session_id = self._memory(user_id, space), self._session(session_id)
        return transcript(self._store, memory, session_id, condition, part)

    def short_term(
        self, *, user_id: str, session_id: str = "default", max_tokens: int | None = None,
        measure: Callable[[Turn], int] | None = None, space: str | None = None,
    ) -> Turns:  # fmt: skip
        """The last whole exchanges of a session, within a budget; at least the last one.

        Args:
            user_id: Whose memory.
            session_id: Which conversation.
            max_tokens: Size of the window; by default ``settings.short_term_tokens``.
            measure: Tokens of a turn; by default those of its text.
            space: The space whose session it is, instead of the user's own.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``max_tokens`` is not a positive number.
        """
        budget = max_tokens if max_tokens is not None else self.settings.short_term_tokens
        check_count(budget, "max_tokens")
        memory, session_id = self._memory(user_id, space), self._session(session_id)
        recent = transcript(self._store, memory, session_id, recent=True)
        return Turns(window(recent, budget, measure or (lambda turn: self.count_tokens(turn.text))))

    def clear_short_term(
        self, *, user_id: str, session_id: str = "default", space: str | None = None
    ) -> None:
        """Begin the session's short-term window anew; history and recall keep everything.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
        """
        memory, session_id = self._memory(user_id, space, write=True), self._session(session_id)
        begin_anew(self._store, memory, session_id)

    @observed("search_memory", found=lambda recall: recall.hits)
    def recall(
        self,
        query: str,
        *,
        user_id: str,
        k: int | None = None,
        max_tokens: int | None = None,
        score_threshold: float | None = None,
        tiers: Collection[Tier] = TIERS,
        session_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        as_of: dt.datetime | None = None,
        speakers: Collection[str] | None = None,
        filter: FilterLike | None = None,  # noqa: A002
        exclude: Collection[str] = (),
        exclude_session: str | None = None,
        timezone: str | None = None,
        count_tokens: TokenCounter | None = None,
        strict: bool = False,
        recall_seconds: float | None = None,
        spaces: SpacesRead = (),
    ) -> Recall:
        """Search a user's memory for what answers a question.

        Sees everything that was added before. A model or index that fails does not fail the call:
        ``Recall.degraded`` says what was missing.

        Args:
            query: The question.
            user_id: Whose memory.
            k: How many hits at most; by default ``settings.k``, and three times as many for a
                summary or an order of events.
            max_tokens: Size of ``Recall.text`` at most; by default ``settings.max_tokens``.
            score_threshold: Score that a hit must have; by default ``settings.score_threshold``.
            tiers: Which memories to search: ``mtm``, ``ltm``.
            session_id: Only this session.
            since: Only what was said at this time or later.
            until: Only what was said before this time.
            as_of: As if asked then: only what had been said and held by then, just then included.
            speakers: Only what these speakers said.
            filter: Only what meets it: by the metadata of turns, or their ``agent_id``,
                ``session_id``, ``speaker``, ``role`` and ``time``, such as
                ``{"topic": "travel", "rank": {"$gte": 2}}``; or a ``Compare``, put together with
                ``&``, ``|`` and ``~``. A fact meets it if a turn that proves it does.
            exclude: Ids of turns that must not come back, such as those already in the prompt.
            exclude_session: A session whose turns must not come back.
            timezone: The user's time zone, for "yesterday"; by default ``settings.timezone``.
            count_tokens: Counts tokens for this call.
            strict: Raise instead of degrading.
            recall_seconds: How long the answer may take, also while models are loading: words
                alone find what they would. By default each has the time that the settings say.
            spaces: Spaces to search besides the user's own memory; ``"all"`` for every one that the
                user may read. ``Source.space`` says whose a hit is. Limits hold in all of them.

        Raises:
            ScopeError: ``user_id``, a session id or a space names nobody.
            AccessError: The user may not read one of ``spaces``.
            InvalidRequestError: Another argument makes no sense.
            LightMemError: With ``strict``: what failed.
        """
        request = checked_request(
            self.settings, query=query, user_id=self._user(user_id), k=k, max_tokens=max_tokens,
            score_threshold=score_threshold, tiers=tiers, session_id=session_id, since=since,
            until=until, as_of=as_of, speakers=speakers, filter=filter, exclude=exclude,
            exclude_session=exclude_session, timezone=timezone,
            count_tokens=count_tokens or self.count_tokens, strict=strict,
            recall_seconds=recall_seconds,
        )  # fmt: skip
        with self._idle.call():
            found = recall_online(
                self._parts, request, self.spaces.readable(spaces, user_id) if spaces else ()
            )
        self._access_log.note(user_id, found.hits)
        return found

    @observed("upsert_memory", found=lambda report: report.written + report.facts)
    def consolidate(
        self, *, user_id: str | None = None, max_batches: int | None = None,
        max_calls: int | None = None, max_tokens: int | None = None, dry_run: bool = False,
        on_progress: OnProgress | None = None, writer: object | None = None, final: bool = True,
        retry_set_aside: bool = False, space: str | None = None,
    ) -> ConsolidationReport:  # fmt: skip
        """Make episodes and facts of what was said since the last time.

        What is done is stored episode by episode: stopped at any point, the next run goes on
        there. With nothing new, nothing changes. A model that fails does not raise: its turns are
        tried again later, and the report says so.

        Args:
            user_id: Whose memory; by default everybody's, that of spaces too.
            max_batches: Look at so many sessions at most.
            max_calls: End before an episode that would take more calls of models in all.
            max_tokens: The same for the tokens that models read and write.
            dry_run: Do nothing, and only report what waits and what a model would take for it.
            on_progress: Called before the first session and after each: what is done, spent, left.
            writer: Who writes this time; by default the store's writer.
            final: Close also what may still go on. ``False``, as in the background, leaves the end
                of a session until it was quiet for ``ConsolidationSettings.gap_seconds`` or a later
                session began.
            retry_set_aside: Try now sessions that rest after a failure, and turns set aside, where
                ``ConsolidationSettings.max_tries`` times nothing usable was answered.
            space: The space whose memory, instead of the user's own.

        Raises:
            ScopeError: ``user_id`` or ``space`` is given and names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: A limit is not a positive number.
            SettingsError: ``writer`` is none.
            StorageError: The ledger does not answer, or the store was closed meanwhile.
        """
        whose = None if space is None else self._memory(user_id, space, write=True)
        whose = whose or self._user_or_all(user_id)
        check_counts(max_batches=max_batches, max_calls=max_calls, max_tokens=max_tokens)
        return self._consolidator.run(
            None if writer is None else as_writer(writer), Cost(max_calls, max_tokens),
            user_id=whose, max_batches=max_batches, final=final, dry_run=dry_run,
            retry_set_aside=retry_set_aside, on_progress=on_progress,
        )  # fmt: skip

    def facts(
        self, *, user_id: str, include_past: bool = False, as_of: dt.datetime | None = None,
        filter: FilterLike | None = None,  # noqa: A002
        search: FactSearch | None = None, space: str | None = None, limit: int | None = None,
        after: str | None = None, before: str | None = None, latest: bool = False,
    ) -> Facts:  # fmt: skip
        """A user's facts, oldest first: those that hold now, unless the past is asked for too.

        Args:
            user_id: Whose memory.
            include_past: Also what is no longer true or not yet, was superseded or retracted.
            as_of: As they stood then, with the words and dates that had been told by then, just
                then included; what had been retracted is none. What was forgotten since is gone.
            filter: Only those with a turn that proves them and meets it; see ``recall``.
            search: Only those that meet it: by their words, kind, teller, and marks.
            space: The space whose facts, instead of the user's own.
            limit: So many at most: the first ones. ``Facts.total`` says how many there are.
            after: Only what was recorded after the fact with this id.
            before: Only what was recorded before the fact with this id.
            latest: Of more than ``limit`` the last ones, instead of the first.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: Another argument makes no sense, or a fact is unknown.
        """
        check_counts(limit=limit)
        return self._knowledge.facts(
            self._memory(user_id, space), include_past=include_past, as_of=as_of,
            filter=filter_of(filter), search=search, part=Part(limit, after, before, latest=latest),
        )  # fmt: skip

    def episodes(
        self, *, user_id: str, filter: FilterLike | None = None,  # noqa: A002
        space: str | None = None,
    ) -> Episodes:  # fmt: skip
        """A user's episodes, oldest first, with their turns.

        Args:
            user_id: Whose memory.
            filter: Only those with a turn that meets it; see ``recall``.
            space: The space whose episodes, instead of the user's own.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``filter`` is none.
        """
        return self._knowledge.episodes(self._memory(user_id, space), filter_of(filter))

    def profile(
        self, *, user_id: str, max_tokens: int | None = None, ahead: bool = True,
        as_of: dt.datetime | None = None, count_tokens: TokenCounter | None = None,
        space: str | None = None,
    ) -> Profile:  # fmt: skip
        """The profile of a user: standing instructions, preferences and what is so, as of now.

        Made of facts, and without a model of what the user said in so many words (English only);
        calls none. What stands in it stays byte by byte the same until a fact or an instruction
        changes: put it before the conversation, and what ``recall`` finds behind that.

        Args:
            user_id: Whose memory.
            max_tokens: Size at most; by default ``settings.profile_tokens``.
            ahead: Tell apart what lies ahead: plans for days to come. It changes from day to day.
            as_of: What was so then, also where it was told later; of plans, those told by then.
            count_tokens: Counts tokens for this call.
            space: The space whose profile it is, instead of the user's own: data alone, with the
                names of those who say so.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: Another argument makes no sense.
        """
        budget = self.settings.profile_tokens if max_tokens is None else max_tokens
        check_count(budget, "max_tokens")
        check_moment(as_of, "as_of")
        check_token_counter(count_tokens)
        return self._knowledge.profile(
            self._memory(user_id, space), space=space, max_tokens=budget, ahead=ahead,
            as_of=as_of, count_tokens=count_tokens or self.count_tokens,
        )  # fmt: skip

    def explain(self, fact_id: str, *, user_id: str, space: str | None = None) -> Explanation:
        """Explain a fact: the turns that prove it, its history, and what contradicts it.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            NotFoundError: The user, or the space, has no such fact.
        """
        return self._knowledge.explain(fact_id, self._memory(user_id, space))

    @observed("update_memory", found=lambda _: 1)
    def edit(
        self, fact_id: str, *, user_id: str, statement: str | None = None, value: str | None = None,
        valid_from: dt.datetime | dt.date | str | None = None,
        valid_to: dt.datetime | dt.date | str | None = None, expires_at: dt.datetime | None = None,
        reason: str = "Corrected by a person.", space: str | None = None,
    ) -> Fact:  # fmt: skip
        """Correct a fact, or believe a retracted one again; returns the new one in its place.

        Args:
            fact_id: Which fact.
            user_id: Whose memory.
            statement: The whole as a sentence; by default the old one, with the value replaced.
            value: What is said about the subject; by default the old one.
            valid_from: Since when it is true, by default as before: a moment, or the day, week,
                month or year that is known, "2023-01-15", "2023-W03", "2023-01" or "2023", in the
                fact's time zone. It is true from the first moment of that.
            valid_to: Until when it was true, the same way: until the last second of a week, a month
                or a year, and a day passes for its beginning.
            expires_at: When it is erased; by default as before. The turns that prove it stay. Given
                alone, it takes no new fact.
            reason: Why.
            space: The space whose fact it is, instead of the user's own.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: No such fact, it was replaced, no such date, or nothing changes.
        """
        change = Correction(statement, value, valid_from, valid_to, expires_at, reason)
        memory = self._memory(user_id, space, write=True)
        edited = self._knowledge.edit(fact_id, memory, change)
        self._sweeper.wake()
        return edited

    @observed("update_memory", found=lambda _: 1)
    def retract(
        self, fact_id: str, *, user_id: str, reason: str = "Retracted by a person.",
        space: str | None = None,
    ) -> Fact:  # fmt: skip
        """Stop believing a fact, without erasing it; what it had replaced holds again.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: The user has no such fact that stands.
        """
        memory = self._memory(user_id, space, write=True)
        return self._knowledge.retract(fact_id, memory, reason=reason)

    def conflicts(
        self, *, user_id: str, only_open: bool = True, space: str | None = None,
        limit: int | None = None, before: str | None = None,
    ) -> Conflicts:  # fmt: skip
        """Contradictions between a user's facts, the oldest first.

        Args:
            user_id: Whose memory.
            only_open: Leave out those that are decided.
            space: The space whose conflicts, instead of the user's own.
            limit: So many at most: the last ones. ``Conflicts.total`` says how many there are.
            before: Only what was noticed before the conflict with this id.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``limit`` is none, or the user has no conflict ``before``.
        """
        whose, part = self._memory(user_id, space), Part(limit, before=before)
        return self._knowledge.conflicts(whose, part, only_open=only_open)

    @observed("update_memory", found=lambda _: 1)
    def resolve(
        self, conflict_id: str, *, user_id: str, keep: str, space: str | None = None
    ) -> Conflict:
        """Decide a conflict: the fact with the id ``keep`` stays, the other one is retracted.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: The user has no such open conflict, or ``keep`` is no part of it.
        """
        memory = self._memory(user_id, space, write=True)
        return self._knowledge.resolve(conflict_id, memory, keep=keep)

    def shared(self) -> tuple[str, ...]:
        """Statements that all users of the store may read, because several of them made them.

        Empty unless ``settings.shared_knowledge`` is on.
        """
        self._store.check_usable()
        return self._knowledge.shared()

    @observed("delete_memory", found=Receipt.records)
    def forget(
        self,
        *,
        user_id: str,
        session_id: str | None = None,
        turn_ids: Collection[str] | None = None,
        memory_ids: Collection[str] | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        filter: FilterLike | None = None,  # noqa: A002
        purge: bool = True,
        dry_run: bool = False,
        space: str | None = None,
    ) -> Receipt:
        """Erase a user's memory, or the part of it that meets every condition given.

        Without conditions, what lets the user into spaces is erased too; what they added to a space
        stays there, unless it is forgotten there.

        Args:
            user_id: Whose memory.
            session_id: Only this session.
            turn_ids: Only these turns.
            memory_ids: Only the turns behind these facts and episodes, by their ids. The facts and
                episodes go with their turns.
            since: Only what was said at this time or later.
            until: Only what was said before this time.
            filter: Only what meets it; see ``recall``. Facts and episodes go with their turns.
            purge: Rewrite the files of index and ledger now, so that no byte is left in them; this
                takes longer the more the store holds. ``False`` leaves that to the next opening.
                Also completes what earlier calls could not, even if nothing is left to erase.
            dry_run: Erase nothing, and count what would go; writers wait as long as that takes.
            space: In this space, instead of the user's own memory, and only what this user added
                to it. ``spaces.delete`` erases a space whole.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: Another argument makes no sense.
            StorageError: The store cannot be written; what was not erased is still there.
        """
        begins, ends = check_window(since, until)
        return erasure.forget(
            self._store, user_id=self._memory(user_id, space, write=True),
            author=None if space is None else user_id,
            session_id=self._session_or_all(session_id),
            turn_ids=None if turn_ids is None else check_names(turn_ids, "turn_ids"),
            memory_ids=None if memory_ids is None else check_names(memory_ids, "memory_ids"),
            since=begins, until=ends, filter=filter_of(filter), purge=purge, dry_run=dry_run,
        )  # fmt: skip

    @observed("update_memory", found=int)
    def pin(
        self, *, user_id: str, session_id: str | None = None,
        turn_ids: Collection[str] | None = None, memory_ids: Collection[str] | None = None,
        space: str | None = None,
    ) -> int:  # fmt: skip
        """Pin turns and facts: no lifetime, decay or capacity of the settings takes them away.

        Where they are found they are shown before others. ``forget`` erases them all the same.

        Args:
            user_id: Whose memory.
            session_id: Only turns of this session, and of the facts named those that they prove.
            turn_ids: Only these turns, and of the facts named those that they prove.
            memory_ids: These facts, and the turns of these episodes, by their ids.
            space: The space whose memory it is, instead of the user's own.

        Returns:
            How many turns and facts meet every condition given, and are pinned.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: No condition is given, or something has an end of its own.
            StorageError: The store cannot be written.
        """
        return mark(
            self._store, self._memory(user_id, space, write=True), self._session_or_all(session_id),
            turn_ids, memory_ids, pinned=True,
        )  # fmt: skip

    @observed("update_memory", found=int)
    def unpin(
        self, *, user_id: str, session_id: str | None = None,
        turn_ids: Collection[str] | None = None, memory_ids: Collection[str] | None = None,
        space: str | None = None,
    ) -> int:  # fmt: skip
        """Undo ``pin``, of what meets every condition given; returns how many that are."""
        return mark(
            self._store, self._memory(user_id, space, write=True), self._session_or_all(session_id),
            turn_ids, memory_ids, pinned=False,
        )  # fmt: skip

    @observed("update_memory", found=int)
    def set_importance(
        self, importance: float, *, user_id: str, session_id: str | None = None,
        turn_ids: Collection[str] | None = None, memory_ids: Collection[str] | None = None,
        space: str | None = None,
    ) -> int:  # fmt: skip
        """Set what turns and facts count: a floor in the ranking, as ``Turn.importance`` is.

        From 0, as without, to 1: of what is found, it scores as the best does. The other arguments
        name what it is about, as in ``pin``, and as many are returned.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``space`` names nobody.
            AccessError: The user may not write in the space.
            InvalidRequestError: ``importance`` is out of its range, or no condition is given.
            StorageError: The store cannot be written.
        """
        check_share(importance, "importance")
        return mark(
            self._store, self._memory(user_id, space, write=True), self._session_or_all(session_id),
            turn_ids, memory_ids, importance=importance,
        )  # fmt: skip

    @observed("delete_memory", found=Receipt.records)
    def sweep(self, *, user_id: str | None = None, purge: bool = True) -> Receipt:
        """Erase what has expired, as ``forget`` does; the background and each opening do it too.

        Nothing shows what has expired, whether it was swept yet or not.

        Args:
            user_id: Whose memory; by default everybody's.
            purge: As in ``forget``; completes whatever was forgotten without it, too.

        Raises:
            ScopeError: ``user_id`` is given and names nobody.
            StorageError: The store cannot be written; what was not erased is still there.
        """
        return self._sweeper.sweep(self._user_or_all(user_id), purge=purge)

    def users(self) -> tuple[str, ...]:
        """Ids of all users that have anything stored, in the order in which they came."""
        self._store.check_usable()
        with self._store.ledger.read() as connection:
            return list_users(connection)

    def sessions(
        self, *, user_id: str, space: str | None = None, limit: int | None = None,
        latest: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Ids of a user's or a space's sessions, in the order of beginning; or its first or last.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``limit``, the most that come back, is no count.
        """
        check_counts(limit=limit)
        return sessions_of(self._store, self._memory(user_id, space), limit, latest=latest)

    def stats(self, *, user_id: str | None = None, space: str | None = None) -> Stats:
        """Counts of what is stored, of one user, of a space or in all.

        Raises:
            ScopeError: ``user_id`` or ``space`` is given and names nobody.
            AccessError: The user may not read the space.
        """
        whose = self._user_or_all(user_id) if space is None else self._memory(user_id, space)
        (counted,) = stats(self._store, None if whose is None else [whose])
        return replace(counted, user_id=user_id, space=space)

    def stats_of(self, *user_ids: str) -> tuple[Stats, ...]:
        """Counts of what is stored of each of these users, in order: as ``stats``, but at once.

        Raises:
            ScopeError: One of ``user_ids`` names nobody.
        """
        return stats(self._store, [self._user(each) for each in user_ids])

    def metrics(self) -> Metrics:
        """Counts and latencies of recalls and adds in this process, and what failed or degraded.

        Kept in memory since the opening, without content and ids; also after ``close``.
        """
        return metrics_of(self._store.observer.recent)

    def show(
        self, what: str | Recall | Facts | None = None, *, user_id: str | None = None,
        space: str | None = None,
    ) -> View:  # fmt: skip
        """A view for a notebook: a store or a user at a glance, a recall as bars, facts in time.

        Args:
            what: A question to recall, or what ``recall`` or ``facts`` gave; by default everything.
            user_id: Whose memory; by default, without a question, everybody's.
            space: The space whose memory, instead of the user's own; a question is asked of both.

        Raises:
            ScopeError: ``user_id`` or ``space`` names nobody.
            AccessError: The user may not read the space.
            InvalidRequestError: ``what`` is nothing that can be shown.
        """
        if what is not None:
            if isinstance(what, str):
                spaces = [] if space is None else [space]
                what = self.recall(what, user_id=self._user(user_id), spaces=spaces)
            return view_of(what)
        if user_id is None and space is None:
            return store_view(self.stats(), self.users())
        whose: Any = {"user_id": self._user(user_id), "space": space}
        facts, stats = self.facts(**whose, include_past=True), self.stats(**whose)
        return user_view(stats, self.sessions(**whose), facts, self.conflicts(**whose))

    def audit(
        self, *, user_id: str | None = None, space: str | None = None, limit: int = 20,
        fix: bool = False,
    ) -> Audit:  # fmt: skip
        """Junk in figures: what is said twice, unsupported, vague, stale, disputed or never used.

        Args:
            user_id: Whose memory; by default everybody's, that of spaces too.
            space: The space whose memory, instead of the user's own.
            limit: How many findings of each check are listed; all are counted.
            fix: First merge facts of the same words: one stays, with the evidence of all.

        Raises:
            ScopeError: ``user_id`` or ``space`` is given and names nobody.
            AccessError: The user may not read the space or, with ``fix``, not write there.
        """
        whose = self._user_or_all(user_id)
        whose = whose if space is None else self._memory(user_id, space, write=fix)
        check_count(limit, "limit")
        found = audit(self._store, whose, limit=limit, fix=fix, recalled=self._access_log.noted())
        return replace(found, user_id=user_id, space=space)

    def index_pending(self) -> int:
        """Give every turn that still waits its vector, now; returns how many waited.

        Raises:
            ModelError: The embedder failed.
            StorageError: The ledger or the index does not answer.
        """
        self._store.check_usable()
        waited = self._store.indexer.waiting()
        self._store.indexer.catch_up()
        self._store.indexer.prepare()
        return waited

    def reindex(self) -> int:
        """Build the vector index anew from the ledger; returns how many vectors can be searched.

        Raises:
            ModelError: The embedder failed.
            StorageError: The ledger or the index does not answer.
        """
        self._store.check_usable()
        self._store.indexer.rebuild()
        self.index_pending()
        with self._store.ledger.read() as connection:
            return sum(expected(connection).values())

    def backup(self, folder: str | os.PathLike[str]) -> None:
        """Copy all that is remembered into another folder, while the store is in use.

        Whatever was acknowledged before the call is in the copy, which opens as a store of its
        own: ``LightMem(folder)``. Its vector index is built at the first opening. To copy the
        files of an open store by hand loses what still lies in the ledger's log.

        Args:
            folder: Where to; made if need be.

        Raises:
            SettingsError: The path cannot be a folder.
            LedgerError: The folder holds a ledger already, or it cannot be written.
        """
        self._store.check_usable()
        back_up(self._store.ledger.file, folder_of(folder))

    def export(
        self, file: str | os.PathLike[str], *, user_id: str | None = None,
        on_progress: OnTransfer | None = None,
    ) -> Transfer:  # fmt: skip
        """Write a user's memory, or the whole store's, into a file of JSON lines, without vectors.

        The file holds all that was said and made of it, as it is at one moment, and a checksum. It
        is the same, byte by byte, as long as nothing changes, and takes its place, also over an
        older one, once it is whole. What is held in spaces goes with the whole store.

        Args:
            file: Where to.
            user_id: Whose memory; by default everybody's, with spaces, grants and documents.
            on_progress: Called with the number of records that are written, and of all.

        Raises:
            ScopeError: ``user_id`` is given and names nobody, or nothing is stored of that user.
            InvalidRequestError: ``file`` is no path of a file.
            StorageError: The store cannot be read, or the file not be written.
        """
        return export(self._store, checked_file(file), self._user_or_all(user_id), on_progress)

    def load(
        self, file: str | os.PathLike[str], *, into_user: str | None = None,
        on_progress: OnTransfer | None = None,
    ) -> Transfer:  # fmt: skip
        """Write what ``export`` wrote into this store: all of it or, on an error, nothing.

        The file is checked wholly first. Until all of it is written nobody sees any of it; stopped
        at any point, the next call with the same file goes on there. Users that the store holds
        already, with the same memory, stay as they are. What was said is embedded anew.

        Args:
            file: Of an export.
            into_user: Whose memory it becomes, of a file that holds one user's; its facts and
                episodes get ids of their own then. By default it stays that user's.
            on_progress: Called with the number of lines that are written, and of all.

        Raises:
            ScopeError: ``into_user`` is given and names nobody.
            InvalidImportError: The file was cut or changed, is of another form or a newer version,
                or the store holds another memory of a user in it; it says which line and why.
            StorageError: The store cannot be written.
        """
        done = load(self._store, checked_file(file), self._user_or_all(into_user), on_progress)
        self._wake()
        return done

    def documents(
        self,
        texts_of: Callable[[Mapping[str, Any], Sequence[str]], list[str]],
    ) -> Documents:
        """Documents by namespace, beside the turns: same folder, ledger, embedder and index.

        Recall sees none of them, and ``forget`` erases none. They close with this memory.

        Args:
            texts_of: Texts of a document that are searched by meaning, given its value and the
                fields named for it.
        """
        return Documents(self._store, texts_of, catch_up_seconds=self.settings.catch_up_seconds)

    def warm_up(self) -> None:
        """Load the models and open the index now, not in the background from the opening on.

        Raises:
            ModelError: A model cannot be loaded.
            StorageError: The index does not answer.
        """
        self._store.check_usable()
        self._warm_up.run()

    def count_tokens(self, text: str) -> int:
        """Size of a text in tokens, as this memory counts them."""
        count = self._count_tokens or shipped_token_counter()
        return count(text)

    @property
    def closed(self) -> bool:
        """True once the store was closed."""
        return self._store.closed

    def close(self) -> None:
        """Finish what is under way and let the folder go.

        Closing twice is fine, and finishes what was interrupted. A model that does not answer
        within ``settings.close_seconds`` is left behind, and stores nothing.
        """
        until = time.monotonic() + self.settings.close_seconds
        seconds = 0.0  # who interrupts the wait for one thing waits for nothing else
        try:
            if not self.closed and not (self._store.inherited and self._store.url):
                self._store.check_usable()  # in a forked child there is nothing to wait for
                self._warm_up.stop(self.settings.close_seconds)
                self._sweeper.stop(max(until - time.monotonic(), 0.0))
                self._consolidator.close(max(until - time.monotonic(), 0.0))
            self._parts.close(until)
            seconds = max(until - time.monotonic(), 0.0)
        finally:
            self._store.close(seconds)

    aadd = awaitable(add)
    afollow = awaitable(follow)
    ahistory = awaitable(history)
    ashort_term = awaitable(short_term)
    aclear_short_term = awaitable(clear_short_term)
    arecall = awaitable(recall)
    aconsolidate = awaitable(consolidate)
    afacts = awaitable(facts)
    aepisodes = awaitable(episodes)
    aprofile = awaitable(profile)
    aexplain = awaitable(explain)
    aedit = awaitable(edit)
    aretract = awaitable(retract)
    aconflicts = awaitable(conflicts)
    aresolve = awaitable(resolve)
    ashared = awaitable(shared)
    aforget = awaitable(forget)
    apin = awaitable(pin)
    aunpin = awaitable(unpin)
    aset_importance = awaitable(set_importance)
    asweep = awaitable(sweep)
    abackup = awaitable(backup)
    aexport = awaitable(export)
    aload = awaitable(load)
    ausers = awaitable(users)
    asessions = awaitable(sessions)
    ashow = awaitable(show)
    astats = awaitable(stats)
    astats_of = awaitable(stats_of)
    ametrics = awaitable(metrics)
    aaudit = awaitable(audit)
    aindex_pending = awaitable(index_pending)
    areindex = awaitable(reindex)
    awarm_up = awaitable(warm_up)
    aclose = awaitable(close)

    def _wake(self, *, expiring: bool = True) -> None:
        """Tell the threads in the background that there may be something to do."""
        self._store.indexer.wake()
        self._consolidator.wake()
        if expiring:
            self._sweeper.wake()

    def _user(self, user_id: object) -> str:
        """The checked id of one user of a store that is open in this process."""
        self._store.check_usable()
        return check_user_id(user_id, self.settings.max_id_chars)

    def _memory(self, user_id: object, space: object, *, write: bool = False) -> str:
        """The checked id of a user's own memory, or of a space's that the user may read or write.

        Raises:
            AccessError: The user may not.
        """
        mine = self._user(user_id)
        return mine if space is None else self.spaces.memory_of(space, mine, write=write)

    def _user_or_all(self, user_id: object) -> str | None:
        """The checked id of one user; ``None``, where it was given, for all of them."""
        self._store.check_usable()
        return None if user_id is None else self._user(user_id)

    def _session_or_all(self, session_id: object) -> str | None:
        """The checked id of a session; ``None``, where it was given, for all of them."""
        return None if session_id is None else self._session(session_id)

    def _session(self, session_id: object) -> str:
        """The checked id of a session."""
        return check_scope_id(session_id, "session_id", self.settings.max_id_chars)


def checked_memory(given: object) -> LightMem:
    """The memory that an adapter was given.

    Raises:
        InvalidRequestError: It is something else, such as the path of one.
    """
    if not isinstance(given, LightMem):
        raise InvalidRequestError(
            f"memory is {typed_repr(given)}. Pass an open memory: LightMem('./memory')."
        )
    return given
