"""The online path from question to context: plan, coarse, select, pack, each timed.

A model or an index that fails costs quality, never the answer: what is left still works, and the
result says what was missing.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from lightmem_integrations.arrays import Rows, Vectors
from lightmem_integrations.engine.deadline import DaemonPool, Deadline
from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.engine.indexer import Indexer
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.models.embedders import encoded_query
from lightmem_integrations.models.protocols import Embedder, Reranker
from lightmem_integrations.recall.coarse import Candidates, coarse
from lightmem_integrations.recall.pack import Ranked, pack
from lightmem_integrations.recall.plan.aliases import with_full_names
from lightmem_integrations.recall.plan.hypothetical import Hypothetical
from lightmem_integrations.recall.plan.plan import make_plan
from lightmem_integrations.recall.select.multi_query import (
    Asked,
    merge_candidates,
    select_over,
    shares,
)
from lightmem_integrations.recall.select.rerank import rerank
from lightmem_integrations.recall.select.scorer import Scoring, plain_fusion, score
from lightmem_integrations.recall.tiers.fuse import Found, turns_only, with_knowledge
from lightmem_integrations.recall.tiers.shared import may_be_shared, with_shared
from lightmem_integrations.records.conversation import Plan, Recall
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import VectorIndex
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.turn_filter import Filter
from lightmem_integrations.storage.turn_reads import Turns, known_speakers, last_said
from lightmem_integrations.storage.users import User, find_session, find_user
from lightmem_integrations.validation import Request

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """What a recall works with."""

    ledger: Ledger
    index: VectorIndex
    indexer: Indexer
    embedder: Embedder
    identity: StoreEmbedder
    reranker: Reranker | None
    hypothetical: Hypothetical | None
    workers: DaemonPool
    settings: Settings


@dataclass(slots=True)
class _Run:
    """One recall under way: its clock, and what went wrong so far."""

    engine: Engine
    request: Request
    budget: Deadline
    milliseconds: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1_000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    @contextmanager
    def forgiving(self, what: str) -> Iterator[None]:
        """Note a failure and go on; in a strict recall let it through."""
        try:
            yield
        except Exception as error:
            if self.request.strict:
                raise
            logger.warning("%s: %s", what, error)
            reason = str(error) if isinstance(error, LightMemError) else type(error).__name__
            self.degraded.append(f"{what}: {reason}")


def recall_online(engine: Engine, request: Request) -> Recall:
    """Answer a request within its budget.

    Raises:
        LightMemError: Only with ``request.strict``: what a part of the path raised.
    """
    run = _Run(engine, request, Deadline(engine.settings.model_seconds, engine.workers))
    plan = Plan(queries=(request.query,), k=request.k)
    ranked: list[Ranked] = []
    with run.stage("total"):
        with run.forgiving("memory could not be read"):
            plan, ranked = _search(run, plan)
        with run.stage("pack"):
            packed = pack(ranked, max_tokens=request.max_tokens, count_tokens=request.count_tokens)
    return Recall(
        query=request.query,
        hits=packed.hits,
        text=packed.text,
        tokens=packed.tokens,
        plan=plan,
        milliseconds=run.milliseconds,
        degraded=tuple(run.degraded),
    )


def _search(run: _Run, plan: Plan) -> tuple[Plan, list[Ranked]]:
    request, ledger, reranker = run.request, run.engine.ledger, run.engine.reranker
    with run.stage("plan"), ledger.read() as connection:
        user = find_user(connection, request.user_id)
        if user is None:  # nothing of their own yet
            return plan, _with_shared(run, [], None)
        limits = _limits(connection, user, request)
        if limits is None:
            return plan, []
        excluded = limits.excluded_rows(connection, user)
        speakers = known_speakers(connection, user)
        now = request.as_of or time.time()
        plan = make_plan(
            with_full_names(connection, ledger.lexical, user, request.query, speakers),
            speakers,
            now=dt.datetime.fromtimestamp(now, dt.timezone.utc),
            latest=last_said(connection, user),
            k=request.k,
        )
    plan = _with_hypothetical(run, plan)
    asked = _embedded(run, user, plan, excluded)
    found = Found(plan, asked[0].vector, limits, excluded)
    if "mtm" in request.tiers:
        with run.stage("coarse"):
            candidates = _candidates(run, user, asked, limits, excluded)
        with run.stage("select"):
            # Twice as many as wanted: what is overtaken by a newer one makes room for it.
            most = request.k * max(run.engine.settings.rerank_factor, 2)
            best = select_over(plan, asked, candidates, k=most, scoring=_scoring(run))
        if reranker is not None:
            with run.stage("re-rank"), run.forgiving("the re-ranker was left out"):
                seen = best[: request.k * run.engine.settings.rerank_factor]
                said = [_as_said(candidates[0].turns, each.place) for each in seen]
                best = rerank(reranker, plan.queries[0], seen, said, run.budget)
        found = replace(found, candidates=candidates[0], best=best)
    return plan, _with_shared(run, _own(run, user, found), asked[0].vector)


def _own(run: _Run, user: User, found: Found) -> list[Ranked]:
    with run.stage("read"), run.engine.ledger.read() as connection:
        with run.forgiving("what was consolidated was left out"):
            return with_knowledge(connection, user, run.request, found)
        return turns_only(connection, user, run.request, found)


def _with_shared(run: _Run, own: list[Ranked], vector: Vectors | None) -> list[Ranked]:
    """The user's own hits and, where the store has it turned on, what several users said."""
    if not (run.engine.settings.shared_knowledge and may_be_shared(run.request)):
        return own
    with run.stage("shared"), run.forgiving("shared knowledge was left out"):
        if vector is None:
            vector = run.engine.identity.query(run.request.query)
        with run.engine.ledger.read() as connection:
            return with_shared(connection, run.request, vector, own)
    return own


