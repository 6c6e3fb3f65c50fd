"""The online path: plan -> coarse -> select -> re-rank -> fuse -> pack, each stage one call, timed.

A model or an index that fails costs quality, never the answer: what is left still works, and the
result says what was missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import counted
from lightmem_integrations.engine.deadline import Deadline
from lightmem_integrations.models.protocols import Encoding
from lightmem_integrations.recall.candidates import (
    Candidates,
    EmbeddedQuery,
    Found,
    Selection,
)
from lightmem_integrations.recall.coarse import coarse
from lightmem_integrations.recall.memories import Memory, memories_of, merged, of_space
from lightmem_integrations.recall.pack import pack
from lightmem_integrations.recall.plan.purpose import BROAD
from lightmem_integrations.recall.plan.question import essence, plan_question
from lightmem_integrations.recall.rerank import rerank
from lightmem_integrations.recall.run import RecallParts, Run
from lightmem_integrations.recall.scores import scored
from lightmem_integrations.recall.select.multi_query import merge_candidates, select_over, shares
from lightmem_integrations.recall.select.scorer import full, plain_fusion
from lightmem_integrations.recall.select.versions import in_order_of_time
from lightmem_integrations.recall.tiers.fact_view import FactView
from lightmem_integrations.recall.tiers.facts import view_facts, with_outdated
from lightmem_integrations.recall.tiers.fuse import fuse
from lightmem_integrations.recall.tiers.shared import may_be_shared, with_shared
from lightmem_integrations.records.conversation import Plan, Recall
from lightmem_integrations.storage.index import VectorIndex
from lightmem_integrations.storage.index_contents import check_used
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.turn_vectors import count_pending_turns
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.temporal import names_dates
from lightmem_integrations.validation import Request

# Of so many turns that the index lacks still, the vectors are sooner compared in memory, with all
# others, than read from the ledger: a guess.
_MANY_WAIT = 200
# Tokens of a line that is shown: what fills the budget are not more turns than it has room for with
# lines of this size. A guess.
_SHORT_LINE = 20


def recall_online(parts: RecallParts, request: Request, spaces: Sequence[str] = ()) -> Recall:
    """Answer a request within its budget.

    Args:
        parts: What to work with.
        request: What is asked, and whose memory.
        spaces: Names of the spaces to search besides, which the user may read.

    Raises:
        LightMemError: Only with ``request.strict``: what a part of the path raised.
    """
    asked = replace(request, query=essence(request.query))
    run = Run(parts, asked)
    plan = Plan(queries=(asked.query,), k=request.k)
    found = Found()
    with run.stage("total"):
        with run.forgiving("memory could not be read"):
            plan, found = _search(run, plan, spaces)
            found = scored(found, asked.score_threshold)
        with run.stage("pack"):
            packed = pack(
                found, max_tokens=request.max_tokens, count_tokens=request.count_tokens,
                pieces=plan.purpose in BROAD,
            )  # fmt: skip
    return Recall(
        query=request.query, hits=packed.hits, further=packed.further, known=packed.known,
        cuts=packed.cuts, text=packed.text, tokens=packed.tokens, max_tokens=request.max_tokens,
        plan=plan, milliseconds=run.milliseconds, degraded=tuple(dict.fromkeys(run.degraded)),
    )  # fmt: skip


def _search(run: Run, plan: Plan, spaces: Sequence[str]) -> tuple[Plan, Found]:
    request, ledger = run.request, run.parts.store.ledger
    with run.stage("plan"), ledger.read() as connection:
        memories = memories_of(connection, request, spaces, run.parts.store)
        if not memories:  # nothing of their own yet
            return plan, _with_shared(run, Found(), None)
        users = [memory.user for memory in memories]
        dated = names_dates(request.query)
        if not dated:
            plan = _plan(run, plan, lambda: plan_question(connection, users, request))
    if dated:
        plan = _plan(run, plan, lambda: _plan_in_time(run, users))
    models = run.deadline("model_seconds", run.parts.pool)
    plan = _with_hypothetical(run, plan, models)
    queries = _embed(run, plan)
    found = merged([_search_one(run, each, plan, queries, models) for each in memories], plan.k)
    return plan, _with_shared(run, found, queries[0].vector)


def _search_one(
    run: Run, memory: Memory, plan: Plan, queries: Sequence[EmbeddedQuery], models: Deadline
) -> Found:
    """What one memory has to say on the question."""
    user, limits, vector = memory.user, memory.limits, queries[0].vector
    if memory.waits and vector is not None:
        _catch_up(run, user, limits)
    facts = _facts(run, user, plan, vector, limits)
    selection = None
    if "mtm" in run.request.tiers:
        by_query = _coarse(run, user, plan, queries, limits, facts)
        selected = _select(run, plan, queries, by_query, facts)
        selection = _rerank(run, plan, selected, models)
        with run.stage("versions"):
            selection = in_order_of_time(plan, queries[0], selection)
    return of_space(_fuse(run, memory, plan, facts, selection), memory.space)


def _plan(run: Run, plain: Plan, planned: Callable[[], Plan]) -> Plan:
    """The plan that the question's names and dates make of a plain one."""
    with run.forgiving("names and dates in the question were not read"):
        return planned()
    return plain


