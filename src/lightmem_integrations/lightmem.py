"""The one façade: add, recall, consolidate, forget, and what is needed around them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Collection, Iterable

from lightmem_integrations.aio import awaitable
from lightmem_integrations.consolidating import Consolidating
from lightmem_integrations.consolidation.share.sharing import sharing
from lightmem_integrations.consolidation.worker import Consolidator
from lightmem_integrations.consolidation.write.as_writer import as_writer
from lightmem_integrations.engine.access_log import AccessLog
from lightmem_integrations.engine.deadline import DaemonPool
from lightmem_integrations.engine.idle import IdleDetector
from lightmem_integrations.engine.store import Store
from lightmem_integrations.knowledge.knowledge import Knowledge
from lightmem_integrations.models import personal_data
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.onnx import shipped_token_counter
from lightmem_integrations.models.protocols import TokenCounter, load
from lightmem_integrations.models.rerankers import as_reranker
from lightmem_integrations.recall.pipeline import Engine, recall_online
from lightmem_integrations.recall.plan.hypothetical import hypothetical_from
from lightmem_integrations.recall.short_term import window
from lightmem_integrations.records.conversation import TIERS, Recall, Tier, Turn
from lightmem_integrations.safety import check_scope_id
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import VectorIndex
from lightmem_integrations.storage.turns import (
    insert_turns,
    read_turns,
    restart_window,
    window_start,
)
from lightmem_integrations.storage.users import find_session, find_user
from lightmem_integrations.validation import check_count, checked_request, checked_turns


class LightMem(Consolidating):
    """Memory of many users in one store.

    Synchronous and thread-safe; every method has a twin to await, its name with an ``a`` before
    it. Use it as a context manager, or call ``close``.

    Args:
        path: Folder of the store, made if need be: SQLite and Chroma side by side. ``None`` keeps
            everything in a temporary folder, gone at ``close``.
        ledger: URL of an SQLite database elsewhere, such as ``sqlite:////data/ledger.sqlite``.
        index: Another vector index, such as ``ChromaIndex.server(...)``.
        embedder: What makes vectors: ``None`` for the small model that the package ships, a model
            name for sentence-transformers, or an embedder of LangChain, LlamaIndex, Chroma or
            your own.
        reranker: Scores the best candidates anew: a cross-encoder, its name, ``SLMReranker(model)``
            or your own. ``None`` for the built-in Selector alone.
        slm: A small language model for ``settings.hypothetical_queries``: a chat model of
            LangChain, an LLM of LlamaIndex, ``OpenAICompatible(...)``, a ``.gguf`` file or the
            name of a transformers model.
        writer: Makes episodes and facts of turns in ``consolidate``: anything that ``slm`` can be,
            or a Writer. ``None`` for the one that needs no model.
        settings: Numbers that can be turned.
        count_tokens: Counts tokens as your chat model does. The default counts WordPiece tokens.
        replace_embedder: Embed everything anew if the store was built with another embedder.

    Raises:
        StoreLockedError: The folder is in use by another process or object.
        EmbeddingMismatchError: The store was built with another embedder.
        SettingsError: An argument makes no sense.
        MissingExtraError: ``settings.shared_knowledge`` is on without the extra ``shared``.
        LedgerError: The database cannot be opened.
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
        self.settings = settings or Settings()
        self._embedder = as_embedder(embedder)
        self._count_tokens = count_tokens
        # Before the store: what makes no sense must leave no folder locked.
        scorer = as_reranker(reranker)
        hypothetical = hypothetical_from(slm, self.settings.hypothetical_queries)
        self._writer = as_writer(writer)
        if self.settings.shared_knowledge:
            personal_data.check_installed()
        self._store = Store(
            path,
            ledger=ledger,
            index=index,
            embedder=self._embedder,
            settings=self.settings,
            replace_embedder=replace_embedder,
        )
        self.path = self._store.path
        self._ledger = self._store.ledger
        self._engine = Engine(
            ledger=self._store.ledger,
            index=self._store.index,
            indexer=self._store.indexer,
            embedder=self._embedder,
            identity=self._store.embedder,
            reranker=scorer,
            hypothetical=hypothetical,
            workers=DaemonPool(),
            settings=self.settings,
        )
        self._knowledge = Knowledge(self._store, self.settings)
        self._activity = IdleDetector()
        self._accesses = AccessLog()
        self._consolidator = Consolidator(
            self._store,
            self.settings.consolidation,
            self._activity,
            self._accesses,
            self._writer,
            sharing(self._store, self.settings),
        )
        if self.settings.background_consolidation:
            self._consolidator.start()

    def add(
        self,
        turns: Turn | Iterable[Turn],
        *,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
    ) -> tuple[Turn, ...]:
        """Remember turns: all of them or, on an error, none. Calls no model.

        Args:
            turns: What was said, in order.
            user_id: Whose memory.
            session_id: The conversation in which it was said.
            agent_id: Which agent writes.

        Returns:
            The turns as stored, ids and times filled in. Once this returns they are on disk. A
            turn whose id is known with the same content changes nothing.

        Raises:
            ScopeError: ``user_id``, ``session_id`` or ``agent_id`` names nobody.
            InvalidTurnError: A turn cannot be stored; its subclass ``TurnConflictError``: its id
                is taken.
            StorageError: The store cannot be written.
        """
        self._check(user_id, session_id)
        if agent_id is not None:
            check_scope_id(agent_id, "agent_id", self.settings.max_id_chars)
        new = checked_turns(turns, self.settings)
        if not new:
            return ()
        with self._activity.call(), self._ledger.write() as connection:
            stored = insert_turns(
                connection,
                self._ledger.lexical,
                new,
                user_id=user_id,
                session_id=session_id,
                agent_id=agent_id,
            )
        self._store.indexer.wake()
        self._consolidator.wake()
        return tuple(stored)

    def history(self, *, user_id: str, session_id: str = "default") -> tuple[Turn, ...]:
        """Every turn of a session, verbatim, oldest first.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
        """
        return self._session(user_id, session_id, whole=True)

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
        recent = self._session(user_id, session_id, whole=False)
        return window(recent, budget, measure or (lambda turn: self.count_tokens(turn.text)))

    def clear_short_term(self, *, user_id: str, session_id: str = "default") -> None:
        """Begin the session's short-term window anew; history and recall keep everything.

        Raises:
            ScopeError: ``user_id`` or ``session_id`` names nobody.
        """
        self._check(user_id, session_id)
        with self._ledger.write() as connection:
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
        tiers: Collection[Tier] = TIERS,
        session_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        as_of: dt.datetime | None = None,
        speakers: Collection[str] | None = None,
        exclude: Collection[str] = (),
        exclude_session: str | None = None,
        count_tokens: TokenCounter | None = None,
        strict: bool = False,
    ) -> Recall:
        """What this user's memory holds on a question.

        Sees everything that was added before. A model or index that fails does not fail the call:
        ``Recall.degraded`` says what was missing.

        Args:
            query: The question.
            user_id: Whose memory.
            k: How many hits at most; by default ``settings.k``.
            max_tokens: Size of ``Recall.text`` at most; by default ``settings.max_tokens``.
            tiers: Which memories to search: ``mtm``, ``ltm``.
            session_id: Look in this session only.
            since: Nothing said before this time.
            until: Nothing said at this time or later.
            as_of: As if asked then: only what had been said and held at that time.
            speakers: Only what these speakers said.
            exclude: Ids of turns that must not come back, such as those already in the prompt.
            exclude_session: A session whose turns must not come back.
            count_tokens: Counts tokens for this call.
            strict: Raise instead of degrading.

        Raises:
            ScopeError: ``user_id`` or a session id names nobody.
            InvalidRequestError: Another argument makes no sense.
            LightMemError: With ``strict``: what failed.
        """
        self._check(user_id)
        request = checked_request(
            self.settings,
            query=query,
            user_id=user_id,
            k=k,
            max_tokens=max_tokens,
            tiers=tiers,
            session_id=session_id,
            since=since,
            until=until,
            as_of=as_of,
            speakers=speakers,
            exclude=exclude,
            exclude_session=exclude_session,
            count_tokens=count_tokens or self.count_tokens,
            strict=strict,
        )
        with self._activity.call():
            found = recall_online(self._engine, request)
        self._accesses.note(user_id, found.hits)
        return found

    def warm_up(self) -> None:
        """Load the models and open the index now, so that the first recall need not.

        Raises:
            ModelError: A model cannot be loaded.
            StorageError: The index does not answer.
        """
        self._store.check_usable()
        self._store.indexer.warm_up()
        load(self._engine.reranker)
        load(self._engine.hypothetical)
        self.count_tokens("warm up")

    def count_tokens(self, text: str) -> int:
        """Size of a text in tokens, as this memory counts them."""
        count = self._count_tokens or shipped_token_counter()
        return count(text)

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._store.closed

    def close(self) -> None:
        """Finish what is under way and let the folder go. Closing twice is fine."""
        if not self.closed:
            self._store.check_usable()  # in a forked child there is nothing to wait for
            self._consolidator.close()
        self._engine.workers.close(self.settings.model_seconds)
        self._store.close()

    aadd = awaitable(add)
    ahistory = awaitable(history)
    ashort_term = awaitable(short_term)
    aclear_short_term = awaitable(clear_short_term)
    arecall = awaitable(recall)
    awarm_up = awaitable(warm_up)
    aclose = awaitable(close)

    def _session(self, user_id: str, session_id: str, *, whole: bool) -> tuple[Turn, ...]:
        self._check(user_id, session_id)
        with self._ledger.read() as connection:
            user = find_user(connection, user_id)
            row = None if user is None else find_session(connection, user, session_id)
            if row is None:
                return ()
            after = 0 if whole else window_start(connection, row)
            return tuple(read_turns(connection, row, after))