def _with_hypothetical(run: _Run, plan: Plan) -> Plan:
    """The plan with what a small model adds to the question, where one is given."""
    writer = run.engine.hypothetical
    if writer is None:
        return plan
    question = plan.queries[0]
    written = writer.known(question) or ()
    if not written:
        with run.stage("hypothetical"), run.forgiving("hypothetical queries were left out"):
            written = run.budget.run(lambda left: writer.write(question, left))
    return replace(plan, queries=(question, *written))


def _as_said(turns: Turns, place: int) -> str:
    return f"{turns.speakers[place]}: {turns.texts[place]}".removeprefix(": ")


def _scoring(run: _Run) -> Scoring:
    return score if run.engine.settings.scoring == "fitted" else plain_fusion


def _limits(connection: Connection, user: User, request: Request) -> Filter | None:
    """The request's limits as rows of the ledger; ``None`` if nothing can be within them."""
    session = without = None
    if request.session_id is not None:
        session = find_session(connection, user, request.session_id)
        if session is None:
            return None
    if request.exclude_session is not None:
        without = find_session(connection, user, request.exclude_session)
    return Filter(
        session=session,
        since=request.since,
        until=request.until,
        speakers=request.speakers,
        excluded_session=without,
        excluded_ids=request.exclude,
    )


def _embedded(run: _Run, user: User, plan: Plan, excluded: Rows) -> list[Asked]:
    """The queries' vectors, after what waits for its own was given the chance to get them."""
    engine = run.engine
    asked: list[Asked] = []
    for query in plan.queries:
        asked.append(Asked(query))
        with run.stage("embed"), run.forgiving("searched by words only"):
            vector, encoding = encoded_query(engine.embedder, query)
            engine.identity.check_dimension(vector)
            asked[-1] = Asked(query, vector, encoding if engine.settings.late_interaction else None)
    if asked[0].vector is None:
        return asked
    with run.stage("catch up"), run.forgiving("new turns are found by words only"):
        left = engine.indexer.catch_up(user, engine.settings.catch_up_seconds, excluded.tolist())
        if left:
            run.degraded.append(f"{left} turns are not embedded yet and are found by words only")
    return asked


def _candidates(
    run: _Run, user: User, asked: Sequence[Asked], limits: Filter, excluded: Rows
) -> list[Candidates]:
    engine = run.engine
    dense = shares(engine.settings.dense_pool, len(asked))
    lexical = shares(engine.settings.lexical_pool, len(asked))

    def search(index: VectorIndex | None) -> list[Candidates]:
        with engine.ledger.read() as connection:
            return merge_candidates(
                [
                    coarse(
                        connection,
                        engine.ledger.lexical,
                        index,
                        user,
                        query=each.text,
                        vector=each.vector,
                        limits=limits,
                        excluded=excluded,
                        dense_pool=dense[i],
                        lexical_pool=lexical[i],
                    )
                    for i, each in enumerate(asked)
                ]
            )

    if asked[0].vector is not None and engine.indexer.ready:
        with run.forgiving("the ledger's vectors were compared one by one"):
            return search(engine.index)
    return search(None)