def _plan_in_time(run: Run, users: Sequence[User]) -> Plan:
    """The plan of a question with dates, whose parser loads slowly."""

    def planned() -> Plan:
        with run.parts.store.ledger.read() as connection:
            return plan_question(connection, users, run.request)

    with run.stage("plan"):
        return run.deadline("embed_seconds", run.parts.embedding).run(planned)


def _with_hypothetical(run: Run, plan: Plan, models: Deadline) -> Plan:
    """The plan with what a small model adds to the question, where one is given."""
    writer = run.parts.hypothetical
    if writer is None:
        return plan
    question = plan.queries[0]
    written = writer.known(question) or ()
    if not written:
        with run.stage("hypothetical"), run.forgiving("hypothetical queries were left out"):
            written = models.run(lambda: writer.write(question, models.left))
    return replace(plan, queries=(question, *written))


def _embed(run: Run, plan: Plan) -> list[EmbeddedQuery]:
    """The queries with their vectors, where they could be had."""
    parts, embedder = run.parts, run.parts.store.embedder
    queries = [EmbeddedQuery(text) for text in plan.queries]
    limit = run.deadline("embed_seconds", parts.embedding)

    def embedded(text: str) -> tuple[Vectors, Encoding | None, bool]:
        return limit.run(lambda: (*embedder.encoded_query(text), embedder.reads(text)))

    for place, text in enumerate(plan.queries):
        with run.stage("embed"), run.forgiving("searched by words only"):
            vector, encoding, understood = embedded(text)
            tokens = encoding if parts.settings.late_interaction else None
            queries[place] = EmbeddedQuery(text, vector, tokens, understood)
    return queries


def _catch_up(run: Run, user: User, limits: RowFilter) -> None:
    """Give what waits for its vector the chance to get it."""
    parts = run.parts
    lost = "new turns are found by words only"
    with run.stage("catch up"), run.forgiving(lost):
        indexer, excluded = parts.store.indexer, limits.excluded.tolist()
        indexed = not parts.settings.background_indexing  # else a thread does that soon
        left = indexer.waiting(user.row, excluded, embedded=False)
        limit = run.deadline("catch_up_seconds", parts.embedding)
        if left and (seconds := limit.left) > 0:
            with suppress(TimeoutError):
                left = parts.embedding.run(
                    lambda: indexer.catch_up(user.row, seconds, excluded, index=indexed), seconds
                )
        if left:
            waited = f"{counted(left, 'turn')} not embedded yet: found by words only, after {limit}"
            run.without(lost, waited)


def _facts(run: Run, user: User, plan: Plan, vector: Vectors | None, limits: RowFilter) -> FactView:
    """What facts have to say on the question, where they can be read."""
    request, store, lost = run.request, run.parts.store, "what was consolidated was left out"
    with run.stage("facts"), run.forgiving(lost), store.ledger.read() as connection:
        return view_facts(connection, store.statements, user, request, plan, vector, limits)
    return FactView()


