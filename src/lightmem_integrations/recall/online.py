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
from dataclasses import dataclass, field

from sqlalchemy import Connection

from lightmem_integrations.errors import LightMemError
from lightmem_integrations.indexing import Indexer
from lightmem_integrations.models.embedders import encoded_query
from lightmem_integrations.models.protocols import Embedder, Encoding, Reranker
from lightmem_integrations.recall.coarse import Candidates, coarse
from lightmem_integrations.recall.pack import Quote, Ranked, pack
from lightmem_integrations.recall.plan import make_plan
from lightmem_integrations.recall.rerank import rerank
from lightmem_integrations.recall.select import Scored, select
from lightmem_integrations.records import Hit, Plan, Recall, Source
from lightmem_integrations.request import Request
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.index import VectorIndex, Vectors
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.neighbourhood import (
    Limits,
    StoredTurn,
    known_speakers,
    last_said,
    provenance,
)
from lightmem_integrations.storage.turns import User, find_session, find_user

logger = logging.getLogger(__name__)

_SHOWN_AROUND = 1


@dataclass(frozen=True, slots=True)
class Engine:
    """What a recall works with."""

    ledger: Ledger
    index: VectorIndex
    indexer: Indexer
    embedder: Embedder
    reranker: Reranker | None
    settings: Settings


@dataclass(slots=True)
class _Run:
    """One recall under way: its clock, and what went wrong so far."""

    strict: bool
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
        """Note a failure and go on; with ``strict`` let it through."""
        try:
            yield
        except Exception as error:
            if self.strict:
                raise
            logger.warning("%s: %s", what, error)
            reason = str(error) if isinstance(error, LightMemError) else type(error).__name__
            self.degraded.append(f"{what}: {reason}")


def recall_online(engine: Engine, request: Request) -> Recall:
    """Answer a request within its budget.

    Raises:
        LightMemError: Only with ``request.strict``: what a part of the path raised.
    """
    run = _Run(request.strict)
    plan = Plan(queries=(request.query,), k=request.k)
    ranked: list[Ranked] = []
    with run.stage("total"):
        with run.forgiving("memory could not be read"):
            plan, ranked = _search(engine, request, run, plan)
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


def _search(engine: Engine, request: Request, run: _Run, plan: Plan) -> tuple[Plan, list[Ranked]]:
    with engine.ledger.read() as connection:
        user = find_user(connection, request.user_id)
        if user is None or not request.searches_turns:
            return plan, []
        limits = _limits(connection, user, request)
        if limits is None:
            return plan, []
        with run.stage("plan"):
            plan = make_plan(
                request.query,
                known_speakers(connection, user),
                now=dt.datetime.now(dt.timezone.utc),
                latest=last_said(connection, user),
                k=request.k,
            )
    vector, encoding = _embedded_query(engine, user, request.query, run)
    with run.stage("coarse"):
        candidates = _candidates(engine, user, request.query, vector, limits, run)
    with run.stage("select"):
        scored = select(plan, candidates, vector, encoding)
    if engine.reranker is not None:
        with run.stage("re-rank"), run.forgiving("the re-ranker was left out"):
            scored = rerank(engine.reranker, request.query, scored, 2 * request.k)
    best = _distinct(scored, request.k)
    with engine.ledger.read() as connection:
        return plan, _ranked(connection, user, candidates, best)


def _limits(connection: Connection, user: User, request: Request) -> Limits | None:
    """The request's limits as rows of the ledger; ``None`` if nothing can be within them."""
    session = without = None
    if request.session_id is not None:
        session = find_session(connection, user, request.session_id)
        if session is None:
            return None
    if request.exclude_session is not None:
        without = find_session(connection, user, request.exclude_session)
    return Limits(
        session=session,
        since=request.since,
        until=request.until,
        speakers=request.speakers,
        without_session=without,
        without_ids=request.exclude,
    )


def _embedded_query(
    engine: Engine, user: User, query: str, run: _Run
) -> tuple[Vectors | None, Encoding | None]:
    """The question's vectors, after what waits for its own was given the chance to get them."""
    vector: Vectors | None = None
    encoding: Encoding | None = None
    with run.stage("embed"), run.forgiving("searched by words only"):
        vector, encoding = encoded_query(engine.embedder, query)
    if vector is None:
        return None, None
    with run.stage("catch up"), run.forgiving("new turns are found by words only"):
        left = engine.indexer.catch_up(user, engine.settings.catch_up_seconds)
        if left:
            run.degraded.append(f"{left} turns are not embedded yet and are found by words only")
    return vector, encoding


def _candidates(
    engine: Engine, user: User, query: str, vector: Vectors | None, limits: Limits, run: _Run
) -> Candidates:
    def search(index: VectorIndex | None, vector: Vectors | None) -> Candidates:
        with engine.ledger.read() as connection:
            return coarse(
                connection,
                engine.ledger.lexical,
                index,
                user,
                query=query,
                vector=vector,
                limits=limits,
                dense_pool=engine.settings.dense_pool,
                lexical_pool=engine.settings.lexical_pool,
            )

    if vector is not None and engine.indexer.ready:
        with run.forgiving("the ledger's vectors were compared one by one"):
            return search(engine.index, vector)
    return search(None, vector)


def _distinct(scored: Sequence[Scored], k: int) -> list[Scored]:
    """The best k, leaving out what somebody said again word for word."""
    seen: set[tuple[str | None, str]] = set()
    best: list[Scored] = []
    for each in scored:
        said = (each.turn.speaker, " ".join(each.turn.text.casefold().split()))
        if said not in seen:
            seen.add(said)
            best.append(each)
        if len(best) == k:
            break
    return best


def _ranked(
    connection: Connection, user: User, candidates: Candidates, best: Sequence[Scored]
) -> list[Ranked]:
    around = {each.turn.row: _around(candidates, each.turn) for each in best}
    rows = {each.turn.row for each in best} | {
        near.row for each in around.values() for near in each
    }
    known = provenance(connection, user, rows)

    def quote(turn: StoredTurn) -> Quote:
        return Quote(known[turn.row].turn, (turn.said_at, turn.row))

    ranked = []
    for each in best:
        row = each.turn.row
        if row not in known:  # forgotten while we searched
            continue
        turn = known[row].turn
        hit = Hit(
            text=turn.text,
            tier="mtm",
            score=each.score,
            parts=each.parts,
            when=each.turn.when,
            source=Source(
                session_id=known[row].session_id,
                turn_ids=(turn.id or "",),
                agent_id=known[row].agent_id,
            ),
            turns=(turn,),
        )
        near = tuple(quote(other) for other in around[row] if other.row in known)
        ranked.append(Ranked(hit, quote(each.turn), near))
    return ranked


def _around(candidates: Candidates, turn: StoredTurn) -> list[StoredTurn]:
    """The searchable turns just before and after, the nearest first, earlier before later."""
    near = [
        other
        for other in candidates.turns
        if other.session == turn.session
        and 0 < abs(other.position - turn.position) <= _SHOWN_AROUND
        and other.searchable
    ]
    return sorted(near, key=lambda other: (abs(other.position - turn.position), other.position))
