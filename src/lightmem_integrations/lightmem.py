"""The one façade: add, recall, consolidate, forget, and what is needed around them.

Every method checks its arguments and hands them on: to the store, to recall, to what is known, to
consolidation.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakSet, finalize

from lightmem_integrations.aio import Closing, awaitable
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
from lightmem_integrations.engine.reopened import Reopened
from lightmem_integrations.engine.stats import stats
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError
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
from lightmem_integrations.records.conversation import TIERS, Branch, Recall, Tier, Turn
from lightmem_integrations.records.knowledge import (
    Conflict,
    Conflicts,
    Episodes,
    Explanation,
    Fact,
    Facts,
)
from lightmem_integrations.records.report import ConsolidationReport, Receipt, Stats
from lightmem_integrations.safety import (
    check_count,
    check_counts,
    check_names,
    check_scope_id,
    check_user_id,
    check_window,
    short_repr,
)
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.backup import back_up
from lightmem_integrations.storage.folder import folder_of
from lightmem_integrations.storage.index import VectorIndex, check_index
from lightmem_integrations.storage.index_contents import expected
from lightmem_integrations.storage.turns import read_turns, read_window, restart_window
from lightmem_integrations.storage.users import find_session, find_user, list_sessions, list_users
from lightmem_integrations.text.timezone import check_timezone, moment_in
from lightmem_integrations.validation import checked_request, checked_settings, checked_turns

open_memories: WeakSet[LightMem] = WeakSet()
"""The memories of this process, for adapters that look for the one of a folder."""


class LightMem(Reopened, Closing):
    """Memory of many users in one store.

    Synchronous and thread-safe; every method has a twin to await, its name with an ``a`` before
    it. Use it as a context manager, or call ``close``.

    Args:
        path: Folder of the store, made if need be: SQLite and Chroma side by side. ``None`` keeps
            everything in a temporary folder, gone at ``close``.
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

    Attributes:
        settings: As given, or the defaults.
        path: Absolute path of the folder; ``None`` for a temporary one.

    Raises:
        StoreLockedError: The folder is in use by another process, or open in this one with other
            settings. With the same settings, the open store is shared.
        EmbeddingMismatchError: The store was built with another embedder.
        SettingsError: An argument makes no sense; InvalidRequestError: ``count_tokens`` is none.
        MissingExtraError: ``settings.shared_knowledge`` is on without the extra ``shared``.
        LedgerError: The database cannot be opened, or was lost.
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
            path,
            ledger=ledger,
            index=index,
            embedder=own_embedder,
            settings=self.settings,
            replace_embedder=replace_embedder,
        )
        self.path = self._store.path
        self._parts = RecallParts(
            self._store, own_reranker, hypothetical, DaemonPool(), self.settings
        )
        self._knowledge = Knowledge(self._store, self.settings)
        self._idle = IdleDetector()
        self._access_log = AccessLog()
        self._consolidator = Consolidator(
            self._store,
            self.settings.consolidation,
            self._idle,
            self._access_log,
            own_writer,
            sharing(self._store, self.settings),
        )
        self._warm_up = WarmUp(self._parts, count_tokens)
        # Also at the end of the interpreter, which no thread that loads a library survives.
        finalize(self, self._warm_up.stop, self.settings.close_seconds)
        if self.settings.background_indexing:
            self._warm_up.start()
        if self.settings.background_consolidation:
            self._consolidator.start()
        open_memories.add(self)

    def add(
        self,
        turns: Turn | Iterable[Turn],
        *,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
        timezone: str | None = None,
        branch: Branch | None = None,
    ) -> tuple[Turn, ...]:
        """Remember turns: all of them or, on an error, none. Calls no model.

        Args:
            turns: What was said, in order.
            user_id: Whose memory.
            session_id: The conversation in which it was said.
            agent_id: Which agent writes.
            timezone: The user's time zone, for turns without a time; else ``settings.timezone``.
            branch: The history that they belong to, as it is now, so that memory follows it.

        Returns:
            The turns as stored, ids and times filled in. Once this returns they are on disk. A
            turn whose id is known with the same content changes nothing.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``agent_id`` names nobody.
            InvalidTurnError: A turn cannot be stored; its subclass ``TurnConflictError``: its id
                is taken.
            StorageError: The store cannot be written.
        """
        scope = {"user_id": self._user(user_id), "session_id": self._session(session_id)}
        if agent_id is not None:
            check_scope_id(agent_id, "agent_id", self.settings.max_id_chars)
        now = moment_in(check_timezone(timezone) or self.settings.timezone)
        new = checked_turns(turns, self.settings, now)
        known = checked_turns(branch.turns if branch else (), self.settings, now)
        with self._idle.call():
            stored = write_turns(self._store, new, branch, known, agent_id=agent_id, **scope)
        self._store.indexer.wake()
        self._consolidator.wake()
        return tuple(stored)

    def follow(self, branch: Branch, *, user_id: str, session_id: str = "default") -> None:
        """Let a session's memory follow its conversation, also before anything new is said.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
            StorageError: The store does not answer.
        """
        user_id, session_id = self._user(user_id), self._session(session_id)
        known = checked_turns(branch.turns, self.settings, moment_in(self.settings.timezone))
        write_turns(self._store, (), branch, known, user_id=user_id, session_id=session_id)

    def history(self, *, user_id: str, session_id: str = "default") -> tuple[Turn, ...]:
        """Every turn of a session, verbatim, oldest first; those superseded say so.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
        """
        return self._turns(user_id, session_id, whole=True)

    def short_term(
        self,
        *,
        user_id: str,
        session_id: str = "default",
        max_tokens: int | None = None,
        measure: Callable[[Turn], int] | None = None,
    ) -> tuple[Turn, ...]:
        """The last whole exchanges of a session, within a budget; at least the last one.

        Args:
            user_id: Whose memory.
            session_id: Which conversation.
            max_tokens: Size of the window; by default ``settings.short_term_tokens``.
            measure: Tokens of a turn; by default those of its text.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
            InvalidRequestError: ``max_tokens`` is not a positive number.
        """
        budget = max_tokens if max_tokens is not None else self.settings.short_term_tokens
        check_count(budget, "max_tokens")
        recent = self._turns(user_id, session_id, whole=False)
        return window(recent, budget, measure or (lambda turn: self.count_tokens(turn.text)))

    def clear_short_term(self, *, user_id: str, session_id: str = "default") -> None:
        """Begin the session's short-term window anew; history and recall keep everything.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
        """
        user_id, session_id = self._user(user_id), self._session(session_id)
        with self._store.ledger.write() as connection:
            user = find_user(connection, user_id)
            row = None if user is None else find_session(connection, user, session_id)
            if row is not None:
                restart_window(connection, row)

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
        exclude: Collection[str] = (),
        exclude_session: str | None = None,
        timezone: str | None = None,
        count_tokens: TokenCounter | None = None,
        strict: bool = False,
        recall_seconds: float | None = None,
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
            session_id: Look in this session only.
            since: Nothing said before this time.
            until: Nothing said at this time or later.
            as_of: As if asked then: only what had been said and held at that time.
            speakers: Only what these speakers said.
            exclude: Ids of turns that must not come back, such as those already in the prompt.
            exclude_session: A session whose turns must not come back.
            timezone: The user's time zone, for "yesterday"; by default ``settings.timezone``.
            count_tokens: Counts tokens for this call.
            strict: Raise instead of degrading.
            recall_seconds: How long the answer may take, also while models are loading: words
                alone find what they would. By default each has the time that the settings say.

        Raises:
            ScopeError: ``user_id`` or a session id names nobody.
            InvalidRequestError: Another argument makes no sense.
            LightMemError: With ``strict``: what failed.
        """
        request = checked_request(
            self.settings, query=query, user_id=self._user(user_id), k=k, max_tokens=max_tokens,
            score_threshold=score_threshold, tiers=tiers, session_id=session_id, since=since,
            until=until, as_of=as_of, speakers=speakers, exclude=exclude,
            exclude_session=exclude_session, timezone=timezone,
            count_tokens=count_tokens or self.count_tokens, strict=strict,
            recall_seconds=recall_seconds,
        )  # fmt: skip
        with self._idle.call():
            found = recall_online(self._parts, request)
        self._access_log.note(user_id, found.hits)
        return found

    def consolidate(
        self,
        *,
        user_id: str | None = None,
        max_batches: int | None = None,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        writer: object | None = None,
        final: bool = True,
        retry_set_aside: bool = False,
    ) -> ConsolidationReport:
        """Make episodes and facts of what was said since the last time.

        What is done is stored episode by episode: stopped at any point, the next run goes on
        there. With nothing new, nothing changes. A model that fails does not raise: its turns are
        tried again later, and the report says so.

        Args:
            user_id: Whose memory; by default everybody's.
            max_batches: Look at so many sessions at most.
            max_calls: End before an episode that would take more calls of models in all.
            max_tokens: The same for the tokens that models read and write.
            dry_run: Do nothing, and only report what waits and what a model would take for it.
            on_progress: Called before the first session and after each: what is done, what it cost,
                and what is left.
            writer: Who writes this time; by default the store's writer.
            final: Close also what may still go on. ``False``, as in the background, leaves the end
                of a session until it was quiet for ``ConsolidationSettings.gap_seconds`` or a later
                session began.
            retry_set_aside: Give turns another chance that were set aside, because a writer
                answered nothing usable for them ``ConsolidationSettings.max_tries`` times.

        Raises:
            ScopeError: ``user_id`` is given and names nobody.
            InvalidRequestError: A limit is not a positive number.
            SettingsError: ``writer`` is none.
            StorageError: The ledger does not answer, or the store was closed meanwhile.
        """
        user_id = self._user_or_all(user_id)
        check_counts(max_batches=max_batches, max_calls=max_calls, max_tokens=max_tokens)
        return self._consolidator.run(
            None if writer is None else as_writer(writer), Cost(max_calls, max_tokens),
            user_id=user_id, max_batches=max_batches, final=final, dry_run=dry_run,
            retry_set_aside=retry_set_aside, on_progress=on_progress,
        )  # fmt: skip

    def facts(self, *, user_id: str, include_past: bool = False) -> Facts:
        """A user's facts, oldest first: those that hold now, unless the past is asked for too.

        Args:
            user_id: Whose memory.
            include_past: Also what is no longer true, was superseded or retracted.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        return self._knowledge.facts(self._user(user_id), include_past=include_past)

    def episodes(self, *, user_id: str) -> Episodes:
        """A user's episodes, oldest first, with their turns.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        return self._knowledge.episodes(self._user(user_id))

    def explain(self, fact_id: str, *, user_id: str) -> Explanation:
        """Explain a fact: the turns that prove it, its history, and what contradicts it.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such fact.
        """
        return self._knowledge.explain(fact_id, self._user(user_id))

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
        change = Correction(statement, value, valid_from, valid_to, reason)
        return self._knowledge.edit(fact_id, self._user(user_id), change)

    def retract(
        self, fact_id: str, *, user_id: str, reason: str = "Retracted by a person."
    ) -> Fact:
        """Stop believing a fact, without erasing it; what it had replaced holds again.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such fact that stands.
        """
        return self._knowledge.retract(fact_id, self._user(user_id), reason=reason)

    def conflicts(self, *, user_id: str, only_open: bool = True) -> Conflicts:
        """Contradictions between a user's facts, the oldest first.

        Args:
            user_id: Whose memory.
            only_open: Leave out those that are decided.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        return self._knowledge.conflicts(self._user(user_id), only_open=only_open)

    def resolve(self, conflict_id: str, *, user_id: str, keep: str) -> Conflict:
        """Decide a conflict: the fact with the id ``keep`` stays, the other one is retracted.

        Raises:
            ScopeError: ``user_id`` names nobody.
            InvalidRequestError: The user has no such open conflict, or ``keep`` is no part of it.
        """
        return self._knowledge.resolve(conflict_id, self._user(user_id), keep=keep)

    def shared(self) -> tuple[str, ...]:
        """Statements that all users of the store may read, because several of them made them.

        Empty unless ``settings.shared_knowledge`` is on.
        """
        self._store.check_usable()
        return self._knowledge.shared()

    def forget(
        self,
        *,
        user_id: str,
        session_id: str | None = None,
        turn_ids: Collection[str] | None = None,
        memory_ids: Collection[str] | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        purge: bool = True,
    ) -> Receipt:
        """Erase a user's memory, or the part of it that meets every condition given.

        Args:
            user_id: Whose memory.
            session_id: Only this session.
            turn_ids: Only these turns.
            memory_ids: Only the turns behind these facts and episodes, by their ids. The facts and
                episodes go with their turns.
            since: Only what was said at this time or later.
            until: Only what was said before this time.
            purge: Rewrite the files of index and ledger now, so that no byte is left in them; this
                takes longer the more the store holds. ``False`` leaves that to the next opening.
                Also completes what earlier calls could not, even if nothing is left to erase.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
            InvalidRequestError: Another argument makes no sense.
            StorageError: The store cannot be written; what was not erased is still there.
        """
        begins, ends = check_window(since, until)
        return erasure.forget(
            self._store,
            user_id=self._user(user_id),
            session_id=None if session_id is None else self._session(session_id),
            turn_ids=None if turn_ids is None else check_names(turn_ids, "turn_ids"),
            memory_ids=None if memory_ids is None else check_names(memory_ids, "memory_ids"),
            since=begins,
            until=ends,
            purge=purge,
        )

    def users(self) -> tuple[str, ...]:
        """Ids of all users that have anything stored, in the order in which they came."""
        self._store.check_usable()
        with self._store.ledger.read() as connection:
            return list_users(connection)

    def sessions(self, *, user_id: str) -> tuple[str, ...]:
        """Ids of a user's sessions, in the order in which they began.

        Raises:
            ScopeError: ``user_id`` names nobody.
        """
        user_id = self._user(user_id)
        with self._store.ledger.read() as connection:
            user = find_user(connection, user_id)
            return () if user is None else list_sessions(connection, user)

    def stats(self, *, user_id: str | None = None) -> Stats:
        """Counts of what is stored, of one user or in all.

        Raises:
            ScopeError: ``user_id`` is given and names nobody.
        """
        return stats(self._store, self._user_or_all(user_id))

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

    def documents(
        self,
        texts_of: Callable[[Mapping[str, Any], Sequence[str]], list[str]],
        *,
        omit_expired: bool = False,
    ) -> Documents:
        """Documents by namespace, beside the turns: same folder, ledger, embedder and index.

        Recall sees none of them, and ``forget`` erases none. They close with this memory.

        Args:
            texts_of: Texts of a document that are searched by meaning, given its value and the
                fields named for it.
            omit_expired: Leave out documents whose time is over, before they are erased.
        """
        return Documents(
            self._store,
            texts_of,
            omit_expired=omit_expired,
            catch_up_seconds=self.settings.catch_up_seconds,
        )

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
            if not self.closed:
                self._store.check_usable()  # in a forked child there is nothing to wait for
                self._warm_up.stop(self.settings.close_seconds)
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
    aexplain = awaitable(explain)
    aedit = awaitable(edit)
    aretract = awaitable(retract)
    aconflicts = awaitable(conflicts)
    aresolve = awaitable(resolve)
    ashared = awaitable(shared)
    aforget = awaitable(forget)
    ausers = awaitable(users)
    asessions = awaitable(sessions)
    astats = awaitable(stats)
    abackup = awaitable(backup)
    aindex_pending = awaitable(index_pending)
    areindex = awaitable(reindex)
    awarm_up = awaitable(warm_up)
    aclose = awaitable(close)

    def _turns(self, user_id: str, session_id: str, *, whole: bool) -> tuple[Turn, ...]:
        """Turns of a session: all of them, or those of its short-term window so far."""
        user_id, session_id = self._user(user_id), self._session(session_id)
        with self._store.ledger.read() as connection:
            user = find_user(connection, user_id)
            row = None if user is None else find_session(connection, user, session_id)
            if row is None:
                return ()
            return tuple(read_turns(connection, row) if whole else read_window(connection, row))

    def _user(self, user_id: object) -> str:
        """The checked id of one user of a store that is open in this process."""
        self._store.check_usable()
        return check_user_id(user_id, self.settings.max_id_chars)

    def _user_or_all(self, user_id: object) -> str | None:
        """The checked id of one user; ``None``, where it was given, for all of them."""
        self._store.check_usable()
        return None if user_id is None else self._user(user_id)

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
            f"memory is {short_repr(given)}, a {type(given).__name__}. Pass an open memory: "
            "LightMem('./memory')."
        )
    return given