def _coarse(
    run: Run,
    user: User,
    plan: Plan,
    queries: Sequence[EmbeddedQuery],
    limits: RowFilter,
    facts: FactView,
) -> list[Candidates]:
    """The candidates of all queries, for each of them."""
    store, settings = run.parts.store, run.parts.settings
    dense = shares(settings.dense_pool, len(queries))
    lexical = shares(settings.lexical_pool, len(queries))

    def search(index: VectorIndex | None) -> list[Candidates]:
        with store.ledger.read() as connection:
            columns = store.columns.of(connection, user)
            if index is not None and columns is not None:
                many = count_pending_turns(connection, user.row) > _MANY_WAIT
                index = None if many else index
            if index is not None:
                check_used(connection, store.indexer.kind)
            return merge_candidates(
                [
                    coarse(
                        connection, index, user, query=query, columns=columns,
                        limits=limits, dense_pool=dense[i], lexical_pool=lexical[i],
                        guided=plan.purpose == "request", cited=facts.cited(),
                    )
                    for i, query in enumerate(queries)
                ]
            )  # fmt: skip

    in_index = user.indexed and user.searchable > store.exact_up_to
    with run.stage("coarse"):
        if queries[0].vector is not None and in_index and store.indexer.ready:
            with run.forgiving("the ledger's vectors were compared one by one"):
                return search(store.index)
        return search(None)


def _select(
    run: Run,
    plan: Plan,
    queries: Sequence[EmbeddedQuery],
    by_query: Sequence[Candidates],
    facts: FactView,
) -> Selection:
    settings = run.parts.settings
    scoring = full if settings.scoring == "full" else plain_fusion
    # Twice as many as wanted: what is superseded by a newer one makes room for it.
    most = plan.k * max(settings.rerank_factor, 2)
    filling = run.request.max_tokens // _SHORT_LINE
    with run.stage("select"):
        ranked = select_over(
            plan, queries, by_query, k=most + filling, scoring=scoring, keys=facts.keys()
        )
    own = by_query[0]
    return Selection(own.turns, own.showable, ranked[:most], ranked[most:], ranked=own.ranked)


def _rerank(run: Run, plan: Plan, selection: Selection, models: Deadline) -> Selection:
    reranker = run.parts.reranker
    if reranker is None:
        return selection
    with run.stage("re-rank"), run.forgiving("the re-ranker was left out"):
        count = plan.k * run.parts.settings.rerank_factor
        seen, unseen = selection.best[:count], selection.best[count:]
        texts = [selection.line(scored) for scored in seen]
        counts = selection.turns.importance[[scored.place for scored in seen]]
        best = rerank(reranker, plan.queries[0], seen, texts, models, counts)
        return replace(selection, best=best, further=[*unseen, *selection.further])
    return selection


def _fuse(
    run: Run, memory: Memory, plan: Plan, facts: FactView, selection: Selection | None
) -> Found:
    """What was found of one memory: turns and facts."""
    request, user, tokens = run.request, memory.user, run.request.max_tokens
    now = run.parts.store.ledger.now() if request.as_of is None else request.as_of
    with run.stage("read"), run.parts.store.ledger.read() as connection:
        if selection is not None:
            with run.forgiving("what changed was left out"):
                rows, over = selection.rows(), memory.limits.over
                facts = with_outdated(connection, user, facts, rows, request.as_of, over)
        return fuse(connection, user, plan, selection, facts, max_tokens=tokens, now=now)


def _with_shared(run: Run, own: Found, vector: Vectors | None) -> Found:
    """The user's own and, where the store has it turned on, what several users said."""
    store = run.parts.store
    if not (run.parts.settings.shared_knowledge and may_be_shared(run.request)):
        return own
    with run.stage("shared"), run.forgiving("shared knowledge was left out"):
        if vector is None:
            limit = run.deadline("embed_seconds", run.parts.embedding)
            vector = limit.run(lambda: store.embedder.encoded_query(run.request.query)[0])
        now = store.ledger.now()
        with store.ledger.read() as connection:
            return replace(own, hits=with_shared(connection, run.request, vector, own.hits, now))
    return own
